using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Api;

/// <summary>Containers as a program drives them, without a host that would start them.</summary>
public sealed class ContainerApiTests(ContainerApiTests.HostlessWeb web) : IClassFixture<ContainerApiTests.HostlessWeb>
{
    [Fact]
    public async Task Container_FromTemplateToUndo_IsDrivenByTheApi()
    {
        var (ann, organization, project) = await Project();
        var templates = (await ann.Get($"organizations/{organization}/templates")).Expect(200).Body!.AsArray();
        Assert.Equal(["image", "code-server", "jupyterlab", "n8n", "pgadmin", "terminal"], templates.Select(row => (string)row!["slug"]!).OrderBy(slug => slug == "image" ? "" : slug));
        var terminal = (string)templates.Single(row => (string)row!["slug"]! == "terminal")!["id"]!;
        Assert.Equal(["small", "medium", "large", "xlarge"], (await ann.Get("tiers")).Expect(200).Body!.AsArray().Select(row => (string)row!["name"]!));

        var made = (await ann.Post($"projects/{project}/containers", new { templateId = terminal, name = "Shell" })).Expect(201);
        var address = $"containers/{made["id"]}";
        Assert.Equal("queued", (string?)made["state"]);
        Assert.Equal(1, (int)made["queuePosition"]!);
        var changed = (await ann.Patch(address, new { name = "Sh", pinned = true, share = "owner", keepMinutes = 60, idleMinutes = 5 })).Expect(200);
        Assert.Equal(("Sh", true, "owner"), ((string)changed["name"]!, (bool)changed["pinned"]!, (string)changed["share"]!));
        (await ann.Patch(address, new { keepMinutes = 60 * 24 * 8 })).Expect(400, "container.keep_too_long");
        Assert.Equal("stopping", (string?)(await ann.Post($"{address}/stop")).Expect(200)["state"]);
        (await ann.Post($"{address}/duplicate")).Expect(201);
        Assert.Equal(2, (await ann.Get($"projects/{project}/containers")).Expect(200).Body!.AsArray().Count);
        Assert.Equal("deleting", (string?)(await ann.Delete(address)).Expect(200)["state"]);
        (await ann.Post($"{address}/start")).Expect(409, "container.deleted");
        Assert.Single((await ann.Get($"projects/{project}/containers?deleted=true")).Expect(200).Body!.AsArray());
        (await ann.Post($"{address}/undelete")).Expect(200);
        Assert.Contains((await ann.Get($"{address}/events")).Expect(200).Body!.AsArray(), row => (string)row!["kind"]! == "delete.undone");
        Assert.Empty((await ann.Get($"{address}/logs")).Expect(200).Body!.AsArray());

        var ben = await ApiClient.Register(web);
        (await ben.Get(address)).Expect(404, "container.not_found");
        (await ben.Post($"projects/{project}/containers", new { templateId = terminal })).Expect(404);
    }

    [Fact]
    public async Task Options_AtFault_AreNamedInErrors()
    {
        var (ann, organization, project) = await Project();
        var image = (await ann.Get($"organizations/{organization}/templates")).Expect(200).Body!.AsArray().Single(row => (string)row!["slug"]! == "image")!["id"];
        var refused = (await ann.Post($"projects/{project}/containers", new { templateId = (string)image!, options = new { port = "x" } })).Expect(400, "container.options_refused");
        Assert.Equal("Image is missing.", (string?)refused["errors"]["options.image"]);
        Assert.Equal("Port of its web server is a number.", (string?)refused["errors"]["options.port"]);
    }

    [Fact]
    public async Task WorkspaceFile_IsCheckedByLineAndColumn()
    {
        var (ann, _, project) = await Project();
        const string File = "version: 1\ntemplate: terminal\ntier: gigantic\nprocesses:\n  - name: web\n    runs: npm start\n";

        var found = (await ann.Post("workspace-files/check", new { text = File, projectId = project })).Expect(200);
        Assert.Equal(
            [(3, 7, "There is no tier `gigantic` here."), (5, 5, "`run` is missing in a process."), (6, 5, "There is no `runs` in a process.")],
            found["problems"].AsArray().Select(problem => ((int)problem!["line"]!, (int)problem["column"]!, ((string)problem["message"]!)[..(((string)problem["message"]!).IndexOf('.') + 1)])));
        // The form alone, where no project is given.
        Assert.Equal(2, (await ann.Post("workspace-files/check", new { text = File })).Expect(200)["problems"].AsArray().Count);
        var good = (await ann.Post("workspace-files/check", new { text = "version: 1\ntemplate: terminal\ntier: small\nenv: [KEY]\ninstall: [{ run: make }]\n", projectId = project })).Expect(200);
        Assert.Empty(good["problems"].AsArray());
        Assert.Equal(("terminal", "small", "KEY", "make"), ((string)good["template"]!, (string)good["tier"]!, (string)good["environment"]![0]!, (string)good["install"]![0]!));

        (await (await ApiClient.Register(web)).Post("workspace-files/check", new { text = File, projectId = project })).Expect(404, "project.not_found");
        (await ann.Post($"projects/{project}/containers", new { })).Expect(400, "repository.no_template");
    }

