using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Demiurge.Core.Containers.Docker;

/// <summary>
/// Reads JSON values, a line each, from an endless stream (progress, events, statistics). Holds one line at a time, of at most
/// <see cref="MaxItemBytes"/>; a longer one is an error. One reader at a time.
/// </summary>
internal sealed class JsonItems<T>(Stream stream, JsonTypeInfo<T> type) : IAsyncDisposable
{
    public const int MaxItemBytes = 1 << 20;

    private readonly PipeReader reader = PipeReader.Create(stream);

    public T Current { get; private set; } = default!;

    /// <summary>False at the end of the stream.</summary>
    public async ValueTask<bool> Next(CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await reader.ReadAsync(cancellationToken);
            var buffer = read.Buffer;
            while (Line(ref buffer, read.IsCompleted) is { } line)
            {
                if (IsBlank(line))
                    continue;
                Current = Parse(line) ?? throw new JsonException("null instead of an item.");
                reader.AdvanceTo(buffer.Start);
                return true;
            }

            if (buffer.Length > MaxItemBytes)
                throw new JsonException($"an item of more than {MaxItemBytes} bytes.");
            reader.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted)
                return false;
        }
    }

    public ValueTask DisposeAsync() => reader.CompleteAsync();

    private static ReadOnlySequence<byte>? Line(ref ReadOnlySequence<byte> buffer, bool last)
    {
        if (buffer.PositionOf((byte)'\n') is { } end)
        {
            var line = buffer.Slice(0, end);
            buffer = buffer.Slice(buffer.GetPosition(1, end));
            return line;
        }

        if (!last || buffer.IsEmpty)
            return null;
        var rest = buffer;
        buffer = buffer.Slice(buffer.End);
        return rest;
    }

    private static bool IsBlank(in ReadOnlySequence<byte> line) => line.Length == 0 || (line.Length == 1 && line.FirstSpan[0] == '\r');

    private T? Parse(in ReadOnlySequence<byte> line)
    {
        var json = new Utf8JsonReader(line);
        return JsonSerializer.Deserialize(ref json, type);
    }
}
