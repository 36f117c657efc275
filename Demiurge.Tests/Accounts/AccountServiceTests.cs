using System.Text.RegularExpressions;
using Demiurge.Core;
using Demiurge.Core.Accounts;
using Demiurge.Core.Mail;
using Demiurge.Core.Tokens;
using Demiurge.Tests.Infrastructure;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace Demiurge.Tests.Accounts;

public sealed partial class AccountServiceTests(PostgresFixture database) : IClassFixture<PostgresFixture>
{
    private readonly AccountService accounts = database.Get<AccountService>();

    [Theory]
    [InlineData("", "email")]
    [InlineData("ann", "email")]
    [InlineData("ann@localhost", "email")]
    [InlineData("Ann <ann@example.org>", "email")]
    [InlineData("ann@exam ple.org", "email")]
    [InlineData("ann@example.org\0", "email")]
    [InlineData("ann\r\nBcc: all@example.org", "email")]
    public async Task Register_WithNoAddress_IsRefused(string email, string field)
    {
        var error = (await accounts.Register(email, "Ann", People.Password)).Error;
        Assert.Equal((ErrorKind.Invalid, field), (error!.Kind, error.Field));
    }

    [Theory]
    [InlineData("ann.o'neil+board@example.org")]
    [InlineData("änn@exämple.org")]
    [InlineData("  spaces-around@example.org ")]
    public async Task Register_WithAnUnusualAddress_Works(string email)
    {
        Assert.Equal(email.Trim(), (await accounts.Register(email, "Ann", People.Password)).Value?.Email);
        Assert.Equal("account.email_taken", (await accounts.Register(email.ToUpperInvariant(), "Ann", People.Password)).Error?.Code);
        Assert.True((await accounts.CheckCredentials(email.ToUpperInvariant(), People.Password)).Succeeded);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("short")]
    [InlineData("aaaaaaaaaaaa")]
    [InlineData("PASSWORD-IS@EXAMPLE.ORG")]
    public async Task Register_WithAPoorPassword_IsRefused(string? password)
    {
        var error = (await accounts.Register("password-is@example.org", "Ann", password)).Error;
        Assert.Equal((ErrorKind.Invalid, "password"), (error!.Kind, error.Field));
    }

    [Fact]
    public async Task Register_WithAnEndlessPassword_IsRefused() =>
        Assert.Equal("account.password_too_long", (await accounts.Register(People.NewEmail(), "Ann", new string('x', 1_000_000))).Error?.Code);

