namespace Demiurge.Core.Crdt;

/// <summary>The part of the store that keeps values of formats in the spelling of update format v2 too, once they have been asked for.</summary>
internal sealed partial class StructStore
{
    private byte[]?[] anyValues = [];

    /// <summary>A value of <see cref="Values"/> as lib0's "any".</summary>
    public ReadOnlySpan<byte> AnyValue(int value)
    {
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
