namespace Demiurge.Core.Crdt;

/// <summary>A map among XML nodes, for what an application binds to a type of its own. Source: <c>yjs/src/types/YXmlHook.js</c>.</summary>
public sealed class YXmlHook : YMap
{
    /// <summary>An empty hook, to be inserted somewhere.</summary>
    public YXmlHook(string hookName)
    {
        ArgumentNullException.ThrowIfNull(hookName);
        HookName = hookName;
    }

    internal YXmlHook(YDoc doc, int branch) : base(doc, branch) => HookName = doc.Store.Branches[branch] is { Item: not 0, Name: >= 0 and var name } ? doc.Store.Names[name] : "";

    /// <summary>What kind of hook it is. Can't be changed.</summary>
    public string HookName { get; }

    internal override BranchKind Kind => BranchKind.XmlHook;

    internal override string? BranchName => HookName;

    /// <inheritdoc/>
    public override YType Clone() => CloneInto(new YXmlHook(HookName));
}
