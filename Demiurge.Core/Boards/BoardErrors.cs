namespace Demiurge.Core.Boards;

/// <summary>Why a board refuses.</summary>
public static class BoardErrors
{
    public static Error Malformed(string what) => new("board.malformed", what, ErrorKind.Invalid);

    public static Error TooMuch(string what) => new("board.too-much", what, ErrorKind.Invalid);

    public static Error ViewOnly { get; } = new("board.view-only", "You can look at this board but not change it. Ask someone who manages the project for edit access.", ErrorKind.Forbidden);

    public static Error NoAccess { get; } = new("board.no-access", "You no longer have access to this board.", ErrorKind.Forbidden);

    public static Error TooFast { get; } = new("board.too-fast", "That was too much at once. Wait a moment and try again.", ErrorKind.TooMany);

    public static Error Full(string what) => new("board.full", what, ErrorKind.Conflict);

    public static Error IdTaken(string id) => new("board.id-taken", $"The id '{id}' is already on this board.", ErrorKind.Conflict);

    public static Error NoSuchFrame(string id) => new("board.no-such-frame", $"There is no frame '{id}' on this board.", ErrorKind.Conflict);

    public static Error FrameInItself { get; } = new("board.frame-in-itself", "A frame can't lie inside itself.", ErrorKind.Conflict);

    public static Error NoSuchNode(string id) => new("board.no-such-node", $"There is no node '{id}' on this board; someone may have deleted it.", ErrorKind.NotFound);

    public static Error Locked { get; } = new("board.locked", "This is locked. Unlock it to change it.", ErrorKind.Conflict);
}
