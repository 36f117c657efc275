using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using Demiurge.Core.Gateways;
using Demiurge.Core.Rooms;
using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Gateways;

/// <summary>One gateway for all, given back after four seconds without activity.</summary>
public sealed class SmallPool : PlatformFixture
{
    protected override (string Key, string Value)[] Settings =>
    [
        ("Demiurge:Gateways:PoolSize", "1"), ("Demiurge:Gateways:MaximumSize", "1"), ("Demiurge:Gateways:IdleTimeout", "00:00:04"),
        ("Demiurge:Gateways:AllocationTimeout", "00:00:30"), ("Demiurge:Gateways:LeaseTime", "00:00:05"), ("Gateway:AbsenceLimit", "00:00:03"),
    ];
}

/// <summary>The life of a gateway between organizations.</summary>
public sealed class LifecycleTests(SmallPool platform) : IClassFixture<SmallPool>
{
    [Fact]
    public async Task Gateway_ReleasedAndUsedByAnother_KeepsNoTraceOfTheFirst()
    {
        var (first, firstOrganization, firstProject) = await platform.CreateProject();
        var (second, secondOrganization, secondProject) = await platform.CreateProject();
        var opened = await platform.Join("first", first, firstProject);
        await platform.Peers.Set("first", "nodes", "secret", "of the first");
        await platform.Peers.UntilSaved("first");
        var held = (await platform.GatewayOf(firstOrganization))!;

        // The second waits for the only gateway until the first has been idle.
        var openedSecond = await platform.Join("second", second, secondProject);

        var heldSecond = (await platform.GatewayOf(secondOrganization))!;
        Assert.Equal(held.ProcessId, heldSecond.ProcessId);
        Assert.Null(await platform.GatewayOf(firstOrganization));
        Assert.Contains(RoomProtocol.Close.Idle, (await platform.Peers.State("first")).CloseCodes);
        Assert.Empty((await platform.Peers.State("second")).Nodes);
        var status = await Status(heldSecond);
        Assert.Equal((secondOrganization, 1, 1), (status.OrganizationId, status.Rooms, status.Connections));

        // The first one's ticket opens nothing in a gateway that serves the second, under any room's name.
        await platform.Peers.OpenRaw("stale", $"ws://127.0.0.1:{heldSecond.Port}/collab/{firstProject}", opened.Token);
        await platform.Peers.OpenRaw("crossed", $"ws://127.0.0.1:{heldSecond.Port}/collab/{secondProject}", opened.Token);
        foreach (var name in new[] { "stale", "crossed" })
            await PlatformFixture.Until(async () => (await platform.Peers.RawState(name)).CloseCodes.Contains(RoomProtocol.Close.Unauthenticated), "refusal");

        // And back: a higher epoch, everything there. The stock client, which never gave up, is in again as well.
        await platform.Peers.Leave("second");
        await first.Open(firstProject);
        var back = await platform.Peers.Until("first", state => state.Synced, "back");
        Assert.Contains("secret", back.Nodes.Keys);
        Assert.True((await platform.GatewayOf(firstOrganization))!.Epoch > held.Epoch);
        await platform.Peers.Leave("first");
    }

    [Fact]
    public async Task Gateway_WhileSomebodyWorks_IsNotReleased()
    {
        var (owner, organization, project) = await platform.CreateProject();
        await platform.Join("worker", owner, project);
        var epoch = (await platform.GatewayOf(organization))!.Epoch;

        // Three times the idle time, in which something is edited more often than that.
        for (var i = 0; i < 24; i++)
        {
            await platform.Peers.Set("worker", "nodes", $"{i}", "x");
            await Task.Delay(500);
        }

        await platform.Peers.UntilSaved("worker");
        var state = await platform.Peers.State("worker");
        Assert.Empty(state.Closes);
        Assert.Equal(epoch, (await platform.GatewayOf(organization))!.Epoch);
        await platform.Peers.Leave("worker");
    }

    [Fact]
    public async Task Gateway_ThatHangs_IsReplacedAndCantWriteAfterwards()
    {
        var (owner, organization, project) = await platform.CreateProject();
        await platform.Join("hung", owner, project);
        var held = (await platform.GatewayOf(organization))!;

        using (var stop = Process.Start("/bin/sh", ["-c", "kill -STOP $0", $"{held.ProcessId}"]))
            await stop.WaitForExitAsync();
        await platform.Peers.Set("hung", "nodes", "meanwhile", "x");

        await PlatformFixture.Until(async () => await platform.GatewayOf(organization) is { } now && now.Epoch > held.Epoch, "another gateway");
        await platform.Peers.UntilSaved("hung");
        var refused = await platform.RoomLog.Append(organization, held.Epoch, 1_000, [new RoomAppend(project, new byte[] { 0, 0 })]);
        Assert.Equal(RoomErrors.EpochPassed, refused.Error);
        await platform.Peers.Leave("hung");
    }

