using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Demiurge.Core.Rooms;
using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Peers;

/// <summary>Small limits, so that they are met.</summary>
public sealed class NarrowPlatform : PlatformFixture
{
    protected override (string Key, string Value)[] Settings =>
    [
        ("Demiurge:Rooms:MessageBytes", "65536"), ("Demiurge:Rooms:DocumentBytes", "262144"), ("Demiurge:Rooms:ConnectionsPerUser", "8"),
        ("Demiurge:Rooms:SendQueueBytes", "65536"),
    ];
}

/// <summary>Whatever is sent, the gateway lives on and other people's work goes on.</summary>
public sealed class HostileTests(NarrowPlatform platform) : IClassFixture<NarrowPlatform>
{
    [Fact]
    public async Task Frames_AtRandom_DisturbNobody()
    {
        var (owner, organization, project) = await platform.CreateProject();
        var opened = await platform.Join("calm-a", owner, project);
        await platform.Join("calm-b", owner, project);
        var process = (await platform.GatewayOf(organization))!.ProcessId;
        await platform.Peers.Busy("calm-a", everyMs: 20, times: 100_000);
        var valid = await platform.Peers.Update("nodes", "hostile", "x");
        var seed = Environment.TickCount;
        var random = new Random(seed);

        for (var round = 0; round < 120; round++)
        {
            var name = $"hostile-{round}";
            await platform.Peers.OpenRaw(name, opened.CollabUrl, opened.Token);
            for (var i = 0; i < 5; i++)
                await platform.Peers.SendRaw(name, Frame(random, valid));
            if (round % 10 == 0)
                await platform.Peers.SendText(name, "{\"type\":\"hello\"}");
            await platform.Peers.Leave(name);
        }

        await platform.Peers.Rest("calm-a");
        var editor = await platform.Peers.UntilSaved("calm-a");
        Assert.Empty(editor.Closes);
        var other = await platform.Peers.Until("calm-b", state => Own(state) == editor.Edits, $"shown everything (seed {seed})");
        Assert.Empty(other.Closes);
        Assert.Equal(process, (await platform.GatewayOf(organization))!.ProcessId);
        Assert.Superset(editor.Nodes.Keys.Where(key => key.StartsWith("calm")).ToHashSet(), await platform.DurableNodes(organization, project));

        static int Own(PeerState state) => state.Nodes.Keys.Count(key => key.StartsWith("calm-a"));
    }

    [Theory]
    [InlineData(new byte[0], 1007)]
    [InlineData(new byte[] { 77 }, 1007)]
    [InlineData(new byte[] { 0, 2, 255, 255, 255, 255, 15 }, 1007)]
    [InlineData(new byte[] { 0, 9, 0 }, 1007)]
    [InlineData(new byte[] { 1, 3, 1, 1 }, 1007)]
    public async Task Frame_Malformed_ClosesItsSenderAlone(byte[] frame, int code)
    {
        var (owner, _, project) = await platform.CreateProject();
        var bystander = $"bystander-{frame.Length}-{frame.FirstOrDefault()}";
        var opened = await platform.Join(bystander, owner, project);
        await platform.Peers.OpenRaw("sender" + bystander, opened.CollabUrl, opened.Token);

        await platform.Peers.SendRaw("sender" + bystander, frame);

        await PlatformFixture.Until(async () => (await platform.Peers.RawState("sender" + bystander)).CloseCodes.Contains(code), $"close code {code}");
        Assert.Empty((await platform.Peers.State(bystander)).Closes);
    }

    [Fact]
    public async Task Message_AboveTheLimit_ClosesItsSender()
    {
        var (owner, _, project) = await platform.CreateProject();
        var opened = await platform.Join("small", owner, project);
        await platform.Peers.OpenRaw("large", opened.CollabUrl, opened.Token);

        await platform.Peers.SendRaw("large", new byte[100_000]);

        await PlatformFixture.Until(async () => (await platform.Peers.RawState("large")).CloseCodes.Contains(RoomProtocol.Close.TooBig), "close");
        Assert.Empty((await platform.Peers.State("small")).Closes);
    }

    [Fact]
    public async Task Document_AtItsLimit_RefusesMoreAndSaysWhy()
    {
        var (owner, organization, project) = await platform.CreateProject();
        await platform.Join("filler", owner, project);
        for (var i = 0; i < 6; i++)
            await platform.Peers.Set("filler", "nodes", $"{i}", new string('x', 60_000));

        var state = await platform.Peers.Until("filler", state => state.Denied.Length > 0, "told");

        Assert.Contains("size", state.Denied[0]);
        Assert.True(state.Acknowledged < state.Edits);
        await PlatformFixture.Until(async () => (await platform.DurableNodes(organization, project)).Count == 4, "what was accepted to be durable");
    }

    [Fact]
    public async Task Connections_AboveThePersonsLimit_AreRefused()
    {
        var (owner, _, project) = await platform.CreateProject();
        var opened = await owner.Open(project);
        for (var i = 0; i < 9; i++)
            await platform.Peers.OpenRaw($"tab-{i}", opened.CollabUrl, opened.Token);

        await PlatformFixture.Until(async () => (await platform.Peers.RawState("tab-8")).CloseCodes.Contains(RoomProtocol.Close.TryAgainLater), "refusal");
        Assert.Empty((await platform.Peers.RawState("tab-0")).Closes);
    }

