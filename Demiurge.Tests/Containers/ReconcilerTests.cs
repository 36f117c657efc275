using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Core.Containers.Usage;
using Demiurge.Core.Organizations;
using Demiurge.Core.Projects;
using Demiurge.Tests.Infrastructure;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Tests.Containers;

/// <summary>What becomes of a request, whatever the engine and the processes do meanwhile.</summary>
public sealed class ReconcilerTests(PostgresFixture database) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    private readonly FakeEngine engine = new();
    private ReconcilerHost web = null!;
    private Workspace workspace = null!;

    public async Task InitializeAsync()
    {
        // Containers of the tests before belong to another engine.
        await using (var db = database.CreateContext())
            await db.Set<Container>().ExecuteDeleteAsync();
        workspace = await Workspace.Create(database);
        web = await ReconcilerHost.Start(database, engine);
    }

    public async Task DisposeAsync() => await web.DisposeAsync();

    [Fact]
    public async Task Container_FromCreationToPurge_IsWhatTheEngineHas()
    {
        var id = (await web.Running(workspace)).Id;
        Assert.Equal(RuntimeState.Running, engine.Of(id)!.State);

        Assert.Equal(ContainerState.Stopping, (await web.Containers.Stop(workspace.Owner, id)).Value!.State);
        await web.Reaches(workspace, id, ContainerState.Stopped);
        Assert.Equal(RuntimeState.Exited, engine.Of(id)!.State);

        await web.Containers.Start(workspace.Owner, id);
        await web.Reaches(workspace, id, ContainerState.Running);
        Assert.Equal(2, engine.Of(id)!.Generation);

        await web.Containers.Restart(workspace.Owner, id);
        await PlatformFixture.Until(() => Task.FromResult(engine.Of(id) is { Generation: 3, State: RuntimeState.Running }), "the third generation");
        await web.Reaches(workspace, id, ContainerState.Running);

        Assert.NotNull((await web.Containers.Delete(workspace.Owner, id)).Value!.UndoUntil);
        await PlatformFixture.Until(() => Task.FromResult(engine.Of(id) is null), "its removal");
        Assert.Empty(engine.VolumesRemoved);
        Assert.Empty((await web.Containers.List(workspace.Owner, workspace.ProjectId)).Value!);
        Assert.Equal(id, Assert.Single((await web.Containers.List(workspace.Owner, workspace.ProjectId, deleted: true)).Value!).Id);

        await web.Containers.Undelete(workspace.Owner, id);
        await web.Reaches(workspace, id, ContainerState.Stopped);
        await web.Containers.Start(workspace.Owner, id);
        await web.Reaches(workspace, id, ContainerState.Running);

        await web.Containers.Delete(workspace.Owner, id);
        database.Time.Advance(TimeSpan.FromDays(1.1));
        await PlatformFixture.Until(async () => (await web.Containers.Get(workspace.Owner, id)).Error?.Code == "container.not_found", "its purge");
        Assert.Contains(engine.VolumesRemoved, name => name.EndsWith(id.ToString("N"), StringComparison.Ordinal));
        Assert.Null(engine.Of(id));
    }

    [Fact]
    public async Task Start_ThatTheEngineFails_IsTriedAgainWithReasonThenFailsAndCanBeRetried()
    {
        engine.OnEnsure = (_, _) => throw new RuntimeException(RuntimeFailure.Failed, "out of loop devices");
        var id = (await web.Create(workspace)).Id;

        var failed = await web.Reaches(workspace, id, ContainerState.Failed);

        Assert.Equal("out of loop devices", failed.Reason);
        Assert.Equal(5, failed.Attempts);
        engine.OnEnsure = null;
        await web.Containers.Retry(workspace.Owner, id);
        var running = await web.Reaches(workspace, id, ContainerState.Running);
        Assert.Equal(0, running.Attempts);
        Assert.Null(running.Reason);
        var story = (await web.Containers.Events(workspace.Owner, id)).Value!;
        Assert.Equal(5, story.Count(entry => entry.Text == "out of loop devices"));
    }

    [Fact]
    public async Task Image_ThatIsNotThere_FailsAtOnceInWords()
    {
        engine.OnImage = (_, _, _) => Task.FromResult(new ImageState(false, null, "There is no image of that name."));
        var failed = await web.Reaches(workspace, (await web.Create(workspace)).Id, ContainerState.Failed);
        Assert.Equal("There is no image of that name.", failed.Reason);
        Assert.Equal(1, failed.Attempts);
    }

    [Fact]
    public async Task Stop_WhileAnImageIsFetched_EndsTheFetching()
    {
        var cancelled = new TaskCompletionSource();
        engine.OnImage = async (_, progress, cancellationToken) =>
        {
            progress.Report(new PullProgress("Downloading", 0.4));
            cancellationToken.Register(cancelled.SetResult);
            await Task.Delay(Timeout.Infinite, cancellationToken);
            throw new InvalidOperationException();
        };
        var id = (await web.Create(workspace)).Id;
        await PlatformFixture.Until(async () => (await web.Row(id)) is { State: ContainerState.Pulling, Progress: 0.4 }, "progress");

        await web.Containers.Stop(workspace.Owner, id);

        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await web.Reaches(workspace, id, ContainerState.Stopped);
        Assert.Empty(engine.All);
    }

    [Theory]
    [InlineData(0, false, ContainerState.Stopped, "It ended by itself.")]
    [InlineData(3, false, ContainerState.Failed, "It ended by itself with exit code 3.")]
    [InlineData(137, true, ContainerState.Failed, "It was ended because it used more memory than its tier has. Choose a larger tier or use less.")]
    public async Task Container_ThatEndsByItself_IsShownSo(int exitCode, bool outOfMemory, ContainerState state, string reason)
    {
        engine.Written = ["first", "last words"];
        var id = (await web.Running(workspace)).Id;

        engine.Die(id, exitCode, outOfMemory);

        var ended = await web.Reaches(workspace, id, state);
        Assert.Equal((reason, exitCode), (ended.Reason!, ended.ExitCode!.Value));
        engine.Forget(id);
        var kept = new List<string>();
        await foreach (var line in (await web.Containers.Logs(workspace.Owner, id, tail: 1)).Value!)
            kept.Add(line.Text);
        Assert.Equal(["last words"], kept);
    }

    [Fact]
    public async Task Container_ThatEndedWithItsEngine_IsStartedAgain()
    {
        var id = (await web.Running(workspace)).Id;
        engine.Reachable = false;
        await PlatformFixture.Until(async () => (await web.Row(id)).Reason is not null, "a word on the host");
        Assert.Equal(ContainerState.Running, (await web.Row(id)).State);

        engine.Die(id, 255, silently: true);
        engine.Reachable = true;

        await PlatformFixture.Until(
            async () => engine.Of(id) is { State: RuntimeState.Running } && await web.Row(id) is { State: ContainerState.Running, Reason: null }, "it runs again");
        Assert.Single(engine.All);
    }

    [Fact]
    public async Task Container_EndedByAnEngineThatIsShutDownInOrder_IsStartedAgain()
    {
        var id = (await web.Running(workspace)).Id;
        engine.ShutsDown = true;
        engine.Die(id, 143);
        await PlatformFixture.Until(async () => { await Task.Yield(); return engine.Asked > 0; }, "a look at the end");
        Assert.Equal((DesiredState.Running, ContainerState.Running), ((await web.Row(id)).Desired, (await web.Row(id)).State));
        engine.Reachable = false;

        (engine.ShutsDown, engine.Reachable) = (false, true);

        await PlatformFixture.Until(async () => engine.Of(id) is { State: RuntimeState.Running } && await web.Row(id) is { State: ContainerState.Running, Reason: null }, "it runs again");
    }

    [Fact]
    public async Task Start_WhileTheEngineIsAway_WaitsWithoutFailing()
    {
        engine.Reachable = false;
        var id = (await web.Create(workspace)).Id;
        await PlatformFixture.Until(async () => (await web.Row(id)).Reason is not null, "a reason");
        Assert.Equal((ContainerState.Queued, 0), ((await web.Row(id)).State, (await web.Row(id)).Attempts));

        engine.Reachable = true;

        await web.Reaches(workspace, id, ContainerState.Running);
    }

    [Fact]
    public async Task EngineContainer_WithoutARow_IsRemovedAndItsVolumesStay()
    {
        var id = (await web.Running(workspace)).Id;
        var orphan = engine.Plant(Guid.NewGuid());

        await PlatformFixture.Until(() => Task.FromResult(engine.All.All(container => container.Name != orphan)), "the orphan's removal");

        Assert.DoesNotContain(orphan, engine.VolumesRemoved);
        Assert.NotNull(engine.Of(id));
    }

    [Fact]
    public async Task StoppedContainer_StartedBehindOurBack_IsStopped()
    {
        var id = (await web.Running(workspace)).Id;
        await web.Containers.Stop(workspace.Owner, id);
        await web.Reaches(workspace, id, ContainerState.Stopped);

        engine.Plant(id);

        await PlatformFixture.Until(() => Task.FromResult(engine.Of(id)!.State == RuntimeState.Exited), "its end");
    }

    [Fact]
    public async Task Web_ThatDiesInTheMiddleOfAStart_IsContinuedByAnotherWithoutADouble()
    {
        var reached = new TaskCompletionSource();
        var stuck = new TaskCompletionSource();
        engine.OnEnsure = async (_, cancellationToken) =>
        {
            reached.TrySetResult();
            await stuck.Task.WaitAsync(cancellationToken);
        };
        var id = (await web.Create(workspace)).Id;
        await reached.Task;
        Assert.Equal(ContainerState.Starting, (await web.Row(id)).State);

        await web.DisposeAsync();
        engine.OnEnsure = null;
        web = await ReconcilerHost.Start(database, engine);

        await web.Reaches(workspace, id, ContainerState.Running);
        Assert.Equal(1, Assert.Single(engine.All).Generation);
    }

    [Fact]
    public async Task SeveralWebs_OnOneDatabase_StartEachContainerOnce()
    {
        await using var other = await ReconcilerHost.Start(database, engine);
        var ids = new List<Guid>();
        for (var i = 0; i < 10; i++)
            ids.Add((await (i % 2 == 0 ? web : other).Create(workspace)).Id);
        foreach (var id in ids)
            await web.Reaches(workspace, id, ContainerState.Running);
        Assert.Equal(10, engine.Started.Count);

        await web.DisposeAsync();
        await other.Containers.Stop(workspace.Owner, ids[0]);
        await other.Reaches(workspace, ids[0], ContainerState.Stopped);
        web = await ReconcilerHost.Start(database, engine);
    }

    [Fact]
    public async Task Burst_OfOnePerson_DelaysAnotherOrganizationByNoMoreThanWhatIsUnderWay()
    {
        var held = new SemaphoreSlim(0);
        var began = new ConcurrentQueue<Guid>();
        engine.OnEnsure = (spec, cancellationToken) =>
        {
            began.Enqueue(spec.ContainerId);
            return held.WaitAsync(cancellationToken);
        };
        for (var i = 0; i < 12; i++)
            await web.Create(workspace);
        var other = await Workspace.Create(database);
        var late = await web.Create(other);
        Assert.Equal(1, late.QueuePosition);

        await PlatformFixture.Until(() => Task.FromResult(began.Count == 4), "four starts");
        held.Release();
        await PlatformFixture.Until(() => Task.FromResult(began.Count == 5), "a fifth start");
        Assert.Equal(late.Id, began.Last());

        held.Release(100);
        await PlatformFixture.Until(() => Task.FromResult(engine.Started.Count == 13), "all");
        Assert.Equal(4, engine.MostAtOnce);
    }

    [Fact]
    public async Task Service_ThatDoesNotAnswerYet_KeepsItsContainerStarting()
    {
        int port;
        using (var free = new TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            port = ((IPEndPoint)free.LocalEndpoint).Port;
        }
        using var listener = new TcpListener(IPAddress.Loopback, port);
        engine.Reach[8080] = ("127.0.0.1", port);
        var id = (await web.Create(workspace, "image", new Dictionary<string, string> { ["image"] = "example.org/app:1" })).Id;
        await PlatformFixture.Until(async () => await web.Row(id) is { State: ContainerState.Starting, StartedAt: not null }, "the engine's part");
        Assert.Empty((await web.Row(id)).Endpoints);

        listener.Start();

        var running = await web.Reaches(workspace, id, ContainerState.Running);
        Assert.True(Assert.Single(running.Services).Up);
        Assert.Equal(new ContainerEndpoint("main", "127.0.0.1", port), Assert.Single((await web.Row(id)).Endpoints));
    }

    [Fact]
    public async Task Container_ThatNobodyUses_IsStoppedAndOneThatIsPinnedKeptOrUsedIsNot()
    {
        var idle = (await web.Running(workspace)).Id;
        var pinned = (await web.Running(workspace)).Id;
        var kept = (await web.Running(workspace)).Id;
        var used = (await web.Running(workspace)).Id;
        await web.Containers.Pin(workspace.Owner, pinned, true);
        await web.Containers.Keep(workspace.Owner, kept, TimeSpan.FromHours(5));
        Assert.False((await web.Containers.Get(workspace.Owner, idle)).Value!.IdleWarning);
        database.Time.Advance(TimeSpan.FromMinutes(58));
        Assert.True((await web.Containers.Get(workspace.Owner, idle)).Value!.IdleWarning);
        Assert.Null((await web.Containers.Get(workspace.Owner, pinned)).Value!.IdleStopsAt);

        await web.Get<ContainerActivity>().Report(workspace.Team.Id, new Dictionary<Guid, DateTimeOffset> { [used] = database.Time.GetUtcNow() });
        await web.Get<ContainerActivity>().Report(Guid.NewGuid(), new Dictionary<Guid, DateTimeOffset> { [idle] = database.Time.GetUtcNow() });
        database.Time.Advance(TimeSpan.FromMinutes(5));

        var stopped = await web.Reaches(workspace, idle, ContainerState.Stopped);
        Assert.Equal("Stopped because nobody used it for 60 minutes. Its data is kept.", stopped.Reason);
        foreach (var id in new[] { pinned, kept, used })
            Assert.Equal(ContainerState.Running, (await web.Row(id)).State);
    }

    [Fact]
    public async Task Project_ThatIsDeleted_TakesItsContainersAlong()
    {
        var id = (await web.Running(workspace)).Id;
        Assert.Null((await web.Get<ProjectService>().Delete(workspace.Owner, workspace.ProjectId, "Plan")).Error);
        await PlatformFixture.Until(() => Task.FromResult(engine.Of(id) is null), "its removal");
        Assert.Equal(DesiredState.Deleted, (await web.Row(id)).Desired);
    }

    [Fact]
    public async Task Member_WhoLeaves_LeavesSharedContainersRunningAndOwnOnesStopped()
    {
        var ben = await workspace.Join(Core.Permissions.ProjectRole.Edit);
        var request = await web.Request(workspace.ProjectId);
        var shared = (await web.Containers.Create(ben.Actor, request)).Value!.Id;
        var own = (await web.Containers.Create(ben.Actor, request with { Share = ShareLevel.Owner })).Value!.Id;
        await web.Reaches(workspace, shared, ContainerState.Running);
        await web.Reaches(workspace, own, ContainerState.Running);

        Assert.Null((await web.Get<MembershipService>().Remove(workspace.Owner, workspace.Team.Id, ben.Id)).Error);

        var stopped = await web.Reaches(workspace, own, ContainerState.Stopped);
        Assert.Equal(workspace.Team.Owner.Id, stopped.OwnerId);
        Assert.Equal((ContainerState.Running, workspace.Team.Owner.Id), ((await web.Row(shared)).State, (await web.Row(shared)).OwnerId));
    }

    [Fact]
    public async Task Usage_OverStopsRestartsAndOutages_CountsEachStretchOnce()
    {
        var id = (await web.Running(workspace)).Id;
        await web.Containers.Restart(workspace.Owner, id);
        await PlatformFixture.Until(async () => engine.Of(id) is { Generation: 2 } && (await web.Row(id)).State == ContainerState.Running, "the second generation");
        engine.Reachable = false;
        engine.Die(id, 255, silently: true);
        engine.Reachable = true;
        await PlatformFixture.Until(async () => engine.Of(id) is { State: RuntimeState.Running } && await web.Row(id) is { State: ContainerState.Running, StartedAt: not null }, "it runs again");
        await web.Containers.Stop(workspace.Owner, id);
        await web.Reaches(workspace, id, ContainerState.Stopped);

        await using var db = web.CreateContext();
        var records = await db.Set<UsageRecord>().Where(record => record.ContainerId == id).OrderBy(record => record.From).ToListAsync();
        Assert.Equal(3, records.Count);
        Assert.All(records, record => Assert.True(record.To >= record.From));
        Assert.All(records.Zip(records.Skip(1)), pair => Assert.True(pair.First.To <= pair.Second.From, "stretches overlap"));
    }
}
