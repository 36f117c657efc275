using Demiurge.Core.Gateways;
using Demiurge.Core.Rooms;
using Demiurge.Gateway.Access;
using Demiurge.Gateway.Proxy;
using Demiurge.Gateway.Rooms;
using Demiurge.Gateway.Vpn;

namespace Demiurge.Gateway.Lifecycle;

/// <summary>
/// Everything that a gateway knows of the organization it serves, in one object: when the gateway lets go of it, nothing of the
/// organization is left. Thread-safe.
/// </summary>
internal sealed class ServedOrganization : IAsyncDisposable
{
    private readonly TimeProvider time;
    private long lastActivity;

    public ServedOrganization(GatewayConfig config, GatewayOptions gateway, VpnOptions vpn, ControlPlane control, TimeProvider time, ILoggerFactory loggers)
    {
        this.time = time;
        Config = config;
        lastActivity = time.GetTimestamp();
        Tickets = new TicketVerifier(config.OrganizationId, config.TicketIssuer, config.TicketKeys, time);
        Containers = new VisitDirectory(control, config, time, loggers.CreateLogger<VisitDirectory>());
        Access = new AccessWatch(control, config.GatewayToken, loggers.CreateLogger<AccessWatch>());
        Log = new LogAppender(control, config.GatewayToken, config.Limits, time, loggers.CreateLogger<LogAppender>());
        Rooms = new RoomDirectory(new RoomContext(
            config.Limits, Log, projectId => control.Pull(config.GatewayToken, projectId, CancellationToken.None), Touch, loggers.CreateLogger<Room>()));
        Vpn = new OrganizationVpn(control, config.GatewayToken, gateway.Name, vpn, time, loggers.CreateLogger<OrganizationVpn>());
        Appending = Log.Start();
    }

    public GatewayConfig Config { get; }

    public TicketVerifier Tickets { get; }

    public AccessWatch Access { get; }

    public VisitDirectory Containers { get; }

    public LogAppender Log { get; }

    public RoomDirectory Rooms { get; }

    public OrganizationVpn Vpn { get; }

    /// <summary>Faults when the log can't go on: the organization is no longer this gateway's.</summary>
    public Task Appending { get; }

    public TimeSpan IdleFor => time.GetElapsedTime(Volatile.Read(ref lastActivity));

    public void Touch() => Volatile.Write(ref lastActivity, time.GetTimestamp());

    public async ValueTask DisposeAsync()
    {
        Containers.Close();
        await Vpn.DisposeAsync();
        await Log.DisposeAsync();
    }
}
