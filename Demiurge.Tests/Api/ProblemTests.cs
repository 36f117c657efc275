using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Demiurge.Tests.Infrastructure;
using Demiurge.Web.Accounts;
using Demiurge.Web.Api;

namespace Demiurge.Tests.Api;

/// <summary>Whatever is wrong with a request, the answer is a problem document.</summary>
public sealed class ProblemTests(WebFixture web) : IClassFixture<WebFixture>
{
    [Theory]
    [InlineData("GET", "/api/v1/nothing", 404, "request.no_such_address")]
    [InlineData("GET", "/api/v2/me", 404, "request.no_such_address")]
    [InlineData("GET", "/api", 404, "request.no_such_address")]
    [InlineData("GET", "/api/v1/organizations/not-an-id", 404, "request.no_such_address")]
    [InlineData("DELETE", "/api/v1/me", 405, "request.method_not_allowed")]
    [InlineData("GET", "/api/v1/auth/login", 405, "request.method_not_allowed")]
    [InlineData("GET", "/api/v1/me", 401, "token.missing")]
    [InlineData("POST", "/api/v1/organizations", 401, "token.missing")]
    public async Task Address_WithoutAToken_IsRefused(string method, string path, int status, string code) =>
        (await ApiClient.Anonymous(web).Send(new HttpMethod(method), path)).Expect(status, code);

    [Theory]
    [InlineData("Bearer", "token.invalid")]
    [InlineData("Bearer x", "token.invalid")]
    [InlineData("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", "token.invalid")]
    [InlineData("Basic YWRtaW46YWRtaW4=", "token.invalid")]
    public async Task Authorization_ThatIsNoToken_IsRefused(string header, string code)
    {
        var answer = await ApiClient.Anonymous(web).Send(
            HttpMethod.Get, "me", configure: request => request.Headers.TryAddWithoutValidation("Authorization", header));
        answer.Expect(401, code);
        Assert.Contains("invalid_token", answer.Response.Headers.WwwAuthenticate.ToString());
    }

