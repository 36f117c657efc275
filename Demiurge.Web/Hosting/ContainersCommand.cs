using System.Net.Http.Headers;
using System.Text.Json;

namespace Demiurge.Web.Hosting;

/// <summary>
/// <c>containers list|start|stop|logs [ID] [--json]</c>: containers through the public API, as the person of the access token in
/// <c>DEMIURGE_TOKEN</c>, or of the demo. An id may be shortened to what tells it from the others.
/// </summary>
internal sealed class ContainersCommand(RunningWeb web) : IDisposable
{
    private const string Usage = "Write: containers list, or containers start|stop|logs ID.";

    private readonly HttpClient api = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://127.0.0.1:{web.Port}/api/v1/") };

    public static async Task<int> Run(SiteEnvironment environment, string[] args)
    {
        var web = RunningWeb.Find(environment.DataPath) ?? throw new SiteEnvironmentException("Demiurge doesn't run here. Start it by `./demiurge up`.");
        using var command = new ContainersCommand(web);
        await command.SignIn(environment);
        var json = args.Contains("--json");
        switch (args.Where(arg => !arg.StartsWith('-')).Skip(1).ToArray())
        {
            case [] or ["list"]:
                await command.List(json);
                break;
            case ["start" or "stop", var id]:
                var verb = args.First(arg => arg is "start" or "stop");
                var answer = await command.Call(HttpMethod.Post, $"containers/{await command.Find(id)}/{verb}");
                Console.WriteLine(json ? answer.GetRawText() : $"{answer.GetProperty("name").GetString()}: {answer.GetProperty("state").GetString()}");
                break;
            case ["logs", var id]:
                var lines = await command.Call(HttpMethod.Get, $"containers/{await command.Find(id)}/logs");
                if (json)
                    Console.WriteLine(lines.GetRawText());
                else
                    lines.EnumerateArray().ToList().ForEach(line => Console.WriteLine(line.GetProperty("text").GetString()));
                break;
            default:
                throw new SiteEnvironmentException(Usage);
        }
        return 0;
    }

    public void Dispose() => api.Dispose();

    private async Task SignIn(SiteEnvironment environment)
    {
        api.DefaultRequestHeaders.Host = new Uri(web.Url).Authority;
        var token = Environment.GetEnvironmentVariable("DEMIURGE_TOKEN");
        if (string.IsNullOrEmpty(token))
        {
            var demo = Path.Combine(environment.DataPath, "demo.json");
            if (!File.Exists(demo))
                throw new SiteEnvironmentException("Set DEMIURGE_TOKEN to an access token (POST /api/v1/auth/login), or make the demo's account by `./demiurge demo`.");
            var account = JsonDocument.Parse(await File.ReadAllTextAsync(demo)).RootElement;
            var session = await Call(HttpMethod.Post, "auth/login", new { email = account.GetProperty("email").GetString(), password = account.GetProperty("password").GetString() });
            token = session.GetProperty("accessToken").GetString();
        }
        api.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    private async Task List(bool json)
    {
        var containers = await All();
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(containers, JsonSerializerOptions.Web));
            return;
        }
        if (containers.Count == 0)
            Console.WriteLine("There are no containers.");
        foreach (var container in containers)
        {
            var reason = container.GetProperty("reason").GetString();
            Console.WriteLine(
                $"{container.GetProperty("id").GetString()}  {container.GetProperty("state").GetString(),-9} {container.GetProperty("name").GetString()}{(reason is null ? "" : $"  ({reason})")}");
        }
    }

    /// <summary>Of all projects that the person may view.</summary>
    private async Task<List<JsonElement>> All()
    {
        var containers = new List<JsonElement>();
        foreach (var organization in (await Call(HttpMethod.Get, "organizations")).EnumerateArray())
        {
            foreach (var project in (await Call(HttpMethod.Get, $"organizations/{organization.GetProperty("id").GetString()}/projects")).EnumerateArray())
                containers.AddRange((await Call(HttpMethod.Get, $"projects/{project.GetProperty("id").GetString()}/containers")).EnumerateArray());
        }
        return containers;
    }

    private async Task<string> Find(string text)
    {
        if (Guid.TryParse(text, out _))
            return text;
        return (await All()).Select(container => container.GetProperty("id").GetString()!)
            .Where(id => id.StartsWith(text, StringComparison.OrdinalIgnoreCase) || id.EndsWith(text, StringComparison.OrdinalIgnoreCase)).ToList() switch
        {
            [var only] => only,
            [] => throw new SiteEnvironmentException($"There is no container `{text}`. `containers list` shows them."),
            _ => throw new SiteEnvironmentException($"Several containers begin or end with `{text}`: write more of the id."),
        };
    }

    private async Task<JsonElement> Call(HttpMethod method, string path, object? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        using var response = await api.SendAsync(request);
        var answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
        return response.IsSuccessStatusCode ? answer : throw new SiteEnvironmentException(answer.GetProperty("detail").GetString() ?? $"Web answered {(int)response.StatusCode}.");
    }
}
