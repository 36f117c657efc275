using Demiurge.Core.Accounts;
using Demiurge.Core.Mail;
using Demiurge.Core.Tokens;
using Demiurge.Tests.Infrastructure;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace Demiurge.Tests.Tokens;

public sealed class TokenServiceTests : IClassFixture<PostgresFixture>, IDisposable
{
    private readonly PostgresFixture database;
    private readonly ServiceProvider services;
    private readonly MovableTime time = new();
    private readonly TokenService tokens;

    public TokenServiceTests(PostgresFixture database)
    {
        this.database = database;
        services = database.Build(configure: collection => collection.AddSingleton<TimeProvider>(time));
        tokens = services.GetRequiredService<TokenService>();
    }

    public void Dispose() => services.Dispose();

    [Fact]
    public async Task Issue_GivesAnAccessTokenForFifteenMinutes()
    {
        var ann = await database.Register();
        var pair = await tokens.Issue(ann.Id);
        Assert.Equal(ann.Actor, (await tokens.Verify(pair.AccessToken)).Value?.Actor);

        time.Advance(TimeSpan.FromMinutes(15));

        Assert.Equal("token.expired", (await tokens.Verify(pair.AccessToken)).Error?.Code);
        var next = await tokens.Refresh(pair.RefreshToken);
        Assert.Equal(ann.Actor, (await tokens.Verify(next.Value!.AccessToken)).Value?.Actor);
    }

    [Fact]
    public async Task Refresh_AfterThirtyDays_IsRefused()
    {
        var pair = await tokens.Issue((await database.Register()).Id);
        time.Advance(TimeSpan.FromDays(30));
        Assert.Equal("token.expired", (await tokens.Refresh(pair.RefreshToken)).Error?.Code);
    }

    [Fact]
    public async Task Refresh_Reused_EndsTheFamilyAndNoOther()
    {
        var ann = await database.Register();
        var stolen = await tokens.Issue(ann.Id);
        var other = await tokens.Issue(ann.Id);
        var second = (await tokens.Refresh(stolen.RefreshToken)).Value!;
        var third = (await tokens.Refresh(second.RefreshToken)).Value!;

        Assert.Equal("token.reused", (await tokens.Refresh(stolen.RefreshToken)).Error?.Code);

        Assert.Equal("token.revoked", (await tokens.Refresh(third.RefreshToken)).Error?.Code);
        Assert.Equal("token.revoked", (await tokens.Verify(third.AccessToken)).Error?.Code);
        Assert.True((await tokens.Refresh(other.RefreshToken)).Succeeded);
    }

    [Fact]
    public async Task Refresh_OfOneTokenManyTimesAtOnce_NeverLeavesTwoLivingTokens()
    {
        for (var round = 0; round < 10; round++)
        {
            var pair = await tokens.Issue((await database.Register()).Id);

            var results = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => Task.Run(() => tokens.Refresh(pair.RefreshToken))));

