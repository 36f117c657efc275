using Demiurge.Core;
using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Web.Components.Parts;
using Microsoft.AspNetCore.Components;
using Radzen;

namespace Demiurge.Web.Components.Organizations;

public sealed partial class InvitationsTab : IDisposable
{
    [Inject]
    private InvitationService Service { get; set; } = default!;

    [Inject]
    private CurrentUser Current { get; set; } = default!;

    [Inject]
    private AccessChanges Changes { get; set; } = default!;

    [Inject]
    private NotificationService Notifications { get; set; } = default!;

    [Inject]
    private TimeProvider Time { get; set; } = default!;

    [Parameter, EditorRequired]
    public OrganizationInfo Organization { get; set; } = default!;

    [PersistentState]
    public IReadOnlyList<InvitationInfo>? Invitations { get; set; }

    private string? Email { get; set; }

    private OrganizationRole Role { get; set; }

    private bool Busy { get; set; }

    private Error? Error { get; set; }

    private CreatedInvitation? Created { get; set; }

    private IReadOnlyList<OrganizationRole> Roles => [.. Enum.GetValues<OrganizationRole>().Where(role => role <= Organization.Role)];

    protected override async Task OnInitializedAsync()
    {
        Changes.Changed += OnAccessChanged;
        if (Invitations is null)
            await Load();
    }

    public void Dispose() => Changes.Changed -= OnAccessChanged;

    private async Task Load() => Invitations = (await Service.List(await Current.Get(), Organization.Id)).Value ?? [];

    private async Task Invite()
    {
        Busy = true;
        var created = await Service.Create(await Current.Get(), Organization.Id, Email, Role);
        Busy = false;
        (Created, Error) = (created.Value, created.Error);
        if (!created.Succeeded)
            return;
        Email = null;
        await Load();
    }

    private async Task Revoke(InvitationInfo invitation)
    {
        var revoked = await Service.Revoke(await Current.Get(), Organization.Id, invitation.Id);
        if (revoked.Succeeded)
            Notifications.Tell($"The invitation of {invitation.Email} no longer works");
        else
            Notifications.Refuse(revoked.Error);
        if (Created?.Id == invitation.Id)
            Created = null;
        await Load();
    }

    private void OnAccessChanged(AccessChanged change)
    {
        if (change.OrganizationId == Organization.Id && change.ProjectId is null)
            _ = InvokeAsync(async () => { await Load(); StateHasChanged(); });
    }
}
