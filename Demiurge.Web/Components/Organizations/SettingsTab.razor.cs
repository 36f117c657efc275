using Demiurge.Core;
using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Web.Components.Layout;
using Demiurge.Web.Components.Parts;
using Microsoft.AspNetCore.Components;
using Radzen;

namespace Demiurge.Web.Components.Organizations;

public sealed partial class SettingsTab
{
    [Inject]
    private OrganizationService Organizations { get; set; } = default!;

    [Inject]
    private MembershipService Memberships { get; set; } = default!;

    [Inject]
    private CurrentUser Current { get; set; } = default!;

    [Inject]
    private NavigationState Sidebar { get; set; } = default!;

    [Inject]
    private NavigationManager Navigation { get; set; } = default!;

    [Inject]
    private DialogService Dialogs { get; set; } = default!;

    [Inject]
    private NotificationService Notifications { get; set; } = default!;

    [Parameter, EditorRequired]
    public OrganizationInfo Organization { get; set; } = default!;

    [Parameter]
    public EventCallback Renamed { get; set; }

    /// <summary>Told true before this person leaves or deletes the organization, false when that was refused.</summary>
    [Parameter]
    public EventCallback<bool> Ending { get; set; }

    private string? Name { get; set; }

    private string? ConfirmName { get; set; }

    private Error? RenameError { get; set; }

    private Error? LeaveError { get; set; }

    private Error? DeleteError { get; set; }

    protected override void OnInitialized() => Name = Organization.Name;

    private async Task Rename()
    {
        var renamed = await Organizations.Rename(await Current.Get(), Organization.Id, Name);
        RenameError = renamed.Error;
        if (!renamed.Succeeded)
            return;
        Notifications.Tell("Name saved");
        await Renamed.InvokeAsync();
    }

    private async Task Leave()
    {
        var sure = await Dialogs.Confirm(
            $"You lose access to {Organization.Name} and its projects.", $"Leave {Organization.Name}?",
            new ConfirmOptions { CssClass = "destructive", OkButtonText = "Leave", CancelButtonText = "Stay" });
        if (sure == true)
            LeaveError = await End(actor => Memberships.Leave(actor, Organization.Id), $"You left {Organization.Name}");
    }

    private async Task Delete() =>
        DeleteError = await End(actor => Organizations.Delete(actor, Organization.Id, ConfirmName), $"{Organization.Name} was deleted");

    private async Task<Error?> End(Func<Actor, Task<Result>> action, string told)
    {
        await Ending.InvokeAsync(true);
        var ended = await action(await Current.Get());
        if (ended.Succeeded)
        {
            Notifications.Tell(told);
            Sidebar.Invalidate();
            Navigation.NavigateTo("/");
        }
        else
        {
            await Ending.InvokeAsync(false);
        }
        return ended.Error;
    }
}
