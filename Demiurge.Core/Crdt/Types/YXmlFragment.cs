using System.Runtime.CompilerServices;
using System.Text;

namespace Demiurge.Core.Crdt;

/// <summary>
/// A list of XML nodes: the children of an element, or a document of its own without name and attributes. Children are <see cref="YXmlElement"/>,
/// <see cref="YXmlText"/> and <see cref="YXmlHook"/>. Thread rules as for <see cref="YType"/>. Source: <c>yjs/src/types/YXmlFragment.js</c>.
/// </summary>
public class YXmlFragment : YType
{
    private List<object?>? preliminary = [];

    /// <summary>An empty fragment, to be inserted somewhere.</summary>
    public YXmlFragment() { }

    internal YXmlFragment(YDoc doc, int branch)
    {
        preliminary = null;
        Attach(doc, branch);
    }

    /// <summary>Number of children.</summary>
    public int Length => preliminary?.Count ?? (IsAlive ? Store.Branches[Branch].Length : 0);

    /// <summary>The first child; null if there is none.</summary>
    public YType? FirstChild => IsAlive && FirstVisible(Store.Branches[Branch].Start) is > 0 and var first ? ListReader.Value(Doc, first, 0) as YType : null;

    internal override BranchKind Kind => BranchKind.XmlFragment;

    /// <summary>Inserts children before an index.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The index is negative or above <see cref="Length"/>.</exception>
    /// <exception cref="ArgumentException">One of the children is in a document already.</exception>
    public void Insert(int index, params IEnumerable<YType> children)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(index, Length);
        var added = children.ToList();
        var content = Content.OfAll(added);
        if (preliminary is not null)
        {
            preliminary.InsertRange(index, added);
            return;
        }
        var transaction = Begin(out var isOuter);
        try
        {
            ListEditor.Insert(transaction, Branch, index, content);
        }
        finally
        {
            Doc!.End(transaction, isOuter);
        }
    }

    /// <summary>Inserts children behind one of the children, or at the beginning when that is null.</summary>
    /// <exception cref="ArgumentException">The reference is not a child, or one of the children is in a document already.</exception>
    public void InsertAfter(YType? reference, params IEnumerable<YType> children)
    {
        var index = 0;
        if (reference is not null)
        {
            index = ToArray().ToList().IndexOf(reference) + 1;
            if (index == 0)
            {
                throw new ArgumentException("The reference is not a child of this fragment.", nameof(reference));
            }
        }
        if (preliminary is not null)
        {
            Insert(index, children);
            return;
        }
        var content = Content.OfAll(children);
        var transaction = Begin(out var isOuter);
        try
        {
            // Not by index: which deleted neighbours an insertion refers to depends on the way it was asked for, as in Yjs.
            ListEditor.InsertAfter(transaction, Branch, reference is null ? 0 : Store.Branches[reference.Branch].Item, content);
        }
        finally
        {
            Doc!.End(transaction, isOuter);
        }
    }

    /// <summary>Inserts children behind the last.</summary>
    public void Push(params IEnumerable<YType> children) => Insert(Length, children);

    /// <summary>Inserts children before the first.</summary>
    public void Unshift(params IEnumerable<YType> children) => Insert(0, children);

    /// <exception cref="ArgumentOutOfRangeException">The range is not within the fragment.</exception>
    public void Delete(int index, int length = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length - index);
        if (preliminary is not null)
        {
            preliminary.RemoveRange(index, length);
            return;
        }
        if (length == 0)
        {
            return;
        }
        var transaction = Begin(out var isOuter);
        try
        {
            ListEditor.Delete(transaction, Branch, index, length);
        }
        finally
        {
            Doc!.End(transaction, isOuter);
        }
    }

    /// <summary>The child at an index.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The index is negative or not below <see cref="Length"/>.</exception>
    public object? Get(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Length);
        return ToArray()[index];
    }

    /// <summary>All children. What another client has put between them that is no XML node comes as the value it is.</summary>
    public IReadOnlyList<object?> ToArray() => preliminary?.ToList() ?? (IsAlive ? ListReader.ToList(this) : []);

    /// <summary>Children from one index to another, which is not included.</summary>
    public IReadOnlyList<object?> Slice(int start = 0, int? end = null) => [.. ToArray().Take(end ?? int.MaxValue).Skip(start)];

    /// <summary>
    /// All nodes below this one for which the filter holds, parents before their children, as they are when enumeration begins. Children of hooks and texts are
    /// not visited. Children of a node that the filter leaves out are.
    /// </summary>
    public IEnumerable<YType> CreateTreeWalker(Func<YType, bool>? filter = null)
    {
        if (!IsAlive)
        {
            yield break;
        }
        var found = new List<YType>();
        var open = new Stack<int>();
        open.Push(Store.Branches[Branch].Start);
        while (open.TryPop(out var item))
        {
            item = FirstVisible(item);
            if (item == 0)
            {
                continue;
            }
            open.Push(Store.Items[item].Right);
            if (Store.Items[item].Kind == ContentKind.Type)
            {
                var type = Doc.TypeOf(Store.Items[item].A);
                found.Add(type);
                if (type is YXmlFragment)
                {
                    open.Push(Store.Branches[type.Branch].Start);
                }
            }
        }
        foreach (var type in found)
        {
            if (filter is null || filter(type))
            {
                yield return type;
            }
        }
    }

    /// <summary>The first element below this one with a node name, whatever its case; null if there is none. Other selectors are not supported, as in Yjs.</summary>
    public YXmlElement? QuerySelector(string query) => QuerySelectorAll(query).FirstOrDefault();

    /// <summary>All elements below this one with a node name, whatever its case.</summary>
    public IEnumerable<YXmlElement> QuerySelectorAll(string query)
    {
        ArgumentNullException.ThrowIfNull(query);
        return CreateTreeWalker().OfType<YXmlElement>().Where(element => string.Equals(element.NodeName, query, StringComparison.OrdinalIgnoreCase));
    }

    /// <inheritdoc/>
    public override YType Clone()
    {
        var clone = new YXmlFragment();
        CloneChildren(clone);
        return clone;
    }

    /// <summary>The children as XML, spelt as Yjs spells them: nothing is escaped.</summary>
    public override string ToString()
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        var text = new StringBuilder();
        foreach (var child in ToArray())
        {
            text.Append(ScriptText.Of(child));
        }
        return text.ToString();
    }

    /// <summary>As <see cref="ToString"/>.</summary>
    public override object? ToJson() => ToString();

    private protected void CloneChildren(YXmlFragment clone) => clone.Insert(0, ToArray().OfType<YType>().Select(static child => child.Clone()));

    private protected override void WritePreliminary(Transaction transaction)
    {
        var children = preliminary;
        preliminary = null;
        if (children is { Count: > 0 })
        {
            Insert(0, children.Cast<YType>());
        }
    }

    private int FirstVisible(int item)
    {
        while (item != 0 && Store.Items[item].IsDeleted)
        {
            item = Store.Items[item].Right;
        }
        return item;
    }
}
