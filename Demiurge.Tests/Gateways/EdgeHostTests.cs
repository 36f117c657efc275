using System.Net;
using Demiurge.Tests.Infrastructure;
using Demiurge.Web.Edge;

namespace Demiurge.Tests.Gateways;

public sealed class EdgeHostTests
{
    private static readonly Guid Id = Guid.Parse("0192f0c1-1111-7000-8000-000000000001"), Other = Guid.Parse("0192f0c1-2222-7000-8000-000000000002");

    [Theory]
    [InlineData("demiurge.localhost", EdgeHostKind.Site)]
    [InlineData("DEMIURGE.localhost", EdgeHostKind.Site)]
    [InlineData("127.0.0.1", EdgeHostKind.Site)]
    [InlineData("localhost", EdgeHostKind.Site)]
    [InlineData("192.168.1.20", EdgeHostKind.Site)]
    [InlineData("[::1]", EdgeHostKind.Site)]
    [InlineData("Boards.example.org", EdgeHostKind.Site)]
    [InlineData("notdemiurge.localhost", EdgeHostKind.Foreign)]
    [InlineData("localhost.attacker.example", EdgeHostKind.Foreign)]
    [InlineData("127.0.0.1.attacker.example", EdgeHostKind.Foreign)]
    [InlineData("demiurge.localhost.attacker.example", EdgeHostKind.Foreign)]
    [InlineData("www.boards.example.org", EdgeHostKind.Foreign)]
    [InlineData("", EdgeHostKind.Foreign)]
    [InlineData("org-0192f0c1-1111-7000-8000-000000000001.demiurge.localhost", EdgeHostKind.Organization)]
    [InlineData("ORG-0192F0C1-1111-7000-8000-000000000001.Demiurge.Localhost", EdgeHostKind.Organization)]
    [InlineData("uc-0192f0c1-2222-7000-8000-000000000002.org-0192f0c1-1111-7000-8000-000000000001.demiurge.localhost", EdgeHostKind.Container)]
    [InlineData("www.demiurge.localhost", EdgeHostKind.Unknown)]
    [InlineData(".demiurge.localhost", EdgeHostKind.Unknown)]
    [InlineData("org-.demiurge.localhost", EdgeHostKind.Unknown)]
    [InlineData("org-0192f0c1111170008000000000000001.demiurge.localhost", EdgeHostKind.Unknown)]
    [InlineData("x.uc-0192f0c1-2222-7000-8000-000000000002.org-0192f0c1-1111-7000-8000-000000000001.demiurge.localhost", EdgeHostKind.Unknown)]
    public void Host_IsRead(string host, EdgeHostKind kind)
    {
        var read = EdgeHost.Parse(host, "demiurge.localhost", "boards.example.org");

        Assert.Equal(kind, read.Kind);
        Assert.Equal(kind is EdgeHostKind.Organization or EdgeHostKind.Container ? Id : default, read.OrganizationId);
        Assert.Equal(kind is EdgeHostKind.Container ? Other : default, read.ContainerId);
    }
}

public sealed class ForeignHostTests(WebFixture web) : IClassFixture<WebFixture>
{
    [Theory]
    [InlineData("/account/login", "text/html", "text/html")]
    [InlineData("/outbox", "text/html", "text/html")]
    [InlineData("/health", "*/*", "application/problem+json")]
    [InlineData("/api/v1/me", "application/json", "application/problem+json")]
    public async Task Request_UnderAForeignName_IsMisdirected(string path, string accept, string answered)
    {
        using var client = web.CreateClient();
        foreach (var (host, isForeign) in new[] { ("attacker.example", true), ("attacker.example:5080", true), ("127.0.0.1:5080", false), ("[::1]:5080", false) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.Host = host;
            request.Headers.Accept.ParseAdd(accept);

            using var response = await client.SendAsync(request);

            Assert.Equal(isForeign, response.StatusCode == HttpStatusCode.MisdirectedRequest);
            if (isForeign)
                Assert.Equal(answered, response.Content.Headers.ContentType?.MediaType);
        }
    }
}
