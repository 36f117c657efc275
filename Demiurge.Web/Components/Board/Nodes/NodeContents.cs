using Demiurge.Core.Boards;
using Demiurge.Web.Components.Containers;

namespace Demiurge.Web.Components.Board.Nodes;

/// <summary>
/// Which component renders what is inside a node, by its kind. A component of this table has one parameter,
/// <c>BoardNode Node</c>, and sets no size or place: those are the browser module's.
/// </summary>
public static class NodeContents
{
    private static readonly Dictionary<string, Type> ByKind = NodeKind.Known.Keys.ToDictionary(
        kind => kind, kind => kind == NodeKind.Container ? typeof(ContainerContent) : typeof(TextContent));

    public static Type Of(string kind) => ByKind.GetValueOrDefault(kind, typeof(UnknownContent));
}
