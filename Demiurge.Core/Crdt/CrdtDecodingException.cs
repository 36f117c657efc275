namespace Demiurge.Core.Crdt;

/// <summary>
/// Bytes from outside are not what their format promises: truncated, over-long, out of range, or not well-formed.
/// It is the only exception that decoding raises, and it is raised before anything has been changed.
/// </summary>
public sealed class CrdtDecodingException : FormatException
{
    public CrdtDecodingException(string message) : base(message) { }

    public CrdtDecodingException(string message, Exception inner) : base(message, inner) { }
}
