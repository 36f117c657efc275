using System.ComponentModel.DataAnnotations;
using Demiurge.Core;
using Demiurge.Core.Accounts;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Identity;

namespace Demiurge.Web.Components.Account;

public sealed partial class ProfilePage
{
    private static readonly (string Color, string Name)[] Palette =
    [
        ("#2563eb", "Blue"), ("#0891b2", "Cyan"), ("#059669", "Green"), ("#65a30d", "Lime"), ("#d97706", "Amber"),
        ("#ea580c", "Orange"), ("#dc2626", "Red"), ("#db2777", "Pink"), ("#7c3aed", "Violet"), ("#4f46e5", "Indigo"),
    ];

    [Inject]
    private AccountService Accounts { get; set; } = default!;

    [Inject]
    private CurrentUser Current { get; set; } = default!;

    [Inject]
    private SignInManager<User> SignIn { get; set; } = default!;

    [Inject]
    private NavigationManager Navigation { get; set; } = default!;

    /// <summary>What was saved by the request before this one.</summary>
    [SupplyParameterFromQuery(Name = "saved")]
    private string? SavedWhat { get; set; }

    [SupplyParameterFromForm(FormName = "profile")]
    private ProfileForm Form { get; set; } = default!;

    [SupplyParameterFromForm(FormName = "password")]
    private NewPasswordForm PasswordForm { get; set; } = default!;

    private Profile? Profile { get; set; }

    private Error? ProfileError { get; set; }

    private Error? PasswordError { get; set; }

    private string? Saved => SavedWhat switch
    {
        "profile" => "Your profile is saved.",
        "password" => "Your password is changed.",
        _ => null,
    };

    /// <summary>The palette, and the person's own colour where it isn't in it (the API takes any).</summary>
    private IEnumerable<string> Colors => Palette.Select(entry => entry.Color).Union(Profile is null ? [] : [Profile.Color]);

    private static string ColorName(string color) => Palette.FirstOrDefault(entry => entry.Color == color).Name ?? color;

    protected override async Task OnInitializedAsync()
    {
        var isPosted = Form is not null;
        (Form, PasswordForm) = (Form ?? new(), PasswordForm ?? new());
        Profile = (await Accounts.GetProfile(await Current.Get())).Value;
        if (!isPosted)
            (Form.DisplayName, Form.Color) = (Profile?.DisplayName, Profile?.Color);
    }

    private async Task Save()
    {
        var saved = await Accounts.UpdateProfile(await Current.Get(), Form.DisplayName, Form.Color);
        ProfileError = saved.Error;
        if (saved.Succeeded)
            Navigation.NavigateTo("/account/profile?saved=profile");
    }

    private async Task ChangePassword()
    {
        var actor = await Current.Get();
        var changed = await Accounts.ChangePassword(actor, PasswordForm.Current, PasswordForm.New);
        PasswordError = changed.Error;
        if (!changed.Succeeded)
            return;
        // The change made every cookie of this account stale, this browser's too.
        if (await SignIn.UserManager.FindByIdAsync(actor.UserId.ToString()) is { } user)
            await SignIn.RefreshSignInAsync(user);
        Navigation.NavigateTo("/account/profile?saved=password");
    }

    private sealed class ProfileForm
    {
        [Required(ErrorMessage = "Enter your name.")]
        public string? DisplayName { get; set; }

        public string? Color { get; set; }
    }

    private sealed class NewPasswordForm
    {
        [Required(ErrorMessage = "Enter your current password.")]
        public string? Current { get; set; }

        [Required(ErrorMessage = "Choose a new password.")]
        public string? New { get; set; }
    }
}
