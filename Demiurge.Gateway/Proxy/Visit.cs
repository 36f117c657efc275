using Demiurge.Core.Gateways;

namespace Demiurge.Gateway.Proxy;

/// <summary>A container as Web told of it last. Thread-safe: one writer at a time, the directory; the view is replaced whole.</summary>
internal sealed class KnownContainer(Guid id)
{
    public Guid Id => id;

    /// <summary>Null: this organization has no such container.</summary>
    public volatile GatewayContainer? View;

    /// <summary>What each service needs on the hot path, made with <see cref="View"/>.</summary>
    public volatile IReadOnlyDictionary<string, ServiceTarget> Targets = new Dictionary<string, ServiceTarget>();

    /// <summary>When Web was asked last (<see cref="TimeProvider.GetTimestamp"/>); 0: never.</summary>
    public long AskedAt;

    /// <summary>When somebody wanted it last.</summary>
    public long UsedAt;

    /// <summary>When it was used last by the rule that keeps a container from being idle; 0 once reported.</summary>
    public long ActiveAt;
}

/// <summary>
/// A visitor at a container: what Web last said they may do, and everything that they have open. When they may no longer open it,
/// everything is closed. Thread-safe.
/// </summary>
internal sealed class Visit(KnownContainer container, string visitor)
{
    private readonly HashSet<OpenStream> open = [];
    private bool forgotten;

    public KnownContainer Container => container;

    /// <summary>As <see cref="Core.Containers.Reaching.ContainerVisitor"/> writes it.</summary>
    public string Visitor => visitor;

    /// <summary>Null: they may not open it.</summary>
    public volatile GatewayGrant? Grant;

    public long AskedAt;

    public long UsedAt;

    public bool IsOpen
    {
        get
        {
            lock (open)
                return open.Count > 0;
        }
    }

    /// <summary>Whether any of what is open is use by itself, as an upload is and a waiting stream isn't.</summary>
    public bool IsWorking
    {
        get
        {
            lock (open)
                return open.Any(stream => stream.IsWork);
        }
    }

    /// <summary>False when the visitor lost access meanwhile, or the directory forgot the visit: nothing was added.</summary>
    public bool Add(OpenStream stream)
    {
        lock (open)
            return Grant is not null && !forgotten && open.Add(stream);
    }

    /// <summary>Nothing can be added any more; false when something is open.</summary>
    public bool TryForget()
    {
        lock (open)
            return forgotten = open.Count == 0;
    }

    public void Remove(OpenStream stream)
    {
        lock (open)
            open.Remove(stream);
    }

    public void Set(GatewayGrant? grant)
    {
        OpenStream[] told;
        lock (open)
        {
            if (Grant == grant)
                return;
            Grant = grant;
            told = [.. open];
            foreach (var stream in told)
                stream.Changed(grant);
        }
    }

    /// <summary>Ends everything that is open; nothing can be added any more.</summary>
    public void Close()
    {
        lock (open)
        {
            forgotten = true;
            foreach (var stream in open)
                stream.Changed(null);
        }
    }
}

/// <summary>Something that a visitor has open.</summary>
internal abstract class OpenStream
{
    public virtual bool IsWork => false;

    /// <summary>The visitor's rights changed; null: end at once. Called under the visit's lock: returns at once.</summary>
    public abstract void Changed(GatewayGrant? grant);
}