    [Fact]
    public async Task Register_TheSameAddressAtOnce_MakesOneAccount()
    {
        var email = People.NewEmail();
        var results = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(() => accounts.Register(email, "Ann", People.Password))));
        Assert.Single(results, result => result.Succeeded);
        Assert.Equal(5, results.Count(result => result.Error?.Code == "account.email_taken"));
    }

    [Fact]
    public async Task CheckCredentials_OfNobodyAndWithAWrongPassword_AreRefusedAlike()
    {
        var ann = await database.Register();
        var wrong = (await accounts.CheckCredentials(ann.Email, "not it")).Error;
        Assert.Equal(ErrorKind.Unauthenticated, wrong?.Kind);
        Assert.Equal(wrong, (await accounts.CheckCredentials(People.NewEmail(), "not it")).Error);
        Assert.Equal(wrong, (await accounts.CheckCredentials("no address", "not it")).Error);
        Assert.Equal(wrong, (await accounts.CheckCredentials(null, null)).Error);
        Assert.Equal(wrong, (await accounts.CheckCredentials("a\0b", "not it")).Error);
        Assert.Equal(wrong, (await accounts.CheckCredentials("\ud800@example.org", "\ud800")).Error);
        Assert.Equal(wrong, (await accounts.CheckCredentials(ann.Email, new string('x', 1_000_000))).Error);
    }

    [Fact]
    public async Task CheckCredentials_AfterManyWrongPasswords_RefusesTheRightOneForAWhile()
    {
        var ann = await database.Register();
        var options = new AccountOptions();
        for (var attempt = 0; attempt < options.LockoutThreshold; attempt++)
            await accounts.CheckCredentials(ann.Email, "not it");

        Assert.Equal("account.credentials_refused", (await accounts.CheckCredentials(ann.Email, People.Password)).Error?.Code);

        await using var db = database.CreateContext();
        await db.Users.Where(user => user.Id == ann.Id)
            .ExecuteUpdateAsync(set => set.SetProperty(user => user.LockoutEnd, user => user.LockoutEnd!.Value.AddMinutes(-options.LockoutMinutes)));
        Assert.True((await accounts.CheckCredentials(ann.Email, People.Password)).Succeeded);
    }

    [Fact]
    public async Task CheckCredentials_TooOftenForOneAddress_IsRefusedWhetherOrNotItHasAnAccount()
    {
        await using var services = database.Build(new() { ["Demiurge:Accounts:SignInsPerEmail"] = "3" });
        var limited = services.GetRequiredService<AccountService>();
        foreach (var email in new[] { (await database.Register()).Email, People.NewEmail() })
        {
            for (var attempt = 0; attempt < 3; attempt++)
                Assert.Equal("account.credentials_refused", (await limited.CheckCredentials(email, "not it")).Error?.Code);
            Assert.Equal("account.too_many_attempts", (await limited.CheckCredentials(email.ToUpperInvariant(), "not it")).Error?.Code);
        }
    }

    [Fact]
    public async Task UpdateProfile_BesideWrongPasswords_Works()
    {
        var ann = await database.Register();
        for (var round = 0; round < 5; round++)
        {
            var updates = Enumerable.Range(0, 4).Select(i => Task.Run(async () => (await accounts.UpdateProfile(ann.Actor, color: $"#00000{i}")).Error));
            var attempts = Enumerable.Range(0, 4).Select(_ => Task.Run(async () => (await accounts.CheckCredentials(ann.Email, "not it")).Error));
            Assert.All(await Task.WhenAll(updates), Assert.Null);
            Assert.All(await Task.WhenAll(attempts), error => Assert.Equal("account.credentials_refused", error?.Code));
        }
        var profile = (await accounts.UpdateProfile(ann.Actor, displayName: " Ann Lee ")).Value!;
        Assert.Equal("Ann Lee", profile.DisplayName);
        Assert.StartsWith("#00000", profile.Color);
    }

    [Fact]
    public async Task ResetPassword_ByTheMailedLink_WorksOnceAndEndsSessions()
    {
        var ann = await database.Register();
        var session = await database.Get<TokenService>().Issue(ann.Id);
        Assert.True((await accounts.RequestPasswordReset($" {ann.Email.ToUpperInvariant()} ")).Succeeded);
        var token = await MailedToken(ann.Email);

        Assert.Equal("account.reset_link_invalid", (await accounts.ResetPassword(ann.Email, token + "x", "another good one")).Error?.Code);
        Assert.Equal("account.password_refused", (await accounts.ResetPassword(ann.Email, token, "short")).Error?.Code);
        Assert.Null((await accounts.ResetPassword(ann.Email, token, "another good one")).Error);

        Assert.Equal("account.reset_link_invalid", (await accounts.ResetPassword(ann.Email, token, "yet another one")).Error?.Code);
        Assert.False((await accounts.CheckCredentials(ann.Email, People.Password)).Succeeded);
        Assert.True((await accounts.CheckCredentials(ann.Email, "another good one")).Succeeded);
        Assert.Equal("token.revoked", (await database.Get<TokenService>().Verify(session.AccessToken)).Error?.Code);
    }

    [Fact]
    public async Task ResetPassword_ByAnotherPersonsLink_IsRefused()
    {
        var (ann, bob) = (await database.Register(), await database.Register());
        await accounts.RequestPasswordReset(bob.Email);
        Assert.Equal("account.reset_link_invalid", (await accounts.ResetPassword(ann.Email, await MailedToken(bob.Email), "another good one")).Error?.Code);
        Assert.True((await accounts.CheckCredentials(ann.Email, People.Password)).Succeeded);
    }

    [Fact]
    public async Task RequestPasswordReset_ForNobody_IsAnsweredAlikeAndSendsNothing()
    {
        var email = People.NewEmail();
        Assert.Equal(Result.Ok, await accounts.RequestPasswordReset(email));
        await using var db = database.CreateContext();
        Assert.False(await db.OutboxMails.AnyAsync(mail => mail.To == email));
    }

    [Fact]
    public async Task RequestPasswordReset_AgainAndAgain_IsLimited()
    {
        var ann = await database.Register();
        for (var i = 0; i < new AccountOptions().ResetsPerEmail; i++)
            Assert.True((await accounts.RequestPasswordReset(ann.Email)).Succeeded);
        Assert.Equal("account.too_many_attempts", (await accounts.RequestPasswordReset(ann.Email)).Error?.Code);
    }

    [Fact]
    public async Task RequestPasswordReset_InProductionWithoutAMailServer_IsRefusedForEveryAddress()
    {
        await using var services = database.Build(environment: "Production");
        var production = services.GetRequiredService<AccountService>();
        var known = await production.RequestPasswordReset((await database.Register()).Email);
        Assert.Equal("mail.not_configured", known.Error?.Code);
        Assert.Contains("Demiurge:Mail:Smtp:Host", known.Error!.Message);
        Assert.Equal(known, await production.RequestPasswordReset(People.NewEmail()));
    }

    private async Task<string> MailedToken(string email)
    {
        var mail = (await database.Get<Outbox>().List(null, isLocal: true)).Value!.First(mail => mail.To == email);
        return Uri.UnescapeDataString(TokenInLink().Match(mail.Text).Groups[1].Value);
    }

    [GeneratedRegex(@"[?&]token=([^\s&]+)")]
    private static partial Regex TokenInLink();
}

public sealed class FirstAccountTests(PostgresFixture database) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task Register_ManyAtOnceInAnEmptyInstallation_MakesOneAdministrator()
    {
        var accounts = database.Get<AccountService>();
        var results = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => accounts.Register(People.NewEmail(), "Ann", People.Password))));
        Assert.All(results, result => Assert.Null(result.Error));
        Assert.Single(results, result => result.Value!.IsPlatformAdministrator);
        Assert.False((await accounts.Register(People.NewEmail(), "Late", People.Password)).Value!.IsPlatformAdministrator);
    }
}
