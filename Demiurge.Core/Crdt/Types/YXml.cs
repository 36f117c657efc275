namespace Demiurge.Core.Crdt;

/// <summary>
/// An XML fragment, element, text or hook that another client has made. It is kept, synchronized and observed like any other type; to
/// look inside, <see cref="ToJson"/> gives its children.
/// </summary>
public sealed class YXml : YType
{
    internal YXml(YDoc doc, int branch) => Attach(doc, branch);

    /// <summary>Name of an element or a hook; null for others.</summary>
    public string? Name => IsAlive && Store.Branches[Branch] is { Item: not 0, Name: >= 0 and var name } ? Store.Names[name] : null;

    public override object? ToJson() => IsAlive ? ListReader.ToJson(this) : new List<object?>();
}
