using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Templates;
using Demiurge.Tests.Containers.Docker;
using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Containers;

/// <summary>What people choose for a template's options, as their container has it on a real engine.</summary>
public sealed class TemplateOptionEngineTests(PostgresFixture database, DockerFixture docker) : IClassFixture<PostgresFixture>, IClassFixture<DockerFixture>
{
    [DockerFact]
    public async Task Options_OfEveryKind_ReachTheContainerAndTheSecretNobodyElse()
    {
        await using var host = await EngineHost.Start(database, docker);
        var workspace = await Workspace.Create(database);
        var template = await Offer(host, new TemplateSpec(
            DockerFixture.Tiny, [new TemplateService("main", "Page", 0, "/", null, true) { PortOption = "port" }],
            [
                new("greeting", "Greeting", OptionKind.Text, Required: true, null, null, null, null, null, "GREETING"),
                new("port", "Port", OptionKind.Number, Required: true, "8080", null, 1, 65535, null, "PORT"),
                new("color", "Colour", OptionKind.Choice, Required: false, "red", ["red", "green"], null, null, null, "COLOR"),
                new("token", "Token", OptionKind.Secret, Required: true, null, null, null, null, null, "TOKEN"),
                new("folder", "Folder", OptionKind.Text, Required: false, null, null, null, null, null, ""),
                new("left", "Left out", OptionKind.Text, Required: false, null, null, null, null, null, "LEFT"),
            ],
            ["{folder}"], new Dictionary<string, string> { ["SENTENCE"] = "{greeting} in {color} at {url}", ["NONE"] = "{left}" }, "/bin/sh", true, ["/tmp"], "user", null, null, null, 0, 400, 300));

        var created = await host.Containers.Create(workspace.Owner, new NewContainer(workspace.ProjectId, template, Options: new Dictionary<string, string>
        {
            ["greeting"] = "it's $HOME; \"grüezi\"", ["port"] = "9000", ["color"] = "green", ["token"] = "hunter2-and-more", ["folder"] = "/home/user/kept",
        }));
        Assert.True(created.Succeeded, created.Error?.Message);
        var row = await host.Reaches(created.Value.Id, ContainerState.Running);

        Assert.Equal(9000, Assert.Single(row.Endpoints).Port);
        var variables = (await host.Shell(row.Id, "env")).Split('\n').Select(line => line.Split('=', 2)).Where(pair => pair.Length == 2).ToDictionary(pair => pair[0], pair => pair[1]);
        Assert.Equal("it's $HOME; \"grüezi\"", variables["GREETING"]);
        Assert.Equal("9000", variables["PORT"]);
        Assert.Equal("green", variables["COLOR"]);
        Assert.Equal("hunter2-and-more", variables["TOKEN"]);
        Assert.Equal($"it's $HOME; \"grüezi\" in green at {variables["DEMIURGE_URL"]}", variables["SENTENCE"]);
        Assert.DoesNotContain("LEFT", variables.Keys);
        Assert.DoesNotContain("NONE", variables.Keys);
        Assert.Contains("/home/user/kept", await host.Shell(row.Id, "cat /proc/mounts"));

        Assert.DoesNotContain("token", row.Options.Keys);
        Assert.DoesNotContain("hunter2", row.ProtectedOptions["token"]);
        Assert.DoesNotContain("hunter2", System.Text.Json.JsonSerializer.Serialize((await host.Containers.Get(workspace.Owner, row.Id)).Value));
    }

    private static async Task<Guid> Offer(EngineHost host, TemplateSpec spec)
    {
        Assert.Empty(TemplateRules.Faults(spec));
        await using var db = host.CreateContext();
        var template = new Template { Slug = $"options-{Guid.NewGuid():N}"[..20], Name = "Options", LatestVersion = 1, CreatedAt = DateTimeOffset.UtcNow };
        db.Add(template);
        db.Add(new TemplateVersion { TemplateId = template.Id, Version = 1, CreatedAt = DateTimeOffset.UtcNow, Spec = spec });
        await db.SaveChangesAsync();
        return template.Id;
    }
}
