namespace Demiurge.Core.Crdt;

/// <summary>What a struct holds; the numbers are those of the update format (the low five bits of a struct's info byte).</summary>
internal enum ContentKind : byte
{
    Gc = 0,
    Deleted = 1,
    Json = 2,
    Binary = 3,
    String = 4,
    Embed = 5,
    Format = 6,
    Type = 7,
    Any = 8,
    Doc = 9,
    Skip = 10,
}

[Flags]
internal enum ItemFlags : byte
{
    None = 0,

    /// <summary>An undo step may need the content: not to be garbage collected.</summary>
    Keep = 1,

    /// <summary>Counts towards the length of its parent as long as it is not deleted.</summary>
    Countable = 2,

    Deleted = 4,

    /// <summary>The run in the heap has spare room behind it, see <see cref="RunHeap{T}"/>.</summary>
    Slack = 8,

    /// <summary>Undo has put a copy elsewhere; its id is in <see cref="StructStore.Redone"/>.</summary>
    Redone = 16,

    /// <summary>One of Yjs' markers points here (or has: see <see cref="YjsMarkers"/>).</summary>
    Marked = 32,
}

/// <summary>
/// One struct of the document: a run of <see cref="Length"/> consecutive clocks of one client. Lives in a <see cref="ChunkedTable{T}"/> and
/// is named by its index there, its handle; 0 is no item. Clients are indexes of <see cref="StructStore.Clients"/>, keys
/// are indexes of <see cref="StructStore.Names"/>; -1 is none.
/// <para>Content: a String is <see cref="A"/> = offset in the character heap, its length is <see cref="Length"/>. Any and Json are A = offset and
/// B = length in the byte heap, of <see cref="Length"/> encoded values one after the other; Binary, Embed and Doc are one encoded value there.
/// Format is A = key, B = index of the value in <see cref="StructStore.Values"/>. Type is A = handle of the branch.</para>
/// </summary>
internal struct Item
{
    public int Client;
    public int Clock;
    public int Length;
    public int Left;
    public int Right;
    public int OriginClient;
    public int OriginClock;
    public int RightOriginClient;
    public int RightOriginClock;
    public int Parent;
    public int Key;
    public int A;
    public int B;

    /// <summary>When the conflict scan last came by, see <see cref="StructStore"/>.</summary>
    public int Scan;

    public ContentKind Kind;
    public ItemFlags Flags;

    public readonly bool IsDeleted => (Flags & ItemFlags.Deleted) != 0;

    public readonly bool IsCountable => (Flags & ItemFlags.Countable) != 0;

    public readonly bool IsVisible => (Flags & (ItemFlags.Deleted | ItemFlags.Countable)) == ItemFlags.Countable;

    public readonly bool IsKept => (Flags & ItemFlags.Keep) != 0;

    public readonly bool IsGc => Kind == ContentKind.Gc;

    public readonly int End => Clock + Length;

    public static bool Counts(ContentKind kind) => kind is not (ContentKind.Deleted or ContentKind.Format);
}

/// <summary>The id of one clock of one client, by client index.</summary>
internal readonly record struct ItemId(int Client, int Clock);
