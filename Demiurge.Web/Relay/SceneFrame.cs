using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Demiurge.Core.Boards;

namespace Demiurge.Web.Relay;

/// <summary>
/// Writes the scene feed that the browser module reads (<c>Components/Board/client/codec.ts</c>): where everything is and how it is
/// painted. Little-endian:
/// <code>
/// frame  = u8 version (1) · u8 flags (1 = reset: forget everything first) · u32 applied · u32 count · count records
/// record = u8 op (1 node, 2 node gone, 3 edge, 4 edge gone) · fields
/// node   = id · kind · f64 x · f64 y · f32 w · f32 h · f64 z · frame · fill · stroke · color · f32 fontSize · u8 flags · label
/// edge   = id · fromNode · fromPort · toNode · toPort · kind · color · f32 width · u8 flags · label
/// gone   = id
/// string = u16 byte length · UTF-8
/// </code>
/// Coordinates are absolute. <c>z</c> is <see cref="BoardNode.Rank"/>. Node flags: 1 locked, 2 has text, bits 2–3 alignment
/// (1 left, 2 center, 3 right). Edge flags: 1 arrow at the end, 2 at the start, 4 dashed. A label is the first 80 UTF-16 units.
/// <c>applied</c>: the highest batch of this circuit whose effect or refusal the feed contains by then.
/// </summary>
public sealed class SceneFrame
{
    private const int LabelLength = 80;

    private readonly ArrayBufferWriter<byte> _buffer = new(1024);
    private uint _count;

    public SceneFrame(bool reset, uint applied)
    {
        Byte(1);
        Byte(reset ? 1 : 0);
        BinaryPrimitives.WriteUInt32LittleEndian(_buffer.GetSpan(8), applied);
        _buffer.Advance(8);
    }

    public void Add(BoardNode node)
    {
        Begin(1);
        String(node.Id);
        String(node.Kind);
        Double(node.Bounds.X);
        Double(node.Bounds.Y);
        Single(node.Size.Width);
        Single(node.Size.Height);
        Double(node.Rank);
        String(node.Frame ?? "");
        String(node.Style.Fill);
        String(node.Style.Stroke);
        String(node.Style.Color);
        Single(node.Style.FontSize);
        Byte((node.Locked ? 1 : 0) | (node.Text.Length > 0 ? 2 : 0) | ((int)node.Style.Align + 1 << 2));
        String(Label(node.Text));
    }

    public void Add(BoardEdge edge)
    {
        Begin(3);
        String(edge.Id);
        String(edge.From.Node);
        String(edge.From.Port);
        String(edge.To.Node);
        String(edge.To.Port);
        String(edge.Kind switch { EdgeKind.Straight => "straight", EdgeKind.Step => "step", _ => "bezier" });
        String(edge.Style.Color);
        Single(edge.Style.Width);
        Byte((edge.Style.Arrow != EdgeArrow.None ? 1 : 0) | (edge.Style.Arrow == EdgeArrow.Both ? 2 : 0) | (edge.Style.Dash ? 4 : 0));
        String(Label(edge.Label));
    }

    public void RemoveNode(string id)
    {
        Begin(2);
        String(id);
    }

    public void RemoveEdge(string id)
    {
        Begin(4);
        String(id);
    }

    public byte[] ToArray()
    {
        var bytes = _buffer.WrittenSpan.ToArray();
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(6), _count);
        return bytes;
    }

    private static string Label(string text) => text.Length <= LabelLength
        ? text
        : text[..(char.IsHighSurrogate(text[LabelLength - 1]) ? LabelLength - 1 : LabelLength)];

    private void Begin(int op)
    {
        _count++;
        Byte(op);
    }

    private void Byte(int value)
    {
        _buffer.GetSpan(1)[0] = (byte)value;
        _buffer.Advance(1);
    }

    private void Single(double value)
    {
        BinaryPrimitives.WriteSingleLittleEndian(_buffer.GetSpan(4), (float)value);
        _buffer.Advance(4);
    }

    private void Double(double value)
    {
        BinaryPrimitives.WriteDoubleLittleEndian(_buffer.GetSpan(8), value);
        _buffer.Advance(8);
    }

    /// <summary>Every string of a board is far shorter than 64 KiB of UTF-8: ids ≤ 128, labels ≤ 80 units.</summary>
    private void String(string value)
    {
        var span = _buffer.GetSpan(2 + 3 * value.Length);
        var length = Encoding.UTF8.GetBytes(value, span[2..]);
        BinaryPrimitives.WriteUInt16LittleEndian(span, (ushort)length);
        _buffer.Advance(2 + length);
    }
}
