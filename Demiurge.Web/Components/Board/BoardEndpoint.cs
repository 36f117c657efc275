using System.Text.Json;
using Demiurge.Core;
using Demiurge.Core.Boards;
using Demiurge.Web.Components.Containers;
using Demiurge.Web.Relay;
using Microsoft.JSInterop;

namespace Demiurge.Web.Components.Board;

/// <summary>Whether what was asked for has been done.</summary>
public sealed record BoardAnswer(bool Accepted, string? Error = null, IReadOnlyList<string>? Created = null, IReadOnlyDictionary<string, string>? Map = null);

/// <summary>A container that no node shows any more after a step back or forth.</summary>
public sealed record LeftContainer(Guid Id, string Name, bool MayDelete);

/// <summary>Whether a step back or forth was made, and which containers it took off the board.</summary>
public sealed record StepAnswer(bool Accepted, string? Error, IReadOnlyList<LeftContainer> Left);

/// <summary>
/// A text's version; with <see cref="Text"/>, what the browser has to start over from. With <see cref="Edit"/> too, that text contains the
/// page's edits up to this number.
/// </summary>
public sealed record TextAnswer(long Version, string? Text = null, string? Error = null, uint? Edit = null);

/// <summary>
/// What the browser module may call over the circuit (<c>client/server.ts</c>). Anybody with a circuit can call it with anything: every
/// method leaves the judging to <see cref="BoardSession"/> and answers with words, not exceptions.
/// </summary>
public sealed class BoardEndpoint(BoardSession session, ContainerBoard containers)
{
    [JSInvokable]
    public async Task<BoardAnswer> Apply(uint batch, JsonElement commands)
    {
        var edit = await session.Apply(batch, commands);
        return edit.Succeeded ? new BoardAnswer(true, null, edit.Value.Created, edit.Value.Map) : new BoardAnswer(false, edit.Error.Message);
    }

    [JSInvokable]
    public Task<StepAnswer> Undo() => Step(session.Undo);

    [JSInvokable]
    public Task<StepAnswer> Redo() => Step(session.Redo);

    [JSInvokable]
    public async Task<TextAnswer> OpenText(string? id)
    {
        var text = await session.OpenText(id ?? "");
        return text.Succeeded ? new TextAnswer(text.Value.Version, text.Value.Text) : new TextAnswer(0, null, text.Error.Message);
    }

    [JSInvokable]
    public async Task<TextAnswer> EditText(string? id, long version, JsonElement delta, uint number)
    {
        var outcome = await session.EditText(id ?? "", version, delta, number);
        return outcome switch
        {
            { Succeeded: false } => new TextAnswer(0, null, outcome.Error.Message),
            { Value: { RestartFrom: { } text, Edit: { } last } } => new TextAnswer(outcome.Value.Version, text, null, last),
            { Value.RestartFrom: { } text } => new TextAnswer(outcome.Value.Version, text, "The text has changed too much meanwhile."),
            _ => new TextAnswer(outcome.Value.Version),
        };
    }

    [JSInvokable]
    public Task CloseText(string? id) => session.CloseText(id ?? "");

    [JSInvokable]
    public Task SetViewport(BoardViewport viewport) => session.SetViewport(viewport);

    [JSInvokable]
    public Task SetPresence(BoardPresence? presence) => session.SetPresence(presence ?? new BoardPresence());

    [JSInvokable]
    public Task<string?> Copy(string[]? ids) => session.Copy(ids ?? []);

    [JSInvokable]
    public void NewContainer(string? template, double x, double y)
    {
        if (session.CanEdit && double.IsFinite(x) && double.IsFinite(y))
            containers.Ask(new AskNew(template, new BoardPoint(x, y)));
    }

    [JSInvokable]
    public void PlaceContainer(string? template, double x, double y)
    {
        if (session.CanEdit && template is { Length: > 0 and <= 40 } && double.IsFinite(x) && double.IsFinite(y))
            containers.Ask(new AskPlace(template, new BoardPoint(x, y)));
    }

    [JSInvokable]
    public void DeleteLeftContainers(Guid[]? ids)
    {
        if (session.CanEdit && ids is { Length: > 0 and <= 20 })
            containers.Ask(new AskDeleteLeft(ids));
    }

    [JSInvokable]
    public void DeleteContainers(string[]? ids)
    {
        if (session.CanEdit && ids is { Length: > 0 and <= BoardLimits.ItemsPerBatch })
            containers.Ask(new AskDelete(ids));
    }

    [JSInvokable]
    public void DuplicateContainers(string[]? ids)
    {
        if (session.CanEdit && ids is { Length: > 0 and <= 20 })
            containers.Ask(new AskOwnContainers(ids));
    }

    /// <summary>What was made on the board is undone; what was started with it isn't, and is named.</summary>
    private async Task<StepAnswer> Step(Func<Task<Result>> step)
    {
        var before = await Shown();
        var result = await step();
        if (!result.Succeeded || before.Count == 0)
            return new StepAnswer(result.Succeeded, result.Error?.Message, []);
        before.ExceptWith(await Shown());
        return new StepAnswer(true, null,
        [
            .. before.Select(id => containers.Containers.Find(id, out _)).OfType<Core.Containers.ContainerInfo>().Where(info => info.DeletedAt is null)
                .Select(info => new LeftContainer(info.Id, info.Name, info.CanManage)),
        ]);
    }

    private async Task<HashSet<Guid>> Shown() => [.. (await session.ContainerNodes()).Select(node => node.ContainerId!.Value)];
}