    [Fact]
    public async Task Reader_ThatFallsBehind_GetsEverythingAtOnceLater()
    {
        var (owner, _, project) = await platform.CreateProject();
        var opened = await platform.Join("writer", owner, project);
        await platform.Peers.OpenRaw("slow", opened.CollabUrl, opened.Token);
        await platform.Peers.Pause("slow");

        // Far more than sockets' buffers and the queue hold, in a document that stays small: the same key, again and again.
        for (var i = 0; i < 600; i++)
            await platform.Peers.Set("writer", "nodes", "big", new string((char)('a' + (i % 26)), 40_000));
        await platform.Peers.Set("writer", "nodes", "last", "x");
        await platform.Peers.UntilSaved("writer");
        await platform.Peers.Resume("slow");

        await PlatformFixture.Until(async () => (await platform.Peers.RawState("slow")).Received.Any(frame => Holds(frame, "last")), "caught up");
        Assert.Empty((await platform.Peers.RawState("slow")).Closes);

        static bool Holds(string frame, string key) => Convert.FromBase64String(frame).AsSpan().IndexOf(Encoding.ASCII.GetBytes(key)) >= 0;
    }

    [Theory]
    [InlineData("gateway/ready", "")]
    [InlineData("gateway/ready", "{")]
    [InlineData("gateway/ready", "null")]
    [InlineData("gateway/ready", "[1,2]")]
    [InlineData("gateway/ready", "{\"name\":1,\"instanceId\":\"x\"}")]
    [InlineData("gateway/config", "{\"name\":\"gw-pool-0\"}")]
    [InlineData("gateway/heartbeat", "{\"name\":\"gw-pool-0\",\"instanceId\":null,\"epoch\":\"high\"}")]
    [InlineData("gateway/data/pull", "{\"projectId\":\"../../etc/passwd\"}")]
    [InlineData("gateway/data/append", "nonsense")]
    [InlineData("gateway/access/check", "{\"people\":null}")]
    public async Task ControlEndpoint_GivenNonsense_RefusesIt(string path, string body)
    {
        var port = System.Text.Json.JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(platform.Site.DataPath, "env.json"))).RootElement.GetProperty("controlPort").GetInt32();
        using var http = new HttpClient();
        using var unsigned = await http.PostAsync($"http://127.0.0.1:{port}/{path}", new StringContent(body, Encoding.UTF8, "application/json"));
        Assert.Equal(HttpStatusCode.Unauthorized, unsigned.StatusCode);

        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "whatever");
        using var signed = await http.PostAsync($"http://127.0.0.1:{port}/{path}", new StringContent(body, Encoding.UTF8, "application/json"));
        Assert.Equal(HttpStatusCode.BadRequest, signed.StatusCode);

        using var outside = await http.PostAsync($"http://127.0.0.1:{platform.Site.Url.Port}/{path}", new StringContent(body, Encoding.UTF8, "application/json"));
        Assert.Equal(HttpStatusCode.NotFound, outside.StatusCode);
    }

    [Fact]
    public async Task GatewaysOwnControl_WithoutItsToken_IsClosed()
    {
        var (owner, organization, project) = await platform.CreateProject();
        await owner.Open(project);
        var gateway = (await platform.GatewayOf(organization))!;
        using var http = new HttpClient();

        foreach (var token in new[] { null, "", "x", new string('x', 10_000) })
        {
            http.DefaultRequestHeaders.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
            Assert.Equal(HttpStatusCode.Unauthorized, (await http.GetAsync($"http://127.0.0.1:{gateway.Port}/status")).StatusCode);
            Assert.Equal(HttpStatusCode.Unauthorized, (await http.PostAsync($"http://127.0.0.1:{gateway.Port}/collab/drain", null)).StatusCode);
        }

        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", gateway.PoolToken);
        foreach (var body in new[] { "", "{", "null", "{\"handshakeToken\":5}", "{\"handshakeToken\":\"" + new string('x', 100_000) + "\"}" })
            Assert.Equal(HttpStatusCode.BadRequest, (await http.PostAsync($"http://127.0.0.1:{gateway.Port}/collab/start", new StringContent(body, Encoding.UTF8, "application/json"))).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync($"http://127.0.0.1:{gateway.Port}/status")).StatusCode);
    }

    private static byte[] Frame(Random random, byte[] valid)
    {
        byte[] frame = [.. valid];
        switch (random.Next(5))
        {
            case 0: // Nothing but noise.
                frame = new byte[random.Next(0, 200)];
                random.NextBytes(frame);
                break;
            case 1: // Cut short.
                frame = frame[..random.Next(frame.Length)];
                break;
            case 2: // A few bytes altered.
                for (var i = random.Next(1, 6); i > 0; i--)
                    frame[random.Next(frame.Length)] = (byte)random.Next(256);
                break;
            case 3: // The envelope is right, the content is noise.
                var noise = new byte[random.Next(0, 100)];
                random.NextBytes(noise);
                frame = [(byte)random.Next(0, 4), (byte)random.Next(0, 3), (byte)noise.Length, .. noise];
                break;
            default: // Promises far more than it holds.
                frame = [0, 2, 0xff, 0xff, 0xff, 0xff, 0x07, 0xff, 0xff, 0xff, 0xff, 0x0f, .. frame];
                break;
        }

        return frame;
    }
}
