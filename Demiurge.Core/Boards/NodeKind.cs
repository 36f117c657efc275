namespace Demiurge.Core.Boards;

/// <summary>What a kind of node looks like before anyone styled it.</summary>
/// <param name="Name">The value of <c>kind</c> in the room.</param>
/// <param name="Title">For people, e.g. in the shapes menu.</param>
/// <param name="Size">Size of a new node made by one click.</param>
/// <param name="Style">Values where the node's own style says nothing.</param>
public sealed record NodeKind(string Name, string Title, BoardSize Size, NodeStyle Style)
{
    public const string Note = "note";
    public const string Text = "text";
    public const string Frame = "frame";

    /// <summary>Shows the container that its data names.</summary>
    public const string Container = "container";

    private static readonly NodeStyle ShapeStyle = new() { Fill = "white", Stroke = "gray", Color = "black", FontSize = 16, Align = TextAlign.Center };

    /// <summary>The ten shapes, in the order of the shapes menu.</summary>
    public static IReadOnlyList<NodeKind> Shapes { get; } =
    [
        Shape("rectangle", "Rectangle", 160, 100),
        Shape("rounded", "Rounded rectangle", 160, 100),
        Shape("ellipse", "Ellipse", 160, 110),
        Shape("diamond", "Diamond", 160, 120),
        Shape("triangle", "Triangle", 160, 130),
        Shape("parallelogram", "Parallelogram", 160, 100),
        Shape("hexagon", "Hexagon", 160, 100),
        Shape("cylinder", "Cylinder", 120, 130),
        Shape("cloud", "Cloud", 160, 110),
        Shape("star", "Star", 160, 150),
    ];

    /// <summary>Every kind this version knows. Others are shown by a fallback card and kept as they are.</summary>
    public static IReadOnlyDictionary<string, NodeKind> Known { get; } = new[]
    {
        new NodeKind(Note, "Note", new(200, 200), new() { Fill = "yellow", Stroke = Palette.None, Color = "black", FontSize = 18, Align = TextAlign.Center }),
        new NodeKind(Text, "Text", new(200, 34), new() { Fill = Palette.None, Stroke = Palette.None, Color = "black", FontSize = 18, Align = TextAlign.Left }),
        new NodeKind(Frame, "Frame", new(480, 320), new() { Fill = "white", Stroke = "gray", Color = "black", FontSize = 14, Align = TextAlign.Left }),
        new NodeKind(Container, "Container", new(480, 340), new() { Fill = "white", Stroke = "gray", Color = "black", FontSize = 14, Align = TextAlign.Left }),
    }.Concat(Shapes).ToDictionary(kind => kind.Name);

    private static readonly NodeKind Unknown = new("", "Unknown", new(240, 140), ShapeStyle with { Align = TextAlign.Left });

    /// <summary>The kind of that name; a neutral one for names this version doesn't know.</summary>
    public static NodeKind Of(string name) => Known.GetValueOrDefault(name, Unknown);

    private static NodeKind Shape(string name, string title, double width, double height) =>
        new(name, title, new(width, height), ShapeStyle);
}
