using System.Threading.Channels;
using Demiurge.Core.Permissions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Demiurge.Core.Gateways;

/// <summary>
/// Tells the gateway of an organization at once that somebody's access changed. It only hastens: gateways look the roles of
/// everyone connected up every two seconds anyway, so a message that is lost here costs no more than that.
/// </summary>
public sealed partial class AccessForwarder(AccessChanges changes, GatewayPool pool, GatewayClient gateways, ILogger<AccessForwarder> logger) : BackgroundService
{
    private readonly Channel<AccessChanged> queue = Channel.CreateBounded<AccessChanged>(
        new BoundedChannelOptions(1024) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        changes.Changed += Enqueue;
        try
        {
            await foreach (var change in queue.Reader.ReadAllAsync(stoppingToken))
                await Forward(change, stoppingToken);
        }
        finally
        {
            changes.Changed -= Enqueue;
        }
    }

    private void Enqueue(AccessChanged change) => queue.Writer.TryWrite(change);

    private async Task Forward(AccessChanged change, CancellationToken cancellationToken)
    {
        try
        {
            var holder = (await pool.List(cancellationToken)).FirstOrDefault(entry => entry.Allocation?.OrganizationId == change.OrganizationId).Gateway;
            if (holder is not null)
                await gateways.Revoke(holder, new GatewayRevoke(change.ProjectId, change.UserId), cancellationToken);
        }
        catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            Log.NotForwarded(logger, exception.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "A change of access reaches its gateway only with its next look: {Reason}")]
        public static partial void NotForwarded(ILogger logger, string reason);
    }
}
