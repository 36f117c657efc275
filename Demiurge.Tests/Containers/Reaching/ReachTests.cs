using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Sharing;
using Demiurge.Core.Organizations;
using Demiurge.Tests.Infrastructure;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Tests.Containers.Reaching;

/// <summary>From a browser or a script through Web and a gateway to a server, as processes.</summary>
public sealed class ReachTests(ReachFixture site) : IClassFixture<ReachFixture>
{
    [Fact]
    public async Task Visitor_WithoutCookie_IsLedInAndSeesTheContainer()
    {
        var (owner, organizationId, projectId) = await site.Project();
        var target = await site.Add(organizationId, projectId, owner.Id);
        var visitor = new Visitor(site);

        // Logged out, the way in leads to the log-in page and back.
        var first = await visitor.Go(target.Url("/headers?x=1"));
        Assert.Equal(HttpStatusCode.Found, first.StatusCode);
        var entrance = await visitor.Go(first.Headers.Location!);
        Assert.Contains("/account/login?returnUrl=%2Fcontainers%2F", entrance.Headers.Location!.OriginalString);

        await visitor.LogIn(owner);
        using var answer = await visitor.Follow(target.Url("/headers?x=1"));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var seen = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        Assert.Equal("/headers?x=1", (string)seen["path"]!);
        var headers = seen["headers"]!.AsObject().ToDictionary(header => header.Key, header => (string)header.Value!, StringComparer.OrdinalIgnoreCase);
        Assert.Equal(target.Url().Authority, headers["Host"]);
        Assert.Equal("127.0.0.1", headers["X-Forwarded-For"]);
        Assert.Equal(target.Url().Authority, headers["X-Forwarded-Host"]);
        Assert.Equal("http", headers["X-Forwarded-Proto"]);
        Assert.False(headers.ContainsKey("Cookie"), "The container must not see what lets people in.");
        Assert.NotNull(visitor.Cookie(target.Url(), "__Host-demiurge"));
        // The site's own session has the protected name, too.
        Assert.NotNull(visitor.Cookie(site.Site.Url, "__Host-demiurge.session"));
        Assert.Null(visitor.Cookie(site.Site.Url, "demiurge.session"));
    }

    [Fact]
    public async Task Cookie_IsForItsContainerAlone()
    {
        var (owner, organizationId, projectId) = await site.Project();
        var (one, other) = (await site.Add(organizationId, projectId, owner.Id), await site.Add(organizationId, projectId, owner.Id));
        var visitor = new Visitor(site);
        await visitor.LogIn(owner);
        using var entered = await visitor.Follow(one.Url());
        Assert.Equal(HttpStatusCode.OK, entered.StatusCode);
        var cookie = visitor.Cookie(one.Url(), "__Host-demiurge")!;

        foreach (var forged in new[] { cookie, cookie[..^2] + "xx", cookie.Replace(one.Id.ToString("N"), other.Id.ToString("N")), "", "~", new string('a', 5000), "user:~~~" })
        {
            using var answer = await visitor.Go(other.Url(), request => request.Headers.TryAddWithoutValidation("Cookie", $"__Host-demiurge={forged}"));
            Assert.Equal(HttpStatusCode.Found, answer.StatusCode);
        }
        // Several of that name, the wrong one first: the wrong one counts, and is no pass.
        using var tossed = await visitor.Go(other.Url(), request => request.Headers.TryAddWithoutValidation("Cookie", $"x=1; __Host-demiurge=forged; __Host-demiurge={cookie}"));
        Assert.Equal(HttpStatusCode.Found, tossed.StatusCode);
    }

    [Fact]
    public async Task Ticket_UsedTwiceOrElsewhere_IsRefused()
    {
        var (owner, organizationId, projectId) = await site.Project();
        var (one, other) = (await site.Add(organizationId, projectId, owner.Id), await site.Add(organizationId, projectId, owner.Id));
        var visitor = new Visitor(site);
        await visitor.LogIn(owner);
        using var way = await visitor.Go(new Uri(site.Site.Url, $"/containers/{one.Id}/enter?return=%2F%2Fevil.example"));
        var door = way.Headers.Location!;
        var elsewhere = new Uri(door.OriginalString.Replace(one.Id.ToString(), other.Id.ToString()));

        var stranger = new Visitor(site);
        using var wrongDoor = await stranger.Go(elsewhere);
        Assert.Equal(HttpStatusCode.Unauthorized, wrongDoor.StatusCode);
        using var opened = await stranger.Go(door);
        Assert.Equal("/", opened.Headers.Location!.OriginalString);
        using var again = await new Visitor(site).Go(door);
        Assert.Equal(HttpStatusCode.Unauthorized, again.StatusCode);
        using var forged = await new Visitor(site).Go(one.Url($"/.demiurge/enter?ticket=a.b.c&return=/"));
        Assert.Equal(HttpStatusCode.Unauthorized, forged.StatusCode);
        // A room's ticket is no ticket for a container.
        var room = await owner.Open(projectId);
        using var confused = await new Visitor(site).Go(one.Url($"/.demiurge/enter?ticket={room.Token}"));
        Assert.Equal(HttpStatusCode.Unauthorized, confused.StatusCode);
    }

