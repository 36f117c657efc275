using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Web.Components.Parts;
using Microsoft.AspNetCore.Components;
using Radzen;

namespace Demiurge.Web.Components.Organizations;

public sealed partial class MembersTab : IDisposable
{
    [Inject]
    private MembershipService Memberships { get; set; } = default!;

    [Inject]
    private CurrentUser Current { get; set; } = default!;

    [Inject]
    private AccessChanges Changes { get; set; } = default!;

    [Inject]
    private DialogService Dialogs { get; set; } = default!;

    [Inject]
    private NotificationService Notifications { get; set; } = default!;

    [Inject]
    private TimeProvider Time { get; set; } = default!;

    [Parameter, EditorRequired]
    public OrganizationInfo Organization { get; set; } = default!;

    [PersistentState]
    public IReadOnlyList<MemberInfo>? Members { get; set; }

    private Guid UserId { get; set; }

    protected override async Task OnInitializedAsync()
    {
        UserId = (await Current.Get()).UserId;
        Changes.Changed += OnAccessChanged;
        if (Members is null)
            await Load();
    }

    public void Dispose() => Changes.Changed -= OnAccessChanged;

    private async Task Load() => Members = (await Memberships.List(new Actor(UserId), Organization.Id)).Value ?? [];

    /// <summary>The roles that the service lets this person give that member; empty when it would refuse any.</summary>
    private IReadOnlyList<OrganizationRole> Assignable(MemberInfo member) => (Organization.Role, member.Role) switch
    {
        (OrganizationRole.Owner, _) => [OrganizationRole.Member, OrganizationRole.Admin, OrganizationRole.Owner],
        (OrganizationRole.Admin, not OrganizationRole.Owner) => [OrganizationRole.Member, OrganizationRole.Admin],
        _ => [],
    };

    private async Task ChangeRole(MemberInfo member, OrganizationRole role)
    {
        var changed = await Memberships.ChangeRole(new Actor(UserId), Organization.Id, member.UserId, role);
        if (changed.Succeeded)
            Notifications.Tell($"{member.DisplayName} is now {role.ToString().ToLowerInvariant()}");
        else
            Notifications.Refuse(changed.Error);
        await Load();
    }

    private async Task Remove(MemberInfo member)
    {
        var sure = await Dialogs.Confirm(
            $"{member.DisplayName} loses access to {Organization.Name} and all of its projects at once, also in open windows. What they made stays.",
            $"Remove {member.DisplayName}?",
            new ConfirmOptions { CssClass = "destructive", OkButtonText = "Remove", CancelButtonText = "Cancel" });
        if (sure != true)
            return;
        var removed = await Memberships.Remove(new Actor(UserId), Organization.Id, member.UserId);
        if (removed.Succeeded)
            Notifications.Tell($"{member.DisplayName} was removed");
        else
            Notifications.Refuse(removed.Error);
        await Load();
    }

    private void OnAccessChanged(AccessChanged change)
    {
        if (change.OrganizationId == Organization.Id && change.ProjectId is null)
            _ = InvokeAsync(async () => { await Load(); StateHasChanged(); });
    }
}
