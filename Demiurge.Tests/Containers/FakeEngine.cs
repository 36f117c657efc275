using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Containers.Runtime;

namespace Demiurge.Tests.Containers;

/// <summary>An engine in memory, for what a real one does only when it is broken: it fails, hangs, forgets and dies at a word.</summary>
internal sealed class FakeEngine : IContainerRuntimes, IContainerRuntime
{
    private readonly ConcurrentDictionary<string, RuntimeContainer> containers = new();
    private readonly ConcurrentDictionary<Guid, Channel<RuntimeEvent>> watchers = new();
    private int ensuring;
    private volatile bool reachable = true;

    public bool Reachable
    {
        get => reachable;
        set
        {
            reachable = value;
            if (!value)
            {
                foreach (var watcher in watchers.Values)
                    watcher.Writer.TryComplete();
            }
        }
    }

    /// <summary>Called before an image is looked for; may throw or wait.</summary>
    public Func<string, IProgress<PullProgress>, CancellationToken, Task<ImageState>>? OnImage { get; set; }

    /// <summary>Called before a container is started; may throw or wait.</summary>
    public Func<RuntimeSpec, CancellationToken, Task>? OnEnsure { get; set; }

    /// <summary>What the containers have written.</summary>
    public IReadOnlyList<string> Written { get; set; } = [];

    public Dictionary<int, (string Address, int Port)> Reach { get; } = [];

    public ConcurrentQueue<RuntimeSpec> Started { get; } = new();

    public int MostAtOnce { get; private set; }

    public ConcurrentBag<string> VolumesRemoved { get; } = [];

    public IReadOnlyCollection<RuntimeContainer> All => [.. containers.Values];

    public string Mark { get; set; } = "";

    public IContainerRuntime Of(ContainerHost host) => this;

    public RuntimeContainer? Of(Guid containerId) => containers.Values.SingleOrDefault(container => container.ContainerId == containerId);

    /// <summary>The container's program ends.</summary>
    public void Die(Guid containerId, int exitCode, bool outOfMemory = false, bool silently = false)
    {
        var container = Of(containerId)!;
        containers[container.Name] = container with { State = RuntimeState.Exited, ExitCode = exitCode, OutOfMemory = outOfMemory, FinishedAt = DateTimeOffset.UtcNow };
        if (!silently)
            Tell("die", container);
    }

    /// <summary>Somebody removes the container behind everybody's back.</summary>
    public void Forget(Guid containerId, bool silently = false)
    {
        var container = Of(containerId)!;
        containers.TryRemove(container.Name, out _);
        if (!silently)
            Tell("destroy", container);
    }

    /// <summary>A container that no row asked for.</summary>
    public string Plant(Guid containerId)
    {
        var name = new RuntimeNames(Mark).Container(containerId);
        containers[name] = new RuntimeContainer("planted", name, containerId, 1, RuntimeState.Running, null, false, DateTimeOffset.UtcNow, Reach, null);
        return name;
    }

    public Task<ImageState> EnsureImage(string image, IProgress<PullProgress> progress, CancellationToken cancellationToken)
    {
        Check();
        return OnImage?.Invoke(image, progress, cancellationToken) ?? Task.FromResult(new ImageState(true, $"sha256:{image}", null));
    }

    /// <summary>Whether it is on its way down: it answers those it knows, and takes no new connections.</summary>
    public bool ShutsDown { get; set; }

    /// <summary>How often it was asked whether it takes connections.</summary>
    public int Asked { get; private set; }

    public Task<bool> TakesConnections(CancellationToken cancellationToken)
    {
        Asked++;
        return Task.FromResult(Reachable && !ShutsDown);
    }

    public async Task<RuntimeContainer> Ensure(RuntimeSpec spec, CancellationToken cancellationToken)
    {
        Check();
        var atOnce = Interlocked.Increment(ref ensuring);
        MostAtOnce = Math.Max(MostAtOnce, atOnce);
        try
        {
            if (OnEnsure is { } hook)
                await hook(spec, cancellationToken);
            Check();
            var name = new RuntimeNames(Mark).Container(spec.ContainerId);
            if (containers.TryGetValue(name, out var there) && there.Generation == spec.Generation && there.State == RuntimeState.Running)
                return there;
            var container = new RuntimeContainer(
                Guid.NewGuid().ToString("N"), name, spec.ContainerId, spec.Generation, RuntimeState.Running, null, false, DateTimeOffset.UtcNow, new Dictionary<int, (string, int)>(Reach), null);
            containers[name] = container;
            Started.Enqueue(spec);
            Tell("start", container);
            return container;
        }
        finally
        {
            Interlocked.Decrement(ref ensuring);
        }
    }

    public Task Stop(string name, TimeSpan grace, CancellationToken cancellationToken)
    {
        Check();
        if (containers.TryGetValue(name, out var container) && container.State == RuntimeState.Running)
            Die(container.ContainerId, 143);
        return Task.CompletedTask;
    }

    public Task Remove(string name, bool volumes, CancellationToken cancellationToken)
    {
        Check();
        if (containers.TryRemove(name, out var container))
            Tell("destroy", container);
        if (volumes)
            VolumesRemoved.Add(name);
        return Task.CompletedTask;
    }

    public Task<RuntimeContainer?> Find(string name, CancellationToken cancellationToken)
    {
        Check();
        return Task.FromResult(containers.GetValueOrDefault(name));
    }

    public Task<IReadOnlyList<RuntimeContainer>> List(CancellationToken cancellationToken)
    {
        Check();
        return Task.FromResult<IReadOnlyList<RuntimeContainer>>([.. containers.Values]);
    }

    public async IAsyncEnumerable<RuntimeEvent> Watch([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Check();
        var id = Guid.NewGuid();
        var channel = Channel.CreateUnbounded<RuntimeEvent>();
        watchers[id] = channel;
        try
        {
            await foreach (var happened in channel.Reader.ReadAllAsync(cancellationToken))
                yield return happened;
        }
        finally
        {
            watchers.TryRemove(id, out _);
        }
        Check();
    }

    public async IAsyncEnumerable<LogLine> Logs(
        string name, DateTimeOffset? since, bool follow, int tail, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Check();
        await Task.Yield();
        if (!containers.ContainsKey(name))
            throw new RuntimeException(RuntimeFailure.NotFound, "There is no such container.");
        foreach (var line in Written.TakeLast(tail))
            yield return new LogLine(DateTimeOffset.UtcNow, false, line);
    }

    public IAsyncEnumerable<RuntimeStats> Stats(string name, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IExecStream> Exec(string name, ExecSpec spec, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<Stream> ReadArchive(string name, string path, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task WriteArchive(string name, string path, Stream tar, CancellationToken cancellationToken) => throw new NotSupportedException();

    private void Check()
    {
        if (!reachable)
            throw new RuntimeException(RuntimeFailure.Unreachable, "The engine doesn't answer.");
    }

    private void Tell(string kind, RuntimeContainer container)
    {
        foreach (var watcher in watchers.Values)
            watcher.Writer.TryWrite(new RuntimeEvent(kind, container.Name, container.ContainerId, DateTimeOffset.UtcNow));
    }
}
