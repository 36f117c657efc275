using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Tests.Containers.Docker;
using Demiurge.Tests.Infrastructure;
using Xunit.Abstractions;

namespace Demiurge.Tests.Containers;

/// <summary>Web, a gateway and dockerd are killed at random moments while people start, stop and delete containers.</summary>
public sealed class ChaosTests(ChaosTests.Installation installation, ITestOutputHelper output) : IClassFixture<ChaosTests.Installation>
{
    private const int MostContainers = 6;

    /// <summary>Kills; <c>DEMIURGE_PROFILE=full</c> makes it the hundred of the promise, <c>CHAOS_ROUNDS</c> any number.</summary>
    private static readonly int Rounds = int.TryParse(Environment.GetEnvironmentVariable("CHAOS_ROUNDS"), out var rounds) ? rounds
        : Environment.GetEnvironmentVariable("DEMIURGE_PROFILE") == "full" ? 100 : 5;

    [DockerFact]
    public async Task AfterEachKill_WhatIsShown_IsWhatTheEngineHas()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("CHAOS_SEED"), out var given) ? given : Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var (owner, organizationId, projectId) = await installation.CreateProject();
        await owner.Open(projectId);
        var templates = await Account.Read(await owner.Http.GetAsync($"organizations/{organizationId}/templates"));
        var template = (Guid)templates.AsArray().Single(row => (string)row!["slug"]! == "image")!["id"]!;

        // The first account administers the installation. Its own tier fits any machine.
        var tier = (Guid)(await Account.Read(await owner.Http.PostAsJsonAsync(
            "tiers", new { name = "chaos", cpus = 0.1, memoryBytes = 64 << 20, diskBytes = 0, pids = 64, pricePerHour = 1, enabled = true, order = 9 })))["id"]!;

        var kills = new int[3];
        var began = DateTime.UtcNow;
        for (var round = 0; round < Rounds; round++)
        {
            if (round % 10 == 9)
                await LogIn(owner);
            var victim = round < 3 ? round : random.Next(3);
            var orders = Enumerable.Range(0, 4).Select(_ => Order(random, owner, projectId, template, tier)).ToList();
            await Task.Delay(random.Next(400));
            switch (victim)
            {
                case 0:
                    await installation.Docker.KillDocker();
                    await Task.Delay(random.Next(500));
                    await installation.Docker.StartDocker();
                    break;
                case 1:
                    await installation.Site.Kill();
                    await installation.Site.Start();
                    break;
                default:
                    if (await installation.GatewayOf(organizationId) is { } gateway)
                        gateway.Kill();
                    break;
            }
            await Task.WhenAll(orders);
            var difference = "";
            try
            {
                await PlatformFixture.Until(async () => (difference = await Difference()) == "", "agreement");
            }
            catch (Exception)
            {
                Assert.Fail($"Round {round}, seed {seed}, after the death of {(Victim)victim}: {difference}\n{installation.Site.Log[^Math.Min(installation.Site.Log.Length, 4000)..]}");
            }
            kills[victim]++;
            output.WriteLine($"round {round}: {(Victim)victim} killed; {await Count()}");
        }
        output.WriteLine(
            $"{Rounds} rounds in {(DateTime.UtcNow - began).TotalMinutes:0.0} minutes: dockerd killed {kills[0]} times, Web {kills[1]}, a gateway {kills[2]}; what is shown was what the engine has after each");
    }

    private enum Victim { Docker, Web, Gateway }

    /// <summary>An access token is good for a few minutes only.</summary>
    private static async Task LogIn(Account account)
    {
        var session = await Account.Read(await account.Http.PostAsJsonAsync("auth/login", new { email = account.Email, password = People.Password }));
        account.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (string)session["accessToken"]!);
    }

    /// <summary>Somebody wants something; whether they are heard is not the point.</summary>
    private static async Task Order(Random random, Account owner, Guid projectId, Guid template, Guid tier)
    {
        var (which, what) = (random.Next(), random.Next(10));
        try
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            var listed = JsonNode.Parse(await owner.Http.GetStringAsync($"projects/{projectId}/containers", patience.Token))!.AsArray();
            if (listed.Count < 2 || (what < 3 && listed.Count < MostContainers))
            {
                await owner.Http.PostAsJsonAsync(
                    $"projects/{projectId}/containers",
                    new { templateId = template, tierId = tier, options = new { image = DockerFixture.Tiny, data = "/data" } }, patience.Token);
                return;
            }
            var address = $"containers/{listed[which % listed.Count]!["id"]}";
            if (what == 9)
                await owner.Http.DeleteAsync(address, patience.Token);
            else
                await owner.Http.PostAsync($"{address}/{(what < 5 ? "start" : what < 7 ? "stop" : "restart")}", null, patience.Token);
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
        {
            // Web was dead.
        }
    }

    /// <summary>What is shown and what the engine has, where they differ; empty when they agree and nothing is under way.</summary>
    private async Task<string> Difference()
    {
        var engine = (await installation.Docker.Engine.ListContainers())
            .Where(container => container.Labels?.ContainsKey(RuntimeNames.ContainerLabel) == true)
            .ToLookup(container => Guid.Parse(container.Labels![RuntimeNames.ContainerLabel]));
        var rows = await Rows();
        foreach (var row in rows)
        {
            var found = engine[row.Id].ToList();
            if (found.Count > 1)
                return $"{row.Id} is there {found.Count} times";
            var runs = found is [{ State: "running" }];
            var agrees = row switch
            {
                { Desired: DesiredState.Running } => runs && row.State == ContainerState.Running && found[0].Labels![RuntimeNames.GenerationLabel] == $"{row.Generation}" && row.OpenUsage == 1,
                { Desired: DesiredState.Stopped } => !runs && row.State == ContainerState.Stopped && row.OpenUsage == 0,
                _ => found.Count == 0 && row.State == ContainerState.Deleting && row.OpenUsage == 0,
            };
            if (!agrees)
                return $"{row} in the engine: {(found is [var only] ? $"{only.State} {only.Labels![RuntimeNames.GenerationLabel]}" : "none")}";
        }
        return engine.Select(group => group.Key).Except(rows.Select(row => row.Id)).Any() ? "an orphan" : "";
    }

    private async Task<List<Row>> Rows()
    {
        await using var command = installation.Database.CreateCommand(
            """
            SELECT id, desired, state, generation, (SELECT count(*) FROM container_usage u WHERE u.container_id = c.id AND u.to IS NULL), reason,
                (SELECT count(*) FROM container_usage a JOIN container_usage b ON a.container_id = b.container_id AND a.id < b.id
                 WHERE a.container_id = c.id AND tstzrange(a.from, a.to) && tstzrange(b.from, b.to))
            FROM containers c
            """);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<Row>();
        while (await reader.ReadAsync())
        {
            rows.Add(new Row(
                reader.GetGuid(0), Enum.Parse<DesiredState>(reader.GetString(1)), Enum.Parse<ContainerState>(reader.GetString(2)), reader.GetInt32(3), reader.GetInt64(4),
                reader.IsDBNull(5) ? null : reader.GetString(5)));
            Assert.True(reader.GetInt64(6) == 0, $"{reader.GetGuid(0)} is metered twice for the same time");
        }
        return rows;
    }

    private async Task<string> Count() =>
        string.Join(", ", (await Rows()).GroupBy(row => row.State).Select(group => $"{group.Count()} {group.Key.ToString().ToLowerInvariant()}"));

    private sealed record Row(Guid Id, DesiredState Desired, ContainerState State, int Generation, long OpenUsage, string? Reason);

    /// <summary>A platform of its own over an engine of its own.</summary>
    public sealed class Installation : PlatformFixture, IAsyncLifetime
    {
        private DockerDaemon? docker;

        internal DockerDaemon Docker => docker!;

        protected override (string Key, string Value)[] Settings =>
        [
            ("Demiurge:Containers:Engine", docker!.EndpointText), ("Demiurge:Containers:Interval", "00:00:01"), ("Demiurge:Containers:StopGrace", "00:00:01"),
            ("Demiurge:Containers:RetryDelay", "00:00:00.500"), ("Demiurge:Gateways:PoolSize", "2"),
        ];

        async Task IAsyncLifetime.InitializeAsync()
        {
            if (DockerFactAttribute.WhyNot is not null)
                return;
            docker = await DockerDaemon.Start();
            await TestImages.LoadTiny(docker.Engine);
            await InitializeAsync();
        }

        async Task IAsyncLifetime.DisposeAsync()
        {
            if (docker is null)
                return;
            await DisposeAsync();
            await docker.DisposeAsync();
        }
    }
}
