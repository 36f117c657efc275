using System.Collections.Concurrent;
using Demiurge.Core.Containers.Reaching;
using Demiurge.Core.Gateways;
using Demiurge.Gateway.Lifecycle;

namespace Demiurge.Gateway.Proxy;

/// <summary>
/// What this gateway knows of its organization's containers and their visitors. Web is asked at a visitor's first request, again every
/// <see cref="Interval"/> about all that is in use, and at once when it says that something changed; requests in between cost no
/// question. While Web can't be asked nobody can change anything either, and what was known holds. Thread-safe.
/// </summary>
internal sealed partial class VisitDirectory(ControlPlane control, GatewayConfig config, TimeProvider time, ILogger logger)
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    /// <summary>What wasn't used for so long is not asked about by itself any more.</summary>
    private static readonly TimeSpan InUse = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Remembered = TimeSpan.FromMinutes(1);

    /// <summary>Somebody who tries tokens makes entries; beyond so many the oldest knowledge is dropped.</summary>
    private const int MaxVisits = 20_000;

    private readonly ConcurrentDictionary<Guid, KnownContainer> containers = new();
    private readonly ConcurrentDictionary<(Guid ContainerId, string Visitor), Visit> visits = new();
    private readonly ConcurrentDictionary<string, (VisitorPass Pass, Visit Visit)> passes = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(Guid ContainerId, string Token), Visit> tokens = new();
    private readonly SemaphoreSlim asking = new(1, 1);
    private readonly ConcurrentDictionary<Guid, byte> stale = new();
    private readonly Lock joining = new();
    private Question? pending;
    private volatile bool allStale;
    private volatile bool closed;

    public VisitorCookie Cookie { get; } = new(config.ContainerCookieKey, VisitorCookie.IsSecureContext(config.Site.PublicUrl, config.Site.Domain), time);

    public bool AnyOpen => visits.Values.Any(visit => visit.IsOpen);

    /// <summary>The pass in a cookie's value; null when it isn't genuine, or is over.</summary>
    public (VisitorPass Pass, Visit Visit)? Read(ReadOnlySpan<char> cookie)
    {
        if (passes.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(cookie, out var known))
            return known.Pass.ExpiresAt > time.GetUtcNow() ? known : null;
        if (Cookie.Read(cookie) is not { } pass)
            return null;
        known = (pass, Visit(pass.ContainerId, pass.Visitor));
        if (passes.Count < MaxVisits)
            passes[cookie.ToString()] = known;
        return known;
    }

    /// <summary>The visit of a script that shows this token, whatever it may be worth.</summary>
    public Visit Visit(Guid containerId, string token)
    {
        if (tokens.TryGetValue((containerId, token), out var known))
            return known;
        var visit = Visit(containerId, ContainerVisitor.Token(token));
        if (tokens.Count < MaxVisits)
            tokens[(containerId, token)] = visit;
        return visit;
    }

    public Visit Visit(Guid containerId, ContainerVisitor visitor) =>
        visits.GetOrAdd((containerId, visitor.ToString()), static (key, directory) => new Visit(directory.Known(key.ContainerId), key.Visitor), this);

    /// <summary>
    /// Sees to it that what the visit says is at most a few seconds old. False when Web can't be asked and nothing is known.
    /// </summary>
    public ValueTask<bool> Refresh(Visit visit, CancellationToken cancellationToken)
    {
        var now = time.GetTimestamp();
        Volatile.Write(ref visit.UsedAt, now);
        Volatile.Write(ref visit.Container.UsedAt, now);
        return IsFresh(visit.AskedAt, now) && IsFresh(visit.Container.AskedAt, now) ? ValueTask.FromResult(true) : Ask(visit, cancellationToken);
    }

    /// <summary>As <see cref="Refresh(Proxy.Visit, CancellationToken)"/> for somebody without a pass, who needs to know only what there is.</summary>
    public async ValueTask<KnownContainer?> Find(Guid containerId, CancellationToken cancellationToken)
    {
        var known = Known(containerId);
        var now = time.GetTimestamp();
        Volatile.Write(ref known.UsedAt, now);
        return IsFresh(known.AskedAt, now) || await Ask([known], [], cancellationToken) || known.AskedAt != 0 ? known : null;
    }

    /// <summary>These containers, or what people may do with them, changed; null means all.</summary>
    public async Task Changed(IReadOnlyList<Guid>? ids, CancellationToken cancellationToken)
    {
        if (ids is null)
            allStale = true;
        foreach (var id in ids ?? [])
            stale[id] = 0;
        await Look(onlyStale: true, cancellationToken);
    }

    /// <summary>Asks again about all that is in use, and forgets what isn't.</summary>
    public async Task Look(CancellationToken cancellationToken) => await Look(onlyStale: false, cancellationToken);

    /// <summary>Lets nobody in any more and ends everything that is open.</summary>
    public void Close()
    {
        closed = true;
        foreach (var visit in visits.Values)
            visit.Close();
    }

    /// <summary>What was used since the last call, and when; put back by <see cref="PutBack"/> when it can't be reported.</summary>
    public Dictionary<Guid, DateTimeOffset> TakeActivity()
    {
        foreach (var visit in visits.Values)
        {
            if (visit.IsWorking)
                Touch(visit.Container);
        }

        var (stamp, now) = (time.GetTimestamp(), time.GetUtcNow());
        var used = new Dictionary<Guid, DateTimeOffset>();
        foreach (var container in containers.Values)
        {
            if (Interlocked.Exchange(ref container.ActiveAt, 0) is not 0 and var at)
                used[container.Id] = now - time.GetElapsedTime(at, stamp);
        }

        return used;
    }

    public void Touch(KnownContainer container) => Volatile.Write(ref container.ActiveAt, time.GetTimestamp());

    /// <summary>A report of these was lost: they count as used again.</summary>
    public void PutBack(IEnumerable<Guid> ids)
    {
        foreach (var id in ids)
        {
            if (containers.TryGetValue(id, out var container))
                Interlocked.CompareExchange(ref container.ActiveAt, time.GetTimestamp(), 0);
        }
    }

    private KnownContainer Known(Guid id) => containers.GetOrAdd(id, static id => new KnownContainer(id));

    private bool IsFresh(long askedAt, long now) => askedAt != 0 && time.GetElapsedTime(askedAt, now) < 2 * Interval;

    /// <summary>Whoever comes while a question is under way waits for the next one together: a flood of visitors, or of made-up tokens, makes few questions.</summary>
    private async ValueTask<bool> Ask(Visit visit, CancellationToken cancellationToken)
    {
        Question question;
        lock (joining)
        {
            question = pending ??= new Question(this);
            question.Add(visit);
        }

        return (await question.Answer.WaitAsync(cancellationToken) || (visit.AskedAt != 0 && visit.Container.AskedAt != 0)) && !closed;
    }

    private async Task Look(bool onlyStale, CancellationToken cancellationToken)
    {
        var all = !onlyStale || allStale;
        if (all)
            allStale = false;
        var concerned = onlyStale && !all ? stale.Keys.ToHashSet() : null;
        foreach (var id in concerned ?? [.. stale.Keys])
            stale.TryRemove(id, out _);
        var now = time.GetTimestamp();
        List<Visit> current = [];
        foreach (var (key, visit) in visits)
        {
            var idle = time.GetElapsedTime(visit.UsedAt, now);
            var isOpen = visit.IsOpen;
            if (!onlyStale && !isOpen && (idle > Remembered || (visits.Count > MaxVisits && idle > InUse)))
            {
                if (visit.TryForget())
                    visits.TryRemove(key, out _);
            }
            else if (concerned?.Contains(key.ContainerId) == false || (!onlyStale && !isOpen && visit.Grant is null))
                continue; // who was refused is asked about when they come again
            else if (isOpen || idle < InUse)
                current.Add(visit);
            else
                visit.AskedAt = 0;
        }

        List<KnownContainer> known = [];
        foreach (var container in containers.Values)
        {
            var idle = time.GetElapsedTime(container.UsedAt, now);
            if (concerned?.Contains(container.Id) == false)
                continue;
            if (idle < InUse || current.Exists(visit => visit.Container == container))
                known.Add(container);
            else if (idle > Remembered && Volatile.Read(ref container.ActiveAt) == 0 && !visits.Keys.Any(key => key.ContainerId == container.Id))
                containers.TryRemove(container.Id, out _);
            else
                container.AskedAt = 0;
        }

        if (!onlyStale)
        {
            foreach (var (cookie, pass) in passes)
            {
                if (!visits.TryGetValue((pass.Pass.ContainerId, pass.Visit.Visitor), out var visit) || visit != pass.Visit)
                    passes.TryRemove(cookie, out _);
            }

            foreach (var (token, visit) in tokens)
            {
                if (!visits.TryGetValue((token.ContainerId, visit.Visitor), out var present) || present != visit)
                    tokens.TryRemove(token, out _);
            }
        }

        foreach (var visit in current)
        {
            if (!known.Contains(visit.Container))
                known.Add(visit.Container);
        }

        foreach (var part in known.Chunk(GatewayContainersResolve.Max))
            await Ask(part, [], cancellationToken);
        foreach (var part in current.Chunk(GatewayContainersResolve.Max))
            await Ask([], part, cancellationToken);
    }

    private async Task<bool> Ask(KnownContainer[] about, Visit[] whom, CancellationToken cancellationToken)
    {
        // One question at a time, so that no older answer overtakes a newer one.
        await asking.WaitAsync(cancellationToken);
        try
        {
            return await AskInTurn(about, whom, cancellationToken);
        }
        finally
        {
            asking.Release();
        }
    }

    private async Task<bool> AskInTurn(KnownContainer[] about, Visit[] whom, CancellationToken cancellationToken)
    {
        if (closed)
            return false;
        try
        {
            var asked = time.GetTimestamp();
            var views = about.Length == 0 ? Task.FromResult<IReadOnlyList<GatewayContainer?>>([]) : control.ResolveContainers(config.GatewayToken, [.. about.Select(container => container.Id)], cancellationToken);
            var grants = whom.Length == 0 ? Task.FromResult<IReadOnlyList<GatewayGrant?>>([]) : control.CheckVisits(config.GatewayToken, [.. whom.Select(visit => new GatewayVisit(visit.Container.Id, visit.Visitor))], cancellationToken);
            await Task.WhenAll(views, grants);
            for (var i = 0; i < about.Length; i++)
            {
                Set(about[i], (await views)[i]);
                Volatile.Write(ref about[i].AskedAt, asked);
            }

            for (var i = 0; i < whom.Length; i++)
            {
                whom[i].Set((await grants)[i]);
                Volatile.Write(ref whom[i].AskedAt, asked);
            }

            return true;
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            Log.NotAsked(logger, exception.Message);
            return false;
        }
    }

    private void Set(KnownContainer container, GatewayContainer? view)
    {
        if (SameView(container.View, view))
            return;
        container.Targets = view?.Services.ToDictionary(
            service => service.Name, service => new ServiceTarget(service, new ContainerTransformer(Cookie.Name, config.Site, service.Embeddable))) ?? [];
        container.View = view;
    }

    private static bool SameView(GatewayContainer? a, GatewayContainer? b) =>
        a is not null && b is not null ? a with { Services = b.Services } == b && a.Services.SequenceEqual(b.Services) : a is null && b is null;

    private async Task<bool> Ask(Question question)
    {
        await asking.WaitAsync();
        try
        {
            Visit[] whom;
            lock (joining)
            {
                pending = null;
                whom = question.Visits;
            }

            var now = time.GetTimestamp();
            var answered = true;
            foreach (var part in whom.Where(visit => !IsFresh(visit.AskedAt, now) || !IsFresh(visit.Container.AskedAt, now)).Chunk(GatewayContainersResolve.Max))
                answered &= await AskInTurn([.. part.Select(visit => visit.Container).Distinct()], part, CancellationToken.None);
            return answered;
        }
        finally
        {
            asking.Release();
        }
    }

    /// <summary>What is asked next, for all who came meanwhile. It can be joined until its turn comes. Of the lock <see cref="joining"/>.</summary>
    private sealed class Question
    {
        private readonly HashSet<Visit> visits = [];

        public Question(VisitDirectory directory) => Answer = Task.Run(() => directory.Ask(this));

        /// <summary>False when Web couldn't be asked.</summary>
        public Task<bool> Answer { get; }

        public Visit[] Visits => [.. visits];

        public void Add(Visit visit) => visits.Add(visit);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Web could not be asked about containers: {Reason}")]
        public static partial void NotAsked(ILogger logger, string reason);
    }
}
