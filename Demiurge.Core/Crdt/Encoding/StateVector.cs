namespace Demiurge.Core.Crdt;

/// <summary>The next clock of each client. Encoded: a varuint number of entries, then client and clock, highest client first.</summary>
internal sealed class StateVector : Dictionary<ulong, int>
{
    public void Write(LibEncoder encoder)
    {
        encoder.WriteVarUint((uint)Count);
        foreach (var (client, clock) in this.OrderByDescending(static entry => entry.Key))
        {
            encoder.WriteVarUint(client);
            encoder.WriteVarUint((uint)clock);
        }
    }

    /// <exception cref="CrdtDecodingException">The bytes are malformed.</exception>
    public static StateVector Decode(ReadOnlySpan<byte> bytes)
    {
        var vector = new StateVector();
        if (bytes.IsEmpty)
        {
            return vector;
        }
        var decoder = new LibDecoder(bytes);
        for (var count = decoder.ReadVarUint(); count > 0; count--)
        {
            var client = decoder.ReadVarUint();
            vector[client] = (int)Math.Min(decoder.ReadVarUint(), int.MaxValue);
        }
        return vector;
    }
}
