namespace Demiurge.Core.Crdt;

/// <summary>A document held inside another one, by its guid. It travels with its holder; its content does not.</summary>
public sealed record YSubdocument(string Guid);
