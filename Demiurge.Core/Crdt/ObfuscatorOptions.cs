namespace Demiurge.Core.Crdt;

/// <summary>What <see cref="YUpdates.ObfuscateUpdate"/> makes unreadable beside texts, values and keys of maps.</summary>
public sealed record ObfuscatorOptions
{
    /// <summary>Names and values of formats.</summary>
    public bool Formatting { get; init; } = true;

    /// <summary>Guids and options of subdocuments.</summary>
    public bool Subdocs { get; init; } = true;

    /// <summary>Names of XML elements and hooks.</summary>
    public bool Yxml { get; init; } = true;
}