    [Fact]
    public async Task Script_WithoutToken_GetsAProblem_WithTokenTheContainer_UntilItIsRevoked()
    {
        var (owner, organizationId, projectId) = await site.Project();
        var target = await site.Add(organizationId, projectId, owner.Id);
        await owner.Open(projectId);

        using var bare = await target.Send(null);
        Assert.Equal(HttpStatusCode.Unauthorized, bare.StatusCode);
        Assert.Equal("application/problem+json", bare.Content.Headers.ContentType!.MediaType);
        Assert.Equal("container.not_entered", (string)JsonNode.Parse(await bare.Content.ReadAsStringAsync())!["code"]!);

        var created = await Account.Read(await owner.Http.PostAsJsonAsync($"containers/{target.Id}/tokens", new { name = "script" }));
        var token = (string)created["token"]!;
        using (var seen = await target.Send(token, "/headers"))
        {
            Assert.Equal(HttpStatusCode.OK, seen.StatusCode);
            Assert.DoesNotContain("Demiurge-Token", await seen.Content.ReadAsStringAsync(), StringComparison.OrdinalIgnoreCase);
        }

        // One for another container is none for this.
        var other = await site.Add(organizationId, projectId, owner.Id);
        using (var wrong = await other.Send(token))
            Assert.Equal(HttpStatusCode.Unauthorized, wrong.StatusCode);

        var stream = await OpenStream(target, token);
        await Account.Read(await owner.Http.DeleteAsync($"containers/{target.Id}/tokens/{created["info"]!["id"]}"));
        await stream.WaitAsync(TimeSpan.FromSeconds(60));
        using var refused = await target.Send(token);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
    }

    [Theory]
    [InlineData(ShareLevel.Owner, true, false, false)]
    [InlineData(ShareLevel.Project, true, true, false)]
    [InlineData(ShareLevel.Organization, true, true, true)]
    public async Task Share_DecidesWhoComesIn(ShareLevel share, bool ownerMay, bool viewerMay, bool memberMay)
    {
        var (admin, organizationId, projectId) = await site.Project();
        var (owner, viewer, member) = (await site.Join(admin, organizationId), await site.Join(admin, organizationId), await site.Join(admin, organizationId));
        await Account.Read(await admin.Http.PutAsJsonAsync($"projects/{projectId}/members/{owner.Id}", new { role = "edit" }));
        await Account.Read(await admin.Http.PutAsJsonAsync($"projects/{projectId}/members/{viewer.Id}", new { role = "view" }));
        var target = await site.Add(organizationId, projectId, owner.Id, share);

        foreach (var (account, may) in new[] { (owner, ownerMay), (viewer, viewerMay), (member, memberMay), (await site.Register(), false) })
        {
            var visitor = new Visitor(site);
            await visitor.LogIn(account);
            using var answer = await visitor.Follow(target.Url("/hello"));
            Assert.Equal(may, answer.StatusCode == HttpStatusCode.OK);
            Assert.Equal(may, (await answer.Content.ReadAsStringAsync()).Contains("hello from /hello"));
        }
    }

    [Fact]
    public async Task Link_LetsGuestsIn_UntilItIsRevoked()
    {
        var (owner, organizationId, projectId) = await site.Project();
        var target = await site.Add(organizationId, projectId, owner.Id);
        var refused = await owner.Http.PostAsJsonAsync($"containers/{target.Id}/links", new { expiresInMinutes = 60 });
        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode); // not shared by link

        await site.Change(target.Id, container => container.Share = ShareLevel.Link);
        var link = await Account.Read(await owner.Http.PostAsJsonAsync($"containers/{target.Id}/links", new { expiresInMinutes = 60 }));
        var guest = new Visitor(site);
        using (var seen = await guest.Follow(new Uri((string)link["url"]!)))
            Assert.Contains("hello from /", await seen.Content.ReadAsStringAsync());
        using var socket = await guest.Open(target.Url("/echo"), target.Origin);
        Assert.Equal("hi", await socket!.Echo("hi"));

        await Account.Read(await owner.Http.DeleteAsync($"containers/{target.Id}/links/{link["link"]!["id"]}"));

