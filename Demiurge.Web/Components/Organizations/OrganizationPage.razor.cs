using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Web.Components.Layout;
using Microsoft.AspNetCore.Components;

namespace Demiurge.Web.Components.Organizations;

/// <summary>An organization; <c>?tab=</c> says which part. Reloads when anybody's access in it changes, and leaves when this person's ends.</summary>
public sealed partial class OrganizationPage : IDisposable
{
    [Inject]
    private OrganizationService Organizations { get; set; } = default!;

    [Inject]
    private CurrentUser Current { get; set; } = default!;

    [Inject]
    private AccessChanges Changes { get; set; } = default!;

    [Inject]
    private NavigationState Sidebar { get; set; } = default!;

    [Inject]
    private NavigationManager Navigation { get; set; } = default!;

    [Parameter]
    public Guid Id { get; set; }

    [SupplyParameterFromQuery]
    public string? Tab { get; set; }

    [PersistentState]
    public OrganizationInfo? Organization { get; set; }

    /// <summary>This person is deleting or leaving it just now: what follows isn't news.</summary>
    private bool Ending { get; set; }

    private string OpenTab => Tabs.Any(tab => tab.Key == Tab) ? Tab! : "projects";

    private IReadOnlyList<(string Key, string Text)> Tabs => Organization!.Role >= OrganizationRole.Admin
        ? [("projects", "Projects"), ("members", "Members"), ("invitations", "Invitations"), ("templates", "Templates"), ("variables", "Variables"), ("usage", "Usage"), ("limits", "Limits"), ("settings", "Settings")]
        : [("projects", "Projects"), ("members", "Members"), ("templates", "Templates"), ("variables", "Variables"), ("settings", "Settings")];

    protected override void OnInitialized() => Changes.Changed += OnAccessChanged;

    protected override async Task OnParametersSetAsync()
    {
        if (Organization?.Id != Id)
        {
            Organization = null;
            await Load();
        }
    }

    public void Dispose() => Changes.Changed -= OnAccessChanged;

    private async Task Load()
    {
        Organization = (await Organizations.Get(await Current.Get(), Id)).Value;
        if (Organization is null)
            Navigation.NotFound();
    }

    private async Task OnRenamed()
    {
        await Load();
        Sidebar.Invalidate();
    }

    private void OnAccessChanged(AccessChanged change)
    {
        if (change.OrganizationId == Id && change.ProjectId is null && !Ending)
            _ = InvokeAsync(async () => { await Load(); StateHasChanged(); });
    }
}
