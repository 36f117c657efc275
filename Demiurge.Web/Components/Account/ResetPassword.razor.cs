using System.ComponentModel.DataAnnotations;
using Demiurge.Core;
using Demiurge.Core.Accounts;
using Microsoft.AspNetCore.Components;

namespace Demiurge.Web.Components.Account;

public sealed partial class ResetPassword
{
    [Inject]
    private AccountService Accounts { get; set; } = default!;

    [Inject]
    private NavigationManager Navigation { get; set; } = default!;

    [CascadingParameter]
    private HttpContext HttpContext { get; set; } = default!;

    [SupplyParameterFromQuery]
    private string? Email { get; set; }

    [SupplyParameterFromQuery]
    private string? Token { get; set; }

    [SupplyParameterFromForm]
    private ResetForm Form { get; set; } = default!;

    private Error? Error { get; set; }

    protected override void OnInitialized() => Form ??= new();

    private async Task SetPassword()
    {
        var set = await Accounts.ResetPassword(Email, Token, Form.Password, HttpContext.RequestAborted);
        Error = set.Error;
        if (set.Succeeded)
            Navigation.NavigateTo("/account/login?reset=true");
    }

    private sealed class ResetForm
    {
        [Required(ErrorMessage = "Choose a password.")]
        public string? Password { get; set; }
    }
}
