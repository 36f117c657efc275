using Demiurge.Core.Crdt;

namespace Demiurge.Core.Boards;

/// <summary>Finds the shared text of a node. On the document's thread.</summary>
public static class BoardText
{
    /// <summary>Null when there is no such node, or another client gave it a plain string or nothing.</summary>
    public static YText? Find(YDoc doc, string nodeId) => (doc.GetMap("nodes")[nodeId] as YMap)?["text"] as YText;

    /// <summary>Gives the node a shared text with what its plain one said; nobody's step to undo.</summary>
    public static YText Make(YDoc doc, string nodeId, uint clientId) =>
        doc.Transact(_ => BoardWriter.TextOf(BoardWriter.Own(doc.GetMap("nodes"), nodeId)), origin: null, clientId);
}