    [Fact]
    public async Task Gateways_WhenWebStaysAway_EndByThemselves()
    {
        await PlatformFixture.Until(() => Task.FromResult(platform.Site.GatewayProcessIds().Count > 0), "a gateway");
        var gateways = platform.Site.GatewayProcessIds();

        await platform.Site.Kill();

        await PlatformFixture.Until(() => Task.FromResult(!platform.Site.GatewayProcessIds().Intersect(gateways).Any()), "the gateways' end");
        await platform.Site.Start();
        await PlatformFixture.Until(() => Task.FromResult(platform.Site.GatewayProcessIds().Count > 0), "new ones");
    }

    private static async Task<GatewayStatus> Status(HeldGateway gateway)
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", gateway.PoolToken);
        return (await http.GetFromJsonAsync<GatewayStatus>($"http://127.0.0.1:{gateway.Port}/status", GatewayContracts.Json))!;
    }
}

/// <summary>One gateway that is not given back soon, and little patience.</summary>
public sealed class TakenPool : PlatformFixture
{
    protected override (string Key, string Value)[] Settings =>
        [("Demiurge:Gateways:PoolSize", "1"), ("Demiurge:Gateways:MaximumSize", "1"), ("Demiurge:Gateways:AllocationTimeout", "00:00:01")];
}

/// <summary>What is said when every gateway is taken, and what can't be reached from outside.</summary>
public sealed class TakenPoolTests(TakenPool platform) : IClassFixture<TakenPool>
{
    [Fact]
    public async Task Open_WhileEveryGatewayIsTaken_SaysSo()
    {
        var (owner, _, project) = await platform.CreateProject();
        // This one, or another test's.
        await PlatformFixture.Until(async () =>
        {
            await owner.Http.PostAsync($"projects/{project}/open", null);
            await using var taken = platform.Database.CreateCommand("SELECT count(*) FROM gateway_allocations WHERE state = 'Serving'");
            return await taken.ExecuteScalarAsync() is 1L;
        }, "the only gateway to be taken");
        var (late, _, lateProject) = await platform.CreateProject();

        var refused = await late.Http.PostAsync($"projects/{lateProject}/open", null);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.Contains(GatewayErrors.PoolEmpty.Code, await refused.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("/collab/start")]
    [InlineData("/collab/drain")]
    [InlineData("/access/revoke")]
    [InlineData("/status")]
    [InlineData("/gateway/ready")]
    [InlineData("/collab/../status")]
    [InlineData("/")]
    public async Task Edge_AskedForAGatewaysControl_KnowsNothingOfIt(string path)
    {
        var (owner, organization, project) = await platform.CreateProject();
        await owner.Http.PostAsync($"projects/{project}/open", null);
        using var http = new HttpClient();
        foreach (var method in new[] { HttpMethod.Get, HttpMethod.Post })
        {
            using var request = new HttpRequestMessage(method, $"http://127.0.0.1:{platform.Site.Url.Port}{path}");
            request.Headers.Host = $"org-{organization}.{platform.Site.Url.Authority}";

            Assert.Equal(HttpStatusCode.NotFound, (await http.SendAsync(request)).StatusCode);
        }
    }

    [Theory]
    [InlineData("www", "text/html", HttpStatusCode.NotFound, "text/html")]
    [InlineData("www", "application/json", HttpStatusCode.NotFound, "application/problem+json")]
    [InlineData("org-0192f0c1-1111-7000-8000-000000000001", "text/html", HttpStatusCode.NotFound, "text/html")]
    [InlineData("uc-0192f0c1-2222-7000-8000-000000000002.org-0192f0c1-1111-7000-8000-000000000001", "*/*", HttpStatusCode.ServiceUnavailable, "application/problem+json")]
    public async Task Edge_AskedForAnUnknownHost_SaysWhatItIs(string host, string accept, HttpStatusCode status, string type)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{platform.Site.Url.Port}/");
        request.Headers.Host = $"{host}.{platform.Site.Url.Authority}";
        request.Headers.Accept.ParseAdd(accept);

        var response = await http.SendAsync(request);

        Assert.Equal((status, type), (response.StatusCode, response.Content.Headers.ContentType?.MediaType));
    }

    [Fact]
    public async Task Edge_OfASleepingOrganization_SaysHowToWakeIt()
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{platform.Site.Url.Port}/collab/{Guid.NewGuid()}");
        request.Headers.Host = $"org-{Guid.NewGuid()}.{platform.Site.Url.Authority}";

        var response = await http.SendAsync(request);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Contains("Open one of its projects", await response.Content.ReadAsStringAsync());
    }
}