    [Theory]
    [InlineData("{")]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("\"text\"")]
    [InlineData("{\"email\":\"a@example.org\"}")]
    [InlineData("{\"email\":5,\"password\":\"x\"}")]
    [InlineData("{\"email\":null,\"password\":{}}")]
    [InlineData("{\"email\":\"a@example.org\",\"password\":\"x\",\"admin\":true}")]
    [InlineData("{\"email\":\"a@example.org\",\"email\":\"b@example.org\",\"password\":\"x\"}")]
    [InlineData("{\"email\":\"\\ud800\",\"password\":\"x\"}")]
    public async Task Body_Malformed_IsRefused(string body) =>
        (await ApiClient.Anonymous(web).Send(HttpMethod.Post, "auth/login", Json(body))).Expect(400, "request.malformed");

    [Theory]
    [InlineData("{\"email\":\"a@example.org\"}", "'password' is missing")]
    [InlineData("{\"email\":5,\"password\":\"x\"}", "email")]
    [InlineData("{\"email\":\"a@example.org\",\"password\":\"x\",\"admin\":true}", "'admin'")]
    [InlineData("{\"email\":\"a@example.org\",\"email\":\"b@example.org\",\"password\":\"x\"}", "'email'")]
    public async Task Body_Malformed_IsExplainedWithoutOurTypes(string body, string explanation)
    {
        var detail = (string?)(await ApiClient.Anonymous(web).Send(HttpMethod.Post, "auth/login", Json(body))).Expect(400)["detail"];
        Assert.Contains(explanation, detail);
        Assert.DoesNotContain("Demiurge.", detail);
    }

    [Fact]
    public async Task Body_DeeplyNested_IsRefused() =>
        (await ApiClient.Anonymous(web).Send(HttpMethod.Post, "auth/login", Json(new string('[', 20_000)))).Expect(400, "request.malformed");

    [Fact]
    public async Task Body_OfAnotherType_IsRefused()
    {
        var form = new FormUrlEncodedContent([new("email", "a@example.org"), new("password", "x")]);
        (await ApiClient.Anonymous(web).Send(HttpMethod.Post, "auth/login", form)).Expect(415, "request.unsupported_media_type");
    }

    [Fact]
    public async Task Body_TooLarge_IsRefused() =>
        (await ApiClient.Anonymous(web).Send(HttpMethod.Post, "auth/login", Json($"{{\"email\":\"{new string('a', ApiRequests.MaxBodyLength)}\",\"password\":\"x\"}}")))
            .Expect(413, "request.too_large");

    [Fact]
    public async Task Role_Unknown_IsRefused()
    {
        var ann = await ApiClient.Register(web);
        var organization = (await ann.Post("organizations", new { name = "Acme" })).Expect(201);
        foreach (var role in new[] { "\"emperor\"", "2", "null", "\"owner, admin\"", "[]" })
        {
            (await ann.Send(HttpMethod.Post, $"organizations/{organization["id"]}/invitations", Json($"{{\"email\":\"b@example.org\",\"role\":{role}}}")))
                .Expect(400);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("a\u0000b")]
    [InlineData("a\nb")]
    [InlineData("\u202Egnp.exe")]
    public async Task Name_Unusable_IsRefusedWithTheField(string name)
    {
        var ann = await ApiClient.Register(web);
        var answer = (await ann.Post("organizations", new { name })).Expect(400);
        Assert.Equal("name", (string?)answer["field"]);
    }

    [Fact]
    public async Task Name_TooLong_IsRefused()
    {
        var ann = await ApiClient.Register(web);
        (await ann.Post("organizations", new { name = new string('x', 81) })).Expect(400, "input.too_long");
        (await ann.Post("organizations", new { name = $"  {new string('x', 80)}  " })).Expect(201);
    }

    [Fact]
    public async Task Cookie_OfASignedInBrowser_OpensNothing()
    {
        var answer = await ApiClient.Anonymous(web).Send(
            HttpMethod.Get, "me", configure: request => request.Headers.Add("Cookie", "demiurge.session=anything"));
        answer.Expect(401, "token.missing");
    }

    [Fact]
    public async Task Problem_ForAClientThatPrefersHtml_IsStillJson()
    {
        var answer = await ApiClient.Anonymous(web).Send(
            HttpMethod.Get, "nothing", configure: request => request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/html")));
        answer.Expect(404);
    }

    private static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");
}

/// <summary>The limit by network address.</summary>
public sealed class CredentialRateLimitTests(CredentialRateLimitTests.LimitedWeb web) : IClassFixture<CredentialRateLimitTests.LimitedWeb>
{
    [Fact]
    public async Task LogIn_TooOftenFromOneAddress_IsRefusedWithAProblem()
    {
        var client = ApiClient.Anonymous(web);
        for (var attempt = 0; attempt < 3; attempt++)
            (await client.Post("auth/login", new { email = People.NewEmail(), password = "wrong" })).Expect(401, "account.credentials_refused");

        var refused = (await client.Post("auth/login", new { email = People.NewEmail(), password = "wrong" })).Expect(429, "request.too_many");

        Assert.NotNull(refused.Response.Headers.RetryAfter);
        (await client.Get("me")).Expect(401);
    }

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", true)]
    [InlineData("2001:db8::1", "2001:db8::ffff:1:2:3", true)]
    [InlineData("2001:db8::1", "2001:db8:0:1::1", false)]
    public void Networks_AreCountedAsWhoeverHasThem(string one, string other, bool together) =>
        Assert.Equal(together, CredentialRateLimit.NetworkOf(IPAddress.Parse(one)) == CredentialRateLimit.NetworkOf(IPAddress.Parse(other)));

    public sealed class LimitedWeb : WebFixture
    {
        protected override IReadOnlyDictionary<string, string> Settings { get; } =
            new Dictionary<string, string> { ["Demiurge:Accounts:CredentialRequestsPerMinute"] = "3" };
    }
}
