using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Core.Permissions;

namespace Demiurge.Web.Components.Containers;

/// <summary>
/// What running containers use, for whoever looks at them: one stream from the engine a container, however many look, none when nobody
/// does. Keeps the last minute. Any thread.
/// </summary>
public sealed partial class ContainerStatsFeed(ContainerService service, ContainerAccess access, TimeProvider time, ILogger<ContainerStatsFeed> logger)
{
    /// <summary>How many samples are kept.</summary>
    public const int Samples = 60;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(3);

    private readonly Lock sync = new();
    private readonly Dictionary<Guid, Source> sources = [];

    /// <summary>Begins to watch; <paramref name="seen"/> is called with what is kept, oldest first, after each sample. Null for who has no access.</summary>
    public async Task<IDisposable?> Watch(Actor actor, Guid containerId, Action<IReadOnlyList<RuntimeStats>> seen, CancellationToken cancellationToken = default)
    {
        if (await access.Of(actor, containerId, cancellationToken) is null)
            return null;
        var watcher = new Watcher(this, containerId, actor, seen);
        lock (sync)
        {
            if (!sources.TryGetValue(containerId, out var source))
            {
                sources[containerId] = source = new Source();
                source.Reading = Task.Run(() => Read(containerId, source), CancellationToken.None);
            }
            source.Watchers = [.. source.Watchers, watcher];
        }
        return watcher;
    }

    private void Leave(Watcher watcher)
    {
        lock (sync)
        {
            if (!sources.TryGetValue(watcher.ContainerId, out var source))
                return;
            source.Watchers = [.. source.Watchers.Where(other => other != watcher)];
            if (source.Watchers.Count > 0)
                return;
            sources.Remove(watcher.ContainerId);
            source.Stopping.Cancel();
        }
    }

    private async Task Read(Guid containerId, Source source)
    {
        var kept = new List<RuntimeStats>();
        while (!source.Stopping.IsCancellationRequested)
        {
            try
            {
                // Anybody who watches may ask for all: what is shown is the same for each.
                var asker = source.Watchers[0].Actor;
                var stats = await service.Stats(asker, containerId, source.Stopping.Token);
                if (stats.Succeeded)
                    await foreach (var sample in stats.Value.WithCancellation(source.Stopping.Token))
                    {
                        if (kept.Count >= Samples)
                            kept.RemoveRange(0, kept.Count - Samples + 1);
                        kept.Add(sample);
                        IReadOnlyList<RuntimeStats> all = [.. kept];
                        foreach (var watcher in source.Watchers)
                            watcher.Seen(all);
                    }
            }
            catch (OperationCanceledException) when (source.Stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                Log.StreamBroke(logger, containerId, exception.Message);
            }
            try
            {
                await Task.Delay(Pause, time, source.Stopping.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private sealed class Source
    {
        public volatile IReadOnlyList<Watcher> Watchers = [];

        public CancellationTokenSource Stopping { get; } = new();

        public Task? Reading { get; set; }
    }

    private sealed class Watcher(ContainerStatsFeed feed, Guid containerId, Actor actor, Action<IReadOnlyList<RuntimeStats>> seen) : IDisposable
    {
        public Guid ContainerId => containerId;

        public Actor Actor => actor;

        public void Seen(IReadOnlyList<RuntimeStats> stats) => seen(stats);

        public void Dispose() => feed.Leave(this);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Debug, "What container {ContainerId} uses can't be read for a moment: {Reason}")]
        public static partial void StreamBroke(ILogger logger, Guid containerId, string reason);
    }
}
