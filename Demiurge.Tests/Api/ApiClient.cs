using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Api;

/// <summary>What the API answered.</summary>
internal sealed record Answer(HttpResponseMessage Response, JsonNode? Body)
{
    public int Status => (int)Response.StatusCode;

    public string? Code => (string?)Body?["code"];

    public JsonNode this[string key] => Body![key]!;

    /// <summary>Asserts the status, and that a refusal is a complete problem document.</summary>
    public Answer Expect(int status, string? code = null)
    {
        Assert.True(Status == status, $"{status} expected, but got {Status}: {Body}");
        if (status < 400)
            return this;
        Assert.Equal("application/problem+json", Response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(status, (int)this["status"]);
        Assert.Equal($"urn:demiurge:{Code}", (string?)this["type"]);
        Assert.NotEmpty((string?)this["title"] ?? "");
        Assert.NotEmpty((string?)this["detail"] ?? "");
        Assert.NotEmpty((string?)this["traceId"] ?? "");
        if (code is not null)
            Assert.Equal(code, Code);
        return this;
    }
}

/// <summary>A client of the API, signed in or not.</summary>
internal sealed class ApiClient(HttpClient http, string email = "")
{
    public string Email => email;

    public Guid UserId { get; private init; }

    public string RefreshToken { get; private init; } = "";

    public static ApiClient Anonymous(WebFixture web) => new(web.CreateClient());

    /// <summary>A new account's client.</summary>
    public static async Task<ApiClient> Register(WebFixture web)
    {
        var email = People.NewEmail();
        var session = (await Anonymous(web).Post("auth/register", new { email, displayName = "Ann", password = People.Password })).Expect(201);
        return SignedIn(web, session, email);
    }

    public Task<Answer> Get(string path) => Send(HttpMethod.Get, path);

    public Task<Answer> Post(string path, object? body = null) => Send(HttpMethod.Post, path, body is null ? null : JsonContent.Create(body));

    public Task<Answer> Patch(string path, object body) => Send(HttpMethod.Patch, path, JsonContent.Create(body));

    public Task<Answer> Put(string path, object body) => Send(HttpMethod.Put, path, JsonContent.Create(body));

    public Task<Answer> Delete(string path) => Send(HttpMethod.Delete, path);

    public async Task<Answer> Send(HttpMethod method, string path, HttpContent? content = null, Action<HttpRequestMessage>? configure = null)
    {
        using var request = new HttpRequestMessage(method, path.StartsWith('/') ? path : $"/api/v1/{path}") { Content = content };
        configure?.Invoke(request);
        var response = await http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return new Answer(response, response.Content.Headers.ContentType?.MediaType?.EndsWith("json", StringComparison.Ordinal) == true ? JsonNode.Parse(text) : null);
    }

    public static ApiClient SignedIn(WebFixture web, Answer session, string email)
    {
        var http = web.CreateClient();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (string?)session["accessToken"]);
        return new ApiClient(http, email) { UserId = (Guid)session["user"]["id"]!, RefreshToken = (string)session["refreshToken"]! };
    }
}
