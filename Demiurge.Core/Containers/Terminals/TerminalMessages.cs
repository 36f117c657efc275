using System.Text.Json;
using System.Text.Json.Serialization;

namespace Demiurge.Core.Containers.Terminals;

/// <summary>Somebody who has a terminal open.</summary>
public sealed record TerminalPerson(string Name, bool ReadOnly);

/// <summary>
/// What travels over a terminal's WebSocket beside its bytes, as JSON text, told apart by <c>type</c>. From the browser: <c>resize</c>. To the
/// browser: <c>replay</c> (forget what you show: what was shown last follows as bytes), <c>size</c> (what all who may type have room for),
/// <c>title</c>, <c>watchers</c>, and last <c>exit</c>. Bytes are binary messages, both ways.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(TerminalResize), "resize")]
[JsonDerivedType(typeof(TerminalReplay), "replay")]
[JsonDerivedType(typeof(TerminalSize), "size")]
[JsonDerivedType(typeof(TerminalTitled), "title")]
[JsonDerivedType(typeof(TerminalWatchers), "watchers")]
[JsonDerivedType(typeof(TerminalExit), "exit")]
public abstract record TerminalMessage
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { AllowOutOfOrderMetadataProperties = true };

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, Json);

    /// <summary>Null for anything else than a message.</summary>
    public static TerminalMessage? Read(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize<TerminalMessage>(json, Json);
        }
        catch (Exception exception) when (exception is JsonException or NotSupportedException)
        {
            return null;
        }
    }
}

/// <summary>How much room this watcher has, in characters.</summary>
public sealed record TerminalResize(int Columns, int Rows) : TerminalMessage;

/// <param name="ReadOnly">Whether what this watcher types is dropped.</param>
public sealed record TerminalReplay(bool ReadOnly) : TerminalMessage;

public sealed record TerminalSize(int Columns, int Rows) : TerminalMessage;

public sealed record TerminalTitled(string Title) : TerminalMessage;

public sealed record TerminalWatchers(IReadOnlyList<TerminalPerson> Watchers) : TerminalMessage;

/// <param name="Code">The shell's exit code; null when it went with the container.</param>
public sealed record TerminalExit(int? Code) : TerminalMessage;
