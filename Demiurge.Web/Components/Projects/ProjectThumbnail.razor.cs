using Microsoft.AspNetCore.Components;

namespace Demiurge.Web.Components.Projects;

public sealed partial class ProjectThumbnail
{
    private static readonly string[] Fills = ["#f6d365", "#f7b267", "#f4978e", "#c8b6ff", "#8ecae6", "#9fd8cb", "#b7d99a"];

    private readonly record struct Shape(int X, int Y, int Width, int Height, int Corner, string Fill);

    [Parameter, EditorRequired]
    public Guid ProjectId { get; set; }

    private Shape[] Shapes { get; set; } = [];

    private IEnumerable<(Shape From, Shape To)> Lines => Shapes.Zip(Shapes.Skip(1));

    protected override void OnParametersSet()
    {
        // The random half of a UUIDv7; the time half would make siblings look alike.
        var random = new Random(BitConverter.ToInt32(ProjectId.ToByteArray(), 12));
        Shapes = Enumerable.Range(0, 4).Select(column => new Shape(
            X: 40 + column * 53 + random.Next(-8, 9),
            Y: random.Next(34, 87),
            Width: random.Next(30, 44),
            Height: random.Next(24, 38),
            Corner: random.Next(4) == 0 ? 16 : 4,
            Fill: Fills[random.Next(Fills.Length)])).ToArray();
    }
}
