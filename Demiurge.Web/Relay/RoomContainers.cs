using Demiurge.Core.Containers;
using Demiurge.Core.Gateways;

namespace Demiurge.Web.Relay;

/// <summary>
/// Keeps the root <c>containers</c> of the rooms: after each change of a container, and when a board is opened. Rooms of organizations that no
/// gateway serves are left alone: nobody is in them, and they are written when somebody comes. Changes that come faster than rooms
/// are written are one. The board's own pages don't read it; they ask <see cref="ContainerService"/>.
/// </summary>
internal sealed partial class RoomContainers(
    BoardRelays relays, ContainerChanges changes, ContainerDirectory directory, GatewayRoutes routes, TimeProvider time, ILogger<RoomContainers> logger) : BackgroundService
{
    private static readonly TimeSpan Spacing = TimeSpan.FromMilliseconds(150);

    /// <summary>More waiting projects than this are not remembered; they are written with their next change.</summary>
    private const int MostWaiting = 10_000;

    private readonly Lock sync = new();
    private readonly SemaphoreSlim signal = new(0, 1);
    private HashSet<Guid> waiting = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        changes.Changed += OnChanged;
        relays.Opened += Wait;
        try
        {
            while (true)
            {
                await signal.WaitAsync(stoppingToken);
                HashSet<Guid> projects;
                lock (sync)
                    (projects, waiting) = (waiting, []);
                foreach (var project in projects)
                    await Write(project, stoppingToken);
                await Task.Delay(Spacing, time, stoppingToken);
            }
        }
        catch (OperationCanceledException)
        {
        }
        finally
        {
            changes.Changed -= OnChanged;
            relays.Opened -= Wait;
        }
    }

    private void OnChanged(ContainerChanged change)
    {
        if (routes.Find(change.OrganizationId) is not null)
            Wait(change.ProjectId);
    }

    private void Wait(Guid projectId)
    {
        lock (sync)
        {
            if (waiting.Count < MostWaiting)
                waiting.Add(projectId);
        }
        try
        {
            signal.Release();
        }
        catch (SemaphoreFullException)
        {
            // It is going to look anyway.
        }
    }

    private async Task Write(Guid projectId, CancellationToken cancellationToken)
    {
        try
        {
            // Read after the hold: what is written last was read last.
            await relays.Use(projectId, async relay =>
            {
                var containers = await directory.In(projectId, cancellationToken);
                return await relay.Run(() => ContainersRoot.Write(relay.View.Doc, containers, this));
            }, cancellationToken);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            Log.WriteFailed(logger, projectId, exception.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The containers of project {ProjectId} could not be told to its room: {Reason}")]
        public static partial void WriteFailed(ILogger logger, Guid projectId, string reason);
    }
}
