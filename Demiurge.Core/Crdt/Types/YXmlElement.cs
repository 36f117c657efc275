using System.Text;

namespace Demiurge.Core.Crdt;

/// <summary>An XML element: a node name, attributes, children. Source: <c>yjs/src/types/YXmlElement.js</c>.</summary>
public sealed class YXmlElement : YXmlFragment
{
    private const string Undefined = "UNDEFINED";

    private readonly string? nodeName;
    private List<KeyValuePair<string, object?>>? preliminaryAttributes;

    /// <summary>An element without attributes and children, to be inserted somewhere.</summary>
    public YXmlElement(string nodeName = Undefined)
    {
        ArgumentNullException.ThrowIfNull(nodeName);
        this.nodeName = nodeName;
        preliminaryAttributes = [];
    }

    internal YXmlElement(YDoc doc, int branch) : base(doc, branch)
    {
        // A root's name is how the document knows it, not what kind of element it is.
        var owner = doc.Store.Branches[branch];
        nodeName = owner.Item != 0 && owner.Name >= 0 ? doc.Store.Names[owner.Name] : Undefined;
    }

    /// <summary>The tag. Can't be changed. That of a root is "UNDEFINED".</summary>
    public string NodeName => nodeName!;

    /// <summary>The node behind this one; null if there is none.</summary>
    public YType? NextSibling => Sibling(next: true);

    /// <summary>The node before this one; null if there is none.</summary>
    public YType? PrevSibling => Sibling(next: false);

    internal override BranchKind Kind => BranchKind.XmlElement;

    internal override string? BranchName => nodeName;

    /// <summary>Sets an attribute. Usually a string, but any value that <see cref="YMap"/> takes is possible.</summary>
    /// <exception cref="ArgumentException">The value can't be stored.</exception>
    public void SetAttribute(string attributeName, object? attributeValue)
    {
        ArgumentNullException.ThrowIfNull(attributeName);
        if (preliminaryAttributes is not null)
        {
            _ = Content.Of(attributeValue);
            var known = preliminaryAttributes.FindIndex(attribute => attribute.Key == attributeName);
            if (known < 0)
            {
                preliminaryAttributes.Add(new(attributeName, attributeValue));
            }
            else
            {
                preliminaryAttributes[known] = new(attributeName, attributeValue);
            }
            return;
        }
        SetKey(attributeName, attributeValue);
    }

    /// <summary>Removes an attribute, if it is there.</summary>
    public void RemoveAttribute(string attributeName)
    {
        if (preliminaryAttributes?.RemoveAll(attribute => attribute.Key == attributeName) is null)
        {
            RemoveKey(attributeName);
        }
    }

    /// <summary>The value of an attribute; null if it isn't set.</summary>
    public object? GetAttribute(string attributeName) => preliminaryAttributes is not null
        ? preliminaryAttributes.Find(attribute => attribute.Key == attributeName).Value
        : GetKey(attributeName);

    /// <summary>Whether an attribute is set, be it to null.</summary>
    public bool HasAttribute(string attributeName) => preliminaryAttributes?.Exists(attribute => attribute.Key == attributeName) ?? HasKey(attributeName);

    /// <summary>All attributes, in the order in which they were first set.</summary>
    /// <param name="snapshot">As they were then; as they are now when null.</param>
    public IReadOnlyDictionary<string, object?> GetAttributes(Snapshot? snapshot = null) =>
        preliminaryAttributes is not null ? preliminaryAttributes.ToDictionary() : GetKeys(snapshot);

    /// <inheritdoc/>
    public override YType Clone()
    {
        var clone = new YXmlElement(NodeName);
        foreach (var (key, value) in GetAttributes())
        {
            clone.SetAttribute(key, value is YType type ? type.Clone() : value);
        }
        CloneChildren(clone);
        return clone;
    }

    /// <summary>The element as XML, attributes in ordinal order, spelt as Yjs spells it: nothing is escaped.</summary>
    public override string ToString()
    {
        var name = NodeName.ToLowerInvariant();
        var text = new StringBuilder("<").Append(name);
        foreach (var (key, value) in GetAttributes().OrderBy(static attribute => attribute.Key, StringComparer.Ordinal))
        {
            text.Append(' ').Append(key).Append("=\"").Append(ScriptText.Of(value)).Append('"');
        }
        return text.Append('>').Append(base.ToString()).Append("</").Append(name).Append('>').ToString();
    }

    private protected override void WritePreliminary(Transaction transaction)
    {
        base.WritePreliminary(transaction);
        var attributes = preliminaryAttributes;
        preliminaryAttributes = null;
        foreach (var (key, value) in attributes ?? [])
        {
            SetAttribute(key, value);
        }
    }
}
