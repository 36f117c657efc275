using Demiurge.Core;
using Demiurge.Core.Accounts;
using Demiurge.Core.Organizations;
using Microsoft.AspNetCore.Components;

namespace Demiurge.Web.Components.Account;

/// <summary>What an invitation's link opens. Whoever holds the link sees who invites whom; only the invited account can accept.</summary>
public sealed partial class InvitationPage
{
    [Inject]
    private InvitationService Invitations { get; set; } = default!;

    [Inject]
    private AccountService Accounts { get; set; } = default!;

    [Inject]
    private CurrentUser Current { get; set; } = default!;

    [Inject]
    private NavigationManager Navigation { get; set; } = default!;

    [CascadingParameter]
    private HttpContext HttpContext { get; set; } = default!;

    [Parameter]
    public string Token { get; set; } = "";

    private InvitationPreview? Invitation { get; set; }

    private Profile? Me { get; set; }

    private Error? Error { get; set; }

    private string Here => $"/invitations/{Uri.EscapeDataString(Token)}";

    private string RegisterLink =>
        $"{ReturnUrl.With("/account/register", Here)}&email={Uri.EscapeDataString(Invitation!.Email)}";

    private bool IsMine => string.Equals(Me?.Email, Invitation?.Email, StringComparison.OrdinalIgnoreCase);

    protected override async Task OnInitializedAsync()
    {
        var preview = await Invitations.Preview(Token, HttpContext.RequestAborted);
        (Invitation, Error) = (preview.Value, preview.Error);
        if (await Current.Find() is { } actor)
            Me = (await Accounts.GetProfile(actor)).Value;
    }

    private async Task Accept()
    {
        var accepted = await Invitations.Accept(await Current.Get(), Token, HttpContext.RequestAborted);
        Error = accepted.Error;
        if (accepted.Succeeded)
            Navigation.NavigateTo($"/organizations/{accepted.Value}");
    }
}
