using System.Threading.Channels;
using Demiurge.Core.Containers;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Demiurge.Core.Gateways;

/// <summary>
/// Tells the gateway of an organization at once that containers of it, or who may open them, changed. It only hastens: gateways look what
/// they use up every two seconds anyway.
/// </summary>
public sealed partial class ContainerForwarder(ContainerChanges changes, GatewayPool pool, GatewayRoutes routes, GatewayClient gateways, ILogger<ContainerForwarder> logger)
    : BackgroundService
{
    private readonly Channel<ContainerChanged> queue = Channel.CreateBounded<ContainerChanged>(
        new BoundedChannelOptions(4096) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        changes.Changed += Enqueue;
        try
        {
            while (await queue.Reader.WaitToReadAsync(stoppingToken))
            {
                var batch = new HashSet<ContainerChanged>();
                while (batch.Count < GatewayContainersResolve.Max && queue.Reader.TryRead(out var change))
                    batch.Add(change);
                foreach (var organization in batch.GroupBy(change => change.OrganizationId))
                    await Forward(organization.Key, [.. organization.Select(change => change.ContainerId)], stoppingToken);
            }
        }
        finally
        {
            changes.Changed -= Enqueue;
        }
    }

    private void Enqueue(ContainerChanged change)
    {
        if (routes.Find(change.OrganizationId) is not null)
            queue.Writer.TryWrite(change);
    }

    private async Task Forward(Guid organizationId, IReadOnlyList<Guid> containerIds, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(5));
        try
        {
            var holder = (await pool.List(timeout.Token)).FirstOrDefault(entry => entry.Allocation?.OrganizationId == organizationId).Gateway;
            if (holder is not null)
                await gateways.ContainersChanged(holder, new GatewayContainersChanged(containerIds), timeout.Token);
        }
        catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            Log.NotForwarded(logger, exception.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "A change of a container reaches its gateway only with its next look: {Reason}")]
        public static partial void NotForwarded(ILogger logger, string reason);
    }
}
