using System.ComponentModel.DataAnnotations;

namespace Demiurge.Web.Edge;

/// <summary>What the edge lets through; bound to the configuration section <c>Demiurge:Edge</c>, checked at start.</summary>
public sealed record EdgeOptions
{
    public const string Section = "Demiurge:Edge";

    /// <summary>The largest body, in bytes, that somebody can send to a container; none when it isn't set.</summary>
    [Range(1, long.MaxValue, ErrorMessage = "Demiurge:Edge:MaxUploadBytes must be 1 or more; leave it out for no limit.")]
    public long? MaxUploadBytes { get; init; }
}
