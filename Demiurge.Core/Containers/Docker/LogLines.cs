using System.Globalization;
using System.Text;

namespace Demiurge.Core.Containers.Docker;

/// <summary>Makes lines of a log's bytes. Output and errors may interleave inside a line; each keeps its own. One reader at a time.</summary>
internal sealed class LogLines(MultiplexedStream stream)
{
    /// <summary>Most bytes of a line in memory; a longer one is passed on in pieces.</summary>
    public const int MaxLineBytes = 32 << 10;

    private readonly byte[] chunk = new byte[16 << 10];
    private readonly LineBuffer[] buffers = [new(), new(), new()];
    private readonly Queue<DockerLogLine> ready = [];
    private bool ended;

    /// <summary>Null at the end.</summary>
    public async ValueTask<DockerLogLine?> Next(CancellationToken cancellationToken)
    {
        while (ready.Count == 0)
        {
            if (ended)
                return null;
            var (source, count) = await stream.Read(chunk, cancellationToken);
            if (count == 0)
            {
                ended = true;
                foreach (var rest in new[] { DockerSource.Output, DockerSource.Error })
                    buffers[(int)rest].Flush(rest, ready);
            }
            else
            {
                buffers[(int)source].Add(source, chunk.AsSpan(0, count), ready);
            }
        }

        return ready.Dequeue();
    }

    private sealed class LineBuffer
    {
        private readonly byte[] bytes = new byte[MaxLineBytes];
        private int length;
        private bool continues;

        public void Add(DockerSource source, ReadOnlySpan<byte> added, Queue<DockerLogLine> lines)
        {
            while (added.Length > 0)
            {
                var end = added.IndexOf((byte)'\n');
                var part = end < 0 ? added : added[..end];
                var take = Math.Min(part.Length, bytes.Length - length);
                part[..take].CopyTo(bytes.AsSpan(length));
                length += take;
                added = added[take..];
                if (take == part.Length && end >= 0)
                {
                    added = added[1..];
                    lines.Enqueue(Line(source, length));
                    length = 0;
                    continues = false;
                }
                else if (length == bytes.Length)
                {
                    var whole = WholeCharacters(bytes);
                    lines.Enqueue(Line(source, whole));
                    bytes.AsSpan(whole).CopyTo(bytes);
                    length -= whole;
                    continues = true;
                }
            }
        }

        public void Flush(DockerSource source, Queue<DockerLogLine> lines)
        {
            if (length > 0)
                lines.Enqueue(Line(source, length));
            length = 0;
        }

        private DockerLogLine Line(DockerSource source, int count)
        {
            ReadOnlySpan<byte> text = bytes.AsSpan(0, count);
            if (text is [.., (byte)'\r'])
                text = text[..^1];
            DateTimeOffset? time = null;
            // 2026-01-31T12:34:56.123456789Z and a space.
            if (!continues && text.IndexOf((byte)' ') is > 19 and < 40 and var space
                && DateTimeOffset.TryParse(Encoding.ASCII.GetString(text[..space]), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var parsed))
            {
                time = parsed;
                text = text[(space + 1)..];
            }
            return new DockerLogLine(source, time, Encoding.UTF8.GetString(text));
        }

        /// <summary>How many of the bytes end with a whole UTF-8 character.</summary>
        private static int WholeCharacters(ReadOnlySpan<byte> full)
        {
            for (var back = 1; back <= 4; back++)
            {
                var first = full[^back];
                if ((first & 0xC0) == 0x80)
                    continue;
                var needs = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
                return needs > back ? full.Length - back : full.Length;
            }
            return full.Length;
        }
    }
}