        await socket!.UntilEnded();
        using var after = await guest.Go(target.Url());
        Assert.Equal(HttpStatusCode.Forbidden, after.StatusCode);
        using var again = await new Visitor(site).Follow(new Uri((string)link["url"]!));
        Assert.Equal(HttpStatusCode.NotFound, again.StatusCode);
    }

    [Fact]
    public async Task Link_Expired_EndsItsGuests()
    {
        var (owner, organizationId, projectId) = await site.Project();
        var target = await site.Add(organizationId, projectId, owner.Id, ShareLevel.Link);
        var link = await Account.Read(await owner.Http.PostAsJsonAsync($"containers/{target.Id}/links", new { expiresInMinutes = 60 }));
        var linkId = (Guid)link["link"]!["id"]!;
        var guest = new Visitor(site);
        using var seen = await guest.Follow(new Uri((string)link["url"]!));
        using var socket = await guest.Open(target.Url("/echo"), target.Origin);
        Assert.Equal("hi", await socket!.Echo("hi"));

        await using (var db = site.Db())
            await db.Set<ShareLink>().Where(row => row.Id == linkId).ExecuteUpdateAsync(set => set.SetProperty(row => row.ExpiresAt, DateTimeOffset.UtcNow));

        await socket!.UntilEnded();
    }

    [Theory]
    [InlineData("share")]
    [InlineData("member")]
    [InlineData("deleted")]
    [InlineData("logout")]
    [InlineData("password")]
    public async Task Access_Lost_EndsWhatIsOpen(string how)
    {
        var (owner, organizationId, projectId) = await site.Project();
        var member = await site.Join(owner, organizationId);
        await Account.Read(await owner.Http.PutAsJsonAsync($"projects/{projectId}/members/{member.Id}", new { role = "view" }));
        var target = await site.Add(organizationId, projectId, owner.Id);
        var visitor = new Visitor(site);
        await visitor.LogIn(member);
        using var entered = await visitor.Follow(target.Url());
        using var socket = await visitor.Open(target.Url("/echo"), target.Origin);
        Assert.Equal("hi", await socket!.Echo("hi"));
        var id = Guid.NewGuid().ToString("N");
        using var stream = await visitor.Go(target.Url($"/events/{id}"), request => request.Headers.Accept.ParseAdd("text/event-stream"));
        await site.Upstream.StreamOf(id).Task;

        switch (how)
        {
            case "share":
                await site.Change(target.Id, container => container.Share = ShareLevel.Owner);
                break;
            case "member":
                await Account.Read(await owner.Http.DeleteAsync($"organizations/{organizationId}/members/{member.Id}"));
                break;
            case "deleted":
                await site.Change(target.Id, container => container.DeletedAt = DateTimeOffset.UtcNow);
                break;
            case "logout":
                var page = new Uri(site.Site.Url, "/account/profile");
                using (var profile = await visitor.Go(page))
                {
                    var token = System.Text.RegularExpressions.Regex.Match(
                        await profile.Content.ReadAsStringAsync(), "name=\"__RequestVerificationToken\" value=\"([^\"]*)\"").Groups[1].Value;
                    using var loggedOut = await visitor.Post(new Uri(site.Site.Url, "/account/logout"), new() { ["__RequestVerificationToken"] = token }, page);
                    Assert.Equal(HttpStatusCode.Found, loggedOut.StatusCode);
                }
                break;
            default:
                await using (var db = site.Db())
                    await db.Users.Where(user => user.Id == member.Id).ExecuteUpdateAsync(set => set.SetProperty(user => user.SecurityStamp, "another"));
                break;
        }

        await socket!.UntilEnded();
        await site.Upstream.GoneOf(id).Task.WaitAsync(TimeSpan.FromSeconds(60));
        using var after = await visitor.Go(target.Url("/headers"));
        Assert.NotEqual(HttpStatusCode.OK, after.StatusCode);
    }

    [Theory]
    [InlineData("revoked")]
    [InlineData("expired")]
    [InlineData("maker")]
    public async Task Token_Over_EndsWhatIsOpen(string how)
    {
        var (owner, organizationId, projectId) = await site.Project();
        var member = await site.Join(owner, organizationId);
        await Account.Read(await owner.Http.PutAsJsonAsync($"projects/{projectId}/members/{member.Id}", new { role = "view" }));
        var target = await site.Add(organizationId, projectId, owner.Id);
        var created = await Account.Read(await member.Http.PostAsJsonAsync($"containers/{target.Id}/tokens", new { name = "script" }));
        var (id, token) = ((Guid)created["info"]!["id"]!, (string)created["token"]!);
        await owner.Open(projectId);
        var stream = await OpenStream(target, token);
        using var socket = await new Visitor(site).Open(target.Url("/echo"), options: options => options.SetRequestHeader("Demiurge-Token", token));
        Assert.Equal("hi", await socket!.Echo("hi"));

        if (how == "revoked")
            await Account.Read(await member.Http.DeleteAsync($"containers/{target.Id}/tokens/{id}"));
        else if (how == "expired")
            await site.Change<ContainerToken>(row => row.Id == id, row => row.ExpiresAt = DateTimeOffset.UtcNow);
        else
            await Account.Read(await owner.Http.DeleteAsync($"projects/{projectId}/members/{member.Id}"));

        await socket!.UntilEnded();
        await stream.WaitAsync(TimeSpan.FromSeconds(60));
        await PlatformFixture.Until(async () =>
        {
            using var refused = await target.Send(token);
            Assert.NotEqual(HttpStatusCode.OK, refused.StatusCode);
            return refused.StatusCode == HttpStatusCode.Unauthorized;
        }, "the token is refused");
    }

    [Fact]
    public async Task Link_OfAContainerNoLongerSharedByLink_EndsItsGuests()
    {
        var (owner, organizationId, projectId) = await site.Project();
        var target = await site.Add(organizationId, projectId, owner.Id, ShareLevel.Link);
        var link = await Account.Read(await owner.Http.PostAsJsonAsync($"containers/{target.Id}/links", new { expiresInMinutes = 60 }));
        var guest = new Visitor(site);
        using var entered = await guest.Follow(new Uri((string)link["url"]!));
        using var socket = await guest.Open(target.Url("/echo"), target.Origin);
        Assert.Equal("hi", await socket!.Echo("hi"));

        using (var lowered = await owner.Http.PatchAsJsonAsync($"containers/{target.Id}", new { share = "organization" }))
            Assert.Equal(HttpStatusCode.OK, lowered.StatusCode);

        await socket!.UntilEnded();
        using var after = await guest.Go(target.Url());
        Assert.Equal(HttpStatusCode.Forbidden, after.StatusCode);
    }

    [Fact]
    public async Task Container_OfAnotherOrganization_IsNotFound()
    {
        var (owner, organizationId, projectId) = await site.Project();
        var (stranger, strangersOrganization, strangersProject) = await site.CreateProject();
        var target = await site.Add(organizationId, projectId, owner.Id);
        var own = await site.Add(strangersOrganization, strangersProject, stranger.Id);
        await owner.Open(projectId);
        await stranger.Open(strangersProject);
        var token = await own.Token(stranger);

        // Their token, the container's id under their own organization's host, and under its own.
        foreach (var url in new[] { target.Url(organization: strangersOrganization), target.Url() })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, url) { Headers = { { "Demiurge-Token", token } } };
            using var answer = await site.Wire.SendAsync(request, CancellationToken.None);
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        }
        var visitor = new Visitor(site);
        await visitor.LogIn(stranger);
        using var page = await visitor.Follow(target.Url());
        Assert.Equal(HttpStatusCode.NotFound, page.StatusCode);
        // Straight to the other organization's gateway, past the edge.
        var gateway = (await site.GatewayOf(strangersOrganization))!;
        using var http = new HttpClient();
        using var direct = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{gateway.Port}/") { Headers = { Host = target.Url().Authority } };
        direct.Headers.Add("Demiurge-Token", token);
        using var misdirected = await http.SendAsync(direct);
        Assert.Equal(HttpStatusCode.MisdirectedRequest, misdirected.StatusCode);
    }

    [Fact]
    public async Task Transport_CarriesEverything()
    {
        var (owner, organizationId, projectId) = await site.Project();
        var target = await site.Add(organizationId, projectId, owner.Id);
        var token = await target.Token(owner);

        foreach (var method in new[] { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND" })
        {
            using var answer = await target.Send(token, "/headers?a=%2F%20b", new HttpMethod(method));
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            if (method != "HEAD")
                Assert.Equal((method, "/headers?a=%2F%20b"), ((string, string))((string)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["method"]!, (string)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["path"]!));
        }
        using (var own = await target.Send(token, "/gateway/ready"))
            Assert.Equal("the container's own path", await own.Content.ReadAsStringAsync());
        using (var service = await target.Send(token, "/hello", service: "api"))
            Assert.Equal("hello from /hello", await service.Content.ReadAsStringAsync());
        using (var none = await target.Send(token, "/hello", service: "nothing"))
            Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);

        using (var request = new HttpRequestMessage(HttpMethod.Get, target.Url("/file")) { Headers = { { "Demiurge-Token", token } } })
        {
            request.Headers.Range = new RangeHeaderValue(100, 199);
            using var part = await site.Wire.SendAsync(request, CancellationToken.None);
            Assert.Equal(HttpStatusCode.PartialContent, part.StatusCode);
            Assert.Equal(Enumerable.Range(100, 100).Select(i => (byte)i), await part.Content.ReadAsByteArrayAsync());
        }

        // More than any default limit, of unknown length, and never all in memory.
        const long size = 80L << 20;
        using (var request = new HttpRequestMessage(HttpMethod.Post, target.Url("/upload")) { Content = new StreamContent(new Zeros(size)), Headers = { { "Demiurge-Token", token } } })
        {
            request.Headers.TransferEncodingChunked = true;
            using var uploaded = await site.Wire.SendAsync(request, CancellationToken.None);
            Assert.Equal($"{size}", await uploaded.Content.ReadAsStringAsync());
        }

        using var socket = await new Visitor(site).Open(target.Url("/echo"), options: options => options.SetRequestHeader("Demiurge-Token", token));
        var large = new string('x', 1 << 20);
        Assert.Equal(large, await socket!.Echo(large));
    }

    /// <summary>Both ways, a gibibyte; neither Web nor a gateway holds more than a small part of it at a time.</summary>
    [Fact]
    [Trait("Profile", "full")]
    public async Task Transport_OfAGibibyte_TakesNoMemory()
    {
        const long size = 1L << 30, allowed = 300L << 20;
        var (owner, organizationId, projectId) = await site.Project();
        var target = await site.Add(organizationId, projectId, owner.Id);
        var token = await target.Token(owner);
        (await target.Send(token)).Dispose();
        int[] processes = [site.Site.ProcessId, .. site.Site.GatewayProcessIds()];
        var before = processes.Select(PeakMemory).ToList();

        using (var request = new HttpRequestMessage(HttpMethod.Post, target.Url("/upload")) { Content = new StreamContent(new Zeros(size)), Headers = { { "Demiurge-Token", token } } })
        {
            request.Content.Headers.ContentLength = size;
            using var uploaded = await site.Wire.SendAsync(request, CancellationToken.None);
            Assert.Equal($"{size}", await uploaded.Content.ReadAsStringAsync());
        }
        using (var downloaded = await target.Send(token, $"/zeros/{size}"))
        {
            await using var stream = await downloaded.Content.ReadAsStreamAsync();
            var buffer = new byte[1 << 20];
            long length = 0;
            for (int read; (read = await stream.ReadAsync(buffer)) > 0;)
                length += read;
            Assert.Equal(size, length);
        }

        Assert.All(processes.Zip(before), pair => Assert.True(PeakMemory(pair.First) - pair.Second < allowed, $"{pair.First}: {pair.Second} → {PeakMemory(pair.First)} bytes"));
    }

    [Fact]
    public async Task Transport_ByASlowClientThatAsksFirst_Arrives()
    {
        var (owner, organizationId, projectId) = await site.Project();
        var target = await site.Add(organizationId, projectId, owner.Id);
        var token = await target.Token(owner);
        (await target.Send(token)).Dispose();
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, site.Site.Url.Port);
        await using var stream = new NetworkStream(socket);
        using var reader = new StreamReader(stream);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(90));

        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"POST /upload HTTP/1.1\r\nHost: {target.Url().Authority}\r\nDemiurge-Token: {token}\r\nContent-Length: 8\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"), patience.Token);
        Assert.Equal("HTTP/1.1 100 Continue", await reader.ReadLineAsync(patience.Token));
        Assert.Equal("", await reader.ReadLineAsync(patience.Token));
        for (var i = 0; i < 8; i++)
        {
            // Slower, and for longer, than servers bear by default.
            await Task.Delay(TimeSpan.FromSeconds(1), patience.Token);
            await stream.WriteAsync("x"u8.ToArray(), patience.Token);
        }

        var answer = await reader.ReadToEndAsync(patience.Token);
        Assert.StartsWith("HTTP/1.1 200 OK", answer);
        Assert.Contains("\r\n8", answer);
    }

    [Fact]
    public async Task Container_IsToldByNobodyElseWhoAsks()
    {
        var (owner, organizationId, projectId) = await site.Project();
        var target = await site.Add(organizationId, projectId, owner.Id);
        using var request = new HttpRequestMessage(HttpMethod.Get, target.Url("/headers")) { Headers = { { "Demiurge-Token", await target.Token(owner) } } };
        string[] claims = [
            "Forwarded", "X-Real-IP", "X_Real_IP", "X-Forwarded-For", "X_Forwarded_For", "X-Forwarded_Host", "X-Forwarded-User", "X-Forwarded-Email", "X_FORWARDED_PROTO",
            "X-Forwarded-Preferred-Username", "X-Original-URL", "X_Original-Url", "X-Rewrite-URL", "Demiurge-Visitor", "X-Demiurge-Visitor"];
        foreach (var claim in claims)
            request.Headers.TryAddWithoutValidation(claim, "claimed");
        request.Headers.TryAddWithoutValidation("X-Requested-With", "kept");
        request.Headers.TryAddWithoutValidation("X_Own", "kept");

        using var answer = await site.Wire.SendAsync(request, CancellationToken.None);

        var seen = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["headers"]!.AsObject().ToDictionary(header => header.Key, header => (string)header.Value!, StringComparer.OrdinalIgnoreCase);
        Assert.Equal("127.0.0.1", seen["X-Forwarded-For"]);
        Assert.Equal(target.Url().Authority, seen["X-Forwarded-Host"]);
        Assert.Equal("http", seen["X-Forwarded-Proto"]);
        Assert.DoesNotContain("claimed", seen.Values);
        Assert.Equal(["kept", "kept"], [seen["X-Requested-With"], seen["X_Own"]]);
    }

    [Fact]
    public async Task Events_ArriveOneByOne()
    {
        var (owner, organizationId, projectId) = await site.Project();
        var target = await site.Add(organizationId, projectId, owner.Id);
        var token = await target.Token(owner);
        var id = Guid.NewGuid().ToString("N");

        using var answer = await target.Send(token, $"/events/{id}");
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync());
        var write = await site.Upstream.StreamOf(id).Task;
        foreach (var text in new[] { "one", "two" })
        {
            // Nothing follows yet: what a proxy holds back would never come.
            await write(text);
            Assert.Equal($"data: {text}", await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60)));
            await reader.ReadLineAsync();
        }
    }

    [Fact]
    public async Task Answer_OfAHostileContainer_StaysOnItsHost()
    {
        var (owner, organizationId, projectId) = await site.Project();
        var target = await site.Add(organizationId, projectId, owner.Id);
        var token = await target.Token(owner);

        using var answer = await target.Send(token, "/hostile");

        Assert.Equal(["a=1; Path=/; HttpOnly", "b=2"], answer.Headers.GetValues("Set-Cookie"));
        Assert.False(answer.Headers.Contains("Clear-Site-Data"));
        Assert.False(answer.Headers.Contains("Alt-Svc"));
        Assert.False(answer.Headers.Contains("X-Frame-Options"));
        Assert.Equal(["default-src *", $"frame-ancestors 'self' {site.Site.Url.ToString().TrimEnd('/')}"], answer.Headers.GetValues("Content-Security-Policy"));
        // A service that isn't for embedding keeps its own word.
        using var api = await target.Send(token, "/hostile", service: "api");
        Assert.Equal(["DENY"], api.Headers.GetValues("X-Frame-Options"));
    }

    [Fact]
    public async Task Request_OfAnotherContainersPage_IsRefused()
    {
        var (owner, organizationId, projectId) = await site.Project();
        var (target, hostile) = (await site.Add(organizationId, projectId, owner.Id), await site.Add(organizationId, projectId, owner.Id));
        var visitor = new Visitor(site);
        await visitor.LogIn(owner);
        using var entered = await visitor.Follow(target.Url());

        Assert.Null(await visitor.Open(target.Url("/echo"), hostile.Origin));
        Assert.Null(await visitor.Open(target.Url("/echo"), "null"));
        Assert.Null(await visitor.Open(target.Url("/echo"), site.Site.Url.GetLeftPart(UriPartial.Authority)));
        using (var own = await visitor.Open(target.Url("/echo"), target.Origin))
            Assert.NotNull(own);
        using (var posted = await visitor.Post(target.Url("/headers"), [], hostile.Url()))
            Assert.Equal(HttpStatusCode.Forbidden, posted.StatusCode);
        using (var posted = await visitor.Post(target.Url("/headers"), [], target.Url(service: "api")))
        {
            // Another service of the same container is the container.
            Assert.Equal(HttpStatusCode.OK, posted.StatusCode);
        }
        foreach (var (mode, expected) in new[] { ("no-cors", HttpStatusCode.Forbidden), ("cors", HttpStatusCode.Forbidden), ("navigate", HttpStatusCode.OK) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, target.Url("/headers"));
            request.Headers.Add("Sec-Fetch-Site", "same-site");
            request.Headers.Add("Sec-Fetch-Mode", mode);
            request.Headers.Referrer = hostile.Url();
            using var answer = await visitor.Send(request);
            Assert.Equal(expected, answer.StatusCode);
        }
    }

    [Fact]
    public async Task Container_ThatProxiesToItself_IsStopped()
    {
        var (owner, organizationId, projectId) = await site.Project();
        var target = await site.Add(organizationId, projectId, owner.Id);
        site.Upstream.LoopToken = await target.Token(owner);

        using var answer = await target.Send(site.Upstream.LoopToken, "/loop");

        Assert.Equal(HttpStatusCode.LoopDetected, answer.StatusCode);
    }

    [Theory]
    [InlineData(ContainerState.Queued, 503, "container.queued")]
    [InlineData(ContainerState.Pulling, 503, "container.pulling")]
    [InlineData(ContainerState.Starting, 503, "container.starting")]
    [InlineData(ContainerState.Stopping, 503, "container.stopping")]
    [InlineData(ContainerState.Stopped, 503, "container.stopped")]
    [InlineData(ContainerState.Failed, 503, "container.failed")]
    public async Task Container_ThatDoesntRun_SaysWhy(ContainerState state, int status, string code)
    {
        var (owner, organizationId, projectId) = await site.Project();
        var target = await site.Add(organizationId, projectId, owner.Id, state: state);
        await site.Change(target.Id, container => container.Reason = "Because of <this>.");
        var visitor = new Visitor(site);
        await visitor.LogIn(owner);

        using var page = await visitor.Follow(target.Url("/work"));
        var html = await page.Content.ReadAsStringAsync();
        Assert.Equal(status, (int)page.StatusCode);
        Assert.Contains("Ann&#39;s &lt;notebook&gt;", html);
        Assert.Contains("Because of &lt;this&gt;.", html);
        Assert.Equal(state is ContainerState.Stopped or ContainerState.Failed, html.Contains("data-testid=\"start\""));
        Assert.Contains($"frame-ancestors 'self' {site.Site.Url.ToString().TrimEnd('/')}", page.Headers.GetValues("Content-Security-Policy").Single());

        var token = await target.Token(owner);
        using var problem = await target.Send(token, "/work");
        Assert.Equal(status, (int)problem.StatusCode);
        Assert.Equal(code, (string)JsonNode.Parse(await problem.Content.ReadAsStringAsync())!["code"]!);
        Assert.NotNull(problem.Headers.RetryAfter);

        // It comes up: the page's own question says so.
        await site.Change(target.Id, container => container.State = ContainerState.Running);
        await PlatformFixture.Until(async () =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, target.Url("/.demiurge/status"));
            request.Headers.Add("Sec-Fetch-Site", "same-origin");
            using var answer = await visitor.Send(request);
            return (bool)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["up"]!;
        }, "the page to hear that the container is up");
    }

    [Fact]
    public async Task Service_ThatNobodyAnswersFor_IsExplained()
    {
        var (owner, organizationId, projectId) = await site.Project();
        var target = await site.Add(organizationId, projectId, owner.Id);
        var visitor = new Visitor(site);
        await visitor.LogIn(owner);

        using var page = await visitor.Follow(target.Url(service: "dead"));
        Assert.Equal(HttpStatusCode.BadGateway, page.StatusCode);
        Assert.Contains("port 82", await page.Content.ReadAsStringAsync());
        using var problem = await target.Send(await target.Token(owner), service: "dead");
        Assert.Equal("container.not_answering", (string)JsonNode.Parse(await problem.Content.ReadAsStringAsync())!["code"]!);
    }

    [Fact]
    public async Task Start_FromAnotherPage_IsRefused()
    {
        var (owner, organizationId, projectId) = await site.Project();
        var (target, hostile) = (await site.Add(organizationId, projectId, owner.Id, state: ContainerState.Stopped), await site.Add(organizationId, projectId, owner.Id));
        var visitor = new Visitor(site);
        await visitor.LogIn(owner);
        using var page = await visitor.Follow(target.Url());
        var token = System.Text.RegularExpressions.Regex.Match(await page.Content.ReadAsStringAsync(), "name=\"token\" value=\"([^\"]*)\"").Groups[1].Value;
        Assert.NotEmpty(token);

        foreach (var (form, from) in new[] { (token, hostile.Url()), (token, site.Site.Url), ("forged", target.Url()), (token, target.Url(service: "api")) })
        {
            using var refused = await visitor.Post(target.Url("/.demiurge/start"), new() { ["token"] = form, ["return"] = "/" }, from);
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        }
        using var asked = await visitor.Post(target.Url("/.demiurge/start"), new() { ["token"] = token, ["return"] = "/" }, target.Url());
        Assert.NotEqual(HttpStatusCode.Forbidden, asked.StatusCode);
    }

    [Fact]
    public async Task Use_IsReported_AndPingsAreNot()
    {
        var (owner, organizationId, projectId) = await site.Project();
        var (used, silent) = (await site.Add(organizationId, projectId, owner.Id), await site.Add(organizationId, projectId, owner.Id));
        var (usedToken, silentToken) = (await used.Token(owner), await silent.Token(owner));
        var visitor = new Visitor(site);
        using var busy = await visitor.Open(used.Url("/echo"), options: options => options.SetRequestHeader("Demiurge-Token", usedToken));
        using var quiet = await visitor.Open(silent.Url("/echo"), options: options =>
        {
            options.SetRequestHeader("Demiurge-Token", silentToken);
            options.KeepAliveInterval = TimeSpan.FromMilliseconds(100);
        });
        await Until(async () => await LastUsed(silent) > DateTimeOffset.UtcNow.AddMinutes(-5));
        await Until(async () => await LastUsed(used) > DateTimeOffset.UtcNow.AddMinutes(-5));
        foreach (var target in new[] { used, silent })
            await site.Change(target.Id, container => container.LastActivityAt = DateTimeOffset.UtcNow.AddHours(-1));

        Assert.Equal("hi", await busy!.Echo("hi"));

        await Until(async () => await LastUsed(used) > DateTimeOffset.UtcNow.AddMinutes(-5));
        Assert.True(await LastUsed(silent) < DateTimeOffset.UtcNow.AddMinutes(-5), "Pings kept a container from being idle.");

        async Task<DateTimeOffset> LastUsed(Target target)
        {
            await using var db = site.Db();
            return await db.Set<Container>().Where(row => row.Id == target.Id).Select(row => row.LastActivityAt).SingleAsync();
        }

        static Task Until(Func<Task<bool>> condition) => PlatformFixture.Until(condition, "the use to be reported");
    }

    [Fact]
    public async Task Organization_Asleep_IsWokenByWhoMay()
    {
        var (owner, organizationId, projectId) = await site.CreateProject();
        var target = await site.Add(organizationId, projectId, owner.Id);
        var token = await target.Token(owner);
        Assert.Null(await site.GatewayOf(organizationId));

        using (var bare = await target.Send(null))
            Assert.Equal(HttpStatusCode.ServiceUnavailable, bare.StatusCode);
        using (var wrong = await target.Send("wrong"))
            Assert.Equal(HttpStatusCode.ServiceUnavailable, wrong.StatusCode);
        Assert.Null(await site.GatewayOf(organizationId));
        using var script = await target.Send(token, "/hello");
        Assert.Equal("hello from /hello", await script.Content.ReadAsStringAsync());
        Assert.NotNull(await site.GatewayOf(organizationId));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: {host}\r\nHost: demiurge.localhost\r\n\r\n", "400")]
    [InlineData("GET / HTTP/1.1\r\n\r\n", "400")]
    [InlineData("GET / HTTP/1.1\r\nHost: {host}@evil\r\n\r\n", "400")]
    [InlineData("GET / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "400")]
    [InlineData("POST /upload HTTP/1.1\r\nHost: {host}\r\nDemiurge-Token: {token}\r\nTransfer-Encoding: xchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "400")]
    [InlineData("POST /upload HTTP/1.1\r\nHost: {host}\r\nDemiurge-Token: {token}\r\nTransfer-Encoding: chunked\r\n\r\n5;\nhello\r\n0\r\n\r\n", "400")]
    [InlineData("GET / HTTP/1.1\r\nHost: {host}\r\nX: {huge}\r\n\r\n", "431")]
    [InlineData("GET /{huge} HTTP/1.1\r\nHost: {host}\r\n\r\n", "414")]
    [InlineData("GET / HTTP/1.1\r\nHost: {host}\r\nX : y\r\n\r\n", "400")]
    [InlineData("GET http://demiurge.localhost/ HTTP/1.1\r\nHost: {host}\r\n\r\n", "400")]
    public async Task Request_Malformed_IsRefusedAtTheEdge(string raw, string status)
    {
        var (owner, organizationId, projectId) = await site.Project();
        var target = await site.Add(organizationId, projectId, owner.Id);
        var token = await target.Token(owner);
        (await target.Send(token)).Dispose();

        var answer = await Raw(raw.Replace("{host}", target.Url().Authority).Replace("{token}", token).Replace("{huge}", new string('a', 40_000)));

        Assert.StartsWith($"HTTP/1.1 {status}", answer);
        using var still = await target.Send(token, "/hello");
        Assert.Equal("hello from /hello", await still.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Request_WithTwoLengths_ReachesTheContainerAsOne()
    {
        var (owner, organizationId, projectId) = await site.Project();
        var target = await site.Add(organizationId, projectId, owner.Id);
        var token = await target.Token(owner);
        (await target.Send(token)).Dispose();

        // The body is chunked, and holds what would be a second request by its length.
        var answer = await Raw($"POST /upload HTTP/1.1\r\nHost: {target.Url().Authority}\r\nDemiurge-Token: {token}\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            + "27\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\nabcd\r\n0\r\n\r\n");

        Assert.True(answer.StartsWith("HTTP/1.1 400") || answer.Contains("\r\n39\r\n") || answer.EndsWith("39"), answer);
        Assert.DoesNotContain("smuggled", answer);
    }

    [Fact]
    public async Task Control_OfAGateway_IsOutOfReach()
    {
        var (owner, organizationId, projectId) = await site.Project();
        await owner.Open(projectId);
        foreach (var path in new[] { "/status", "/containers/changed", "/access/revoke", "/collab/start", "/svc", $"/svc/{Guid.NewGuid()}/terminal/../../status" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"http://org-{organizationId}.{site.Site.Url.Authority}{path}");
            using var answer = await site.Wire.SendAsync(request, CancellationToken.None);
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        }
    }

    /// <summary>In bytes, the most that a process ever had in memory (proc(5), VmHWM).</summary>
    private static long PeakMemory(int processId) =>
        1024 * long.Parse(File.ReadLines($"/proc/{processId}/status").Single(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);

    private async Task<Task> OpenStream(Target target, string token)
    {
        var id = Guid.NewGuid().ToString("N");
        var answer = await target.Send(token, $"/events/{id}");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        await site.Upstream.StreamOf(id).Task;
        return site.Upstream.GoneOf(id).Task;
    }

    private async Task<string> Raw(string request)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, site.Site.Url.Port);
        using var stream = new NetworkStream(socket);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        try
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(request), patience.Token);
        }
        catch (IOException)
        {
            // It was refused before all was sent.
        }
        using var answer = new MemoryStream();
        try
        {
            await stream.CopyToAsync(answer, patience.Token);
        }
        catch (IOException) when (answer.Length > 0)
        {
            // Reset after the answer.
        }
        return Encoding.ASCII.GetString(answer.ToArray());
    }

    /// <summary>So many zeros, made as they are read.</summary>
    private sealed class Zeros(long length) : Stream
    {
        private long left = length;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            var read = (int)Math.Min(count, left);
            Array.Clear(buffer, offset, read);
            left -= read;
            return read;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
