namespace Demiurge.Core.Crdt;

/// <summary>
/// Joins encoded updates without a document, and cuts off what a state vector already covers. The result says exactly what
/// the inputs say, gaps becoming Skip structs. Source: <c>mergeUpdatesV2</c> and <c>diffUpdateV2</c> in <c>yjs/src/utils/updates.js</c>.
/// </summary>
internal static class UpdateMerger
{
    /// <summary>A struct of one of the inputs, from an offset on; or a gap.</summary>
    private record struct Piece(Source? Source, int Index, ulong Client, int Clock, int End)
    {
        public readonly bool IsSkip => Source is null;

        public readonly bool IsGc => Source is not null && Source.Updates[Index].Kind == ContentKind.Gc;
    }

    private sealed class Source
    {
        public required byte[] Bytes { get; init; }

        public required UpdateIndex Updates { get; init; }

        public int Position { get; set; }

        public bool IsDone => Position >= Updates.Count;

        public ref StructRef Current => ref Updates[Position];

        public void Next()
        {
            do
            {
                Position++;
            }
            while (!IsDone && Current.Kind == ContentKind.Skip);
        }

        public Piece Take()
        {
            ref var taken = ref Current;
            var piece = new Piece(this, Position, taken.Client, taken.Clock, taken.EndClock);
            Next();
            return piece;
        }
    }

    /// <exception cref="CrdtDecodingException">One of the updates is malformed.</exception>
    public static byte[] Merge(params ReadOnlySpan<byte[]> updates)
    {
        if (updates.Length == 1)
        {
            return updates[0];
        }
        var sources = new List<Source>();
        var deletes = new DeleteSet();
        foreach (var update in updates)
        {
            var source = new Source { Bytes = update, Updates = new() };
            source.Updates.Read(update);
            deletes.AddAll(source.Updates.Deletes);
            source.Position = -1;
            source.Next();
            sources.Add(source);
        }
        using var writer = new SectionWriter();
        MergeStructs(sources, writer);
        return writer.Finish(deletes);
    }

    /// <summary>What an update holds beyond a state vector. Deletions are kept whole.</summary>
    public static byte[] Diff(byte[] update, StateVector from)
    {
        var source = new Source { Bytes = update, Updates = new() };
        source.Updates.Read(update);
        using var writer = new SectionWriter();
        foreach (var section in source.Updates.Sections)
        {
            var known = from.GetValueOrDefault(section.Client);
            var started = false;
            for (var i = section.First; i < section.First + section.Count; i++)
            {
                ref var candidate = ref source.Updates[i];
                var isSkip = candidate.Kind == ContentKind.Skip;
                if (!started && (isSkip || candidate.EndClock <= known))
                {
                    continue;
                }
                writer.Write(isSkip
                    ? new Piece(null, 0, candidate.Client, candidate.Clock, candidate.EndClock)
                    : new Piece(source, i, candidate.Client, started ? candidate.Clock : Math.Max(candidate.Clock, known), candidate.EndClock));
                started = true;
            }
        }
        return writer.Finish(source.Updates.Deletes);
    }

    private static void MergeStructs(List<Source> sources, SectionWriter writer)
    {
        Piece? pending = null;
        while (true)
        {
            sources.RemoveAll(static source => source.IsDone);
            if (sources.Count == 0)
            {
                break;
            }
            Order(sources);
            var source = sources[0];
            var client = source.Current.Client;
            if (pending is { } open)
            {
                var moved = false;
                while (!source.IsDone && source.Current.EndClock <= open.End && source.Current.Client >= open.Client)
                {
                    source.Next();
                    moved = true;
                }
                if (source.IsDone || source.Current.Client != client || (moved && source.Current.Clock > open.End))
                {
                    continue;
                }
                if (client != open.Client)
                {
                    writer.Write(open);
                    pending = source.Take();
                }
                else if (open.End < source.Current.Clock)
                {
                    if (open.IsSkip)
                    {
                        pending = open with { End = source.Current.EndClock };
                    }
                    else
                    {
                        writer.Write(open);
                        pending = new Piece(null, 0, client, open.End, source.Current.Clock);
                    }
                }
                else
                {
                    var begin = source.Current.Clock;
                    if (open.End > begin)
                    {
                        if (open.IsSkip)
                        {
                            open.End = begin;
                        }
                        else
                        {
                            begin = open.End;
                        }
                    }
                    var next = new Piece(source, source.Position, client, begin, source.Current.EndClock);
                    if (open.IsGc && next.IsGc)
                    {
                        pending = open with { End = next.End };
                    }
                    else
                    {
                        writer.Write(open);
                        pending = next;
                        source.Next();
                    }
                }
            }
            else
            {
                pending = source.Take();
            }
            while (!source.IsDone && source.Current.Client == client && source.Current.Clock == pending.Value.End)
            {
                writer.Write(pending.Value);
                pending = source.Take();
            }
        }
        if (pending is { } last)
        {
            writer.Write(last);
        }
    }

