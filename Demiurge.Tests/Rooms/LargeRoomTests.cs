using Demiurge.Core.Rooms;
using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Rooms;

/// <summary>A room whose document is large enough to be encoded beside its loop. When that happens is up to the test, by its scheduler.</summary>
public sealed class LargeRoomTests
{
    [Fact]
    public async Task Edits_WhileAJoinIsEncoded_AreDurableAndFollowTheState()
    {
        var encoding = new HeldScheduler();
        await using var host = await RoomHost.Start(new RoomLimits(), encoding: encoding);
        await using var person = await FillRoom(host);
        await using var joiner = host.NewClient();
        joiner.Start();
        await PlatformFixture.Until(() => Task.FromResult(encoding.Held > 0), "the join being encoded");

        for (var i = 0; i < 3; i++)
        {
            await person.Run(doc => doc.GetMap("nodes").Set($"later{i}", i));
            await PlatformFixture.Until(() => Task.FromResult(person.UnackedUpdates == 0), "the edit's commit");
        }

        Assert.False(joiner.WhenSynced().IsCompleted);
        encoding.Release();
        Assert.True(await joiner.WhenSynced());
        await PlatformFixture.Until(async () => await joiner.Run(doc => doc.GetMap("nodes").Count) == 4, "everything");
    }

    [Fact]
    public async Task Edits_TooManyToBeHeldForAJoiner_ReachItAllTheSame()
    {
        var encoding = new HeldScheduler();
        await using var host = await RoomHost.Start(new RoomLimits { SendQueueBytes = 4096 }, encoding: encoding);
        await using var person = await FillRoom(host);
        await using var joiner = host.NewClient();
        joiner.Start();
        await PlatformFixture.Until(() => Task.FromResult(encoding.Held > 0), "the join being encoded");
        for (var i = 0; i < 4; i++)
        {
            await person.Run(doc => doc.GetMap("nodes").Set($"later{i}", new string('y', 2000)));
            await PlatformFixture.Until(() => Task.FromResult(person.UnackedUpdates == 0), "the edit's commit");
        }

        encoding.Release();

        await PlatformFixture.Until(async () => await joiner.Run(doc => doc.GetMap("nodes").Count) == 5, "everything");
    }

    [Fact]
    public async Task Joiners_WhileAnotherJoinIsEncoded_AreAnsweredByTheNext()
    {
        var encoding = new HeldScheduler();
        await using var host = await RoomHost.Start(new RoomLimits(), encoding: encoding);
        await using var person = await FillRoom(host);
        await using var first = host.NewClient();
        first.Start();
        await PlatformFixture.Until(() => Task.FromResult(encoding.Held > 0), "the join being encoded");
        await using var second = host.NewClient();
        await using var third = host.NewClient();
        second.Start();
        third.Start();
        await person.Run(doc => doc.GetMap("nodes").Set("later", 1));
        await PlatformFixture.Until(() => Task.FromResult(person.UnackedUpdates == 0 && host.Room.PeerCount == 4), "both joins and the edit");

        encoding.Release();

        foreach (var joiner in new[] { first, second, third })
        {
            Assert.True(await joiner.WhenSynced());
            await PlatformFixture.Until(async () => await joiner.Run(doc => doc.GetMap("nodes").Count) == 2, "everything");
        }
    }

    private static async Task<RoomClient> FillRoom(RoomHost host)
    {
        var person = host.NewClient();
        person.Start();
        Assert.True(await person.WhenSynced());
        await person.Run(doc => doc.GetMap("nodes").Set("large", new string('x', 400_000)));
        await PlatformFixture.Until(() => Task.FromResult(person.UnackedUpdates == 0), "the large document");
        return person;
    }

    /// <summary>Runs nothing until it is released, and everything on the thread pool afterwards.</summary>
    private sealed class HeldScheduler : TaskScheduler
    {
        private readonly List<Task> held = [];
        private bool isOpen;

        public int Held
        {
            get
            {
                lock (held)
                    return held.Count;
            }
        }

        public void Release()
        {
            lock (held)
                isOpen = true;
            held.ForEach(Run);
        }

        protected override IEnumerable<Task> GetScheduledTasks() => held;

        protected override void QueueTask(Task task)
        {
            lock (held)
            {
                if (!isOpen)
                {
                    held.Add(task);
                    return;
                }
            }

            Run(task);
        }

        protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

        private void Run(Task task) => ThreadPool.UnsafeQueueUserWorkItem(_ => TryExecuteTask(task), null);
    }
}
