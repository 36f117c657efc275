using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Core.Projects;
using Microsoft.AspNetCore.Components;

namespace Demiurge.Web.Components.Organizations;

public sealed partial class ProjectsTab : IDisposable
{
    [Inject]
    private ProjectService Service { get; set; } = default!;

    [Inject]
    private CurrentUser Current { get; set; } = default!;

    [Inject]
    private AccessChanges Changes { get; set; } = default!;

    [Parameter, EditorRequired]
    public OrganizationInfo Organization { get; set; } = default!;

    [PersistentState]
    public IReadOnlyList<ProjectInfo>? Projects { get; set; }

    private string Filter { get; set; } = "";

    private IEnumerable<ProjectInfo> Shown => Projects!.Where(project => project.Name.Contains(Filter.Trim(), StringComparison.OrdinalIgnoreCase));

    protected override async Task OnInitializedAsync()
    {
        Changes.Changed += OnAccessChanged;
        if (Projects is null)
            await Load();
    }

    public void Dispose() => Changes.Changed -= OnAccessChanged;

    private async Task Load() => Projects = (await Service.List(await Current.Get(), Organization.Id)).Value ?? [];

    private void OnAccessChanged(AccessChanged change)
    {
        if (change.OrganizationId == Organization.Id)
            _ = InvokeAsync(async () => { await Load(); StateHasChanged(); });
    }
}
