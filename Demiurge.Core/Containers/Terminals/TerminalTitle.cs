using System.Text;

namespace Demiurge.Core.Containers.Terminals;

/// <summary>Reads the window title that programs set (xterm: <c>ESC ] 0 ; title BEL</c>, also 2, also ended by <c>ESC \</c>) out of a stream of bytes.</summary>
internal sealed class TerminalTitle
{
    private const int MaxBytes = 200;

    private readonly List<byte> collected = [];
    private State state;

    private enum State { Text, Escape, Command, Ending }

    /// <summary>The title that the bytes end with; null when they set none.</summary>
    public string? Read(ReadOnlySpan<byte> bytes)
    {
        string? title = null;
        foreach (var b in bytes)
        {
            switch (state)
            {
                case State.Text:
                    if (b == 0x1B)
                        state = State.Escape;
                    break;
                case State.Escape:
                    collected.Clear();
                    state = b switch { (byte)']' => State.Command, 0x1B => State.Escape, _ => State.Text };
                    break;
                case State.Command when b == 0x07:
                    title = Title() ?? title;
                    state = State.Text;
                    break;
                case State.Command when b == 0x1B:
                    state = State.Ending;
                    break;
                case State.Command:
                    if (collected.Count < MaxBytes)
                        collected.Add(b);
                    break;
                default:
                    title = b == (byte)'\\' ? Title() ?? title : title;
                    state = b == (byte)']' ? State.Command : State.Text;
                    collected.Clear();
                    break;
            }
        }

        return title;
    }

    private string? Title()
    {
        var text = Encoding.UTF8.GetString([.. collected]);
        return text is ['0' or '2', ';', ..] ? string.Concat(text[2..].Where(character => !char.IsControl(character))) : null;
    }
}