            var winner = Assert.Single(results, result => result.Succeeded);
            Assert.Equal("token.revoked", (await tokens.Refresh(winner.Value!.RefreshToken)).Error?.Code);
        }
    }

    [Fact]
    public async Task Refresh_BesideTheReuseOfAnOlderToken_LeavesNoLivingToken()
    {
        for (var round = 0; round < 20; round++)
        {
            var first = await tokens.Issue((await database.Register()).Id);
            var second = (await tokens.Refresh(first.RefreshToken)).Value!;

            var results = await Task.WhenAll(
                Task.Run(() => tokens.Refresh(second.RefreshToken)),
                Task.Run(() => tokens.Refresh(first.RefreshToken)));

            Assert.Equal("token.reused", results[1].Error?.Code);
            if (results[0].Succeeded)
                Assert.Equal("token.revoked", (await tokens.Refresh(results[0].Value!.RefreshToken)).Error?.Code);
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("guessed")]
    [InlineData("\ud800")]
    public async Task Refresh_OfNoToken_IsRefused(string? token) => Assert.Equal("token.invalid", (await tokens.Refresh(token)).Error?.Code);

    [Fact]
    public async Task RefreshToken_InTheDatabase_IsOnlyAHash()
    {
        var ann = await database.Register();
        var pair = await tokens.Issue(ann.Id);
        await using var db = database.CreateContext();
        var row = await db.RefreshTokens.SingleAsync(token => token.UserId == ann.Id);
        Assert.Equal(32, row.TokenHash.Length);
        Assert.NotEqual(System.Text.Encoding.UTF8.GetBytes(pair.RefreshToken), row.TokenHash);
    }

    [Fact]
    public async Task EndAll_EndsEverySessionOfThatPersonOnly()
    {
        var ann = await tokens.Issue((await database.Register()).Id);
        var bob = await database.Register();
        var bobs = new[] { await tokens.Issue(bob.Id), await tokens.Issue(bob.Id) };

        await tokens.EndAll(bob.Id);

        foreach (var pair in bobs)
            Assert.Equal("token.revoked", (await tokens.Verify(pair.AccessToken)).Error?.Code);
        Assert.True((await tokens.Verify(ann.AccessToken)).Succeeded);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task EndAll_BesideASessionThatIsBeingWritten_EndsThatToo(bool isNew)
    {
        var ann = await database.Register();
        var first = await tokens.Issue(ann.Id);
        TokenPair next;
        await using (var db = database.CreateContext())
        {
            // Writing a token refers to the person's row, which is held here: the session stops midway.
            await using var holding = await db.Database.BeginTransactionAsync();
            await db.Database.ExecuteSqlAsync($"SELECT 1 FROM users WHERE id = {ann.Id} FOR UPDATE");
            var writing = isNew ? tokens.Issue(ann.Id) : Refreshed(first);
            await WaitForBlocked(1);
            var ending = tokens.EndAll(ann.Id);
            // Done without waiting is what a lock has to prevent.
            await Task.WhenAny(ending, WaitForBlocked(2));
            await holding.CommitAsync();
            next = await writing;
            await ending;
        }

        Assert.Equal("token.revoked", (await tokens.Verify(next.AccessToken)).Error?.Code);
        Assert.Equal("token.revoked", (await tokens.Refresh(next.RefreshToken)).Error?.Code);
        Assert.Equal("token.revoked", (await tokens.Verify(first.AccessToken)).Error?.Code);
    }

    [Fact]
    public async Task ResetPassword_BesideRefreshesAndSignIns_LeavesNoSession()
    {
        var accounts = services.GetRequiredService<AccountService>();
        for (var round = 0; round < 10; round++)
        {
            var ann = await database.Register();
            var user = (await accounts.CheckCredentials(ann.Email, People.Password)).Value!;
            var pair = await tokens.Issue(ann.Id);
            await accounts.RequestPasswordReset(ann.Email);
            var mail = (await services.GetRequiredService<Outbox>().List(null, isLocal: true)).Value!.First(mail => mail.To == ann.Email);
            var link = Uri.UnescapeDataString(mail.Text.Split("token=")[1].Split('\n')[0]);

            var refreshing = Task.Run(async () =>
            {
                var all = new List<TokenPair> { pair };
                while (all.Count < 1000 && (await tokens.Refresh(all[^1].RefreshToken)).Value is { } next)
                    all.Add(next);
                return all;
            });
            var signingIn = Task.Run(async () =>
            {
                var all = new List<TokenPair>();
                while (all.Count < 1000 && (await tokens.Issue(user)).Value is { } next)
                    all.Add(next);
                return all;
            });
            Assert.Null((await accounts.ResetPassword(ann.Email, link, "another good one")).Error);

            foreach (var issued in (await Task.WhenAll(refreshing, signingIn)).SelectMany(all => all))
                Assert.Equal("token.revoked", (await tokens.Verify(issued.AccessToken)).Error?.Code);
            Assert.Equal("account.credentials_refused", (await tokens.Issue(user)).Error?.Code);
        }
    }

    private async Task<TokenPair> Refreshed(TokenPair pair) => (await tokens.Refresh(pair.RefreshToken)).Value!;

    /// <summary>Waits until so many statements on this database wait for others' locks.</summary>
    private async Task WaitForBlocked(int count)
    {
        await using var db = database.CreateContext();
        for (var patience = 0; patience < 600; patience++)
        {
            if (await db.Database.SqlQuery<int>(
                $"SELECT count(*)::int AS \"Value\" FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").SingleAsync() >= count)
                return;
            await Task.Delay(50);
        }
        Assert.Fail($"{count} statements never waited at once.");
    }
}

public sealed class SigningKeysTests(PostgresFixture database) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task Keys_OverMonths_RotateWithoutAnUnknownKey()
    {
        var time = new MovableTime();
        await using var services = Build(time);
        var keys = services.GetRequiredService<SigningKeys>();
        var signers = new List<string>();
        var known = await keys.Trusted();
        for (var day = 0; day < 100; day++)
        {
            var current = await keys.Current();
            signers.Add(current.KeyId);
            // A verifier that last looked a day ago knows the key that signs now, and the one that signed a day ago still verifies.
            Assert.True(known.Contains(current.KeyId), $"day {day}");
            known = await keys.Trusted();
            Assert.True(known.Contains(signers[Math.Max(0, day - 1)]), $"day {day}");
            time.Advance(TimeSpan.FromDays(1));
        }
        Assert.InRange(signers.Distinct().Count(), 4, 5);
        Assert.InRange((await keys.Trusted()).Keys.Count, 1, 3);
    }

    [Fact]
    public async Task Keys_OfInstancesThatStartAtOnce_AreTheSame()
    {
        var time = new MovableTime();
        time.Advance(TimeSpan.FromDays(1000));
        var instances = Enumerable.Range(0, 5).Select(_ => Build(time)).ToList();

        var current = await Task.WhenAll(instances.Select(instance => Task.Run(() => instance.GetRequiredService<SigningKeys>().Current())));

        Assert.Single(current.Select(key => key.KeyId).Distinct());
        foreach (var instance in instances)
            await instance.DisposeAsync();
    }

    [Fact]
    public async Task PrivateKey_InTheDatabase_IsProtected()
    {
        await using var services = Build(new MovableTime());
        await services.GetRequiredService<SigningKeys>().Current();
        await using var db = database.CreateContext();
        foreach (var row in await db.SigningKeys.ToListAsync())
        {
            using var ecdsa = System.Security.Cryptography.ECDsa.Create();
            Assert.ThrowsAny<System.Security.Cryptography.CryptographicException>(() => ecdsa.ImportPkcs8PrivateKey(row.ProtectedPrivateKey, out _));
        }
    }

    private ServiceProvider Build(MovableTime time) => database.Build(configure: collection => collection.AddSingleton<TimeProvider>(time));
}
