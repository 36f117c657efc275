using System.Net.Http.Headers;
using System.Text.Json;

namespace Demiurge.Web.Hosting;

/// <summary>
/// The public API of the environment that runs here, for commands: as the person of the access token in <c>DEMIURGE_TOKEN</c>, or of the demo.
/// </summary>
internal sealed class CommandLineApi : IDisposable
{
    private readonly HttpClient http;

    private CommandLineApi(RunningWeb web)
    {
        http = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://127.0.0.1:{web.Port}/api/v1/"), Timeout = TimeSpan.FromMinutes(10) };
        http.DefaultRequestHeaders.Host = new Uri(web.Url).Authority;
    }

    /// <exception cref="SiteEnvironmentException">Nothing runs here, or nobody is named.</exception>
    public static async Task<CommandLineApi> SignIn(SiteEnvironment environment)
    {
        var web = RunningWeb.Find(environment.DataPath) ?? throw new SiteEnvironmentException("Demiurge doesn't run here. Start it by `./demiurge up`.");
        var api = new CommandLineApi(web);
        var token = Environment.GetEnvironmentVariable("DEMIURGE_TOKEN");
        if (string.IsNullOrEmpty(token))
        {
            var demo = Path.Combine(environment.DataPath, "demo.json");
            if (!File.Exists(demo))
                throw new SiteEnvironmentException("Set DEMIURGE_TOKEN to an access token (POST /api/v1/auth/login), or make the demo's account by `./demiurge demo`.");
            var account = JsonDocument.Parse(await File.ReadAllTextAsync(demo)).RootElement;
            var session = await api.Call(HttpMethod.Post, "auth/login", new { email = account.GetProperty("email").GetString(), password = account.GetProperty("password").GetString() });
            token = session.GetProperty("accessToken").GetString();
        }

        api.http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return api;
    }

    /// <summary>The answer; an undefined element when it is empty.</summary>
    /// <exception cref="SiteEnvironmentException">It was refused, in the words of the refusal.</exception>
    public async Task<JsonElement> Call(HttpMethod method, string path, object? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        using var response = await http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        var answer = text.Length > 0 ? JsonDocument.Parse(text).RootElement : default;
        return response.IsSuccessStatusCode ? answer
            : throw new SiteEnvironmentException(
                answer.ValueKind == JsonValueKind.Object && answer.TryGetProperty("detail", out var detail) && detail.GetString() is { } why ? why : $"Web answered {(int)response.StatusCode}.");
    }

    public void Dispose() => http.Dispose();
}
