using System.Text;
using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Reaching;
using Demiurge.Core.Gateways;
using Demiurge.Gateway.Proxy;
using Demiurge.Tests.Infrastructure;
using Demiurge.Web.Accounts;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace Demiurge.Tests.Containers.Reaching;

/// <summary>The parts of the way to a container that can be looked at alone.</summary>
public sealed class ReachingPartsTests
{
    private const string Organization = "0192f0c1-1111-7000-8000-000000000001", Id = "0192f0c1-2222-7000-8000-000000000002";

    [Theory]
    [InlineData($"uc-{Id}.org-{Organization}.demiurge.localhost", "main")]
    [InlineData($"UC-{Id}--API.ORG-{Organization}.Demiurge.localhost", "api")]
    [InlineData($"uc-{Id}--web-2.org-{Organization}.demiurge.localhost", "web-2")]
    [InlineData($"uc-{Id}--main.org-{Organization}.demiurge.localhost", null)]
    [InlineData($"uc-{Id}--.org-{Organization}.demiurge.localhost", null)]
    [InlineData($"uc-{Id}-api.org-{Organization}.demiurge.localhost", null)]
    [InlineData($"uc-{Id}--a--b.org-{Organization}.demiurge.localhost", null)]
    [InlineData($"uc-{Id}--a_b.org-{Organization}.demiurge.localhost", null)]
    [InlineData($"uc-{Id}--abcdefghijklmnopqrstuvw.org-{Organization}.demiurge.localhost", null)]
    [InlineData($"x.uc-{Id}.org-{Organization}.demiurge.localhost", null)]
    [InlineData($"uc-{Id}.org-{Organization}.xdemiurge.localhost", null)]
    [InlineData($"uc-{Id}.org-{Organization}demiurge.localhost", null)]
    [InlineData($"uc-.org-{Organization}.demiurge.localhost", null)]
    [InlineData(".demiurge.localhost", null)]
    [InlineData("demiurge.localhost", null)]
    [InlineData("", null)]
    public void HostName_IsReadOrRefused(string host, string? service)
    {
        var read = ContainerHostName.TryParse(host, "demiurge.localhost", out var name);

        Assert.Equal(service is not null, read);
        if (!read)
            return;
        Assert.Equal((Guid.Parse(Organization), Guid.Parse(Id), service), (name.OrganizationId, name.ContainerId, name.Service));
        var urls = new ContainerUrls(Options.Create(new Core.SiteOptions()));
        Assert.Equal(host.ToLowerInvariant(), urls.Host(name.OrganizationId, name.ContainerId, name.Service));
    }

    [Fact]
    public void Cookie_IsReadAsIssued_UntilItEnds_AndByItsKeyAlone()
    {
        var time = new MovableTime();
        var cookie = new VisitorCookie(new byte[32], isSecure: true, time);
        var visitor = ContainerVisitor.User(Guid.NewGuid(), "stamp", Guid.NewGuid());
        var id = Guid.NewGuid();
        var header = cookie.Issue(id, visitor, null);
        Assert.Contains("; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax; Secure", header);
        var value = header.Split(';')[0]["__Host-demiurge=".Length..];

        var pass = cookie.Read(value)!;
        Assert.Equal((id, visitor, null), (pass.ContainerId, pass.Visitor, pass.Until));
        Assert.Null(new VisitorCookie([1, .. new byte[31]], true, time).Read(value));
        for (var i = 0; i < value.Length; i++)
        {
            // The last character of base64 without padding has bits that say nothing, but our own writing of it is the only one taken.
            Assert.Null(cookie.Read(string.Concat(value.AsSpan(0, i), value[i] == 'A' ? "B" : "A", value.AsSpan(i + 1))));
            Assert.Null(cookie.Read(value.AsSpan(0, i)));
        }

        time.Advance(VisitorCookie.Lifetime);
        Assert.Null(cookie.Read(value));
        // A link's guest goes with the link.
        var guest = cookie.Issue(id, ContainerVisitor.Link(Guid.NewGuid()), time.GetUtcNow().AddMinutes(1));
        Assert.Contains("Max-Age=60", guest);
    }

    [Theory]
    [InlineData("a=1; __Host-demiurge=x; b=2", "x", "a=1; b=2")]
    [InlineData("__Host-demiurge=x", "x", "")]
    [InlineData("a=__Host-demiurge=x", "", "a=__Host-demiurge=x")]
    [InlineData("a__Host-demiurge=x; c", "", "a__Host-demiurge=x; c")]
    [InlineData("__Host-demiurge=x;__Host-demiurge=y", "x", "")]
    [InlineData(" __Host-demiurge =x", "x", "")]
    [InlineData("__Host-demiurge", "", "")]
    [InlineData("", "", "")]
    public void RequestCookies_FindAndRemoveOurs(string header, string found, string left)
    {
        // A name with blanks around it is the same name to some servers, so it is removed, too; which value is found then doesn't matter.
        if (!header.StartsWith(' '))
            Assert.Equal(found, RequestCookies.Find(header, "__Host-demiurge").ToString());
        Assert.Equal(left, RequestCookies.Without(header, "__Host-demiurge").ToString());
    }

