using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json;
using Demiurge.Core;
using Demiurge.Core.Boards;
using Demiurge.Core.Rooms;

namespace Demiurge.Web.Hosting;

/// <summary>
/// <c>demo [--json]</c>: somebody with an organization and a project whose board is furnished, made through the public API and the
/// room like any client would. Run again, it finds what it made before and adds nothing.
/// </summary>
internal sealed class DemoCommand(SiteEnvironment environment, RunningWeb web) : IDisposable
{
    private const string OrganizationName = "Demo team";
    private const string ProjectName = "Demo board";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly HttpClient api = new() { BaseAddress = new Uri($"http://127.0.0.1:{web.Port}/api/v1/") };

    public static async Task<int> Run(SiteEnvironment environment, bool json)
    {
        var web = RunningWeb.Find(environment.DataPath)
            ?? throw new SiteEnvironmentException("Demiurge doesn't run here. Start it by `./demiurge up`; `./demiurge demo` does so, too.");
        using var command = new DemoCommand(environment, web);
        var demo = await command.Prepare();
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(demo, JsonSerializerOptions.Web));
            return 0;
        }
        Console.WriteLine($"board     {demo.Url}/projects/{demo.ProjectId}");
        Console.WriteLine($"e-mail    {demo.Email}");
        Console.WriteLine($"password  {demo.Password}");
        return 0;
    }

    public void Dispose() => api.Dispose();

    private async Task<Demo> Prepare()
    {
        // The system's resolver may not know *.localhost: programs connect to the loopback address and name the host.
        api.DefaultRequestHeaders.Host = new Uri(web.Url).Authority;
        var account = await KeepAccount();
        var session = await Call(HttpMethod.Post, "auth/login", new { account.Email, account.Password });
        var accessToken = session.GetProperty("accessToken").GetString()!;
        api.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", accessToken);

        var organizationId = await FindOrCreate("organizations", new { name = OrganizationName });
        var projectId = await FindOrCreate($"organizations/{organizationId}/projects", new { name = ProjectName, visibility = "public" });
        var room = await Call(HttpMethod.Post, $"projects/{projectId}/open");
        var collabUrl = room.GetProperty("collabUrl").GetString()!;
        var token = room.GetProperty("token").GetString()!;
        await Furnish(new Uri(collabUrl), token, room.GetProperty("expiresAt").GetDateTimeOffset());
        return new(web.Url, account.Email, account.Password, organizationId, projectId, accessToken, collabUrl, token);
    }

    /// <summary>The demo's account is kept in <c>demo.json</c>; without that file a new one is made.</summary>
    private async Task<Account> KeepAccount()
    {
        var file = Path.Combine(environment.DataPath, "demo.json");
        if (File.Exists(file))
            return JsonSerializer.Deserialize<Account>(await File.ReadAllTextAsync(file), JsonSerializerOptions.Web)!;
        var account = new Account($"demo-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(3))}@example.com", Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)));
        await Call(HttpMethod.Post, "auth/register", new { account.Email, displayName = "Demo", account.Password });
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        await using var stream = new FileStream(file, options);
        await JsonSerializer.SerializeAsync(stream, account, JsonSerializerOptions.Web);
        return account;
    }

    private async Task<Guid> FindOrCreate(string resource, object body)
    {
        var existing = await Call(HttpMethod.Get, resource);
        return existing.GetArrayLength() > 0
            ? existing[0].GetProperty("id").GetGuid()
            : (await Call(HttpMethod.Post, resource, body)).GetProperty("id").GetGuid();
    }

    private async Task Furnish(Uri collabUrl, string token, DateTimeOffset expiresAt)
    {
        var endpoint = new RoomEndpoint(new UriBuilder(collabUrl) { Host = IPAddress.Loopback.ToString() }.Uri, token, expiresAt) { Host = collabUrl.Authority };
        using var patience = new CancellationTokenSource(Patience);
        await using var peer = new RoomClient(_ => Task.FromResult<Result<RoomEndpoint>>(endpoint));
        peer.Start();
        try
        {
            if (!await peer.WhenSynced(patience.Token))
                throw new SiteEnvironmentException($"The demo's room refused: {peer.Refusal?.Message}");
            await peer.Run(document => DemoBoard.Furnish(document));
            while (peer.UnackedUpdates > 0)
                await Task.Delay(50, patience.Token);
        }
        catch (OperationCanceledException e)
        {
            throw new SiteEnvironmentException($"The demo's room at {collabUrl} did not answer within {Patience.TotalSeconds:0} s. `./demiurge status` shows the gateways; their logs are in {Path.Combine(environment.DataPath, "gateways")}.", e);
        }
    }

    private async Task<JsonElement> Call(HttpMethod method, string path, object? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        using var response = await api.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return response.IsSuccessStatusCode
            ? JsonDocument.Parse(text).RootElement
            : throw new SiteEnvironmentException($"{method} /api/v1/{path} answered {(int)response.StatusCode}: {text}");
    }

    private sealed record Account(string Email, string Password);

    private sealed record Demo(
        string Url, string Email, string Password, Guid OrganizationId, Guid ProjectId, string AccessToken, string CollabUrl, string CollabToken);
}
