namespace Demiurge.Core.Crdt;

/// <summary>
/// Bytes from outside are not what their format promises: truncated, over-long, out of range, or not well-formed.
/// It is the only exception that decoding raises, and it is raised before anything has been changed.
/// </summary>
public sealed class CrdtDecodingException : FormatException
{
    /// <summary>With what is wrong, and where if that is known.</summary>
    public CrdtDecodingException(string message) : base(message) { }

    /// <inheritdoc cref="CrdtDecodingException(string)"/>
    public CrdtDecodingException(string message, Exception inner) : base(message, inner) { }
}
