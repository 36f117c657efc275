using Demiurge.Core;
using Demiurge.Core.Accounts;
using Demiurge.Core.Audit;
using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Docker;
using Demiurge.Core.Gateways;
using Demiurge.Core.Mail;
using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Demiurge.Core.Persistence.Embedded;
using Demiurge.Core.Platform;
using Demiurge.Core.Projects;
using Demiurge.Core.Tokens;
using Demiurge.Web.Accounts;
using Demiurge.Web.Api;
using Demiurge.Web.Components;
using Demiurge.Web.Components.Containers;
using Demiurge.Web.Edge;
using Demiurge.Web.Gateways;
using Demiurge.Web.Hosting;
using Demiurge.Web.Relay;
using Microsoft.Extensions.Options;

try
{
    if (await EnvironmentCommands.TryRun(args) is { } exitCode)
        return exitCode;

    var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
    builder.WebHost.UseStaticWebAssets();
    var environment = builder.AddEnvironment();

    builder.Services.AddSite(builder.Configuration);
    builder.Services.AddPersistence();
    builder.Services.AddMail(builder.Configuration);
    builder.Services.AddAccounts(builder.Configuration);
    builder.Services.AddPermissions();
    builder.Services.AddOrganizations();
    builder.Services.AddProjects();
    builder.Services.AddAudit();
    builder.Services.AddPlatform();
    builder.Services.AddTokens();
    builder.Services.AddGateways(builder.Configuration);
    builder.Services.AddContainers(builder.Configuration);
    builder.Services.AddDocker(builder.Configuration);
    builder.Services.AddEdge(builder.Configuration);
    builder.Services.AddBrowserSignIn();
    builder.Services.AddCredentialRateLimit();
    builder.Services.AddApi();
    builder.Services.AddBoards(builder.Configuration);
    builder.AddPages();

    var app = builder.Build();
    await app.PrepareDatabase();
    app.WarnOfOpenOutbox(environment);
    app.UseControlPort(environment);
    app.UseEdge(environment);
    app.HideControlPort(environment);
    app.UseHostBoundCookies();
    app.UseOriginCheck();
    // After the edge, so that nothing here looks at the paths of other hosts.
    app.UseRouting();
    app.UseWebSockets(new WebSocketOptions { KeepAliveInterval = TimeSpan.FromSeconds(15), KeepAliveTimeout = TimeSpan.FromSeconds(15) });
    app.UsePages();
    app.UseAuthentication();
    app.UseRateLimiter();
    app.UseAuthorization();
    app.MapPages();
    app.MapEntrance();
    app.MapApi();
    app.MapGateways();
    app.MapHealth();
    await app.RunAsync();
    return 0;
}
catch (Exception e) when (e is SiteEnvironmentException or EmbeddedPostgresException or OptionsValidationException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
