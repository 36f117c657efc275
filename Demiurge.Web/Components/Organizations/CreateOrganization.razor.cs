using Demiurge.Core;
using Demiurge.Core.Organizations;
using Demiurge.Web.Components.Layout;
using Microsoft.AspNetCore.Components;

namespace Demiurge.Web.Components.Organizations;

/// <summary>The form that creates an organization and then shows it.</summary>
public sealed partial class CreateOrganization
{
    [Inject]
    private OrganizationService Organizations { get; set; } = default!;

    [Inject]
    private CurrentUser Current { get; set; } = default!;

    [Inject]
    private NavigationState Sidebar { get; set; } = default!;

    [Inject]
    private NavigationManager Navigation { get; set; } = default!;

    private string? Name { get; set; }

    private bool Busy { get; set; }

    private Error? Error { get; set; }

    private async Task Create()
    {
        Busy = true;
        var created = await Organizations.Create(await Current.Get(), Name);
        Busy = false;
        Error = created.Error;
        if (!created.Succeeded)
            return;
        Sidebar.Invalidate();
        Navigation.NavigateTo($"/organizations/{created.Value.Id}");
    }
}
