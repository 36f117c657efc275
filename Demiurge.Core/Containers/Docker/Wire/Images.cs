using System.Text.Json.Serialization;

namespace Demiurge.Core.Containers.Docker.Wire;

/// <param name="Id"><c>sha256:…</c>; the same bytes have the same id on every engine.</param>
/// <param name="RepoDigests"><c>name@sha256:…</c>; empty for images that came from no registry.</param>
/// <param name="Size">Bytes, all layers.</param>
internal sealed record ImageDetails(
    string Id,
    IReadOnlyList<string>? RepoTags,
    IReadOnlyList<string>? RepoDigests,
    long Size,
    string Architecture,
    string Os,
    ImageConfig? Config);

/// <param name="ExposedPorts">Keys such as <c>8888/tcp</c>.</param>
/// <param name="Volumes">Keys are paths.</param>
internal sealed record ImageConfig(
    string? User,
    Dictionary<string, EmptyObject>? ExposedPorts,
    IReadOnlyList<string>? Env,
    IReadOnlyList<string>? Cmd,
    IReadOnlyList<string>? Entrypoint,
    Dictionary<string, EmptyObject>? Volumes,
    string? WorkingDir,
    Dictionary<string, string>? Labels);

/// <summary>Go's <c>struct{}</c>: the engine's way to write a set.</summary>
internal sealed record EmptyObject;

/// <summary>A line of a pull's, import's or load's progress.</summary>
/// <param name="Id">The layer, where the line is about one.</param>
/// <param name="Status">In words, for a person.</param>
internal sealed record ProgressLine(
    [property: JsonPropertyName("id")] string? Id,
    [property: JsonPropertyName("status")] string? Status,
    [property: JsonPropertyName("stream")] string? Stream,
    [property: JsonPropertyName("error")] string? Error,
    [property: JsonPropertyName("progressDetail")] ProgressAmount? Amount);

/// <summary>Bytes of one layer, done and all. Both are zero where the engine doesn't count.</summary>
internal sealed record ProgressAmount([property: JsonPropertyName("current")] long Current, [property: JsonPropertyName("total")] long Total);

/// <summary>Credentials for a registry; they travel in a header of one pull and are kept nowhere.</summary>
internal sealed record RegistryLogin(
    [property: JsonPropertyName("username")] string Username,
    [property: JsonPropertyName("password")] string Password,
    [property: JsonPropertyName("serveraddress")] string ServerAddress)
{
    public override string ToString() => $"{Username}@{ServerAddress}";
}
