using Demiurge.Core;
using Demiurge.Core.Boards;
using Demiurge.Core.Boards.Commands;
using Demiurge.Core.Containers;
using Demiurge.Web.Components.Parts;
using Microsoft.AspNetCore.Components;
using Radzen;

namespace Demiurge.Web.Components.Containers;

/// <summary>Carries out what is decided in the dialogs: the container's part by its service, the board's by the session.</summary>
public sealed partial class ContainerLayer : IDisposable
{
    [Inject]
    private ContainerCommands Commands { get; set; } = default!;

    [Inject]
    private ContainerOffers Offers { get; set; } = default!;

    [Inject]
    private ContainerService Service { get; set; } = default!;

    [Inject]
    private CurrentUser Current { get; set; } = default!;

    [Inject]
    private NotificationService Notifications { get; set; } = default!;

    [Parameter, EditorRequired]
    public ContainerBoard Board { get; set; } = default!;

    private ContainerAsk? Asked { get; set; }

    private bool PanelOpen { get; set; }

    /// <summary>The containers whose nodes are to be deleted.</summary>
    private IReadOnlyList<ContainerInfo> Concerned { get; set; } = [];

    protected override void OnInitialized()
    {
        Board.Asked += OnAsked;
        Board.Containers.Changed += OnChanged;
    }

    public void Dispose()
    {
        Board.Asked -= OnAsked;
        Board.Containers.Changed -= OnChanged;
    }

    private ContainerInfo? Find(Guid id) => Board.Containers.Find(id, out _);

    private void OnAsked(ContainerAsk ask) => _ = InvokeAsync(async () =>
    {
        await Show(ask);
        StateHasChanged();
    });

    private void OnChanged(Guid? id)
    {
        if (Asked is not (null or AskNew))
            _ = InvokeAsync(StateHasChanged);
    }

    private async Task Show(ContainerAsk ask)
    {
        if (ask is AskPanel)
        {
            PanelOpen = !PanelOpen;
            return;
        }
        if (ask is AskOwnContainers own)
        {
            foreach (var id in own.NodeIds)
                await MakeOwn(id);
            return;
        }
        if (ask is AskPlace place)
        {
            await MakeAsProposed(place);
            return;
        }
        if (ask is AskDeleteLeft left)
        {
            foreach (var id in left.ContainerIds)
            {
                if (Find(id) is { } info && await Commands.Delete(info) is { } deleted)
                    Board.Containers.Put(deleted);
            }
            return;
        }
        if (ask is AskDelete delete)
        {
            Concerned = await Shown(delete.NodeIds);
            if (Concerned.Count == 0)
            {
                await Delete(delete.NodeIds, alsoContainers: false);
                return;
            }
        }
        Asked = ask;
    }

    private void Close() => Asked = null;

    private async Task Created(ContainerInfo info, BoardPoint at)
    {
        Close();
        Board.Containers.Put(info);
        await Put(info, at);
    }

    /// <summary>Makes one with the template's own answers; where it leaves something open, the dialog asks.</summary>
    private async Task MakeAsProposed(AskPlace place)
    {
        var offer = await Offers.In(await Current.Get(), Board.Containers.ProjectId);
        if (offer.Value?.Templates.FirstOrDefault(template => template.Slug == place.Template) is not { } template)
        {
            Notifications.Refuse(offer.Error ?? new Error("template.not_offered", "That template isn't offered any more.", ErrorKind.NotFound));
            return;
        }
        if (template.Spec.Options.Any(option => option.Required && string.IsNullOrEmpty(option.Default)))
        {
            Asked = new AskNew(place.Template, place.At);
            return;
        }
        var made = await Service.Create(await Current.Get(), new NewContainer(Board.Containers.ProjectId, template.Id, Name: NewName(template.Name)));
        if (made.Succeeded)
            await Created(made.Value, place.At);
        else
            Notifications.Refuse(made.Error);
    }

    /// <summary>The template's name, with a number when there are such already.</summary>
    private string NewName(string name)
    {
        var taken = Board.Containers.All.Select(info => info.Name).ToHashSet(StringComparer.OrdinalIgnoreCase);
        return !taken.Contains(name) ? name : Enumerable.Range(2, taken.Count + 1).Select(number => $"{name} {number}").First(numbered => !taken.Contains(numbered));
    }

    private async Task Put(ContainerInfo info, BoardPoint? at)
    {
        var placed = await Board.Place(info, at);
        if (!placed.Succeeded)
            Notifications.Refuse(placed.Error);
        else if (at is null)
            await Board.Show(placed.Value);
    }

    private async Task Renamed(ContainerInfo info)
    {
        Close();
        Board.Containers.Put(info);
        // The node's text is what search finds and what is drawn from afar.
        var nodes = await Board.Session.ContainerNodes();
        await Board.Session.Apply([.. nodes.Where(node => node.ContainerId == info.Id && !node.Locked).Select(node => new SetText(node.Id, info.Name))]);
    }

    private async Task Duplicate(ContainerInfo info, string nodeId)
    {
        Close();
        if (await Commands.Duplicate(info) is not { } copy)
            return;
        Board.Containers.Put(copy);
        var node = await Board.Session.Node(nodeId);
        await Put(copy, node is null ? null : node.Bounds.Center + new BoardPoint(node.Size.Width + 40, 0));
    }

    /// <summary>Gives a node a container like the one that it shows: a node in the same place takes over.</summary>
    private async Task MakeOwn(string nodeId)
    {
        if (await Board.Session.Node(nodeId) is not { ContainerId: { } id } node || Find(id) is not { } info || await Commands.Duplicate(info) is not { } copy)
            return;
        Board.Containers.Put(copy);
        var (bounds, fresh) = (node.Bounds, Guid.NewGuid().ToString());
        var replaced = await Board.Session.Apply(
        [
            new DeleteItems([nodeId]),
            new CreateNode(new NodeSpec(
                fresh, NodeKind.Container, bounds.X, bounds.Y, bounds.Width, bounds.Height, node.Frame ?? "", Text: copy.Name, Data: NodeData.OfContainer(copy.Id))),
        ]);
        if (!replaced.Succeeded)
            Notifications.Refuse(replaced.Error);
    }

    private async Task Delete(IReadOnlyList<string> nodeIds, bool alsoContainers)
    {
        Close();
        var removed = await Board.Session.Apply([new DeleteItems([.. nodeIds])]);
        if (!removed.Succeeded)
        {
            Notifications.Refuse(removed.Error);
            return;
        }
        if (!alsoContainers)
            return;
        foreach (var info in Concerned.Where(info => info.CanManage && info.DeletedAt is null))
        {
            if (await Commands.Delete(info) is { } deleted)
                Board.Containers.Put(deleted);
        }
    }

    /// <summary>The containers that these nodes, and what the frames among them hold, show.</summary>
    private async Task<IReadOnlyList<ContainerInfo>> Shown(IReadOnlyList<string> nodeIds)
    {
        var doomed = nodeIds.ToHashSet();
        var shown = new List<ContainerInfo>();
        foreach (var node in await Board.Session.ContainerNodes())
        {
            for (var at = node; at is not null; at = at.Frame is null ? null : await Board.Session.Node(at.Frame))
            {
                if (!doomed.Contains(at.Id))
                    continue;
                if (Find(node.ContainerId!.Value) is { } info)
                    shown.Add(info);
                break;
            }
        }
        return [.. shown.DistinctBy(info => info.Id)];
    }
}
