using System.Net;
using Demiurge.Core.Mail;

namespace Demiurge.Web.Hosting;

/// <summary>Keeps the developer's letter box to the machine that it is meant for.</summary>
internal static partial class OpenOutbox
{
    /// <summary>
    /// Whether the request was made on this machine. What a proxy passed on wasn't, as far as anyone can tell: its own address
    /// says nothing about the sender, and the sender's comes in a header that anyone can write.
    /// </summary>
    public static bool IsFromThisMachine(this HttpContext context)
    {
        var headers = context.Request.Headers;
        return context.Connection.RemoteIpAddress is { } remote && IPAddress.IsLoopback(remote)
            && !headers.ContainsKey("X-Forwarded-For") && !headers.ContainsKey("X-Original-For") && !headers.ContainsKey("Forwarded");
    }

    /// <summary>Says at the start when others can reach an installation whose mails go to the outbox.</summary>
    public static void WarnOfOpenOutbox(this WebApplication app, SiteEnvironment environment)
    {
        if (environment.ListensEverywhere && app.Services.GetRequiredService<Outbox>().IsOpen)
            Log.OpenToOthers(app.Logger, app.Environment.EnvironmentName);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning,
            "This server listens on every address of the machine (Demiurge:Listen) in the environment {Environment}, where mails with links into "
            + "accounts are kept in the outbox. For others than yourself set ASPNETCORE_ENVIRONMENT=Production, and Demiurge:Mail:Smtp:Host to send mails.")]
        public static partial void OpenToOthers(ILogger logger, string environment);
    }
}
