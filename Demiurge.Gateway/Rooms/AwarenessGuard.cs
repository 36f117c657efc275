using Demiurge.Core.Crdt;
using Demiurge.Core.Crdt.Sync;

namespace Demiurge.Gateway.Rooms;

/// <summary>
/// Awareness has no owner in y-protocols: anyone may set or remove anyone's state, and stock clients do echo the states of others.
/// The guard lets a connection speak only for clients that it introduced, and passes the rest over in silence.
/// </summary>
internal sealed class AwarenessGuard(Awareness awareness, int clientsPerConnection)
{
    private readonly Dictionary<uint, Peer> owners = [];

    /// <summary>The part of an awareness update that the peer may say; null when nothing is left.</summary>
    /// <exception cref="CrdtDecodingException">The update is malformed.</exception>
    public byte[]? Filter(Peer peer, ReadOnlySpan<byte> update)
    {
        var decoder = new LibDecoder(update);
        var count = decoder.ReadVarInt32(update.Length);
        using var kept = new LibEncoder(update.Length + 8);
        var entries = 0;
        for (var i = 0; i < count; i++)
        {
            var client = decoder.ReadVarUint();
            var clock = decoder.ReadVarInt32();
            var state = decoder.ReadVarStringBytes();
            if (client > uint.MaxValue)
                throw new CrdtDecodingException($"Client id {client} is out of range.");
            if (!Allows(peer, (uint)client, clock, isRemoval: state.SequenceEqual("null"u8)))
                continue;
            kept.WriteVarUint(client);
            kept.WriteVarUint((uint)clock);
            kept.WriteVarBytes(state);
            entries++;
        }

        if (!decoder.IsAtEnd)
            throw new CrdtDecodingException("Awareness update is longer than its content.");
        if (entries == 0)
            return null;
        using var result = new LibEncoder(kept.Length + 8);
        result.WriteVarUint((uint)entries);
        result.WriteBytes(kept.Written);
        return result.ToArray();
    }

    /// <summary>The peer is gone; returns the clients it spoke for.</summary>
    public IReadOnlyList<uint> Release(Peer peer)
    {
        var clients = peer.AwarenessClients.Where(client => owners.Remove(client, out _)).ToList();
        peer.AwarenessClients.Clear();
        return clients;
    }

    private bool Allows(Peer peer, uint client, int clock, bool isRemoval)
    {
        if (owners.TryGetValue(client, out var owner))
        {
            if (owner == peer)
            {
                if (isRemoval)
                    Forget(peer, client);
                return true;
            }

            // The same person on a new socket, while the old one is not known to be dead yet. An echo has nothing newer to say.
            if (owner.UserId != peer.UserId || isRemoval || (awareness.States.TryGetValue(client, out var known) && known.Clock >= clock))
                return false;
            owner.AwarenessClients.Remove(client);
        }
        else if (isRemoval)
        {
            return false;
        }

        if (!peer.IsService && peer.AwarenessClients.Count >= clientsPerConnection)
            return false;
        owners[client] = peer;
        peer.AwarenessClients.Add(client);
        return true;
    }

    private void Forget(Peer peer, uint client)
    {
        owners.Remove(client);
        peer.AwarenessClients.Remove(client);
    }
}
