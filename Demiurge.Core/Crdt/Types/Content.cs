using System.Numerics;

namespace Demiurge.Core.Crdt;

/// <summary>Values on their way into the store: checked and encoded before anything is changed.</summary>
internal readonly struct Content
{
    private readonly YType? type;
    private readonly YDoc? subdoc;
    private readonly byte[]? bytes;

    private Content(ContentKind kind, int length, byte[]? bytes, YType? type, YDoc? subdoc = null)
    {
        Kind = kind;
        Length = length;
        this.bytes = bytes;
        this.type = type;
        this.subdoc = subdoc;
    }

    public ContentKind Kind { get; }

    public int Length { get; }

    /// <exception cref="ArgumentException">The value can't be stored.</exception>
    public static Content Of(object? value)
    {
        switch (value)
        {
            case YType type:
                if (type.Doc is not null)
                {
                    throw new ArgumentException("The shared type is already part of a document. Insert a new one.", nameof(value));
                }
                return new(ContentKind.Type, 1, null, type);
            case byte[] buffer:
                return new(ContentKind.Binary, 1, buffer, null);
            case YDoc doc:
                return new(ContentKind.Doc, 1, doc.EncodeAsSubdocument(), null, doc);
            default:
                using (var encoder = new LibEncoder())
                {
                    AnyCodec.Write(encoder, value);
                    return new(ContentKind.Any, 1, encoder.ToArray(), null);
                }
        }
    }

    /// <summary>The values of an array: neighbours that are plain values become one piece.</summary>
    /// <exception cref="ArgumentException">One of the values can't be stored.</exception>
    public static List<Content> OfAll(IEnumerable<object?> values)
    {
        var pieces = new List<Content>();
        using var encoder = new LibEncoder();
        var count = 0;
        foreach (var value in values)
        {
            if (value is YType or YDoc or byte[])
            {
                Flush();
                pieces.Add(Of(value));
                if (value is not byte[] && pieces.Count(piece => ReferenceEquals(piece.type, value) || ReferenceEquals(piece.subdoc, value)) > 1)
                {
                    throw new ArgumentException("The same shared type or document occurs twice.", nameof(values));
                }
                continue;
            }
            if (value is BigInteger)
            {
                throw new ArgumentException("An array can't hold a bigint itself, as Yjs' can't. Put it into a map or an object.", nameof(values));
            }
            AnyCodec.Write(encoder, value);
            count++;
        }
        Flush();
        return pieces;

        void Flush()
        {
            if (count > 0)
            {
                pieces.Add(new(ContentKind.Any, count, encoder.ToArray(), null));
                encoder.Clear();
                count = 0;
            }
        }
    }

    public static Content OfEmbed(object embed) => embed is YType
        ? Of(embed)
        : new(ContentKind.Embed, 1, System.Text.Encoding.UTF8.GetBytes(JsonCodec.Write(embed)), null);

    /// <summary>Creates the item and puts it in its place.</summary>
    public int Insert(Transaction transaction, int left, int right, int parent, int key)
    {
        var store = transaction.Doc.Store;
        var handle = store.Create(transaction, left, right, parent, key, Kind, Length);
        if (type is not null)
        {
            var branch = store.CreateBranch(type.Kind, type.BranchName is { } name ? store.Names.Add(name) : -1);
            store.Items[handle].A = branch;
            type.Attach(transaction.Doc, branch);
        }
        else
        {
            store.StoreBytes(ref store.Items[handle], bytes);
            if (subdoc is not null)
            {
                transaction.Doc.AttachSubdoc(handle, subdoc);
            }
        }
        store.Integrate(transaction, handle);
        return handle;
    }
}
