namespace Demiurge.Core.Crdt;

/// <summary>Kind of a shared type; the numbers are those of the update format.</summary>
internal enum BranchKind : byte
{
    Array = 0,
    Map = 1,
    Text = 2,
    XmlElement = 3,
    XmlFragment = 4,
    XmlHook = 5,
    XmlText = 6,

    /// <summary>A root that an update has named and nobody has asked for yet.</summary>
    Undefined = 255,
}

/// <summary>The inside of a shared type: a list of items and a map of items. Its handle is its index in <see cref="StructStore.Branches"/>.</summary>
internal struct Branch
{
    /// <summary>The item that holds the type; 0 for a root.</summary>
    public int Item;

    /// <summary>Name of a root, of an XML element or of an XML hook; -1 for others.</summary>
    public int Name;

    /// <summary>First item of the list.</summary>
    public int Start;

    /// <summary>Sum of the lengths of the list's visible items.</summary>
    public int Length;

    /// <summary>First and last entry of the map, in order of insertion; see <see cref="MapTable"/>.</summary>
    public int FirstEntry;
    public int LastEntry;

    /// <summary>Search markers of the list, once a position has been looked for.</summary>
    public ListMarkers? Markers;

    public BranchKind Kind;

    /// <summary>A format has been here. Of a root forgotten when its kind becomes known, as in Yjs.</summary>
    public bool HasFormatting;

    /// <summary>A format has been here, whatever Yjs remembers of it: no short cuts for plain text.</summary>
    public bool HasFormats;
}
