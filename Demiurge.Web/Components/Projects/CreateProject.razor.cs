using Demiurge.Core;
using Demiurge.Core.Organizations;
using Demiurge.Core.Projects;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;

namespace Demiurge.Web.Components.Projects;

public sealed partial class CreateProject
{
    [Inject]
    private ProjectService Projects { get; set; } = default!;

    [Inject]
    private CurrentUser Current { get; set; } = default!;

    [Inject]
    private NavigationManager Navigation { get; set; } = default!;

    /// <summary>Where it can be created; at least one.</summary>
    [Parameter, EditorRequired]
    public IReadOnlyList<OrganizationInfo> Organizations { get; set; } = [];

    /// <summary>Whether there is no grid yet: the form is shown from the start, without a frame, and can't be put away.</summary>
    [Parameter]
    public bool First { get; set; }

    private bool Open { get; set; }

    private string? Name { get; set; }

    private OrganizationInfo? Organization { get; set; }

    private bool Public { get; set; }

    private bool Busy { get; set; }

    private Error? Error { get; set; }

    protected override void OnParametersSet()
    {
        Organization = Organizations.FirstOrDefault(organization => organization.Id == Organization?.Id) ?? Organizations[0];
    }

    private void Show() => Open = true;

    private void Hide() => (Open, Name, Public, Error) = (false, null, false, null);

    private void CloseOnEscape(KeyboardEventArgs key)
    {
        if (key.Key == "Escape")
            Hide();
    }

    private async Task Create()
    {
        Busy = true;
        var created = await Projects.Create(
            await Current.Get(), Organization!.Id, Name, visibility: Public ? ProjectVisibility.Public : ProjectVisibility.Private);
        Busy = false;
        Error = created.Error;
        if (created.Succeeded)
            Navigation.NavigateTo($"/projects/{created.Value.Id}");
    }
}
