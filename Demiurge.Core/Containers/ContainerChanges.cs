using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Demiurge.Core.Containers;

/// <summary>Something about a container that people see is different now: state, services, name, sharing, its being there at all.</summary>
public readonly record struct ContainerChanged(Guid OrganizationId, Guid ProjectId, Guid ContainerId);

/// <summary>
/// Tells every process on this database of changed containers, by PostgreSQL's NOTIFY. Published after the commit; subscribers are called on
/// the publishing thread, or for changes from elsewhere on the listener's: they return at once and work elsewhere. It only hastens: a
/// notification is lost while the database doesn't answer, so whoever depends on it looks again from time to time.
/// Safe for concurrent use.
/// </summary>
public sealed partial class ContainerChanges(NpgsqlDataSource database, TimeProvider time, ILogger<ContainerChanges> logger) : BackgroundService
{
    private const string Notifications = "demiurge_containers";

    private readonly string origin = Guid.NewGuid().ToString("N");

    /// <summary>Bounded: when the database is slower than changes come, the oldest go unsaid.</summary>
    private readonly Channel<(ContainerChanged Change, bool IsRequest)> outgoing = Channel.CreateBounded<(ContainerChanged, bool)>(
        new BoundedChannelOptions(4096) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });

    public event Action<ContainerChanged>? Changed;

    /// <summary>Of the changes, those by which something is asked for: a person's, not the reconciler's.</summary>
    public event Action<ContainerChanged>? Requested;

    /// <summary>Tells what was observed: calls every subscriber here and tells the other processes. The failure of one subscriber is logged.</summary>
    public void Publish(ContainerChanged change) => Publish(change, isRequest: false);

    /// <summary>Tells, like <see cref="Publish(ContainerChanged)"/>, that something is asked for, so that the reconciler sees to it at once.</summary>
    public void Request(ContainerChanged change) => Publish(change, isRequest: true);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(
        Again(Send, stoppingToken), Again(Listen, stoppingToken));

    private void Publish(ContainerChanged change, bool isRequest)
    {
        Raise(change, isRequest);
        outgoing.Writer.TryWrite((change, isRequest));
    }

    private void Raise(ContainerChanged change, bool isRequest)
    {
        foreach (var subscriber in Delegate.EnumerateInvocationList(isRequest ? Requested + Changed : Changed))
        {
            try
            {
                subscriber(change);
            }
            catch (Exception exception)
            {
                Log.SubscriberFailed(logger, exception, change);
            }
        }
    }

    private async Task Send(CancellationToken cancellationToken)
    {
        await foreach (var (change, isRequest) in outgoing.Reader.ReadAllAsync(cancellationToken))
        {
            await using var command = database.CreateCommand($"SELECT pg_notify('{Notifications}', $1)");
            command.Parameters.AddWithValue($"{origin}|{change.OrganizationId:N}|{change.ProjectId:N}|{change.ContainerId:N}|{(isRequest ? "request" : "")}");
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    private async Task Listen(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        connection.Notification += (_, notification) => Receive(notification.Payload);
        await using (var command = new NpgsqlCommand($"LISTEN {Notifications}", connection))
            await command.ExecuteNonQueryAsync(cancellationToken);
        while (true)
            await connection.WaitAsync(cancellationToken);
    }

    private void Receive(string payload)
    {
        if (payload.Split('|') is [var sender, var organization, var project, var container, var kind] && sender != origin
            && Guid.TryParse(organization, out var organizationId) && Guid.TryParse(project, out var projectId) && Guid.TryParse(container, out var containerId))
        {
            Raise(new ContainerChanged(organizationId, projectId, containerId), kind == "request");
        }
    }

    private async Task Again(Func<CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await work(cancellationToken);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                Log.Interrupted(logger, exception.Message);
                await Task.Delay(TimeSpan.FromSeconds(1), time, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "A subscriber to containers' changes failed on {Change}")]
        public static partial void SubscriberFailed(ILogger logger, Exception exception, ContainerChanged change);

        [LoggerMessage(2, LogLevel.Warning, "Containers' changes don't reach other processes for a moment: {Reason}")]
        public static partial void Interrupted(ILogger logger, string reason);
    }
}
