using Demiurge.Core.Containers;
using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;

namespace Demiurge.Web.Components.Containers;

/// <summary>A container in the whole window; <c>?view=</c> and <c>?service=</c> (with <c>&amp;path=</c>) say which part, so the address can be passed on.</summary>
public sealed partial class ContainerPage
{
    private IJSObjectReference? clocks;

    [Inject]
    private ContainerService Service { get; set; } = default!;

    [Inject]
    private ContainerChanges Changes { get; set; } = default!;

    [Inject]
    private CurrentUser Current { get; set; } = default!;

    [Inject]
    private TimeProvider Time { get; set; } = default!;

    [Inject]
    private IJSRuntime Js { get; set; } = default!;

    [Inject]
    private ILogger<ContainerPage> Logger { get; set; } = default!;

    [Parameter]
    public Guid ProjectId { get; set; }

    [Parameter]
    public Guid ContainerId { get; set; }

    /// <summary>overview, terminal, service, logs, snapshots, repository or story.</summary>
    [SupplyParameterFromQuery(Name = "view")]
    public string? ViewName { get; set; }

    [SupplyParameterFromQuery(Name = "service")]
    public string? ServiceName { get; set; }

    [SupplyParameterFromQuery(Name = "path")]
    public string? PathName { get; set; }

    private ProjectContainers? Containers { get; set; }

    private ContainerInfo? Info { get; set; }

    private bool Missing { get; set; }

    private (double X, double Y)? Menu { get; set; }

    private ContainerAsk? Asked { get; set; }

    private ContainerSight Sight
    {
        get
        {
            var wanted = ViewName is null && ServiceName is null ? ContainerContent.Usual(Info!)
                : ServiceName is not null ? new ContainerSight(ContainerView.Service, ServiceName, PathName)
                : Enum.TryParse<ContainerView>(ViewName, ignoreCase: true, out var view) ? new ContainerSight(view) : default;
            return ContainerContent.Views(Info!).Any(view => view.Sight == wanted) ? wanted : new(ContainerView.Overview);
        }
    }

    public static string QueryOf(ContainerSight sight) => sight.Service is { } service
        ? $"?service={Uri.EscapeDataString(service)}{(sight.Path is { } path ? $"&path={Uri.EscapeDataString(path)}" : "")}"
        : $"?view={sight.View.ToString().ToLowerInvariant()}";

    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (!firstRender)
            return;
        Containers = new ProjectContainers(Service, Changes, await Current.Get(), ProjectId, Time, Logger);
        Containers.Changed += OnChanged;
        try
        {
            var module = await Js.InvokeAsync<IJSObjectReference>("import", "/" + Assets["board/clocks.js"].TrimStart('/'));
            clocks = await module.InvokeAsync<IJSObjectReference>("startClocks");
        }
        catch (Exception exception) when (exception is JSDisconnectedException or OperationCanceledException)
        {
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Containers is not null)
        {
            Containers.Changed -= OnChanged;
            await Containers.DisposeAsync();
        }
        try
        {
            if (clocks is not null)
                await clocks.InvokeVoidAsync("stop");
        }
        catch (Exception exception) when (exception is JSDisconnectedException or JSException or OperationCanceledException)
        {
        }
    }

    private void OnChanged(Guid? id)
    {
        if (id is null || id == ContainerId)
            _ = InvokeAsync(() =>
            {
                Info = Containers!.Find(ContainerId, out var missing);
                // Somebody else's address with this project's id in it shows nothing.
                Missing = missing || (Info is not null && Info.ProjectId != ProjectId);
                if (Missing)
                    Info = null;
                StateHasChanged();
            });
    }

    private void Renamed(ContainerInfo info)
    {
        Asked = null;
        Containers!.Put(info);
    }
}
