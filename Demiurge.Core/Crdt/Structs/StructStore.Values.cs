namespace Demiurge.Core.Crdt;

/// <summary>The part of the store that keeps values of formats in the spelling of update format v2 too, once they have been asked for.</summary>
internal sealed partial class StructStore
{
    private byte[]?[] anyValues = [];

    /// <summary>Called when a subdocument's item is in its place.</summary>
    public Action<Transaction, int>? DocIntegrated { get; set; }

    /// <summary>Called when a subdocument's item is deleted, before its content is dropped.</summary>
    public Action<Transaction, int>? DocDeleted { get; set; }

    /// <summary>Guid and options ("any") of a subdocument.</summary>
    public (string Guid, object? Options) ReadDoc(int item)
    {
        var decoder = new LibDecoder(Bytes[Items[item].A, Items[item].B]);
        return (decoder.ReadVarString(), AnyCodec.Read(ref decoder));
    }

    /// <summary>A value of <see cref="Values"/> as lib0's "any".</summary>
    public ReadOnlySpan<byte> AnyValue(int value)
    {
        // Of equal ones the first; a view for another thread doesn't know it.
        value = Values.IndexOf(Values[value]) is >= 0 and var first ? first : value;
        if (value >= anyValues.Length)
        {
            Array.Resize(ref anyValues, Math.Max(Values.Count, 2 * anyValues.Length));
        }
        if (anyValues[value] is not { } any)
        {
            using var encoder = new LibEncoder(64);
            AnyJson.WriteAny(encoder, System.Text.Encoding.UTF8.GetBytes(Values[value]));
            anyValues[value] = any = encoder.ToArray();
        }
        return any;
    }
}
