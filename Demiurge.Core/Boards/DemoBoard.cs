using System.Text.Json;
using Demiurge.Core.Boards.Commands;
using Demiurge.Core.Crdt;

namespace Demiurge.Core.Boards;

/// <summary>Boards with something on them: one to look at, one to measure with. Call on the document's thread.</summary>
public static class DemoBoard
{
    /// <summary>Furnishes an empty board as a team would have it: a welcome, a picture of a system, a retrospective, a plan. Leaves a board alone that has anything on it.</summary>
    /// <returns>Whether it was empty.</returns>
    public static bool Furnish(YDoc doc)
    {
        using var view = new BoardView(doc);
        if (view.NodeCount > 0)
        {
            return false;
        }

        var board = new Furnisher();
        Welcome(board);
        System(board);
        Retrospective(board);
        Plan(board);
        board.Put(view);
        return true;
    }

    /// <summary>Fills the board with a grid of notes and shapes in frames of a hundred, and edges between neighbours; the same for the same numbers.</summary>
    public static void Fill(YDoc doc, int nodes = 2_000, int edges = 2_000)
    {
        const int PerFrame = 100;
        const int Columns = 10;
        string[] kinds = ["note", "rectangle", "rounded", "ellipse", "diamond", "hexagon", "note", "cylinder", "cloud", "star"];
        string[] colours = ["yellow", "blue", "green", "pink", "orange", "purple", "teal", "red", "gray", "white"];
        using var view = new BoardView(doc);
        var board = new Furnisher();
        var frames = (nodes + PerFrame - 1) / PerFrame;
        var acrossFrames = (int)Math.Ceiling(Math.Sqrt(frames));
        var ids = new List<string>();
        for (var f = 0; f < frames; f++)
        {
            var x = f % acrossFrames * 2_300.0;
            var y = f / acrossFrames * 2_300.0;
            var frame = board.Node("frame", $"Part {f + 1}", x, y, 2_140, 2_140);
            ids.Add(frame);
            for (var i = 0; i < PerFrame - 1 && ids.Count < nodes; i++)
            {
                var n = ids.Count;
                ids.Add(board.Node(
                    kinds[n % kinds.Length], $"Item {n}", x + 40 + i % Columns * 208, y + 60 + i / Columns * 208, 160, 120, frame,
                    $$"""{"fill":"{{colours[n * 7 % colours.Length]}}","fontSize":16}"""));
            }
        }

        var tied = 0;
        for (var reach = 1; tied < edges && ids.Count > reach; reach++)
        {
            for (var n = 0; n + reach < ids.Count && tied < edges; n++)
            {
                if (n % PerFrame != 0 && (n + reach) % PerFrame != 0)
                {
                    board.Edge(ids[n], "right", ids[n + reach], "left");
                    tied++;
                }
            }
        }

        board.Put(view);
    }

    private static void Welcome(Furnisher board)
    {
        board.Node("text", "Welcome to Demiurge", 0, -190, 760, 76, style: """{"fontSize":52}""");
        board.Node("text", "Everything here is live: whoever opens this board sees your cursor, and every letter as you type it.", 4, -104, 1_060, 38, style: """{"fontSize":20,"color":"gray"}""");
        board.Node("note", "Double-click me\nand write something", 1_720, -230, 170, 150, style: """{"fill":"yellow"}""");
        board.Node("note", "Drag from\na side dot\nto connect", 1_910, -210, 170, 150, style: """{"fill":"pink"}""");
        board.Node("note", "Press ?\nfor shortcuts", 2_100, -236, 170, 150, style: """{"fill":"teal"}""");
    }

    private static void System(Furnisher board)
    {
        var frame = board.Node("frame", "How a board gets to you", 0, 0, 1_080, 640);
        string In(string kind, string text, double x, double y, double w, double h, string style) => board.Node(kind, text, x, y, w, h, frame, style);
        var browser = In("rounded", "Your browser", 70, 120, 190, 90, """{"fill":"blue","stroke":"blue"}""");
        var client = In("rounded", "Any Yjs client", 70, 400, 190, 90, """{"fill":"blue","stroke":"blue"}""");
        var web = In("rectangle", "Web\npages, API, edge", 440, 120, 210, 110, """{"fill":"white","stroke":"gray"}""");
        var gateway = In("hexagon", "Gateway\nthe live room", 430, 385, 230, 120, """{"fill":"purple","stroke":"purple"}""");
        var database = In("cylinder", "PostgreSQL", 850, 110, 150, 150, """{"fill":"green","stroke":"green"}""");
        var next = In("hexagon", "Gateway\nready for the next team", 820, 385, 220, 120, """{"fill":"gray","stroke":"gray","color":"gray"}""");
        In("text", "One gateway for each team at work, taken from a warm pool and given back when it is quiet.", 430, 540, 600, 56, """{"fontSize":16,"color":"gray"}""");
        board.Edge(browser, "right", web, "left", label: "page");
        board.Edge(client, "right", gateway, "left", label: "WebSocket");
        board.Edge(web, "bottom", gateway, "top", style: """{"arrow":"both"}""");
        board.Edge(web, "right", database, "left", label: "every edit, for good", style: """{"color":"green"}""");
        board.Edge(gateway, "right", next, "left", style: """{"dash":true}""");
    }

