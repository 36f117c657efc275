using Demiurge.Core;
using Demiurge.Core.Boards;
using Demiurge.Core.Boards.Commands;
using Demiurge.Core.Containers;
using Demiurge.Web.Relay;

namespace Demiurge.Web.Components.Containers;

/// <summary>Which part of a container somebody looks at.</summary>
public enum ContainerView { Overview, Terminal, Service, Logs, Story, Snapshots, Repository }

/// <summary>A part, and for <see cref="ContainerView.Service"/> which service.</summary>
/// <param name="Path">Where in the service, beginning with a slash; null: where the service begins.</param>
public readonly record struct ContainerSight(ContainerView View, string? Service = null, string? Path = null);

/// <summary>A dialog or menu of the board that is about a container.</summary>
public abstract record ContainerAsk;

/// <summary>The menu of a container.</summary>
/// <param name="X">In the window, CSS pixels.</param>
/// <param name="Y">In the window, CSS pixels.</param>
public sealed record AskMenu(Guid ContainerId, string NodeId, double X, double Y) : ContainerAsk;

/// <summary>A new container.</summary>
/// <param name="Template">Slug of the template to begin with; null: none yet.</param>
/// <param name="At">Where its node's middle goes, board units.</param>
public sealed record AskNew(string? Template, BoardPoint At) : ContainerAsk;

/// <summary>A new container as the template proposes it, without questions where it has none.</summary>
/// <param name="Template">Slug of the template.</param>
/// <param name="At">Where its node's middle goes, board units.</param>
public sealed record AskPlace(string Template, BoardPoint At) : ContainerAsk;

/// <summary>Containers that were taken off the board are to be deleted, too.</summary>
public sealed record AskDeleteLeft(IReadOnlyList<Guid> ContainerIds) : ContainerAsk;

public sealed record AskShare(Guid ContainerId) : ContainerAsk;

/// <summary>Another size or other options.</summary>
public sealed record AskSettings(Guid ContainerId) : ContainerAsk;

public sealed record AskRename(Guid ContainerId, string? NodeId) : ContainerAsk;

/// <summary>Nodes that show containers are to be deleted, perhaps with others.</summary>
public sealed record AskDelete(IReadOnlyList<string> NodeIds) : ContainerAsk;

/// <summary>These nodes get containers of their own, made like the ones that they show.</summary>
public sealed record AskOwnContainers(IReadOnlyList<string> NodeIds) : ContainerAsk;

/// <summary>The list of the project's containers, shown or put away.</summary>
public sealed record AskPanel : ContainerAsk;

/// <summary>
/// What the container nodes of one circuit's board share: the containers, what this person looks at in each, and the dialogs. Lives on the
/// circuit's thread, apart from <see cref="Containers"/>.
/// </summary>
public sealed class ContainerBoard(BoardSession session, ProjectContainers containers, Func<string, object?, Task> module)
{
    /// <summary>What was opened by hand, latest last.</summary>
    private readonly List<string> opened = [];

    private readonly Dictionary<string, ContainerSight> sights = [];

    public BoardSession Session => session;

    public ProjectContainers Containers => containers;

    /// <summary>Somebody on this circuit asked for a dialog.</summary>
    public event Action<ContainerAsk>? Asked;

    public void Ask(ContainerAsk ask) => Asked?.Invoke(ask);

    /// <summary>What this person looks at in the node; null: they haven't said.</summary>
    public ContainerSight? SightOf(string nodeId) => sights.TryGetValue(nodeId, out var sight) ? sight : null;

    /// <summary>Remembers what they look at. Terminals and pages stay alive when the board is moved away from them, the latest few of them.</summary>
    public Task Look(string nodeId, ContainerSight sight)
    {
        sights[nodeId] = sight;
        opened.Remove(nodeId);
        if (sight.View is ContainerView.Terminal or ContainerView.Service)
            opened.Add(nodeId);
        if (opened.Count > NearNodes.MostKept)
            opened.RemoveAt(0);
        return session.Keep(opened.ToHashSet());
    }

    /// <summary>Puts a node for the container on the board. Returns its id.</summary>
    /// <param name="middle">Board units; null: near the other containers, where nothing is.</param>
    public async Task<Result<string>> Place(ContainerInfo info, BoardPoint? middle)
    {
        var size = new BoardSize(Math.Clamp(info.Template.Width, 320, 2000), Math.Clamp(info.Template.Height, 220, 2000));
        var at = middle ?? FreePlace.For(size, [.. (await session.ContainerNodes()).Select(node => node.Bounds)], await session.Boxes());
        var id = Guid.NewGuid().ToString();
        var placed = await session.Apply(
        [
            new CreateNode(new NodeSpec(
                id, NodeKind.Container, at.X - size.Width / 2, at.Y - size.Height / 2, size.Width, size.Height, Text: info.Name, Data: NodeData.OfContainer(info.Id))),
        ]);
        return placed.Succeeded ? id : placed.Error;
    }

    /// <summary>Lets the browser fly to the node and select it.</summary>
    public Task Show(string nodeId) => module("focusNode", nodeId);

    /// <summary>Lets the browser carry out a command of its own.</summary>
    public Task Tell(string command, object? argument = null) => module(command, argument);
}
