using System.Text.Json;
using Demiurge.Core.Boards;
using Demiurge.Core.Boards.Typing;
using Demiurge.Core.Crdt;

namespace Demiurge.Tests.Boards;

public class TextSessionTests
{
    [Fact]
    public void After_InsertsAtOnePlace_EarlierStandsLeft()
    {
        var earlier = Op("""[{"retain":1},{"insert":"EARLY"}]""");
        var later = Op("""[{"retain":1},{"insert":"late"}]""");

        Assert.Equal("aEARLYlateb", later.After(earlier).Apply(earlier.Apply("ab")));
        Assert.Equal("aEARLYlateb", earlier.Before(later).Apply(later.Apply("ab")));
    }

    [Fact]
    public void Transform_RandomPairs_Converges()
    {
        var random = new Random(42);
        for (var i = 0; i < 5_000; i++)
        {
            var text = RandomText(random, random.Next(12));
            var first = RandomOperation(random, text);
            var second = RandomOperation(random, text);
            Assert.Equal(second.After(first).Apply(first.Apply(text)), first.Before(second).Apply(second.Apply(text)));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Edit_ByManyBehindALaggingNetworkAndAStockClient_AllConverge(int seed)
    {
        var random = new Random(seed);
        using var doc = new YDoc();
        using var stock = new YDoc();
        var text = doc.GetText("t");
        text.Insert(0, "The quick brown fox");
        stock.ApplyUpdate(doc.EncodeStateAsUpdate());
        using var session = new TextSession(text);
        var typists = Enumerable.Range(0, 3).Select(i => new Typist(session, new BoardAuthor((uint)(100 + i), new object()), random)).ToList();

        for (var step = 0; step < 1_500; step++)
        {
            var typist = typists[random.Next(typists.Count)];
            switch (random.Next(5))
            {
                case 0:
                    typist.Type();
                    break;
                case 1:
                    typist.Send();
                    break;
                case 2 or 3:
                    typist.Receive();
                    break;
                default:
                    var theirs = stock.GetText("t");
                    if (random.Next(3) > 0 || theirs.Length == 0)
                    {
                        theirs.Insert(random.Next(theirs.Length + 1), "z");
                    }
                    else
                    {
                        theirs.Delete(random.Next(theirs.Length), 1);
                    }

                    doc.ApplyUpdate(stock.EncodeStateAsUpdate(doc.EncodeStateVector()));
                    stock.ApplyUpdate(doc.EncodeStateAsUpdate(stock.EncodeStateVector()));
                    break;
            }

            Assert.Equal(text.ToString(), session.Text);
        }

        foreach (var typist in typists)
        {
            typist.Drain();
        }

        foreach (var typist in typists)
        {
            typist.Drain();
            Assert.Equal(text.ToString(), typist.Text);
        }

        stock.ApplyUpdate(doc.EncodeStateAsUpdate());
        Assert.Equal(text.ToString(), stock.GetText("t").ToString());
    }

    [Fact]
    public void Edit_OlderThanTheHistory_StartsOver()
    {
        using var doc = new YDoc();
        using var session = new TextSession(doc.GetText("t"));
        var author = new BoardAuthor(5, new object());
        for (var i = 0; i <= TextSession.History; i++)
        {
            Assert.Null(session.Edit(session.Version, Op("""[{"insert":"x"}]"""), author).RestartFrom);
        }

        var outcome = session.Edit(0, Op("""[{"insert":"late"}]"""), author);

        Assert.Equal(session.Text, outcome.RestartFrom);
        Assert.DoesNotContain("late", session.Text);
        Assert.NotNull(session.Edit(session.Version + 1, Op("""[{"insert":"from the future"}]"""), author).RestartFrom);
    }

    [Theory]
    [InlineData("""[{"retain":2},{"insert":"x"}]""")]
    [InlineData("""[{"delete":2}]""")]
    [InlineData("""[{"retain":1},{"delete":1}]""")]
    [InlineData("""[{"retain":9},{"insert":"past the end"}]""")]
    public void Edit_ThatSplitsACharacterOrRunsPastTheEnd_StartsOver(string delta)
    {
        using var doc = new YDoc();
        var text = doc.GetText("t");
        text.Insert(0, "a😀b");
        using var session = new TextSession(text);

        Assert.Equal("a😀b", session.Edit(0, Op(delta), new BoardAuthor(5, new object())).RestartFrom);
        Assert.Equal("a😀b", text.ToString());
    }

    [Fact]
    public void Edit_ThatGrowsBeyondTheLimit_IsNotWritten()
    {
        using var doc = new YDoc();
        var text = doc.GetText("t");
        text.Insert(0, new string('x', BoardLimits.Text));
        using var session = new TextSession(text);

        Assert.NotNull(session.Edit(0, Op("""[{"insert":"y"}]"""), new BoardAuthor(5, new object())).RestartFrom);
        Assert.Null(session.Edit(0, Op("""[{"delete":1}]"""), new BoardAuthor(5, new object())).RestartFrom);
    }

    [Fact]
    public void Edit_IsWrittenUnderItsAuthorAndUndoable()
    {
        using var doc = new YDoc();
        var text = doc.GetText("t");
        using var session = new TextSession(text);
        var author = new BoardAuthor(4711, new object());
        using var undo = new UndoManager(doc, [text], new UndoManagerOptions { TrackedOrigins = [author.Origin] });
        session.Edit(0, Op("""[{"insert":"mine"}]"""), author);
        session.Edit(1, Op("""[{"retain":4},{"insert":" theirs"}]"""), new BoardAuthor(4712, new object()));
        var told = new List<TextChange>();
        session.Changed += told.Add;

        Assert.True(undo.Undo());

        Assert.Equal(" theirs", session.Text);
        Assert.Equal((3, Op("""[{"delete":4}]""")), (Assert.Single(told).Version, told[0].Operation));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("""[{"retain":-1}]""")]
    [InlineData("""[{"retain":1.5}]""")]
    [InlineData("""[{"retain":99999999999}]""")]
    [InlineData("""[{"retain":1,"insert":"x"}]""")]
    [InlineData("""[{"insert":7}]""")]
    [InlineData("""[{"insert":"x","attributes":{}}]""")]
    [InlineData("""[{}]""")]
    public void Parse_Nonsense_IsNull(string delta) => Assert.Null(TextOperation.Parse(JsonDocument.Parse(delta).RootElement));

    private static TextOperation Op(string delta) => TextOperation.Parse(JsonDocument.Parse(delta).RootElement)!;

    private static string RandomText(Random random, int length) => string.Concat(Enumerable.Range(0, length).Select(_ => (char)('a' + random.Next(26))));

    private static TextOperation RandomOperation(Random random, string text)
    {
        var steps = new List<TextStep>();
        var left = text.Length;
        while (left > 0 && random.Next(5) > 0)
        {
            var n = random.Next(1, left + 1);
            steps.Add(random.Next(3) switch
            {
                0 => new TextStep { Insert = RandomText(random, random.Next(1, 4)).ToUpperInvariant() },
                1 => new TextStep { Delete = n },
                _ => new TextStep { Retain = n },
            });
            left -= steps[^1].Retain + steps[^1].Delete;
        }

        if (random.Next(2) == 0)
        {
            steps.Add(new TextStep { Insert = "!" });
        }

        return TextOperation.Of(steps);
    }

    /// <summary>A browser's half of the protocol: at most one operation on its way, the rest composed behind it by hand.</summary>
    private sealed class Typist
    {
        private readonly TextSession _session;
        private readonly BoardAuthor _author;
        private readonly Random _random;
        private readonly Queue<TextChange> _inbox = new();
        private readonly Queue<TextOperation> _buffer = new();
        private TextOperation? _inFlight;
        private long _version;

        public Typist(TextSession session, BoardAuthor author, Random random)
        {
            (_session, _author, _random) = (session, author, random);
            (_version, Text) = (session.Version, session.Text);
            session.Changed += change => _inbox.Enqueue(change);
        }

        public string Text { get; private set; }

        public void Type()
        {
            var operation = RandomOperation(_random, Text);
            Text = operation.Apply(Text);
            _buffer.Enqueue(operation);
        }

        public void Send()
        {
            if (_inFlight is null && _buffer.TryDequeue(out _inFlight))
            {
                Assert.Null(_session.Edit(_version, _inFlight, _author).RestartFrom);
            }
        }

        public void Receive()
        {
            if (!_inbox.TryDequeue(out var change))
            {
                return;
            }

            Assert.Equal(_version + 1, change.Version);
            _version = change.Version;
            if (change.Origin == _author.Origin)
            {
                _inFlight = null;
                return;
            }

            var theirs = change.Operation;
            if (_inFlight is not null)
            {
                (_inFlight, theirs) = (_inFlight.After(theirs), theirs.Before(_inFlight));
            }

            for (var i = _buffer.Count; i > 0; i--)
            {
                var mine = _buffer.Dequeue();
                _buffer.Enqueue(mine.After(theirs));
                theirs = theirs.Before(mine);
            }

            Text = theirs.Apply(Text);
        }

        public void Drain()
        {
            while (_inbox.Count > 0 || _buffer.Count > 0 || _inFlight is not null)
            {
                Send();
                Receive();
            }
        }
    }
}
