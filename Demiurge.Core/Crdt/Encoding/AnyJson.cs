namespace Demiurge.Core.Crdt;

/// <summary>
/// The two spellings of embeds and values of formats: JSON text in update format v1 and in the store, lib0's "any" in format v2. What JSON can't
/// say becomes what <c>JSON.stringify</c> makes of it.
/// </summary>
internal static class AnyJson
{
    /// <summary>Writes validated JSON as "any".</summary>
    public static void WriteAny(LibEncoder encoder, ReadOnlySpan<byte> json)
    {
        switch (json)
        {
            case [(byte)'n', ..]:
                encoder.WriteByte(126);
                break;
            case [(byte)'t', ..]:
                encoder.WriteByte(120);
                break;
            case [(byte)'f', ..]:
                encoder.WriteByte(121);
                break;
            default:
                AnyCodec.Write(encoder, JsonCodec.Read(json));
                break;
        }
    }

    /// <summary>Writes the next "any" as a length-prefixed JSON text.</summary>
    public static void WriteJson(LibEncoder encoder, ref LibDecoder any)
    {
        if (any.NextIs(126) || any.NextIs(127))
        {
            any.ReadByte();
            encoder.WriteVarBytes("null"u8);
        }
        else if (any.NextIs(120))
        {
            any.ReadByte();
            encoder.WriteVarBytes("true"u8);
        }
        else
        {
            encoder.WriteVarString(JsonCodec.Write(AnyCodec.Read(ref any, omitUndefined: true)));
        }
    }
}