    [Fact]
    public void WebSocketFrames_TellDataFromPings_HoweverTheyAreCut()
    {
        byte[] ping = [0x89, 0x82, 1, 2, 3, 4, 9, 9], text = [0x81, 0x83, 1, 2, 3, 4, 7, 7, 7], empty = [0x8A, 0x00];
        byte[] medium = [0x82, 126, 1, 0, .. new byte[256]], large = [0x02, 127, 0, 0, 0, 0, 0, 1, 0, 0, .. new byte[65536]];
        foreach (var size in new[] { 1, 2, 3, 7, 1000, 100_000 })
        {
            var frames = new WebSocketFrames();
            var data = new List<bool>();
            foreach (var frame in new[] { ping, text, empty, medium, ping, large, ping })
            {
                var any = false;
                foreach (var part in frame.Chunk(size))
                    any |= frames.HasData(part);
                data.Add(any);
            }
            Assert.Equal([false, true, false, true, false, true, false], data);
        }
    }

    [Fact]
    public void Ports_AreReadFromTheKernelsTable()
    {
        const string table = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
               1: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
               2: 00000000:01BB 00000000:0000 01 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
              sl  local_address                         remote_address                        st
               0: 00000000000000000000000000000000:22B8 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000
               1: 00000000000000000000000001000000:0051 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000
            """;
        Assert.Equal([8080, 8888], ContainerPorts.Read(table));
        Assert.Null(ContainerPorts.Read("sh: cat: not found"));
        Assert.Equal([], ContainerPorts.Read("  sl  local_address rem_address   st\n")!);
    }

    [Fact]
    public void HostBoundCookies_TakeNobodyElses_AndBindOurs()
    {
        Assert.Equal("session=a; theme=dark", HostBoundCookies.Read("session=tossed; __Host-session=a; theme=dark; x=1").ToString());
        Assert.Equal("", HostBoundCookies.Read("session=tossed").ToString());
        Assert.Equal(
            "__Host-session=a; expires=Thu, 01 Jan 1970 00:00:00 GMT; httponly; path=/; secure",
            HostBoundCookies.Write(new StringValues("session=a; Domain=x.y; expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/sub; httponly")).ToString());
    }

    [Theory]
    [InlineData("GET", "/", "http://uc-1.org-2.demiurge.localhost", null, false, true)]
    [InlineData("POST", "/account/login", "http://demiurge.localhost:5080", null, false, true)]
    [InlineData("POST", "/account/login", null, null, false, true)]
    [InlineData("POST", "/account/login", "http://uc-1.org-2.demiurge.localhost:5080", null, false, false)]
    [InlineData("POST", "/account/login", "null", null, false, false)]
    [InlineData("POST", "/account/login", "null", "cross-site", false, false)]
    [InlineData("POST", "/account/login", "null", "same-site", false, false)]
    [InlineData("POST", "/account/login", "null", "same-origin", false, false)]
    [InlineData("GET", "/_blazor", "null", "same-origin", true, false)]
    [InlineData("GET", "/_blazor/negotiate", null, "same-site", false, false)]
    [InlineData("POST", "/account/login", null, "same-site", false, false)]
    [InlineData("DELETE", "/api/v1/projects/1", "https://evil.example", "cross-site", false, false)]
    [InlineData("GET", "/_blazor", "http://uc-1.org-2.demiurge.localhost:5080", null, true, false)]
    [InlineData("GET", "/_blazor", "http://demiurge.localhost:5080", null, true, true)]
    [InlineData("GET", "/anything", "http://evil.example", null, true, false)]
    public void OriginCheck_LetsOnlyOwnPagesAct(string method, string path, string? origin, string? fetchSite, bool isWebSocket, bool own)
    {
        var context = new DefaultHttpContext();
        context.Request.Method = method;
        context.Request.Path = path;
        context.Request.Scheme = "http";
        context.Request.Host = new HostString("demiurge.localhost:5080");
        if (origin is not null)
            context.Request.Headers.Origin = origin;
        if (fetchSite is not null)
            context.Request.Headers["Sec-Fetch-Site"] = fetchSite;
        if (isWebSocket)
            context.Request.Headers.Upgrade = "websocket";

        Assert.Equal(own, OriginCheck.IsOwn(context.Request, "http://demiurge.localhost:5080"));
    }

    [Theory]
    [InlineData("/lab?x=1", "/lab?x=1")]
    [InlineData("//evil.example", "/")]
    [InlineData("/\\evil.example", "/")]
    [InlineData("/a\\b", "/")]
    [InlineData("https://evil.example", "/")]
    [InlineData("/a\r\nSet-Cookie: x", "/")]
    [InlineData(null, "/")]
    public void ReturnPath_StaysOnTheHost(string? path, string expected) => Assert.Equal(expected, ContainerTickets.LocalPath(path));

    [Theory]
    [InlineData("user:x:y:z")]
    [InlineData("link:1")]
    [InlineData("token:short")]
    [InlineData("admin:")]
    [InlineData("")]
    [InlineData(null)]
    public void Visitor_Malformed_IsNobody(string? text) => Assert.False(ContainerVisitor.TryParse(text, out _));

    [Fact]
    public void Visitor_IsReadAsWritten()
    {
        foreach (var visitor in new[] { ContainerVisitor.User(Guid.NewGuid(), "s", Guid.NewGuid()), ContainerVisitor.User(Guid.NewGuid(), null, default), ContainerVisitor.Link(Guid.NewGuid()), ContainerVisitor.Token("t") })
        {
            Assert.True(ContainerVisitor.TryParse(visitor.ToString(), out var read));
            Assert.Equal(visitor, read);
        }
    }
}
