using Demiurge.Core.Crdt;
using Demiurge.Core.Rooms;

namespace Demiurge.Gateway.Rooms;

/// <summary>An update message that a peer waits to see acknowledged.</summary>
/// <param name="Count">Which of the connection's update messages it is, from 1.</param>
internal sealed record Receipt(long Count)
{
    /// <summary>The log position that makes it durable; out of reach while it waits, and for ever when it was refused.</summary>
    public long Position { get; set; } = long.MaxValue;
}

/// <summary>An update as it came in.</summary>
/// <param name="Peer">The sender.</param>
/// <param name="Role">What the sender might do when it came.</param>
/// <param name="Receipt">Null when the sender wants no acknowledgements.</param>
/// <param name="Update">Format v1.</param>
/// <param name="IsOffer">A step 2: everything that a peer has, not one change of its own.</param>
internal sealed record ReceivedUpdate(Peer Peer, RoomRole Role, Receipt? Receipt, ReadOnlyMemory<byte> Update, bool IsOffer);

/// <summary>
/// Decides about each update before it enters the document: it may write only roots that are its sender's to write (<see cref="RoomRoots"/>), and only under
/// Yjs client ids for which nobody else speaks. A change is taken whole or not at all. Of an offer what is permitted is taken, so that
/// something foreign in it doesn't keep its sender's own work out. What needs edits that are not here yet waits outside of the document, so that it is
/// decided about when it can be: once everything it hangs on is known. Belongs to the room's loop.
/// </summary>
internal sealed class UpdateGate(YDoc doc, AwarenessGuard awareness, RoomLimits limits)
{
    /// <summary>What an update that waits costs beside its bytes.</summary>
    private const int EntryBytes = 256;

    private List<(ReceivedUpdate Update, IReadOnlyList<MissingClock> Missing)> waiting = [];
    private readonly List<ReceivedUpdate> taken = [];
    private long waitingBytes;
    private bool peerHasLeft;

    /// <summary>Something that waited can be looked at again, though nothing has come.</summary>
    public bool HasMoreToTake => peerHasLeft && waiting.Count > 0;

    /// <summary>
    /// Takes updates in, in order, then those that have waited for them. To be called in a transaction of the document.
    /// Returns what is in the document now, until the next call.
    /// </summary>
    public IReadOnlyList<ReceivedUpdate> Take(IReadOnlyList<ReceivedUpdate> updates)
    {
        taken.Clear();
        foreach (var update in updates)
            Decide(update);
        for (var known = -1; known < taken.Count || peerHasLeft;)
        {
            known = taken.Count;
            TryAgain();
        }

        return taken;
    }

    /// <summary>Somebody who spoke for client ids is gone: what waited for that can be looked at again, at the next turn.</summary>
    public void PeerHasLeft() => peerHasLeft = true;

    private void TryAgain()
    {
        var (all, everything) = (waiting, peerHasLeft);
        (waiting, waitingBytes, peerHasLeft) = ([], 0, false);
        foreach (var (update, missing) in all)
        {
            if (everything || missing.Any(doc.Has))
                Decide(update);
            else
                Wait(update, missing);
        }
    }

    private void Decide(ReceivedUpdate received)
    {
        var peer = received.Peer;
        var bytes = received.Update.Span;
        UpdateReview review;
        try
        {
            review = doc.Review(bytes, MayWrite, SpeaksFor);
        }
        catch (CrdtDecodingException malformed)
        {
            peer.Reject(malformed);
            return;
        }

        if (review is { Forbidden.Count: 0, Missing.Count: 0 })
        {
            doc.ApplyUpdate(bytes, peer);
            taken.Add(received);
            return;
        }

        if (received.IsOffer && doc.Permitted(bytes, MayWrite, SpeaksFor) is var permitted && !YUpdates.Inspect(permitted).IsEmpty)
        {
            doc.ApplyUpdate(permitted, peer);
            taken.Add(received with { Receipt = null, Update = permitted });
        }

        if (review.Forbidden.Count > 0)
            peer.Refuse($"The gateway alone writes {string.Join(" and ", review.Forbidden.Order(StringComparer.Ordinal).Select(static root => $"\"{root}\""))}.");
        else if (peer.HasRefusal && !received.IsOffer)
            peer.Refuse("This builds on something that was refused.");
        else if (waitingBytes + bytes.Length + EntryBytes > limits.WaitingBytes)
            peer.Refuse("This builds on edits that the room does not have, and too many such wait already.");
        else
            Wait(received, review.Missing);

        bool MayWrite(string root) => RoomRoots.MayWrite(received.Role, root);

        bool SpeaksFor(ulong client) => received.Role == RoomRole.Service || awareness.OwnerOf(client) is not { } owner || owner == peer || (!owner.IsService && owner.UserId == peer.UserId);
    }

    private void Wait(ReceivedUpdate received, IReadOnlyList<MissingClock> missing)
    {
        waiting.Add((received, missing));
        waitingBytes += received.Update.Length + EntryBytes;
    }
}
