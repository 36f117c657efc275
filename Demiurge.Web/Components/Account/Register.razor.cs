using System.ComponentModel.DataAnnotations;
using Demiurge.Core;
using Demiurge.Core.Accounts;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Identity;

namespace Demiurge.Web.Components.Account;

public sealed partial class Register
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

    /// <summary>The address to begin with, as an invitation knows it.</summary>
    [SupplyParameterFromQuery]
    private string? Email { get; set; }

    [SupplyParameterFromForm]
    private RegisterForm Form { get; set; } = default!;

    private Error? Error { get; set; }

    protected override void OnInitialized()
    {
        Form ??= new() { Email = Email };
        if (HttpMethods.IsGet(HttpContext.Request.Method) && HttpContext.User.Identity?.IsAuthenticated == true)
            Navigation.NavigateTo(Components.ReturnUrl.Local(ReturnUrl));
    }

    private async Task CreateAccount()
    {
        var registered = await Accounts.Register(Form.Email, Form.DisplayName, Form.Password, HttpContext.RequestAborted);
        Error = registered.Error;
        if (!registered.Succeeded)
            return;
        if (await SignIn.UserManager.FindByIdAsync(registered.Value.Id.ToString()) is { } user)
            await SignIn.SignInAsync(user, isPersistent: false);
        Navigation.NavigateTo(Components.ReturnUrl.Local(ReturnUrl));
    }

    private sealed class RegisterForm
    {
        [Required(ErrorMessage = "Enter your name.")]
        public string? DisplayName { get; set; }

        [Required(ErrorMessage = "Enter your e-mail address.")]
        public string? Email { get; set; }

        [Required(ErrorMessage = "Choose a password.")]
        public string? Password { get; set; }
    }
}
