using System.Text;
using System.Threading.Channels;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Core.Containers.Terminals;

namespace Demiurge.Tests.Containers.Terminals;

/// <summary>A terminal's session over a shell that the test plays.</summary>
public sealed class TerminalSessionTests
{
    private readonly Shell shell = new();
    private readonly TerminalSession session;

    public TerminalSessionTests() => session = new TerminalSession(shell, 80, 24, TimeProvider.System);

    [Fact]
    public async Task Watchers_SeeTheSame_AndWhoComesLaterSeesWhatWas()
    {
        using var ann = session.Join(new("Ann", false), 80, 24)!;
        await shell.Print("hello ");
        using var one = new Screen(ann);
        await one.Until("hello ");
        using var ben = session.Join(new("Ben", true), 80, 24)!;
        using var two = new Screen(ben);
        await shell.Print("world");

        await one.Until("hello world");
        await two.Until("hello world");
        Assert.True(((TerminalReplay)two.Messages[0]).ReadOnly);
        await one.UntilMessage(message => message is TerminalWatchers { Watchers.Count: 2 });
    }

    [Fact]
    public async Task Typing_ReachesTheShell_ButNotOfThoseWhoOnlyWatch()
    {
        using var ann = session.Join(new("Ann", false), 80, 24)!;
        using var ben = session.Join(new("Ben", true), 80, 24)!;

        await ben.Type("rm -rf /\n"u8.ToArray(), default);
        await ann.Type("ls\n"u8.ToArray(), default);

        Assert.Equal("ls\n", await shell.Typed.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task Size_IsTheSmallestWatchers()
    {
        using var ann = session.Join(new("Ann", false), 120, 40)!;
        Assert.Equal((120, 40), await shell.Sizes.Reader.ReadAsync());
        var ben = session.Join(new("Ben", false), 90, 50)!;
        Assert.Equal((90, 40), await shell.Sizes.Reader.ReadAsync());
        ann.Resize(100, 30);
        Assert.Equal((90, 30), await shell.Sizes.Reader.ReadAsync());
        ben.Dispose();
        Assert.Equal((100, 30), await shell.Sizes.Reader.ReadAsync());
        ann.Resize(int.MaxValue, -1);
        Assert.Equal((TerminalSession.MaxColumns, 2), await shell.Sizes.Reader.ReadAsync());
    }

    [Fact]
    public async Task Size_IsNotForThoseWhoOnlyWatch()
    {
        using var viewer = session.Join(new("Vi", true), 2, 2)!;
        Assert.Equal((2, 2), await shell.Sizes.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30)));
        var ann = session.Join(new("Ann", false), 120, 40)!;
        Assert.Equal((120, 40), await shell.Sizes.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30)));
        viewer.Resize(3, 3);
        ann.Resize(110, 40);
        Assert.Equal((110, 40), await shell.Sizes.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30)));
        ann.Dispose();
        Assert.Equal((3, 3), await shell.Sizes.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task SlowWatcher_GetsTheScrollbackAnew_AndKeepsNobodyWaiting()
    {
        using var slow = session.Join(new("Slow", false), 80, 24)!;
        using var quick = session.Join(new("Quick", false), 80, 24)!;
        using var screen = new Screen(quick);
        var line = new string('x', 999) + "\n";
        for (var i = 0; i < 3000; i++)
            await shell.Print(line);
        await shell.Print("the end");
        await screen.Until("the end");

        // Its queue never held more than its bound, and what it gets ends as everybody's does.
        using var late = new Screen(slow);
        await late.Until("the end");
        Assert.True(late.Bytes <= TerminalWatcher.QueueBytes, $"{late.Bytes} bytes were kept for a watcher that didn't read.");
        Assert.True(late.Messages.OfType<TerminalReplay>().Any());
    }

    [Fact]
    public async Task Shell_Ending_TellsEverybody()
    {
        using var ann = session.Join(new("Ann", false), 80, 24)!;
        using var screen = new Screen(ann);
        shell.End(3);

        await screen.UntilMessage(message => message is TerminalExit { Code: 3 });
        await screen.Completion.WaitAsync(TimeSpan.FromSeconds(30));
        await session.Completion.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Null(session.Join(new("Ben", false), 80, 24));
        Assert.False(await ann.Type("x"u8.ToArray(), default));
    }

    [Fact]
    public async Task Title_IsTold_AlsoToWhoComesLater()
    {
        using var ann = session.Join(new("Ann", false), 80, 24)!;
        using var screen = new Screen(ann);
        await shell.Print("\u001b]0;/ho");
        await shell.Print("me\u0007$ ");
        await screen.UntilMessage(message => message is TerminalTitled { Title: "/home" });
        using var ben = session.Join(new("Ben", false), 80, 24)!;
        using var late = new Screen(ben);
        await late.UntilMessage(message => message is TerminalTitled { Title: "/home" });
    }

    [Fact]
    public void Scrollback_KeepsTheLastBytes_FromALineOn()
    {
        var scrollback = new Scrollback(10);
        scrollback.Add("ab\ncd"u8);
        Assert.Equal("ab\ncd", Encoding.ASCII.GetString(scrollback.ToArray()));
        scrollback.Add("efgh\nij"u8);
        Assert.Equal("cdefgh\nij", Encoding.ASCII.GetString(scrollback.ToArray()));
        scrollback.Add("0123456789abc"u8);
        Assert.Equal("3456789abc", Encoding.ASCII.GetString(scrollback.ToArray()));
    }

    [Theory]
    [InlineData("{\"type\":\"resize\",\"columns\":80,\"rows\":24}", true)]
    [InlineData("{\"columns\":80,\"rows\":24,\"type\":\"resize\"}", true)]
    [InlineData("{\"type\":\"evil\"}", false)]
    [InlineData("{\"columns\":80}", false)]
    [InlineData("[]", false)]
    [InlineData("not json", false)]
    public void Message_IsReadOrIgnored(string json, bool isResize) =>
        Assert.Equal(isResize, TerminalMessage.Read(Encoding.UTF8.GetBytes(json)) is TerminalResize { Columns: 80, Rows: 24 });

    /// <summary>What a watcher shows.</summary>
    private sealed class Screen : IDisposable
    {
        private readonly CancellationTokenSource ending = new();
        private readonly Lock gate = new();
        private readonly StringBuilder text = new();
        private readonly List<TerminalMessage> messages = [];

        public Screen(TerminalWatcher watcher) => Completion = Task.Run(async () =>
        {
            await foreach (var frame in watcher.Frames(ending.Token))
            {
                lock (gate)
                {
                    Bytes += frame.Bytes.Length;
                    if (!frame.IsText)
                        text.Append(Encoding.UTF8.GetString(frame.Bytes));
                    else if (TerminalMessage.Read(frame.Bytes) is { } message)
                    {
                        messages.Add(message);
                        if (message is TerminalReplay)
                            text.Clear();
                    }
                }
            }
        });

        public Task Completion { get; }

        public long Bytes { get; private set; }

        public IReadOnlyList<TerminalMessage> Messages
        {
            get
            {
                lock (gate)
                    return [.. messages];
            }
        }

        public Task Until(string end) => UntilTrue(() =>
        {
            lock (gate)
                return text.Length >= end.Length && text.ToString(text.Length - end.Length, end.Length) == end;
        });

        public Task UntilMessage(Func<TerminalMessage, bool> condition) => UntilTrue(() => Messages.Any(condition));

        public void Dispose() => ending.Cancel();

        private static async Task UntilTrue(Func<bool> condition)
        {
            var deadline = DateTime.UtcNow.AddSeconds(60);
            while (!condition())
            {
                Assert.True(DateTime.UtcNow < deadline, "Waited in vain.");
                await Task.Delay(20);
            }
        }
    }

    private sealed class Shell : IExecStream
    {
        private readonly Channel<byte[]> output = Channel.CreateBounded<byte[]>(4);
        private int code;

        public Channel<string> Typed { get; } = Channel.CreateUnbounded<string>();

        public Channel<(int, int)> Sizes { get; } = Channel.CreateUnbounded<(int, int)>();

        public ValueTask Print(string text) => output.Writer.WriteAsync(Encoding.UTF8.GetBytes(text));

        public void End(int exitCode)
        {
            code = exitCode;
            output.Writer.Complete();
        }

        public async ValueTask<int> Read(Memory<byte> buffer, CancellationToken cancellationToken)
        {
            if (!await output.Reader.WaitToReadAsync(cancellationToken) || !output.Reader.TryRead(out var bytes))
                return 0;
            bytes.CopyTo(buffer);
            return bytes.Length;
        }

        public ValueTask Write(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => Typed.Writer.WriteAsync(Encoding.UTF8.GetString(bytes.Span), cancellationToken);

        public ValueTask CompleteInput(CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public Task Resize(int columns, int rows, CancellationToken cancellationToken) => Sizes.Writer.WriteAsync((columns, rows), cancellationToken).AsTask();

        public Task<int> ExitCode(CancellationToken cancellationToken) => Task.FromResult(code);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
