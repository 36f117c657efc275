using System.Text.Json;
using System.Text.Json.Nodes;
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

    /// <summary>The connection that speaks for a client id; null when none does.</summary>
    public Peer? OwnerOf(ulong client) => client <= uint.MaxValue ? owners.GetValueOrDefault((uint)client) : null;

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
            kept.WriteVarBytes(peer.IsService ? state : WithOwnId(peer, state));
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

    /// <summary>The state with the sender's id where it claims to be a person (<c>user.id</c>), so that nobody appears as somebody else.</summary>
    private static ReadOnlySpan<byte> WithOwnId(Peer peer, ReadOnlySpan<byte> state)
    {
        if (state.IndexOf("\"user\""u8) < 0 && !state.Contains((byte)'\\'))
            return state;
        try
        {
            // Of two entries of the same name JavaScript's parser takes the last; this one takes neither.
            if (JsonNode.Parse(state) is not JsonObject whole || whole["user"] is not JsonObject user || user["id"] is not { } id)
                return state;
            var own = peer.UserId.ToString();
            if (id is JsonValue value && value.TryGetValue<string>(out var claimed) && claimed == own)
                return state;
            user["id"] = own;
            return JsonSerializer.SerializeToUtf8Bytes(whole);
        }
        catch (Exception malformed) when (malformed is JsonException or ArgumentException)
        {
            throw new CrdtDecodingException("An awareness state is not JSON, or names something twice.");
        }
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
