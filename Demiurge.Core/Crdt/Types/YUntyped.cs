namespace Demiurge.Core.Crdt;

/// <summary>A root that an update has named and nobody has asked for by its type yet.</summary>
internal sealed class YUntyped : YType
{
    internal YUntyped(YDoc doc, int branch) => Attach(doc, branch);

    internal override BranchKind Kind => BranchKind.Undefined;

    public override YType Clone() => throw new InvalidOperationException("What the root is isn't known yet: ask the document for it by its type.");

    public override object? ToJson() => IsAlive ? ListReader.ToJson(this) : new List<object?>();
}