    private static void Retrospective(Furnisher board)
    {
        var frame = board.Node("frame", "Retrospective, week 46", 1_160, 0, 1_110, 640);
        (string Title, string Colour, string[] Notes)[] columns =
        [
            ("Went well", "green", ["Onboarding takes one morning now", "Nobody lost an edit, not even in the outage", "Design and code sat at one board"]),
            ("Hurt", "red", ["Two releases on one Friday", "Flaky test nobody owns"]),
            ("Let's try", "blue", ["Pair on the first task of a newcomer", "Demo every second Thursday", "A board per project, not per meeting"]),
        ];
        for (var c = 0; c < columns.Length; c++)
        {
            var (title, colour, notes) = columns[c];
            var x = 1_200 + c * 355.0;
            board.Node("text", title, x, 50, 300, 40, frame, $$"""{"fontSize":26,"color":"{{colour}}"}""");
            for (var n = 0; n < notes.Length; n++)
            {
                board.Node("note", notes[n], x + n % 2 * 165, 110 + n / 2 * 175 + n % 2 * 24, 155, 155, frame, $$"""{"fill":"{{colour}}","fontSize":16}""");
            }
        }

        var idea = board.Node("star", "Do this\nfirst", 1_900, 465, 150, 145, frame, """{"fill":"yellow","stroke":"yellow","fontSize":14}""");
        var why = board.Node("cloud", "What would have\ncaught it?", 1_555, 480, 190, 120, frame, """{"fill":"white","fontSize":14}""");
        board.Edge(why, "right", idea, "left", style: """{"dash":true}""");
    }

    private static void Plan(Furnisher board)
    {
        var frame = board.Node("frame", "Release plan", 0, 720, 2_270, 470);
        string In(string kind, string text, double x, double y, double w, double h, string style) => board.Node(kind, text, x, y, w, h, frame, style);
        var idea = In("ellipse", "Idea", 60, 870, 160, 110, """{"fill":"yellow","stroke":"yellow"}""");
        var sketch = In("parallelogram", "Sketch on the board", 330, 875, 220, 100, """{"fill":"white"}""");
        var build = In("rectangle", "Build the thinnest\npath end to end", 660, 875, 210, 100, """{"fill":"blue","stroke":"blue"}""");
        var good = In("diamond", "Does it hold?", 990, 850, 190, 150, """{"fill":"orange","stroke":"orange"}""");
        var deepen = In("rectangle", "Deepen", 980, 1_060, 210, 80, """{"fill":"white"}""");
        var ship = In("rounded", "Ship", 1_330, 875, 170, 100, """{"fill":"green","stroke":"green"}""");
        var look = In("triangle", "Look at\nwhat people do", 1_640, 835, 210, 165, """{"fill":"purple","stroke":"purple","fontSize":14}""");
        board.Edge(idea, "right", sketch, "left");
        board.Edge(sketch, "right", build, "left");
        board.Edge(build, "right", good, "left");
        board.Edge(good, "right", ship, "left", label: "yes", style: """{"color":"green"}""");
        board.Edge(good, "bottom", deepen, "top", label: "not yet");
        board.Edge(deepen, "left", build, "bottom", kind: "step");
        board.Edge(ship, "right", look, "left");
        board.Edge(look, "top", idea, "top", label: "again", style: """{"dash":true}""");
        In("note", "Who is on call?", 1_950, 790, 150, 140, """{"fill":"pink"}""");
        In("note", "Write the notes before the code", 2_070, 960, 160, 150, """{"fill":"teal","fontSize":16}""");
    }

    /// <summary>Gathers commands, so that the furniture arrives as one edit a batch.</summary>
    private sealed class Furnisher
    {
        private readonly List<BoardCommand> _nodes = [];
        private readonly List<BoardCommand> _edges = [];

        public string Node(string kind, string text, double x, double y, double w, double h, string? frame = null, string? style = null)
        {
            var id = $"demo-{_nodes.Count}";
            _nodes.Add(new CreateNode(new NodeSpec(id, kind, x, y, w, h, frame ?? "", Style(style), text)));
            return id;
        }

        public void Edge(string from, string fromPort, string to, string toPort, string? kind = null, string? label = null, string? style = null) =>
            _edges.Add(new Connect(new EdgeSpec($"demo-edge-{_edges.Count}", new(from, fromPort), new(to, toPort), kind, label, Style(style))));

        public void Put(BoardView view)
        {
            var editor = new BoardEditor(view);
            var author = new BoardAuthor(view.Doc.ClientId, this);
            foreach (var batch in _nodes.Concat(_edges).Chunk(BoardLimits.CommandsPerBatch))
            {
                if (editor.Apply(batch, author).Error is { } error)
                {
                    throw new InvalidOperationException(error.Message);
                }
            }
        }

        private static Dictionary<string, JsonElement>? Style(string? json) => json is null ? null : JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(json);
    }
}
