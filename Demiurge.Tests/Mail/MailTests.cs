using Demiurge.Core.Mail;
using Demiurge.Tests.Infrastructure;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Demiurge.Tests.Mail;

public sealed class MailTests(PostgresFixture database) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task Mail_WithAServer_IsDeliveredOnceAndItsTextErased()
    {
        await using var server = new SmtpServer();
        await using var services = WithServer(server.Port);
        var to = People.NewEmail();
        Assert.True((await services.GetRequiredService<IMailSender>().Send(new OutgoingMail(to, "Grüße ☕", "Hello\n\nthe secret link"))).Succeeded);

        await Task.WhenAll(DeliverAll(services), DeliverAll(services));

        var mail = Assert.Single(server.Mails, mail => mail.Contains(to));
        Assert.Contains($"To: {to}", mail, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("From: demiurge@example.org", mail, StringComparison.OrdinalIgnoreCase);
        var row = await Row(to);
        Assert.NotNull(row.SentAt);
        Assert.Equal("", row.Text);
    }

    [Fact]
    public async Task Mail_ThatTheServerTurnsAway_IsTriedAgainLater()
    {
        var to = People.NewEmail();
        await using var server = new SmtpServer { TurnsAway = to };
        var time = new MovableTime();
        await using var services = WithServer(server.Port, time);
        await services.GetRequiredService<IMailSender>().Send(new OutgoingMail(to, "Hello", "text"));

        await DeliverAll(services);
        Assert.DoesNotContain(server.Mails, mail => mail.Contains(to));
        var row = await Row(to);
        Assert.Equal((1, null, "text"), (row.Attempts, row.SentAt, row.Text));
        Assert.NotNull(row.LastError);

        server.TurnsAway = null;
        await DeliverAll(services);
        Assert.Null((await Row(to)).SentAt); // not due yet
        time.Advance(TimeSpan.FromMinutes(2));
        await DeliverAll(services);
        Assert.Single(server.Mails, mail => mail.Contains(to));
        Assert.NotNull((await Row(to)).SentAt);
    }

    [Fact]
    public async Task Mail_WithoutTheServerAnswering_IsKept()
    {
        int port;
        await using (var gone = new SmtpServer())
            port = gone.Port;
        await using var services = WithServer(port);
        var to = People.NewEmail();
        await services.GetRequiredService<IMailSender>().Send(new OutgoingMail(to, "Hello", "text"));

        await DeliverAll(services);

        var row = await Row(to);
        Assert.Equal((1, null), (row.Attempts, row.SentAt));
    }

    [Theory]
    [InlineData("Development", null, true)]
    [InlineData("Development", "mail.example.org", false)]
    [InlineData("Production", null, false)]
    [InlineData("Production", "mail.example.org", false)]
    public async Task Outbox_IsOpenOnlyOutsideProductionWithoutAServer(string environment, string? host, bool isOpen)
    {
        await using var services = database.Build(
            new() { ["Demiurge:Mail:Smtp:Host"] = host, ["Demiurge:Mail:Smtp:From"] = "demiurge@example.org" }, environment: environment);
        await database.Get<IMailSender>().Send(new OutgoingMail(People.NewEmail(), "Hello", "secret"));
        var outbox = services.GetRequiredService<Outbox>();
        Assert.Equal(isOpen, outbox.IsOpen);
        Assert.Equal(isOpen ? null : "outbox.closed", (await outbox.List(null, isLocal: true)).Error?.Code);
    }

    [Fact]
    public async Task Outbox_FromElsewhere_IsForPlatformAdministratorsOnly()
    {
        var (administrator, other) = (await database.Register(), await database.Register());
        await using (var db = database.CreateContext())
        {
            await db.Users.ExecuteUpdateAsync(set => set.SetProperty(user => user.IsPlatformAdministrator, user => user.Id == administrator.Id));
        }
        await database.Get<IMailSender>().Send(new OutgoingMail(other.Email, "Hello", "secret"));
        var outbox = database.Get<Outbox>();

        Assert.Equal("outbox.forbidden", (await outbox.List(null, isLocal: false)).Error?.Code);
        Assert.Equal("outbox.forbidden", (await outbox.List(other.Actor, isLocal: false)).Error?.Code);
        Assert.Contains((await outbox.List(administrator.Actor, isLocal: false)).Value!, mail => mail.To == other.Email);
        Assert.Contains((await outbox.List(null, isLocal: true)).Value!, mail => mail.To == other.Email);
    }

    [Theory]
    [InlineData("From", null)]
    [InlineData("From", "not an address")]
    [InlineData("Port", "0")]
    [InlineData("Port", "70000")]
    public void Options_Wrong_NameTheirKey(string key, string? value)
    {
        var settings = new Dictionary<string, string?> { ["Demiurge:Mail:Smtp:Host"] = "mail.example.org", ["Demiurge:Mail:Smtp:From"] = "demiurge@example.org" };
        settings[$"Demiurge:Mail:Smtp:{key}"] = value;
        using var services = database.Build(settings);
        var failure = Assert.Throws<OptionsValidationException>(() => services.GetRequiredService<IOptions<MailOptions>>().Value);
        Assert.Contains($"Demiurge:Mail:Smtp:{key}", failure.Message);
    }

    private ServiceProvider WithServer(int port, MovableTime? time = null) => database.Build(
        new()
        {
            ["Demiurge:Mail:Smtp:Host"] = "127.0.0.1",
            ["Demiurge:Mail:Smtp:Port"] = $"{port}",
            ["Demiurge:Mail:Smtp:Tls"] = "false",
            ["Demiurge:Mail:Smtp:From"] = "demiurge@example.org",
        },
        configure: services => services.AddSingleton<TimeProvider>(time ?? database.Time),
        environment: "Production");

    private static async Task DeliverAll(ServiceProvider services)
    {
        var delivery = services.GetServices<IHostedService>().OfType<SmtpDelivery>().Single();
        while (await delivery.DeliverNext(CancellationToken.None))
        {
        }
    }

    private async Task<OutboxMail> Row(string to)
    {
        await using var db = database.CreateContext();
        return await db.OutboxMails.SingleAsync(mail => mail.To == to);
    }
}
