using Demiurge.Core;
using Demiurge.Core.Containers;
using Demiurge.Core.Permissions;

namespace Demiurge.Web.Components.Containers;

/// <summary>
/// One person's picture of a project's containers, kept up while it lives: asks <see cref="ContainerService"/>, which decides what this
/// person sees, whenever <see cref="ContainerChanges"/> says that something is different, and from time to time besides. Changes that come
/// faster than it asks are one; what is waiting to be asked is bounded. Any thread; events are raised on the thread pool.
/// </summary>
public sealed partial class ProjectContainers : IAsyncDisposable
{
    /// <summary>Between two questions: twenty state changes of a starting container are a handful of pictures.</summary>
    private static readonly TimeSpan Spacing = TimeSpan.FromMilliseconds(120);

    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(20);

    /// <summary>More changed containers than this are asked for by one list.</summary>
    private const int MostSingly = 4;

    private readonly ContainerService service;
    private readonly ContainerChanges changes;
    private readonly Actor actor;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly Lock sync = new();
    private readonly Dictionary<Guid, ContainerInfo> known = [];
    private readonly HashSet<Guid> missing = [];
    private readonly HashSet<Guid> foreign = [];
    private readonly SemaphoreSlim signal = new(0, 1);
    private readonly CancellationTokenSource stopping = new();
    private readonly Task following;
    private HashSet<Guid> dirty = [];
    private bool everything = true;

    public ProjectContainers(ContainerService service, ContainerChanges changes, Actor actor, Guid projectId, TimeProvider time, ILogger logger)
    {
        this.service = service;
        this.changes = changes;
        this.actor = actor;
        this.time = time;
        this.logger = logger;
        ProjectId = projectId;
        changes.Changed += OnChanged;
        Signal();
        following = Task.Run(Follow);
    }

    public Guid ProjectId { get; }

    /// <summary>Whether the first answer is there.</summary>
    public bool IsLoaded { get; private set; }

    /// <summary>Why there is no list; null when there is.</summary>
    public Error? Problem { get; private set; }

    /// <summary>The project's own, oldest first, without deleted ones.</summary>
    public IReadOnlyList<ContainerInfo> All
    {
        get
        {
            lock (sync)
                return [.. known.Values.Where(info => info.ProjectId == ProjectId && info.DeletedAt is null).OrderBy(info => info.CreatedAt).ThenBy(info => info.Id)];
        }
    }

    /// <summary>That container is different now, or its absence is known; null: any may be.</summary>
    public event Action<Guid?>? Changed;

    /// <summary>The container; null while it isn't known, or there is none for this person. One that is asked for is kept up from then on, also of another project.</summary>
    public ContainerInfo? Find(Guid id, out bool isMissing)
    {
        lock (sync)
        {
            isMissing = missing.Contains(id);
            if (known.TryGetValue(id, out var info))
                return info;
            if (!isMissing && IsLoaded && foreign.Add(id))
                dirty.Add(id);
            else
                return null;
        }
        Signal();
        return null;
    }

    /// <summary>Takes a command's answer, so that it shows before the change comes around.</summary>
    public void Put(ContainerInfo info)
    {
        lock (sync)
        {
            known[info.Id] = info;
            missing.Remove(info.Id);
        }
        Changed?.Invoke(info.Id);
    }

    /// <summary>Asks for everything anew, for example after the person's role changed.</summary>
    public void Refresh()
    {
        lock (sync)
            everything = true;
        Signal();
    }

    public async ValueTask DisposeAsync()
    {
        changes.Changed -= OnChanged;
        await stopping.CancelAsync();
        await following;
        stopping.Dispose();
        signal.Dispose();
    }

    private void OnChanged(ContainerChanged change)
    {
        lock (sync)
        {
            if (change.ProjectId != ProjectId && !known.ContainsKey(change.ContainerId) && !foreign.Contains(change.ContainerId))
                return;
            if (dirty.Count < MostSingly * 4)
                dirty.Add(change.ContainerId);
            else
                everything = true;
        }
        Signal();
    }

    private void Signal()
    {
        try
        {
            signal.Release();
        }
        catch (Exception exception) when (exception is SemaphoreFullException or ObjectDisposedException)
        {
            // It is going to look anyway, or never again.
        }
    }

    private async Task Follow()
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                var told = await signal.WaitAsync(LookAgain, stopping.Token);
                HashSet<Guid> take;
                bool all;
                lock (sync)
                {
                    (take, dirty) = (dirty, []);
                    all = everything || !told || take.Count > MostSingly;
                    everything = false;
                }
                if (all)
                    await LoadAll();
                else
                    foreach (var id in take)
                        await Load(id);
                await Task.Delay(Spacing, time, stopping.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception exception)
            {
                // What was asked for is asked again with the next look.
                Log.LookFailed(logger, exception, ProjectId);
                lock (sync)
                    everything = true;
            }
        }
    }

    private async Task LoadAll()
    {
        var list = await service.List(actor, ProjectId, cancellationToken: stopping.Token);
        Problem = list.Error;
        List<Guid> others;
        lock (sync)
        {
            var there = (list.Value ?? []).ToDictionary(info => info.Id);
            others = [.. known.Keys.Concat(foreign).Concat(missing).Where(id => !there.ContainsKey(id)).Distinct()];
            foreach (var (id, info) in there)
            {
                known[id] = info;
                missing.Remove(id);
            }
            IsLoaded = true;
        }
        foreach (var id in others)
            await Load(id, tell: false);
        Changed?.Invoke(null);
    }

    private async Task Load(Guid id, bool tell = true)
    {
        var found = await service.Get(actor, id, stopping.Token);
        lock (sync)
        {
            if (found.Succeeded)
            {
                known[id] = found.Value;
                missing.Remove(id);
            }
            else
            {
                known.Remove(id);
                missing.Add(id);
            }
        }
        if (tell)
            Changed?.Invoke(id);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The containers of project {ProjectId} could not be looked up")]
        public static partial void LookFailed(ILogger logger, Exception exception, Guid projectId);
    }
}
