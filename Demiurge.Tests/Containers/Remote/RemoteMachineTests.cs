using System.Security.Cryptography;
using Demiurge.Core;
using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Remote;
using Demiurge.Core.Gateways;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Demiurge.Core.Projects;
using Demiurge.Tests.Infrastructure;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Errors = Demiurge.Core.Containers.Errors;

namespace Demiurge.Tests.Containers.Remote;

/// <summary>What people and their machines may do, without tunnels.</summary>
public sealed class RemoteMachineTests(PostgresFixture database) : IClassFixture<PostgresFixture>
{
    private RemoteMachines Machines => database.Get<RemoteMachines>();

    private RemoteReports Reports => database.Get<RemoteReports>();

    [Fact]
    public async Task Command_IsOneLineWithASecretThatIsNotKept()
    {
        var (team, container) = await Container();

        var made = await Machines.CreateCommand(team.Owner.Actor, container);

        Assert.True(made.Succeeded);
        Assert.Equal(
            "docker run --rm -d --cap-drop ALL --cap-add NET_ADMIN --security-opt no-new-privileges --device /dev/net/tun --add-host demiurge.localhost:host-gateway "
            + $"-e DEMIURGE_URL=http://demiurge.localhost:5080 -e DEMIURGE_TOKEN={made.Value.Token} demiurge/join:latest",
            made.Value.Command);
        Assert.DoesNotContain(made.Value.Token, made.Value.ToString(), StringComparison.Ordinal);
        Assert.Equal(RemoteMachineState.Invited, (await Machines.Get(team.Owner.Actor, container)).Value!.State);
        await using var db = database.CreateContext();
        var entry = await db.AuditEntries.SingleAsync(row => row.OrganizationId == team.Id && row.Action == "container.machine_invited");
        Assert.DoesNotContain(entry.Details.Values, value => value.Contains(made.Value.Token, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Command_IsForThoseWhoManageTheContainer()
    {
        var (team, container) = await Container();
        var editor = await team.Join();
        var stranger = await database.Register();
        await Grant(team, container, editor, ProjectRole.Edit);

        Assert.Equal(Errors.NotYours, (await Machines.CreateCommand(editor.Actor, container)).Error);
        Assert.Equal(Errors.NotYours, (await Machines.Revoke(editor.Actor, container)).Error);
        Assert.Equal(Errors.ContainerNotFound, (await Machines.CreateCommand(stranger.Actor, container)).Error);
        Assert.Equal(Errors.ContainerNotFound, (await Machines.Get(stranger.Actor, container)).Error);
        Assert.Equal(Errors.ContainerNotFound, (await Machines.Revoke(stranger.Actor, container)).Error);
        Assert.True((await Machines.Get(editor.Actor, container)).Succeeded);
        Assert.True((await Machines.CreateCommand(team.Owner.Actor, container)).Succeeded);
    }

    [Fact]
    public async Task Token_WorksOnce_ForAQuarterOfAnHour_AndOnlyTheLastOne()
    {
        var (team, container) = await Container();
        var first = (await Machines.CreateCommand(team.Owner.Actor, container)).Value!.Token;
        var second = (await Machines.CreateCommand(team.Owner.Actor, container)).Value!.Token;

        Assert.Equal(RemoteErrors.TokenInvalid, (await Join(first)).Error);
        Assert.True((await Join(second)).Succeeded);
        Assert.Equal(RemoteErrors.TokenInvalid, (await Join(second)).Error);
        Assert.Equal(RemoteErrors.TokenInvalid, (await Join("")).Error);

        var third = (await Machines.CreateCommand(team.Owner.Actor, container)).Value!.Token;
        database.Time.Advance(TimeSpan.FromMinutes(15));
        Assert.Equal(RemoteErrors.TokenInvalid, (await Join(third)).Error);
    }

    [Fact]
    public async Task Join_WithARequestThatIsNone_LeavesTheTokenGood()
    {
        var (team, container) = await Container();
        var token = (await Machines.CreateCommand(team.Owner.Actor, container)).Value!.Token;

        Assert.Equal(RemoteErrors.RequestMalformed, (await Reports.Join(token, "nothing")).Error);
        Assert.True((await Join(token)).Succeeded);
    }

    [Fact]
    public async Task Machine_ThatJoins_ReplacesTheOneBefore()
    {
        var (team, container) = await Container();
        var first = await Joined(team, container);
        var second = await Joined(team, container);

        Assert.Equal(RemoteErrors.Ended, (await Reports.Report(first.ReportToken, null, [])).Error);
        Assert.True((await Reports.Report(second.ReportToken, null, [])).Succeeded);
        Assert.Equal([new RemoteService("main", 8080), new RemoteService("api", 8000, "/v1")], second.Services);
    }

    [Fact]
    public async Task Report_OfWhatCantBe_IsRefused()
    {
        var (team, container) = await Container();
        var machine = await Joined(team, container);
        RemoteService[][] bad =
        [
            [new("Main", 80)], [new("", 80)], [new("a--b", 80)], [new("-a", 80)], [new("main", 0)], [new("main", 65536)], [new("main", 80, "x")], [new("main", 80, "//x")],
            [new("main", 80, "/\n")], [new("main", 80), new("main", 81)], [new(new string('a', 21), 80)], [new("main\n", 80)],
            [.. Enumerable.Range(1, 33).Select(n => new RemoteService($"s{n}", n))],
        ];

        foreach (var services in bad)
            Assert.Equal(RemoteErrors.ServicesMalformed, (await Reports.Report(machine.ReportToken, null, services)).Error);
        Assert.Equal(RemoteErrors.Ended, (await Reports.Report("another", null, [new("main", 80)])).Error);
        Assert.True((await Reports.Report(machine.ReportToken, null, [new("main", 80)])).Succeeded);
    }

    [Fact]
    public async Task Machine_SilentForThirtySeconds_IsDroppedUntilItSpeaks()
    {
        var (team, container) = await Container();
        var machine = await Joined(team, container);
        await Reports.Report(machine.ReportToken, null, [new("main", 8080)]);
        var watch = database.Get<RemoteWatch>();

        database.Time.Advance(TimeSpan.FromSeconds(25));
        await watch.Look(default);
        Assert.Equal(ContainerState.Running, (await Row(container)).State);

        database.Time.Advance(TimeSpan.FromSeconds(10));
        await watch.Look(default);
        var dropped = await Row(container);
        Assert.Equal((ContainerState.Stopped, "Your machine hasn't been heard of for 30 seconds."), (dropped.State, dropped.Reason));
        Assert.Equal(RemoteMachineState.Silent, (await Machines.Get(team.Owner.Actor, container)).Value!.State);
        await watch.Look(default);
        Assert.Single(await Story(container), entry => entry.Kind == "state.stopped");

        Assert.True((await Reports.Report(machine.ReportToken, null, [new("main", 8080)])).Succeeded);
        Assert.Equal(ContainerState.Running, (await Row(container)).State);
    }

    [Fact]
    public async Task Machine_OfSomebodyWhoMayNotManageTheContainerAnyMore_IsCutOff()
    {
        var (team, container) = await Container();
        var person = await team.Join();
        await Grant(team, container, person, ProjectRole.Manage);
        var machine = await Joined(team, container, person);
        Assert.True((await Reports.Report(machine.ReportToken, null, [])).Succeeded);

        await Grant(team, container, person, ProjectRole.Edit);

        Assert.Equal(RemoteErrors.Ended, (await Reports.Report(machine.ReportToken, null, [])).Error);
        await database.Get<RemoteWatch>().Look(default);
        Assert.Equal(ContainerState.Stopped, (await Row(container)).State);
        // It isn't let in again when the role comes back: whoever had the machine meanwhile is not known.
        await Grant(team, container, person, ProjectRole.Manage);
        Assert.Equal(RemoteErrors.Ended, (await Reports.Report(machine.ReportToken, null, [])).Error);
    }

    [Fact]
    public async Task Machine_OfADeletedContainer_IsCutOff()
    {
        var (team, container) = await Container();
        var machine = await Joined(team, container);
        var invited = (await Machines.CreateCommand(team.Owner.Actor, container)).Value!.Token;
        await using (var db = database.CreateContext())
            await db.Set<Container>().Where(row => row.Id == container).ExecuteUpdateAsync(set => set.SetProperty(row => row.DeletedAt, DateTimeOffset.UtcNow));

        Assert.Equal(RemoteErrors.Ended, (await Reports.Report(machine.ReportToken, null, [])).Error);
        Assert.Equal(RemoteErrors.TokenInvalid, (await Join(invited)).Error);
        Assert.Equal(Errors.Deleted, (await Machines.CreateCommand(team.Owner.Actor, container)).Error);
        await database.Get<RemoteWatch>().Look(default);
        await using (var db = database.CreateContext())
            Assert.NotNull((await db.Set<RemoteMachine>().SingleAsync(row => row.ContainerId == container)).CertificateRevokedAt);
    }

    [Fact]
    public async Task Revoke_EndsMachineAndCommand()
    {
        var (team, container) = await Container();
        Assert.Equal(RemoteErrors.NoMachine, (await Machines.Revoke(team.Owner.Actor, container)).Error);
        var machine = await Joined(team, container);
        var invited = (await Machines.CreateCommand(team.Owner.Actor, container)).Value!.Token;

        Assert.True((await Machines.Revoke(team.Owner.Actor, container)).Succeeded);

        Assert.Equal(RemoteErrors.Ended, (await Reports.Report(machine.ReportToken, null, [])).Error);
        Assert.Equal(RemoteErrors.Ended, (await Reports.Renew(machine.ReportToken, NewRequest())).Error);
        Assert.Equal(RemoteErrors.TokenInvalid, (await Join(invited)).Error);
        Assert.Equal((ContainerState.Stopped, RemoteMachineState.None), ((await Row(container)).State, (await Machines.Get(team.Owner.Actor, container)).Value!.State));
    }

    [Fact]
    public async Task Certificate_AfterHalfItsTime_IsAskedToBeRenewed()
    {
        var (team, container) = await Container();
        var machine = await Joined(team, container);
        Assert.False((await Reports.Report(machine.ReportToken, null, [])).Value!.Renew);
        var first = (await Machine(container)).CertificateSerial;

        database.Time.Advance(TimeSpan.FromHours(12.5));
        Assert.True((await Reports.Report(machine.ReportToken, null, [])).Value!.Renew);
        var renewed = await Reports.Renew(machine.ReportToken, NewRequest());

        Assert.True(renewed.Succeeded);
        Assert.NotEqual(first, (await Machine(container)).CertificateSerial);
        Assert.False((await Reports.Report(machine.ReportToken, null, [])).Value!.Renew);
    }

    [Fact]
    public async Task Machines_OfAnOrganization_HaveNumbersOfTheirOwn()
    {
        var (team, first) = await Container();
        var project = (await Row(first)).ProjectId;
        Guid second;
        await using (var db = database.CreateContext())
            second = await RemoteContainers.Add(db, team.Id, project, team.Owner.Id);

        await Task.WhenAll(Machines.CreateCommand(team.Owner.Actor, first), Machines.CreateCommand(team.Owner.Actor, second));

        Assert.Equal([2, 3], new[] { (await Machine(first)).Number, (await Machine(second)).Number }.Order());
        Assert.Equal([first, second], (await Machines.List(team.Owner.Actor, project)).Value!.Select(machine => machine.ContainerId));
    }

    [Fact]
    public async Task AuthoritysKeys_LieInTheDatabase_OnlyProtected()
    {
        var (team, container) = await Container();
        var machine = await Joined(team, container);
        await using var db = database.CreateContext();

        var network = await db.Set<RemoteNetwork>().SingleAsync(row => row.OrganizationId == team.Id);

        Assert.DoesNotContain("PRIVATE", network.AuthorityKeyProtected, StringComparison.Ordinal);
        Assert.DoesNotContain("Static key", network.ChannelKeyProtected, StringComparison.Ordinal);
        Assert.Equal(network.AuthorityPem, machine.Authority);
        Assert.StartsWith("-----BEGIN OpenVPN Static key V1-----", machine.ChannelKey, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Endpoints_OfTheGatewayBefore_AreForgottenWhenTheOrganizationGetsAnother()
    {
        var (team, container) = await Container();
        var pool = new GatewayPool(database.Get<IDbContextFactory<DemiurgeDbContext>>(), new GatewayRoutes(), TimeProvider.System, NullLogger<GatewayPool>.Instance);
        await using (var db = database.CreateContext())
        {
            db.Add(new Core.Gateways.Gateway { Name = "gw-pool-7", Ordinal = 7, State = GatewayState.Ready, PoolToken = "x" });
            db.Add(new RemoteMachine { ContainerId = container, OrganizationId = team.Id, Number = 2 });
            var row = await db.Set<Container>().SingleAsync(candidate => candidate.Id == container);
            (row.State, row.Endpoints) = (ContainerState.Running, [new ContainerEndpoint("main", "172.16.0.2", 8080)]);
            await db.SaveChangesAsync();
        }

        Assert.NotNull(await pool.Take(team.Id, default));

        var after = await Row(container);
        Assert.Equal((ContainerState.Running, 0), (after.State, after.Endpoints.Count));
    }

    private async Task<(Team Team, Guid ContainerId)> Container()
    {
        var team = await database.CreateTeam();
        var project = await database.Get<ProjectService>().Create(team.Owner.Actor, team.Id, $"Project {Guid.NewGuid():N}", null, ProjectVisibility.Private);
        await using var db = database.CreateContext();
        return (team, await RemoteContainers.Add(db, team.Id, project.Value!.Id, team.Owner.Id));
    }

    private async Task Grant(Team team, Guid containerId, Person person, ProjectRole role)
    {
        var project = (await Row(containerId)).ProjectId;
        Assert.Null((await database.Get<ProjectService>().SetMember(team.Owner.Actor, project, person.Id, role)).Error);
    }

    private Task<Result<RemoteJoined>> Join(string token) => Reports.Join(token, NewRequest());

    private async Task<RemoteJoined> Joined(Team team, Guid containerId, Person? person = null)
    {
        var joined = await Join((await Machines.CreateCommand((person ?? team.Owner).Actor, containerId)).Value!.Token);
        Assert.True(joined.Succeeded, joined.Error?.Message);
        return joined.Value;
    }

    private static string NewRequest()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return RemoteAuthorityTests.Request(key);
    }

    private async Task<Container> Row(Guid id)
    {
        await using var db = database.CreateContext();
        return await db.Set<Container>().SingleAsync(row => row.Id == id);
    }

    private async Task<RemoteMachine> Machine(Guid id)
    {
        await using var db = database.CreateContext();
        return await db.Set<RemoteMachine>().SingleAsync(row => row.ContainerId == id);
    }

    private async Task<List<ContainerEvent>> Story(Guid id)
    {
        await using var db = database.CreateContext();
        return await db.Set<ContainerEvent>().Where(row => row.ContainerId == id).ToListAsync();
    }
}
