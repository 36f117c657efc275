using System.Net;
using System.Text.RegularExpressions;
using Demiurge.Core.Mail;
using Demiurge.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;

namespace Demiurge.Tests.Components.Account;

/// <summary>The account pages as a browser without scripts uses them.</summary>
public sealed class AccountPagesTests(WebFixture web) : IClassFixture<WebFixture>
{
    private const string NewPassword = "quite another one";

    [Fact]
    public async Task Account_FromRegistrationToLoggingInAgain()
    {
        var email = People.NewEmail();
        var browser = new PageClient(web);

        var registered = await browser.Register(email, "Ann Lee");
        Assert.Equal("/", registered.Location);
        Assert.Contains("Ann Lee", (await browser.Get("/")).Text);

        var loggedOut = await browser.Submit("/account/logout", []);
        Assert.Equal("/account/login", loggedOut.Location);
        Assert.EndsWith("/account/login?returnUrl=%2F", (await browser.Get("/")).Location);

        Assert.Equal("/", (await browser.LogIn(email.ToUpperInvariant())).Location);
        Assert.Contains("Ann Lee", (await browser.Get("/")).Text);
    }

    [Fact]
    public async Task Session_Cookie_IsOutOfReachOfScriptsAndOtherSites()
    {
        var cookie = (await new PageClient(web).Register(People.NewEmail())).Headers["Set-Cookie"].Split('\n').Single(text => text.StartsWith("__Host-demiurge.session="));

        Assert.Contains("; httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("; samesite=lax", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("; secure", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("domain=", cookie, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task LogIn_WrongPasswordOrUnknownAddress_CannotBeToldApart()
    {
        var known = People.NewEmail();
        await new PageClient(web).Register(known);
        var browser = new PageClient(web);

        var wrong = await browser.LogIn(known, "not the password");
        var unknown = await browser.LogIn("nobody-" + known, "not the password");

        Assert.Equal(HttpStatusCode.OK, wrong.Status);
        Assert.Contains("don&#x27;t belong together", wrong.Html);
        Assert.Equal(wrong.Text, unknown.Text);
    }

    [Fact]
    public async Task LogIn_Refused_SendsThePasswordNotBack()
    {
        var page = await new PageClient(web).LogIn(People.NewEmail(), "a secret of mine");

        Assert.DoesNotContain("a secret of mine", page.Html);
    }

    [Theory]
    [InlineData("/organizations/new", "/organizations/new")]
    [InlineData("/projects/1?view=2", "/projects/1?view=2")]
    [InlineData("https://evil.example/", "/")]
    [InlineData("//evil.example/", "/")]
    [InlineData("/\\evil.example/", "/")]
    [InlineData("/\t/evil.example/", "/")]
    [InlineData("javascript:alert(1)", "/")]
    [InlineData("evil.example", "/")]
    public async Task LogIn_ReturnUrl_StaysOnThisSite(string returnUrl, string expected)
    {
        var email = People.NewEmail();
        await new PageClient(web).Register(email);
        var path = $"/account/login?returnUrl={Uri.EscapeDataString(returnUrl)}";

        var browser = new PageClient(web);
        Assert.Equal(expected, (await browser.LogIn(email, path: path)).Location);
        // And when already logged in.
        Assert.Equal(expected, (await browser.Get(path)).Location);
    }

    [Theory]
    [InlineData("/account/login", "login")]
    [InlineData("/account/register", "register")]
    [InlineData("/account/forgot-password", "forgot")]
    [InlineData("/account/reset-password?email=a%40b.example&token=x", "reset")]
    public async Task Form_WithoutAntiforgeryToken_IsRefused(string path, string form)
    {
        var browser = new PageClient(web);
        await browser.Get(path);

        var page = await browser.Submit(
            form, new() { ["Form.DisplayName"] = "Ann", ["Form.Email"] = People.NewEmail(), ["Form.Password"] = People.Password }, withToken: false);

        Assert.Equal(HttpStatusCode.BadRequest, page.Status);
        Assert.DoesNotContain("demiurge.session", page.Headers.GetValueOrDefault("Set-Cookie", ""));
    }

    [Fact]
    public async Task LogOut_WithoutAntiforgeryToken_IsRefused()
    {
        var browser = new PageClient(web);
        await browser.Register(People.NewEmail());
        await browser.Get("/");

        var refused = await browser.Submit("/account/logout", [], withToken: false);

        Assert.Equal(HttpStatusCode.BadRequest, refused.Status);
        Assert.True(refused.Shows("error-400"));
        Assert.Equal(HttpStatusCode.OK, (await browser.Get("/")).Status);
    }

    [Fact]
    public async Task Password_ResetByMail_EndsTheOldOneAndOtherSessions()
    {
        var email = People.NewEmail();
        var signedIn = new PageClient(web);
        await signedIn.Register(email);
        var browser = new PageClient(web);
        await browser.Get("/account/forgot-password");
        Assert.True((await browser.Submit("forgot", new() { ["Form.Email"] = email })).Shows("reset-sent"));

        var link = await LinkMailedTo(email);
        await browser.Get(link);
        // The address holds a secret that no other site is told of; to its own site a page that hid where it is would be nobody's.
        Assert.Equal("same-origin", browser.Page.Headers["Referrer-Policy"]);
        Assert.Equal("/account/login?reset=true", (await browser.Submit("reset", new() { ["Form.Password"] = NewPassword })).Location);

        Assert.Equal(HttpStatusCode.OK, (await browser.LogIn(email)).Status);
        Assert.Equal("/", (await browser.LogIn(email, NewPassword)).Location);
        // The stale session is sent to the log-in page by its circuit, and stays there.
        Assert.Equal(HttpStatusCode.OK, (await signedIn.Get("/account/login")).Status);

        var again = new PageClient(web);
        await again.Get(link);
        Assert.Contains("was used before", (await again.Submit("reset", new() { ["Form.Password"] = "third password" })).Text);
    }

    [Fact]
    public async Task ForgotPassword_UnknownAddress_LooksLikeAKnownOne()
    {
        var known = People.NewEmail();
        var unknown = People.NewEmail();
        await new PageClient(web).Register(known);
        var browser = new PageClient(web);
        var texts = new List<string>();
        foreach (var email in new[] { known, unknown })
        {
            await browser.Get("/account/forgot-password");
            texts.Add((await browser.Submit("forgot", new() { ["Form.Email"] = email })).Text.Replace(email, "…"));
        }

        Assert.Equal(texts[0], texts[1]);
        Assert.DoesNotContain((await web.Services.GetRequiredService<Outbox>().List(null, isLocal: true)).Value!, mail => mail.To == unknown);
    }

    [Fact]
    public async Task Profile_SavedAndPasswordChanged_ThisBrowserStaysLoggedIn()
    {
        var email = People.NewEmail();
        var browser = new PageClient(web);
        await browser.Register(email);
        await browser.Get("/account/profile");
        Assert.Equal("/account/profile?saved=profile", (await browser.Submit("profile", new() { ["Form.DisplayName"] = "Grace <b>Hopper", ["Form.Color"] = "#0891b2" })).Location);
        Assert.Contains("Grace &lt;b&gt;Hopper", (await browser.Get("/account/profile?saved=profile")).Html);

        await browser.Submit("password", new() { ["PasswordForm.Current"] = "not it", ["PasswordForm.New"] = NewPassword });
        Assert.Contains("current password is not right", browser.Page.Text);
        await browser.Submit("password", new() { ["PasswordForm.Current"] = People.Password, ["PasswordForm.New"] = NewPassword });
        Assert.Equal("/account/profile?saved=password", browser.Page.Location);
        Assert.Equal("/", (await browser.Get("/account/login")).Location);
        Assert.Equal("/", (await new PageClient(web).LogIn(email, NewPassword)).Location);
    }

    [Fact]
    public async Task Register_AddressTaken_SaysWhatToDo()
    {
        var email = People.NewEmail();
        await new PageClient(web).Register(email);

        var page = await new PageClient(web).Register(email.ToUpperInvariant());

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Contains("already an account", page.Text);
    }

    private async Task<string> LinkMailedTo(string email)
    {
        var mail = (await web.Services.GetRequiredService<Outbox>().List(null, isLocal: true)).Value!.First(mail => mail.To == email);
        return new Uri(Regex.Match(mail.Text, "https?://\\S+").Value).PathAndQuery;
    }
}
