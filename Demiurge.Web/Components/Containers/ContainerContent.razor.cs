using Demiurge.Core.Boards;
using Demiurge.Core.Containers;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;

namespace Demiurge.Web.Components.Containers;

public sealed partial class ContainerContent
{
    private int pending;

    [Parameter, EditorRequired]
    public BoardNode Node { get; set; } = default!;

    [CascadingParameter]
    public ContainerBoard Board { get; set; } = default!;

    private ContainerInfo? Info { get; set; }

    private bool Missing { get; set; }

    private ContainerSight Sight { get; set; }

    /// <summary>Whether what is shown is something to work in.</summary>
    private bool IsLive => Sight.View is ContainerView.Terminal or ContainerView.Service;

    private string FullAddress => $"/projects/{Info!.ProjectId}/containers/{Info.Id}{ContainerPage.QueryOf(Sight)}";

    protected override void OnInitialized() => Board.Containers.Changed += OnChanged;

    protected override void OnParametersSet() => Take();

    public void Dispose() => Board.Containers.Changed -= OnChanged;

    /// <summary>The parts that this person can look at now.</summary>
    internal static IReadOnlyList<(ContainerSight Sight, string Text)> Views(ContainerInfo info)
    {
        var views = new List<(ContainerSight, string)> { (new(ContainerView.Overview), "Overview") };
        if (info is { State: ContainerState.Running, CanOpen: true })
        {
            views.AddRange(Tabs(info));
            if (info.Template.HasTerminal && !views.Exists(view => view.Item1.View == ContainerView.Terminal))
                views.Add((new(ContainerView.Terminal), "Terminal"));
            views.AddRange(info.Services.Where(service => service.Embeddable && !views.Exists(view => view.Item1.Service == service.Name))
                .Select(service => (new ContainerSight(ContainerView.Service, service.Name), service.Title)));
        }
        if (info.CanOpen)
            views.Add((new(ContainerView.Logs), "Logs"));
        if (info.RepositoryId is not null)
            views.Add((new(ContainerView.Repository), "Git"));
        if (info.Place == ContainerPlace.Engine)
            views.Add((new(ContainerView.Snapshots), "Snapshots"));
        views.Add((new(ContainerView.Story), "Story"));
        return views;
    }

    /// <summary>What is shown to somebody who hasn't chosen: the first tab of its <c>demiurge.yaml</c>, a terminal where that is all there is, what it can do otherwise.</summary>
    internal static ContainerSight Usual(ContainerInfo info) =>
        info is not { State: ContainerState.Running, CanOpen: true } ? new(ContainerView.Overview)
        : Tabs(info).Select(tab => (ContainerSight?)tab.Sight).FirstOrDefault() is { } first ? first
        : info is { Services.Count: 0, Template.HasTerminal: true } ? new(ContainerView.Terminal)
        : new(ContainerView.Overview);

    /// <summary>Those that its <c>demiurge.yaml</c> asks for and that there are, in its order.</summary>
    private static IEnumerable<(ContainerSight Sight, string Text)> Tabs(ContainerInfo info) => info.Tabs
        .Where(tab => tab.Service is null ? info.Template.HasTerminal : info.Services.Any(service => service.Name == tab.Service && service.Embeddable))
        .Select(tab => (tab.Service is null ? new ContainerSight(ContainerView.Terminal) : new ContainerSight(ContainerView.Service, tab.Service, tab.Path), tab.Title))
        .DistinctBy(tab => tab.Item1);

    private void Take()
    {
        Info = Node.ContainerId is { } id ? Board.Containers.Find(id, out var missing) : null;
        Missing = Node.ContainerId is null || (Info is null && Board.Containers.Find(Node.ContainerId.Value, out missing) is null && missing);
        if (Info is not null)
        {
            var wanted = Board.SightOf(Node.Id) ?? Usual(Info);
            Sight = Views(Info).Any(view => view.Sight == wanted) ? wanted : new(ContainerView.Overview);
        }
    }

    private Task Look(ContainerSight sight)
    {
        Sight = sight;
        return Board.Look(Node.Id, sight);
    }

    private void OpenMenu(MouseEventArgs click) => Board.Ask(new AskMenu(Info!.Id, Node.Id, click.ClientX, click.ClientY));

    private void OnChanged(Guid? id)
    {
        if ((id is null || id == Node.ContainerId) && Interlocked.Exchange(ref pending, 1) == 0)
            _ = InvokeAsync(() =>
            {
                Interlocked.Exchange(ref pending, 0);
                var before = (Info, Missing);
                Take();
                if (before != (Info, Missing))
                    StateHasChanged();
            });
    }
}
