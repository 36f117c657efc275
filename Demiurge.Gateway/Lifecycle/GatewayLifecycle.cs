using System.Diagnostics;
using Demiurge.Core.Gateways;
using Demiurge.Core.Rooms;
using Demiurge.Gateway.Access;
using Demiurge.Gateway.Vpn;
using Microsoft.Extensions.Options;

namespace Demiurge.Gateway.Lifecycle;

/// <summary>
/// The life of a gateway: <c>starting → ready → allocated → draining → ready</c>. One transition at a time, behind one lock.
/// It gives its organization back when idle, when asked to drain, and when the process is told to end; it drops it without
/// a word when Web fenced it off; it ends itself when Web has replaced it or is gone for good.
/// </summary>
internal sealed partial class GatewayLifecycle(
    ControlPlane control, IOptions<GatewayOptions> options, IOptions<VpnOptions> vpn, IHostApplicationLifetime application, TimeProvider time, ILoggerFactory loggers)
    : BackgroundService, IHostedLifecycleService
{
    private static readonly TimeSpan BeatInterval = TimeSpan.FromSeconds(2);

    private readonly ILogger logger = loggers.CreateLogger<GatewayLifecycle>();
    private readonly SemaphoreSlim transition = new(1, 1);
    private volatile ServedOrganization? serving;
    private volatile GatewayState state = GatewayState.Starting;

    /// <summary>The organization being served; null unless allocated.</summary>
    public ServedOrganization? Serving => state == GatewayState.Allocated ? serving : null;

    public GatewayStatus Status
    {
        get
        {
            var organization = serving;
            return new GatewayStatus(
                options.Value.Name, options.Value.InstanceId, state, organization?.Config.OrganizationId, organization?.Config.Epoch ?? 0,
                organization?.Rooms.Count ?? 0, organization?.Access.Count ?? 0, organization?.Log.BacklogBytes ?? 0,
                organization is null ? null : time.GetUtcNow() - organization.IdleFor, Process.GetCurrentProcess().WorkingSet64);
        }
    }

    /// <summary>Takes an organization. False when the gateway is not ready, or the token is not (or no longer) good.</summary>
    public async Task<bool> Start(string handshakeToken, CancellationToken cancellationToken)
    {
        await transition.WaitAsync(cancellationToken);
        try
        {
            if (state != GatewayState.Ready)
                return false;
            var config = await control.Configure(handshakeToken, cancellationToken);
            var organization = new ServedOrganization(config, options.Value, vpn.Value, control, time, loggers);
            serving = organization;
            state = GatewayState.Allocated;
            Log.Allocated(logger, config.OrganizationId, config.Epoch);
            _ = Watch(organization);
            return true;
        }
        catch (FencedException)
        {
            return false;
        }
        finally
        {
            transition.Release();
        }
    }

    /// <summary>Gives the organization back, everything durable; returns when the gateway is ready again or had nothing to give.</summary>
    public Task Drain(CancellationToken cancellationToken) =>
        Release(serving, RoomProtocol.Close.Moved, "The workspace moves to another gateway; join again.", becomesReady: true, cancellationToken);

    public Task StoppingAsync(CancellationToken cancellationToken) =>
        Release(serving, RoomProtocol.Close.Moved, "The gateway is stopping; join again.", becomesReady: false, cancellationToken);

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Kestrel listens only after this returns for the first time.
        await Task.Yield();
        var started = new TaskCompletionSource();
        await using var registration = application.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(stoppingToken);
        await BecomeReady(stoppingToken);
        using var timer = new PeriodicTimer(BeatInterval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
            await Beat(stoppingToken);
    }

    private async Task Beat(CancellationToken cancellationToken)
    {
        var organization = Serving;
        try
        {
            var news = await control.Beat(organization?.Config.OrganizationId, organization?.Config.Epoch ?? 0, cancellationToken);
            if (organization is not null)
            {
                organization.Tickets.Replace(news.TicketKeys);
                if (news.VpnWanted)
                    organization.Vpn.Want();
                await organization.Access.Check(null, null, cancellationToken);
                await organization.Vpn.Check(cancellationToken);
                await organization.Containers.Look(cancellationToken);
                await ReportActivity(organization, cancellationToken);
            }
        }
        catch (FencedException fenced)
        {
            await Drop(organization, fenced);
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            EndIfAbandoned();
        }
    }

    /// <summary>Tells Web which containers were used since the last time.</summary>
    private async Task ReportActivity(ServedOrganization organization, CancellationToken cancellationToken)
    {
        var used = organization.Containers.TakeActivity();
        if (used.Count == 0)
            return;
        try
        {
            await control.NoteActivity(organization.Config.GatewayToken, used, cancellationToken);
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            organization.Containers.PutBack(used.Keys);
        }
    }

    /// <summary>Waits for the organization to fall idle, or to be taken away.</summary>
    private async Task Watch(ServedOrganization organization)
    {
        while (organization == serving)
        {
            var left = organization.Config.IdleTimeout - organization.IdleFor;
            if (left <= TimeSpan.Zero)
            {
                await Release(organization, RoomProtocol.Close.Idle, "Nobody has been active for a while; join again when needed.", becomesReady: true, CancellationToken.None);
                return;
            }

            if (await Task.WhenAny(organization.Appending, Task.Delay(left, time)) == organization.Appending)
            {
                if (organization.Appending.Exception?.InnerException is FencedException fenced)
                    await Drop(organization, fenced);
                else if (organization.Appending.Exception is { } failure)
                    End(failure);
                return;
            }
        }
    }

    private async Task Release(ServedOrganization? organization, int closeCode, string reason, bool becomesReady, CancellationToken cancellationToken)
    {
        await transition.WaitAsync(cancellationToken);
        try
        {
            if (organization is null || organization != serving)
                return;
            state = GatewayState.Draining;
            organization.Containers.Close();
            await organization.Rooms.CloseAll(closeCode, reason);
            await ReportActivity(organization, cancellationToken);
            await organization.Log.Flush(cancellationToken);
            await UntilAnswered(() => control.Stop(organization.Config.GatewayToken, cancellationToken), cancellationToken);
            Log.Released(logger, organization.Config.OrganizationId, reason);
        }
        catch (FencedException)
        {
            // It was taken away meanwhile; what is unflushed was never acknowledged to anyone.
        }
        catch (Exception failure) when (organization!.Appending.IsFaulted)
        {
            End(failure);
            return;
        }
        finally
        {
            transition.Release();
        }

        await Forget(organization!, becomesReady, cancellationToken);
    }

    private async Task Drop(ServedOrganization? organization, FencedException fenced)
    {
        if (fenced.IsReplaced)
        {
            End(fenced);
            return;
        }

        await transition.WaitAsync();
        try
        {
            if (organization is null || organization != serving)
                return;
            Log.Fenced(logger, organization.Config.OrganizationId, organization.Config.Epoch);
            state = GatewayState.Draining;
            await organization.Rooms.CloseAll(RoomProtocol.Close.Moved, "The workspace has moved to another gateway; join again.");
        }
        finally
        {
            transition.Release();
        }

        await Forget(organization, becomesReady: true, CancellationToken.None);
    }

    private async Task Forget(ServedOrganization organization, bool becomesReady, CancellationToken cancellationToken)
    {
        await transition.WaitAsync(cancellationToken);
        try
        {
            if (organization != serving)
                return;
            serving = null;
            await organization.DisposeAsync();
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive);
        }
        finally
        {
            transition.Release();
        }

        if (becomesReady)
            await BecomeReady(cancellationToken);
    }

    private async Task BecomeReady(CancellationToken cancellationToken)
    {
        try
        {
            // Ready before it says so: the answer may come later than the first organization.
            state = GatewayState.Ready;
            await UntilAnswered(() => state == GatewayState.Ready ? control.Ready(cancellationToken) : Task.CompletedTask, cancellationToken);
        }
        catch (FencedException fenced)
        {
            End(fenced);
        }
    }

    private async Task UntilAnswered(Func<Task> call, CancellationToken cancellationToken)
    {
        for (var pause = TimeSpan.FromMilliseconds(50); ; pause = pause < TimeSpan.FromSeconds(1) ? pause * 2 : pause)
        {
            try
            {
                await call();
                return;
            }
            catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
            {
                EndIfAbandoned();
                application.ApplicationStopping.ThrowIfCancellationRequested();
                await Task.Delay(pause, time, cancellationToken);
            }
        }
    }

    private void EndIfAbandoned()
    {
        if (control.Silence > options.Value.AbsenceLimit)
            End(new TimeoutException($"Web has not answered for {options.Value.AbsenceLimit}."));
    }

    /// <summary>
    /// Ends the process. Nothing acknowledged is lost by it, peers hold what was not, and whoever started this gateway starts
    /// another.
    /// </summary>
    private void End(Exception reason)
    {
        Log.Ending(logger, reason.Message);
        state = GatewayState.Lost;
        _ = Interlocked.Exchange(ref serving, null)?.Rooms.CloseAll(RoomProtocol.Close.ServiceRestart, "The gateway is ending; join again.");
        application.StopApplication();
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Serving organization {OrganizationId} in epoch {Epoch}")]
        public static partial void Allocated(ILogger logger, Guid organizationId, long epoch);

        [LoggerMessage(2, LogLevel.Information, "Gave organization {OrganizationId} back: {Reason}")]
        public static partial void Released(ILogger logger, Guid organizationId, string reason);

        [LoggerMessage(3, LogLevel.Warning, "Organization {OrganizationId} was taken away, epoch {Epoch} is over")]
        public static partial void Fenced(ILogger logger, Guid organizationId, long epoch);

        [LoggerMessage(4, LogLevel.Warning, "Ending: {Reason}")]
        public static partial void Ending(ILogger logger, string reason);
    }
}