    /// <summary>
    /// Highest client first, then lowest clock. Which of two structs of one clock is taken shows in the result, and Yjs leaves that to the sorting of JavaScript's engine, with a
    /// comparison that puts an item before a collected one and the other way round. So this compares what V8 compares (<c>third_party/v8/builtins/array-sort.tq</c>): a run at the
    /// beginning, which is reversed when it falls, then binary insertion. From 64 on V8 merges runs; there only the order without such pairs is its own.
    /// </summary>
    private static void Order(List<Source> sources)
    {
        if (sources.Count < 2)
        {
            return;
        }
        var falls = ComesBefore(sources[1], sources[0]);
        var sorted = 2;
        while (sorted < sources.Count && ComesBefore(sources[sorted], sources[sorted - 1]) == falls)
        {
            sorted++;
        }
        if (falls)
        {
            sources.Reverse(0, sorted);
        }
        for (; sorted < sources.Count; sorted++)
        {
            var moved = sources[sorted];
            var (low, high) = (0, sorted);
            while (low < high)
            {
                var middle = low + ((high - low) >> 1);
                if (ComesBefore(moved, sources[middle]))
                {
                    high = middle;
                }
                else
                {
                    low = middle + 1;
                }
            }
            sources.RemoveAt(sorted);
            sources.Insert(low, moved);
        }
    }

    /// <summary>Whether Yjs' comparison of two decoders is negative.</summary>
    private static bool ComesBefore(Source one, Source other)
    {
        ref var a = ref one.Current;
        ref var b = ref other.Current;
        return a.Client != b.Client ? a.Client > b.Client
            : a.Clock != b.Clock ? a.Clock < b.Clock
            : (a.Kind == ContentKind.Gc) != (b.Kind == ContentKind.Gc);
    }

    /// <summary>Writes structs client by client; the number of structs is filled in afterwards.</summary>
    private sealed class SectionWriter : IDisposable
    {
        private readonly LibEncoder section = new();
        private readonly LibEncoder body = new();
        private ulong client;
        private int structs;
        private int sections;

        public void Write(Piece piece)
        {
            if (structs > 0 && client != piece.Client)
            {
                Flush();
            }
            if (structs++ == 0)
            {
                client = piece.Client;
                section.WriteVarUint(client);
                section.WriteVarUint((uint)piece.Clock);
            }
            if (piece.IsSkip)
            {
                section.WriteByte((byte)ContentKind.Skip);
                section.WriteVarUint((uint)(piece.End - piece.Clock));
                return;
            }
            StructCopier.Write(section, ref piece.Source!.Updates[piece.Index], piece.Source.Bytes, piece.Clock, piece.End);
        }

        public byte[] Finish(DeleteSet deletes)
        {
            Flush();
            using var whole = new LibEncoder(body.Length + 64);
            whole.WriteVarUint((uint)sections);
            whole.WriteBytes(body.Written);
            deletes.Write(new UpdateEncoderV1(whole));
            return whole.ToArray();
        }

        public void Dispose()
        {
            section.Dispose();
            body.Dispose();
        }

        private void Flush()
        {
            if (structs == 0)
            {
                return;
            }
            body.WriteVarUint((uint)structs);
            body.WriteBytes(section.Written);
            section.Clear();
            structs = 0;
            sections++;
        }
    }
}
