using Demiurge.Core.Crdt;
using Demiurge.Core.Rooms;

namespace Demiurge.Gateway.Rooms;

/// <summary>
/// The part of a room that encodes large documents. A small one is encoded where it is asked for, on the loop. A large one is frozen there, which takes a few milliseconds at most, and
/// encoded by another thread while the loop goes on; what is broadcast meanwhile waits for the peers in question (<see cref="HeldFrames"/>). One encoding at a time: who asks meanwhile waits for the next.
/// </summary>
internal sealed partial class Room
{
    /// <summary>Sum of updates, in bytes, up to which a document is encoded on the loop: that is done within about 2 ms.</summary>
    private const int SmallDocument = 256 << 10;

    private readonly List<Peer> waiting = [];
    private bool isEncoding;

    /// <summary>One peer's share of an encoding.</summary>
    /// <param name="IsAnswer">Whether the peer has asked (Step1), or fell behind.</param>
    private sealed record StateRequest(Peer Peer, byte[] Since, bool IsAnswer);

    /// <summary>What came of an encoding. Frames are by request, null where the vector was malformed.</summary>
    /// <param name="Whole">The answer with the whole state, if somebody asked for that.</param>
    /// <param name="Version">Of the document that was frozen.</param>
    private sealed record EncodedStates(IReadOnlyList<(StateRequest Request, byte[]? Frame, CrdtDecodingException? Malformed)> States, byte[]? Whole, long Version);

    /// <summary>Whether what the peer lacks is at hand, or soon made.</summary>
    private bool CanAnswerHere(Peer peer) => documentBytes <= SmallDocument || (peer.Asked is [0] && encodedAnswer is not null);

    /// <summary>Begins to encode what peers wait for, at the end of a turn.</summary>
    private void EncodeForWaiting()
    {
        if (waiting.Count == 0 || isEncoding)
            return;
        var now = doc.EncodeStateVector();
        var requests = new List<StateRequest>();
        foreach (var peer in waiting)
        {
            requests.Add(new(peer, peer.Asked ?? peer.BehindSince!, peer.Asked is not null));
            (peer.Asked, peer.BehindSince, peer.Held) = (null, null, new(now, context.Limits.SendQueueBytes));
        }

        waiting.Clear();
        isEncoding = true;
        var (frozen, version) = (doc.Freeze(), documentVersion);
        _ = Task.Factory.StartNew(() => Encode(frozen, requests, version), CancellationToken.None, TaskCreationOptions.None, context.Encoding).Unwrap();
    }

    /// <summary>On another thread.</summary>
    private async Task Encode(FrozenDoc frozen, List<StateRequest> requests, long version)
    {
        byte[]? whole = null;
        var states = new List<(StateRequest, byte[]?, CrdtDecodingException?)>();
        using (frozen)
        {
            foreach (var request in requests)
            {
                try
                {
                    var frame = (request.IsAnswer, request.Since) switch
                    {
                        (true, [0]) => whole ??= RoomFrames.Step2(frozen.EncodeStateAsUpdate()),
                        (true, var since) => RoomFrames.Step2(frozen.EncodeStateAsUpdate(since)),
                        (false, var since) => RoomFrames.Update(frozen.EncodeStateAsUpdate(since)),
                    };
                    states.Add((request, frame, null));
                }
                catch (CrdtDecodingException malformed)
                {
                    states.Add((request, null, malformed));
                }
                catch (Exception exception)
                {
                    inbox.Writer.TryComplete(exception);
                    return;
                }
            }
        }

        await Post(new Message(MessageKind.Encoded, Encoded: new(states, whole, version)), CancellationToken.None);
    }

    /// <summary>Sends what was encoded and what has been held since.</summary>
    private void Deliver(EncodedStates encoded)
    {
        isEncoding = false;
        if (encoded.Whole is not null && encoded.Version == documentVersion)
            encodedAnswer = encoded.Whole;
        foreach (var (request, frame, malformed) in encoded.States)
        {
            var (peer, held) = (request.Peer, request.Peer.Held!);
            peer.Held = null;
            if (!peers.ContainsKey(peer))
                continue;
            if (frame is null)
            {
                peer.Reject(malformed!);
            }
            else if (!peer.TrySend(frame))
            {
                // Something else has filled the queue: from the beginning once it is empty.
                peer.Asked ??= request.IsAnswer ? request.Since : null;
                FallBehind(peer, request.Since);
            }
            else if (held.Frames is not { } frames || !frames.All(peer.TrySend))
            {
                FallBehind(peer, held.Since);
            }
        }
    }
}
