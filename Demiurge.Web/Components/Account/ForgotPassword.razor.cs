using System.ComponentModel.DataAnnotations;
using Demiurge.Core;
using Demiurge.Core.Accounts;
using Demiurge.Core.Mail;
using Microsoft.AspNetCore.Components;

namespace Demiurge.Web.Components.Account;

public sealed partial class ForgotPassword
{
    [Inject]
    private AccountService Accounts { get; set; } = default!;

    [Inject]
    private Outbox Outbox { get; set; } = default!;

    [CascadingParameter]
    private HttpContext HttpContext { get; set; } = default!;

    [SupplyParameterFromForm]
    private ForgotForm Form { get; set; } = default!;

    private Error? Error { get; set; }

    private bool Sent { get; set; }

    protected override void OnInitialized() => Form ??= new();

    private async Task Send()
    {
        var requested = await Accounts.RequestPasswordReset(Form.Email, HttpContext.RequestAborted);
        (Sent, Error) = (requested.Succeeded, requested.Error);
    }

    private sealed class ForgotForm
    {
        [Required(ErrorMessage = "Enter your e-mail address.")]
        public string? Email { get; set; }
    }
}
