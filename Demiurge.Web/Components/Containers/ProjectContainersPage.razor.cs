using Demiurge.Core.Containers;
using Demiurge.Core.Projects;
using Microsoft.AspNetCore.Components;
using Radzen;

namespace Demiurge.Web.Components.Containers;

/// <summary>A project's containers as a list, for those who don't come by the board. Kept up while it is open.</summary>
public sealed partial class ProjectContainersPage : IAsyncDisposable
{
    private int pending;

    [Inject]
    private ProjectService Projects { get; set; } = default!;

    [Inject]
    private ContainerService Service { get; set; } = default!;

    [Inject]
    private ContainerChanges Changes { get; set; } = default!;

    [Inject]
    private ContainerCommands Commands { get; set; } = default!;

    [Inject]
    private CurrentUser Current { get; set; } = default!;

    [Inject]
    private DialogService Dialogs { get; set; } = default!;

    [Inject]
    private NavigationManager Navigation { get; set; } = default!;

    [Inject]
    private TimeProvider Time { get; set; } = default!;

    [Inject]
    private ILogger<ProjectContainersPage> Logger { get; set; } = default!;

    [Parameter]
    public Guid Id { get; set; }

    [SupplyParameterFromQuery(Name = "state")]
    public string? StateName { get; set; }

    [SupplyParameterFromQuery(Name = "template")]
    public string? TemplateSlug { get; set; }

    [SupplyParameterFromQuery(Name = "owner")]
    public string? OwnerId { get; set; }

    [SupplyParameterFromQuery(Name = "q")]
    public string? Text { get; set; }

    [PersistentState]
    public ProjectInfo? Project { get; set; }

    private ProjectContainers? Containers { get; set; }

    private IReadOnlyList<ContainerInfo> Deleted { get; set; } = [];

    private ContainerFilter Filter { get; set; } = ContainerFilter.Of(null, null, null, null);

    private IReadOnlyList<ContainerInfo> Shown => [.. Containers!.All.Where(Filter.Matches)];

    private ContainerAsk? Asked { get; set; }

    protected override async Task OnParametersSetAsync()
    {
        Filter = ContainerFilter.Of(StateName, TemplateSlug, OwnerId, Text);
        if (Project?.Id == Id)
            return;
        Project = (await Projects.Get(await Current.Get(), Id)).Value;
        if (Project is null)
            Navigation.NotFound();
    }

    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (!firstRender || Project is null)
            return;
        Containers = new ProjectContainers(Service, Changes, await Current.Get(), Id, Time, Logger);
        Containers.Changed += OnChanged;
    }

    public async ValueTask DisposeAsync()
    {
        if (Containers is null)
            return;
        Containers.Changed -= OnChanged;
        await Containers.DisposeAsync();
    }

    private void OnChanged(Guid? id)
    {
        if (Interlocked.Exchange(ref pending, 1) == 0)
            _ = InvokeAsync(async () =>
            {
                Interlocked.Exchange(ref pending, 0);
                Deleted = (await Service.List(await Current.Get(), Id, deleted: true)).Value ?? [];
                StateHasChanged();
            });
    }

    private void Narrow(ContainerFilter filter)
    {
        Filter = filter;
        Navigation.NavigateTo(Navigation.GetUriWithQueryParameters(filter.Query()), new NavigationOptions { ReplaceHistoryEntry = true });
    }

    private void Close() => Asked = null;

    private void Created(ContainerInfo info)
    {
        Asked = null;
        Containers!.Put(info);
    }

    private async Task Delete(ContainerInfo info)
    {
        Asked = null;
        var sure = await Dialogs.Confirm(
            "It stops for everybody. That can be taken back for a day; then its data is gone for good.", $"Delete {info.Name}?",
            new ConfirmOptions { CssClass = "destructive", OkButtonText = "Delete", CancelButtonText = "Cancel" });
        if (sure == true && await Commands.Delete(info) is { } deleted)
            Containers!.Put(deleted);
    }

    private async Task Undelete(ContainerInfo info)
    {
        if (await Commands.Undelete(info) is { } back)
            Containers!.Put(back);
    }
}
