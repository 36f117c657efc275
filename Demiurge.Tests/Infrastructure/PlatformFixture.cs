using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Demiurge.Core.Crdt;
using Demiurge.Core.Gateways;
using Demiurge.Core.Rooms;
using Demiurge.Tests.Peers;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Demiurge.Tests.Infrastructure;

/// <summary>
/// The whole platform for one test class: Web and its gateways as processes, a database of its own on the real PostgreSQL, and
/// Yjs clients from npm. Tests reach it as anyone would, over HTTP and WebSocket, and may kill any part.
/// </summary>
public class PlatformFixture : IAsyncLifetime
{
    private NpgsqlDataSource? database;

    public EnvironmentProcess Site { get; private set; } = null!;

    public NodePeers Peers { get; } = new();

    /// <summary>Straight into the database, past Web and gateways.</summary>
    public NpgsqlDataSource Database => database ??= NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(Site.ConnectionString) { MaxPoolSize = 10 }.ConnectionString);

    public RoomLog RoomLog => new(Database, TimeProvider.System, NullLogger<RoomLog>.Instance);

    /// <summary>Settings of this class's installation.</summary>
    protected virtual (string Key, string Value)[] Settings => [];

    public async Task InitializeAsync() =>
        Site = await EnvironmentProcess.Create([("Demiurge:Accounts:CredentialRequestsPerMinute", "10000"), .. Settings]);

    public async Task DisposeAsync()
    {
        await Peers.DisposeAsync();
        if (database is not null)
            await database.DisposeAsync();
        if (Site is not null)
            await Site.DisposeAsync();
    }

    /// <summary>A new account with an API client of its own.</summary>
    public async Task<Account> Register()
    {
        // Web may be killed and come back; the same client goes on.
        var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://127.0.0.1:{Site.Url.Port}/api/v1/") };
        http.DefaultRequestHeaders.Host = Site.Url.Authority;
        var email = People.NewEmail();
        var session = await Account.Read(await http.PostAsJsonAsync("auth/register", new { email, displayName = "Ann", password = People.Password }));
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (string)session["accessToken"]!);
        return new Account((Guid)session["user"]!["id"]!, email, http);
    }

    /// <summary>An owner with an organization and a project in it.</summary>
    public async Task<(Account Owner, Guid OrganizationId, Guid ProjectId)> CreateProject()
    {
        var owner = await Register();
        var organizationId = await owner.CreateOrganization();
        return (owner, organizationId, await owner.CreateProject(organizationId));
    }

    /// <summary>A new account that joined the organization by invitation.</summary>
    public async Task<Account> Join(Account owner, Guid organizationId, string role = "member")
    {
        var member = await Register();
        var invitation = await Account.Read(await owner.Http.PostAsJsonAsync($"organizations/{organizationId}/invitations", new { email = member.Email, role }));
        await Account.Read(await member.Http.PostAsJsonAsync("invitations/accept", new { token = (string)invitation["token"]! }));
        return member;
    }

    /// <summary>Opens the project and lets a stock client join under the account's ticket.</summary>
    public async Task<OpenedProject> Join(string peer, Account account, Guid projectId, bool acks = true)
    {
        var opened = await account.Open(projectId);
        await Peers.Join(peer, opened.CollabUrl, opened.Token, acks);
        await Peers.UntilSynced(peer);
        return opened;
    }

    /// <summary>The gateway that serves the organization now; null when none does.</summary>
    public async Task<HeldGateway?> GatewayOf(Guid organizationId)
    {
        await using var command = Database.CreateCommand(
            "SELECT g.name, g.port, g.host_reference, a.epoch, g.pool_token, a.state FROM gateway_allocations a JOIN gateways g ON g.name = a.gateway_name WHERE a.organization_id = $1");
        command.Parameters.AddWithValue(organizationId);
        await using var reader = await command.ExecuteReaderAsync();
        return await reader.ReadAsync() && !reader.IsDBNull(2) && reader.GetString(5) == "Serving"
            ? new HeldGateway(reader.GetString(0), reader.GetInt32(1), int.Parse(reader.GetString(2).Split('@')[0], System.Globalization.CultureInfo.InvariantCulture), reader.GetInt64(3), reader.GetString(4))
            : null;
    }

    /// <summary>What PostgreSQL holds of a room, whatever any process has in memory.</summary>
    public Task<HashSet<string>> DurableNodes(Guid organizationId, Guid projectId) => DurableKeys(organizationId, projectId, "nodes");

    /// <summary>Keys of a root map, as the log has it.</summary>
    public async Task<HashSet<string>> DurableKeys(Guid organizationId, Guid projectId, string root)
    {
        var records = await RoomLog.Load(organizationId, projectId);
        Assert.True(records.Succeeded, records.Error?.Message);
        using var doc = new YDoc();
        foreach (var record in records.Value)
            doc.ApplyUpdate(record.Bytes.Span);
        return [.. doc.GetMap(root).Keys];
    }

    /// <summary>Polls until the condition holds; fails after a generous time.</summary>
    public static async Task Until(Func<Task<bool>> condition, string what)
    {
        var deadline = DateTime.UtcNow + TimeSpan.FromSeconds(60);
        while (!await condition())
        {
            if (DateTime.UtcNow > deadline)
                Assert.Fail($"Waited in vain for: {what}");
            await Task.Delay(50);
        }
    }
}

/// <summary>Somebody who is signed in to the API.</summary>
public sealed record Account(Guid Id, string Email, HttpClient Http)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new System.Text.Json.Serialization.JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    public async Task<Guid> CreateOrganization() =>
        (Guid)(await Read(await Http.PostAsJsonAsync("organizations", new { name = "Acme" })))["id"]!;

    public async Task<Guid> CreateProject(Guid organizationId, string visibility = "private") =>
        (Guid)(await Read(await Http.PostAsJsonAsync($"organizations/{organizationId}/projects", new { name = $"Project {Guid.NewGuid():N}", visibility })))["id"]!;

    public async Task<OpenedProject> Open(Guid projectId) =>
        (await Read(await Http.PostAsync($"projects/{projectId}/open", null))).Deserialize<OpenedProject>(Json)!;

    internal static async Task<JsonNode> Read(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{response.RequestMessage?.RequestUri}: {(int)response.StatusCode} {text}");
        return text.Length > 0 ? JsonNode.Parse(text)! : new JsonObject();
    }
}

/// <summary>An organization's gateway as the database has it.</summary>
public sealed record HeldGateway(string Name, int Port, int ProcessId, long Epoch, string PoolToken)
{
    /// <summary>Ends it at once; nothing happens when it has ended already and the row has yet to say so.</summary>
    public void Kill()
    {
        try
        {
            Process.GetProcessById(ProcessId).Kill();
        }
        catch (ArgumentException)
        {
            // No such process.
        }
    }
}
