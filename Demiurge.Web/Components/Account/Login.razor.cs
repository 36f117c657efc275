using System.ComponentModel.DataAnnotations;
using Demiurge.Core;
using Demiurge.Core.Accounts;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Identity;

namespace Demiurge.Web.Components.Account;

public sealed partial class Login
{
    [Inject]
    private AccountService Accounts { get; set; } = default!;

    [Inject]
    private SignInManager<User> SignIn { get; set; } = default!;

    [Inject]
    private NavigationManager Navigation { get; set; } = default!;

    [CascadingParameter]
    private HttpContext HttpContext { get; set; } = default!;

    [SupplyParameterFromQuery]
    private string? ReturnUrl { get; set; }

    /// <summary>Whether the person comes from setting a new password.</summary>
    [SupplyParameterFromQuery]
    private bool Reset { get; set; }

    [SupplyParameterFromForm]
    private LoginForm Form { get; set; } = default!;

    private Error? Error { get; set; }

    protected override async Task OnInitializedAsync()
    {
        Form ??= new();
        if (!HttpMethods.IsGet(HttpContext.Request.Method) || HttpContext.User.Identity?.IsAuthenticated != true)
            return;
        // A circuit that ended because the password was changed sends the browser here before its cookie is looked at again.
        if (await SignIn.ValidateSecurityStampAsync(HttpContext.User) is not null)
            Navigation.NavigateTo(Components.ReturnUrl.Local(ReturnUrl));
        else
            await SignIn.SignOutAsync();
    }

    private async Task LogIn()
    {
        var user = await Accounts.CheckCredentials(Form.Email, Form.Password, HttpContext.RequestAborted);
        Error = user.Error;
        if (!user.Succeeded)
            return;
        await SignIn.SignInAsync(user.Value, Form.Remember);
        Navigation.NavigateTo(Components.ReturnUrl.Local(ReturnUrl));
    }

    private sealed class LoginForm
    {
        [Required(ErrorMessage = "Enter your e-mail address.")]
        public string? Email { get; set; }

        [Required(ErrorMessage = "Enter your password.")]
        public string? Password { get; set; }

        public bool Remember { get; set; }
    }
}
