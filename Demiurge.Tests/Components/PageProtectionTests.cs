using System.Net;
using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Core.Projects;
using Demiurge.Tests.Infrastructure;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;

namespace Demiurge.Tests.Components;

public sealed class PageProtectionTests(WebFixture web) : IClassFixture<WebFixture>
{
    [Theory]
    [InlineData("/")]
    [InlineData("/organizations/new")]
    [InlineData("/organizations/0198c0de-0000-7000-8000-000000000000?tab=members")]
    [InlineData("/projects/0198c0de-0000-7000-8000-000000000000/settings")]
    [InlineData("/account/profile")]
    [InlineData("/admin")]
    public async Task Page_SignedOut_LeadsToLogInAndBack(string path)
    {
        var page = await new PageClient(web).Get(path);

        Assert.Equal(HttpStatusCode.Redirect, page.Status);
        Assert.EndsWith($"/account/login?returnUrl={Uri.EscapeDataString(path)}", page.Location);
    }

    [Fact]
    public async Task OrganizationAndProject_OfOthers_LookAsIfTheyDidNotExist()
    {
        var (organizationId, projectId) = await SomebodysProject();
        var browser = new PageClient(web);
        await browser.Register(People.NewEmail());

        foreach (var path in new[] { $"/organizations/{organizationId}", $"/projects/{projectId}/settings", $"/organizations/{Guid.NewGuid()}" })
        {
            var page = await browser.Get(path);
            Assert.Equal(HttpStatusCode.NotFound, page.Status);
            Assert.DoesNotContain("Acme", page.Html);
            Assert.True(page.Shows("not-found") || page.Shows("error-404"), path);
        }
    }

    [Fact]
    public async Task Admin_ForOthersThanAdministrators_IsRefused()
    {
        await SomebodysProject(); // The first account is the administrator's; the next one isn't.
        var browser = new PageClient(web);
        await browser.Register(People.NewEmail());

        var page = await browser.Get("/admin");

        Assert.True(page.Shows("forbidden"));
        Assert.False(page.Shows("accounts"));
    }

    [Fact]
    public async Task Address_Unknown_IsAnsweredByAPage()
    {
        var page = await new PageClient(web).Get("/no/such/page");

        Assert.Equal(HttpStatusCode.NotFound, page.Status);
        Assert.True(page.Shows("error-404"));
    }

    [Fact]
    public async Task Page_Headers_KeepForeignScriptsAndFramesOut()
    {
        var page = await new PageClient(web).Get("/account/login");

        var policy = page.Headers["Content-Security-Policy"];
        Assert.Contains("script-src 'self';", policy);
        Assert.Contains("frame-ancestors 'self'", policy);
        Assert.Equal("nosniff", page.Headers["X-Content-Type-Options"]);
        // What the policy says holds of the page itself: no script without a source.
        Assert.DoesNotMatch("<script(?![^>]*\\ssrc=)", page.Html);
    }

    private async Task<(Guid OrganizationId, Guid ProjectId)> SomebodysProject()
    {
        var ann = await web.Services.GetRequiredService<Core.Accounts.AccountService>().Register(People.NewEmail(), "Ann", People.Password);
        var actor = new Actor(ann.Value!.Id);
        var organization = await web.Services.GetRequiredService<OrganizationService>().Create(actor, "Acme");
        var project = await web.Services.GetRequiredService<ProjectService>().Create(actor, organization.Value!.Id, "Acme's plan", visibility: ProjectVisibility.Public);
        return (organization.Value.Id, project.Value!.Id);
    }
}

/// <summary>Web as a developer runs it, reached from an address that the test chooses.</summary>
public sealed class OutboxFixture : WebFixture
{
    public IPAddress Remote { get; set; } = IPAddress.Loopback;

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        base.ConfigureWebHost(builder);
        builder.ConfigureTestServices(services => services.AddSingleton<IStartupFilter>(new RemoteAddress(this)));
    }

    private sealed class RemoteAddress(OutboxFixture fixture) : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use((context, following) =>
            {
                context.Connection.RemoteIpAddress = fixture.Remote;
                return following(context);
            });
            next(app);
        };
    }
}

public sealed class OutboxPageTests(OutboxFixture web) : IClassFixture<OutboxFixture>
{
    private const string LinkStart = "<a href=\"http://demiurge.localhost";

    [Fact]
    public async Task Outbox_OutsideOfProduction_ShowsMailsWithLinksToThisMachineAndAdministrators()
    {
        var (administrator, bob) = (new PageClient(web), new PageClient(web));
        var email = People.NewEmail();
        await administrator.Register(email); // the installation's first
        await bob.Register(People.NewEmail());
        await bob.Get("/account/forgot-password");
        await bob.Submit("forgot", new() { ["Form.Email"] = email });
        var stranger = new PageClient(web);

        web.Remote = IPAddress.IPv6Loopback;
        Assert.Contains(LinkStart, (await stranger.Get("/outbox")).Html);

        web.Remote = IPAddress.Parse("192.0.2.7");
        foreach (var browser in new[] { stranger, bob })
        {
            var page = await browser.Get("/outbox");
            Assert.True(page.Shows("outbox-forbidden"));
            Assert.DoesNotContain(LinkStart, page.Html);
        }
        Assert.Contains(LinkStart, (await administrator.Get("/outbox")).Html);
    }

    [Theory]
    [InlineData("X-Forwarded-For", "127.0.0.1")]
    [InlineData("X-Original-For", "127.0.0.1:80")]
    [InlineData("Forwarded", "for=127.0.0.1")]
    public async Task Outbox_ThroughAProxyOnThisMachine_IsShut(string header, string value)
    {
        web.Remote = IPAddress.Loopback;
        using var client = web.CreateClient();
        client.DefaultRequestHeaders.Add(header, value);

        Assert.Contains("data-testid=\"outbox-forbidden\"", await client.GetStringAsync("/outbox"));
    }
}

/// <summary>Web as an installation runs it: production, and few attempts.</summary>
public sealed class ProductionFixture : WebFixture
{
    protected override IReadOnlyDictionary<string, string> Settings { get; } = new Dictionary<string, string> { ["Demiurge:Accounts:CredentialRequestsPerMinute"] = "3" };

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        base.ConfigureWebHost(builder);
        builder.UseEnvironment("Production");
    }
}

public sealed class ProductionPagesTests(ProductionFixture web) : IClassFixture<ProductionFixture>
{
    [Fact]
    public async Task Outbox_InProduction_IsNotThere()
    {
        var page = await new PageClient(web).Get("/outbox");

        Assert.Equal(HttpStatusCode.NotFound, page.Status);
        Assert.DoesNotContain("Outbox", page.Html);
    }

    [Fact]
    public async Task LogIn_TooOften_IsAnsweredByAPageThatSaysSo()
    {
        var browser = new PageClient(web);
        for (var i = 0; i < 3; i++)
            Assert.Equal(HttpStatusCode.OK, (await browser.LogIn(People.NewEmail())).Status);

        var page = await browser.Submit("login", new() { ["Form.Email"] = People.NewEmail(), ["Form.Password"] = "x" }, withToken: false);

        Assert.Equal(HttpStatusCode.TooManyRequests, page.Status);
        Assert.True(page.Shows("error-429"));
        Assert.Equal(HttpStatusCode.OK, (await browser.Get("/account/login")).Status);
    }
}
