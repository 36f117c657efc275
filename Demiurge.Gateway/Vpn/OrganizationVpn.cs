using System.Globalization;
using Demiurge.Core.Gateways;
using Demiurge.Gateway.Lifecycle;

namespace Demiurge.Gateway.Vpn;

/// <summary>
/// The VPN of the organization that the gateway serves: begins when machines want to connect, is started again whenever the server ends, and is over, with all that it
/// knew, when the gateway lets go of the organization. Thread-safe.
/// </summary>
internal sealed partial class OrganizationVpn(ControlPlane control, string gatewayToken, string gatewayName, VpnOptions options, TimeProvider time, ILogger logger)
    : IAsyncDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1), LongestPause = TimeSpan.FromSeconds(30), CalmTime = TimeSpan.FromMinutes(1);

    private readonly CancellationTokenSource ending = new();
    private readonly Lock starting = new();
    private volatile VpnServer? server;
    private VpnPlace? place; // of the loop alone; kept from server to server, so that nobody else gets addresses that are still known as ours
    private Task? running;

    /// <summary>How many machines are connected.</summary>
    public int Count => server?.Count ?? 0;

    /// <summary>Machines want to connect; from now on there is a server.</summary>
    public void Want()
    {
        lock (starting)
        {
            if (!ending.IsCancellationRequested)
                running ??= Task.Run(Run);
        }
    }

    /// <summary>Cuts off who may not be in the network any more.</summary>
    public async Task Check(CancellationToken cancellationToken)
    {
        if (server is { } present)
            await present.Check(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        Task? last;
        lock (starting)
        {
            ending.Cancel();
            last = running;
        }
        if (last is not null)
            await last;
        place?.Dispose();
    }

    private async Task Run()
    {
        var pause = FirstPause;
        while (!ending.IsCancellationRequested)
        {
            var began = time.GetTimestamp();
            try
            {
                await Serve();
            }
            catch (OperationCanceledException) when (ending.IsCancellationRequested)
            {
                return;
            }
            catch (FencedException)
            {
                return; // the organization is no longer ours, and the lifecycle hears of that by itself
            }
            catch (Exception exception) when (exception is VpnException or HttpRequestException or TaskCanceledException or IOException)
            {
                Log.NotStarted(logger, exception.Message);
                if (exception is VpnException)
                    await Report(new GatewayVpnStarted(null, null, exception.Message));
            }

            pause = time.GetElapsedTime(began) > CalmTime ? FirstPause : pause;
            try
            {
                await Task.Delay(pause, time, ending.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    /// <summary>Runs one server until it ends.</summary>
    private async Task Serve()
    {
        if (!options.Enabled)
            throw new VpnException("People's own machines can't join: the VPN is switched off (Gateway:Vpn:Enabled).");
        var (tools, missing) = VpnTools.Find();
        if (tools is null)
            throw new VpnException(missing!);
        place ??= VpnPlace.Take(Ordinal(gatewayName), options.BasePort)
            ?? throw new VpnException("People's own machines can't join: all of 172.16.0.0/16 is taken where the gateway runs.");
        VpnServer present;
        try
        {
            var material = await control.ConfigureVpn(gatewayToken, ending.Token);
            present = await VpnServer.Start(tools, place, material, (serials, cancellationToken) => control.CheckVpn(gatewayToken, serials, cancellationToken), logger, ending.Token);
        }
        catch (VpnException)
        {
            // The port may have been taken by somebody else.
            place.Dispose();
            place = null;
            throw;
        }

        await using (present)
        {
            server = present;
            try
            {
                Log.Started(logger, place.Port, place.Network);
                await control.VpnStarted(gatewayToken, new GatewayVpnStarted(place.Port, place.Network, null), ending.Token);
                await present.Ended.WaitAsync(ending.Token);
                Log.Ended(logger, present.LastWords);
            }
            finally
            {
                server = null;
            }
        }
    }

    private async Task Report(GatewayVpnStarted started)
    {
        try
        {
            await control.VpnStarted(gatewayToken, started, ending.Token);
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException or FencedException)
        {
            // It will be said again.
        }
    }

    /// <summary>N of <c>gw-pool-N</c>.</summary>
    internal static int Ordinal(string name) =>
        int.TryParse(name.AsSpan(name.LastIndexOf('-') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var ordinal) ? ordinal : 0;

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "The VPN server listens on UDP port {Port} with network {Network}/20")]
        public static partial void Started(ILogger logger, int port, string network);

        [LoggerMessage(2, LogLevel.Warning, "The VPN server ended: {LastWords}")]
        public static partial void Ended(ILogger logger, string lastWords);

        [LoggerMessage(3, LogLevel.Warning, "There is no VPN server: {Reason}")]
        public static partial void NotStarted(ILogger logger, string reason);
    }
}
