using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Core.Projects;
using Microsoft.AspNetCore.Components;

namespace Demiurge.Web.Components.Projects;

/// <summary>Where a person lands: what they worked on last, and their organizations.</summary>
public sealed partial class HomePage : IDisposable
{
    [Inject]
    private OrganizationService OrganizationService { get; set; } = default!;

    [Inject]
    private ProjectService ProjectService { get; set; } = default!;

    [Inject]
    private CurrentUser Current { get; set; } = default!;

    [Inject]
    private AccessChanges Changes { get; set; } = default!;

    [PersistentState]
    public IReadOnlyList<OrganizationInfo>? Organizations { get; set; }

    [PersistentState]
    public IReadOnlyList<ProjectInfo>? Recent { get; set; }

    private Guid UserId { get; set; }

    protected override async Task OnInitializedAsync()
    {
        UserId = (await Current.Get()).UserId;
        Changes.Changed += OnAccessChanged;
        if (Organizations is null || Recent is null)
            await Load();
    }

    public void Dispose() => Changes.Changed -= OnAccessChanged;

    private async Task Load()
    {
        var actor = new Actor(UserId);
        (Organizations, Recent) = (await OrganizationService.List(actor), await ProjectService.Recent(actor));
    }

    private void OnAccessChanged(AccessChanged change)
    {
        if (change.UserId is null || change.UserId == UserId)
            _ = InvokeAsync(async () => { await Load(); StateHasChanged(); });
    }

    private static string Count(int count, string noun) => count == 1 ? $"1 {noun}" : $"{count} {noun}s";
}