    [Fact]
    public async Task Requests_ForMoreThanATemplateGives_AreRefused()
    {
        var (ann, organization, project) = await Project();
        var templates = (await ann.Get($"organizations/{organization}/templates")).Expect(200).Body!.AsArray();
        var image = (string)templates.Single(row => (string)row!["slug"]! == "image")!["id"]!;
        var address = $"projects/{project}/containers";
        var options = new { image = "busybox" };
        List<string> mounts = ["/:/host"];
        (await ann.Post(address, new { templateId = image, options, privileged = true })).Expect(400);
        (await ann.Post(address, new { templateId = image, options, mounts })).Expect(400);
        (await ann.Post(address, new { templateId = image, options, hostConfig = new { Privileged = true } })).Expect(400);
        (await ann.Post(address, new { templateId = image, options, hostId = Guid.NewGuid() })).Expect(400);
        (await ann.Post(address, new { templateId = image, options = new { image = "busybox", privileged = "true" } })).Expect(400, "container.options_refused");
        foreach (var folder in new[] { "/proc/x", "/dev/x", "/sys/fs", "/../etc", "/data:/etc", "data", "/" })
            (await ann.Post(address, new { templateId = image, options = new { image = "busybox", data = folder } })).Expect(400, "container.options_refused");
        foreach (var name in new[] { "--privileged", "a b", "../x", "busybox\n--device=/dev/sda" })
            (await ann.Post(address, new { templateId = image, options = new { image = name } })).Expect(400, "container.options_refused");
        var spec = templates.Single(row => (string)row!["slug"]! == "terminal")!["spec"]!.DeepClone();
        spec["privileged"] = true;
        // What a template can't say isn't kept.
        Assert.Null((await ann.Post($"organizations/{organization}/templates", new { slug = "mine", name = "Mine", spec })).Expect(201)["spec"]["privileged"]);
        Assert.Empty((await ann.Get(address)).Expect(200).Body!.AsArray());
    }

    [Fact]
    public async Task EnvSet_IsWrittenAndNeverRead()
    {
        var (ann, organization, _) = await Project();
        var set = (await ann.Post($"organizations/{organization}/env-sets", new { scope = "person", name = "Mine", variables = new Dictionary<string, string> { ["KEY"] = "open-sesame" } })).Expect(201);
        Assert.DoesNotContain("sesame", set.Body!.ToJsonString());
        var changed = (await ann.Patch($"env-sets/{set["id"]}", new { variables = new Dictionary<string, string?> { ["KEY"] = null, ["OTHER"] = "x" } })).Expect(200);
        Assert.Equal(["OTHER"], changed["variables"].AsArray().Select(row => (string)row!["name"]!));
        (await ann.Patch($"env-sets/{set["id"]}", new { variables = new Dictionary<string, string> { ["1 A"] = "x" } })).Expect(400, "env_set.variables_refused");
        (await ann.Delete($"env-sets/{set["id"]}")).Expect(204);
        Assert.Empty((await ann.Get($"organizations/{organization}/env-sets")).Expect(200).Body!.AsArray());
    }

    [Fact]
    public async Task TemplatesAndTiers_AreForTheirAdministrators()
    {
        var (ann, organization, project) = await Project();
        var spec = (await ann.Get($"organizations/{organization}/templates")).Expect(200).Body!.AsArray().Single(row => (string)row!["slug"]! == "terminal")!["spec"]!.DeepClone();
        (await ann.Post("templates", new { slug = "mine", name = "Mine", spec })).Expect(403, "platform.forbidden");
        (await ann.Post("tiers", new { name = "huge", cpus = 64, memoryBytes = 1L << 38, diskBytes = 0, pids = 100, pricePerHour = 1, enabled = true, order = 9 })).Expect(403);
        var own = (await ann.Post($"organizations/{organization}/templates", new { slug = "mine", name = "Mine", spec })).Expect(201);
        (await ann.Post($"organizations/{organization}/templates", new { slug = "mine", name = "Mine", spec })).Expect(409, "template.slug_taken");
        (await ann.Post($"projects/{project}/containers", new { templateId = (string)own["id"]! })).Expect(201);
        spec["volumes"] = new System.Text.Json.Nodes.JsonArray("/proc");
        spec["image"] = "{nothing}";
        var refused = (await ann.Post($"templates/{own["id"]}/versions", spec)).Expect(400, "template.spec_refused");
        Assert.NotNull(refused["errors"]["spec.volumes"]);
        spec["volumes"] = new System.Text.Json.Nodes.JsonArray("/home/person");
        spec["image"] = "example.org/other:2";
        Assert.Equal(2, (int)(await ann.Post($"templates/{own["id"]}/versions", spec)).Expect(201)["version"]!);
        (await ann.Patch($"templates/{own["id"]}", new { enabled = false })).Expect(200);
        (await ann.Post($"projects/{project}/containers", new { templateId = (string)own["id"]! })).Expect(404, "template.not_found");
        (await (await ApiClient.Register(web)).Get($"templates/{own["id"]}")).Expect(404);
    }

    [Fact]
    public async Task Usage_IsForAdminsAndComesAsCsv()
    {
        var (ann, organization, _) = await Project();
        Assert.Equal(0, (decimal)(await ann.Get($"organizations/{organization}/usage")).Expect(200)["hours"]!);
        (await ann.Get($"organizations/{organization}/usage?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z")).Expect(400, "usage.period_unusable");
        var csv = await ann.Get($"organizations/{organization}/usage?format=csv");
        Assert.Equal("text/csv", csv.Response.Content.Headers.ContentType?.MediaType);
        (await (await ApiClient.Register(web)).Get($"organizations/{organization}/usage")).Expect(404);
    }

    private async Task<(ApiClient Ann, string Organization, string Project)> Project()
    {
        var ann = await ApiClient.Register(web);
        var organization = (string)(await ann.Post("organizations", new { name = "Acme" })).Expect(201)["id"]!;
        return (ann, organization, (string)(await ann.Post($"organizations/{organization}/projects", new { name = "Plan" })).Expect(201)["id"]!);
    }

    public sealed class HostlessWeb : WebFixture
    {
        protected override IReadOnlyDictionary<string, string> Settings { get; } = new Dictionary<string, string> { ["Demiurge:Containers:Engine"] = "" };
    }
}
