using System.Text;

namespace Demiurge.Core.Crdt;

/// <summary>A text as it was, or what has changed between two moments. Source: <c>YText.toDelta</c> in <c>yjs/src/types/YText.js</c>.</summary>
internal sealed class SnapshotDelta(YText target, Snapshot? snapshot, Snapshot? previous, Func<string, StructId, object?>? computeYChange)
{
    private const string YChange = "ychange";

    private readonly StructStore store = target.Store;
    private readonly FormatMap formats = new();
    private readonly StringBuilder text = new();
    private readonly List<DeltaOp> delta = [];

    /// <summary>The value of "ychange" in force; there may be one that is null.</summary>
    private (bool IsSet, object? Value) mark;

    public List<DeltaOp> Compute() => target.Doc!.Transact(
        transaction =>
        {
            snapshot?.Split(transaction);
            previous?.Split(transaction);
            for (var handle = store.Branches[target.Branch].Start; handle != 0; handle = store.Items[handle].Right)
            {
                ref var item = ref store.Items[handle];
                if (IsShown(ref item) || (previous is not null && previous.Sees(store, ref item)))
                {
                    Visit(handle, ref item);
                }
            }
            Flush();
            return delta;
        },
        origin: "cleanup");

    private void Visit(int handle, ref Item item)
    {
        switch (item.Kind)
        {
            case ContentKind.String:
                Mark(ref item);
                text.Append(store.TextOf(handle));
                break;
            case ContentKind.Type or ContentKind.Embed:
                Flush();
                delta.Add(DeltaOp.Inserted(ListReader.Value(target.Doc!, handle, 0) ?? "", Attributes()));
                break;
            case ContentKind.Format when IsShown(ref item):
                Flush();
                formats.Apply(ref item);
                break;
        }
    }

    private bool IsShown(ref Item item) => snapshot is null ? !item.IsDeleted : snapshot.Sees(store, ref item);

    private void Mark(ref Item item)
    {
        var type = snapshot is not null && !IsShown(ref item) ? "removed"
            : previous is not null && !previous.Sees(store, ref item) ? "added"
            : null;
        var client = store.Clients[item.Client].Id;
        if (type is null)
        {
            if (mark.IsSet)
            {
                Flush();
                mark = default;
            }
        }
        else if (!mark.IsSet || !Says(mark.Value, type, client))
        {
            Flush();
            mark = (true, computeYChange is null ? new Dictionary<string, object?> { ["type"] = type } : computeYChange(type, new(client, item.Clock)));
        }
    }

    /// <summary>Whether the mark in force names this author and this kind: then the text goes on.</summary>
    private static bool Says(object? value, string type, ulong client) =>
        value is IReadOnlyDictionary<string, object?> members
        && members.TryGetValue("type", out var known) && known as string == type
        && members.TryGetValue("user", out var user) && user is IConvertible and not string && Convert.ToDouble(user, System.Globalization.CultureInfo.InvariantCulture) == client;

    private Dictionary<string, object?>? Attributes()
    {
        var attributes = formats.ToAttributes(store);
        if (mark.IsSet)
        {
            (attributes ??= [])[YChange] = mark.Value;
        }
        return attributes;
    }

    private void Flush()
    {
        if (text.Length > 0)
        {
            delta.Add(DeltaOp.Inserted(text.ToString(), Attributes()));
            text.Clear();
        }
    }
}
