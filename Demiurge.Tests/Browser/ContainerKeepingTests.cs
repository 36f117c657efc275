using Demiurge.Core.Containers.Runtime;
using Demiurge.Tests.Containers.Docker;
using Demiurge.Tests.Containers.Repositories;
using Demiurge.Tests.Infrastructure;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Demiurge.Tests.Browser;

/// <summary>An installation with a real Docker engine whose terminal template has git.</summary>
public sealed class ContainerKeepingFixture : BrowserFixture
{
    internal DockerFixture Docker { get; } = new();

    protected override (string Key, string Value)[] Settings => [("Demiurge:Containers:Engine", Docker.Endpoint), ("Demiurge:Containers:Images:Terminal", GitImage.Name)];

    public override async Task InitializeAsync()
    {
        if (DockerFactAttribute.WhyNot is not null)
            return;
        await Docker.InitializeAsync();
        await GitImage.Load(Docker.Engine);
        await base.InitializeAsync();
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await Docker.DisposeAsync();
    }
}

/// <summary>Containers from Git, their snapshots, and people's own machines, as people meet them. With <c>DEMIURGE_SHOTS</c> naming a folder their screens are kept there.</summary>
[Trait("Profile", "full")]
public sealed class ContainerKeepingTests(ContainerKeepingFixture browser) : IClassFixture<ContainerKeepingFixture>
{
    private const string Faulty = "version: 1\ntemplate: terminal\ntier: gigantic\nprocesses:\n  - name: web\n    runs: httpd -f -p 9000 -h /www\n";

    private const string Good =
        """
        version: 1
        template: terminal
        tier: medium
        services:
          - { name: app, title: The app, port: 9000 }
        install:
          - name: Dependencies
            run: echo fetching; echo done
        processes:
          - name: web
            run: echo up; exec httpd -f -p 9000 -h /www
            health: { port: 9000, path: /index.html, interval: 1s, start: 10s }
        tabs:
          - { title: Start page, service: app, path: /index.html }
          - { title: Shell, service: terminal }

        """;

    private static readonly LocatorAssertionsToHaveAttributeOptions Patience = new() { Timeout = 120_000 };

    [DockerFact]
    public Task Container_FromGit_IsCheckedMadeAndKept() => browser.Run(async enter =>
    {
        var ada = await enter("Ada");
        await ada.SignUp();
        await ada.CreateOrganization("Analytical Engines");
        var project = await ada.CreateProject("Note G");
        await ada.OpenBoard(project);
        var page = ada.Page;
        var forge = await Forge(ada);

        // A file is checked as it is pasted, line by line, with the names that there are here.
        await New(ada, "image");
        await page.GetByTestId("check-file").Locator("summary").ClickAsync();
        await page.GetByTestId("workspace-file-text").FillAsync(Faulty);
        var problems = page.GetByTestId("workspace-file-problem");
        await Expect(problems).ToHaveCountAsync(3);
        await Expect(problems.Nth(0)).ToContainTextAsync("3:7");
        await Expect(problems.Nth(0)).ToContainTextAsync("There is no tier `gigantic` here.");
        await Expect(problems.Nth(2)).ToContainTextAsync("6:5");
        await Expect(page.Locator(".numbers .faulty")).ToHaveTextAsync(["3", "5", "6"]);
        await page.GetByTestId("check-file").ScrollIntoViewIfNeededAsync();
        await Shoot(page, "git-check");
        await page.GetByTestId("workspace-file-text").FillAsync(Good);
        await Expect(page.Locator(".findings")).ToContainTextAsync("It can be used.");

        // The deploy key is there to be copied; once the forge has it, the repository's own file picks template and tier.
        await page.GetByTestId("git-url").FillAsync($"ssh://user@{forge.Address}:2222/home/user/app.git");
        await page.GetByTestId("git-add").ClickAsync();
        var key = await page.GetByTestId("deploy-key").InnerTextAsync();
        await Expect(page.GetByTestId("copy-deploy-key")).ToHaveAttributeAsync("data-copy", key);
        await Shell(forge.Id, $"echo '{key}' > ~/.ssh/authorized_keys; chmod 700 ~ ~/.ssh; chmod 600 ~/.ssh/authorized_keys");
        await page.GetByTestId("test-access").ClickAsync();
        await Expect(page.GetByTestId("access-tested")).ToContainTextAsync("It can be read: one branch.", new() { Timeout = 90_000 });
        await Expect(page.GetByTestId("workspace-file-asks")).ToContainTextAsync("terminal, medium · 1 install step · 1 process · 1 service · 2 tabs");
        await Expect(page.GetByTestId("template-terminal").Locator("input")).ToBeCheckedAsync();
        await Expect(page.GetByTestId("tier-medium").Locator("input")).ToBeCheckedAsync();
        await page.GetByTestId("test-access").ScrollIntoViewIfNeededAsync();
        await Shoot(page, "git-dialog");
        await page.GetByTestId("container-name").FillAsync("The app");
        await page.GetByTestId("create-container").ClickAsync();

        // Its first tab is open as soon as there is something to show; its steps and processes are told.
        var node = page.GetByTestId("container-node").Filter(new() { HasText = "The app" });
        var container = await node.GetAttributeAsync("data-container");
        await Expect(node.GetByTestId("container-tab-app")).ToHaveAttributeAsync("aria-pressed", "true", Patience);
        await Expect(node.GetByTestId("container-tab-app")).ToHaveTextAsync("Start page");
        await Expect(node.GetByTestId("container-frame")).ToHaveAttributeAsync("src", new System.Text.RegularExpressions.Regex("--app\\..*/index\\.html$"), Patience);
        await node.GetByTestId("container-tab-repository").ClickAsync();
        await Expect(node.GetByTestId("git-step")).ToHaveCountAsync(4);
        await Expect(node.GetByTestId("git-step").Last).ToHaveAttributeAsync("data-state", "succeeded", Patience);
        await Expect(node.GetByTestId("git-process")).ToHaveAttributeAsync("data-state", "healthy", Patience);
        await Shoot(page, "git-node");
        await page.GotoAsync($"/projects/{project}/containers/{container}?view=repository");
        await Expect(page.GetByTestId("git-process")).ToHaveAttributeAsync("data-state", "healthy", Patience);
        await Shoot(page, "git-page");

        // Snapshots: one now, and others by themselves, with the time of the next.
        await page.GotoAsync($"/projects/{project}/containers/{container}?view=snapshots");
        await page.GetByTestId("take-snapshot").ClickAsync();
        await Expect(page.GetByTestId("snapshot")).ToHaveAttributeAsync("data-state", "ready", Patience);
        await page.GetByTestId("schedule").SelectOptionAsync("own");
        await page.GetByTestId("schedule-cron").FillAsync("30 4 * *");
        await Expect(page.GetByTestId("schedule-next")).ToContainTextAsync("not a schedule yet");
        await page.GetByTestId("schedule-cron").FillAsync("30 4 * * 1-5");
        await Expect(page.GetByTestId("schedule-next")).ToContainTextAsync("at 04:30 UTC");
        await page.GetByTestId("save-schedule").ClickAsync();
        await Expect(page.GetByTestId("schedule-next")).ToContainTextAsync("Next in");
        await page.ReloadAsync();
        await Expect(page.GetByTestId("schedule-cron")).ToHaveValueAsync("30 4 * * 1-5");
        await Expect(page.GetByTestId("schedule-next")).ToContainTextAsync("Next in");
        await Shoot(page, "snapshots");
    });

    [DockerFact]
    public Task OwnMachine_OnItsNode_OffersACommandToRunThere() => browser.Run(async enter =>
    {
        var ada = await enter("Ada");
        await ada.SignUp();
        await ada.CreateOrganization("Analytical Engines");
        var project = await ada.CreateProject("Note G");
        await ada.OpenBoard(project);
        var page = ada.Page;

        await New(ada, "jupyterlab");
        await page.GetByTestId("on-own-machine").CheckAsync();
        await page.GetByTestId("container-name").FillAsync("My workstation");
        await page.GetByTestId("create-container").ClickAsync();
        var node = page.GetByTestId("container-node");
        await Expect(node.GetByTestId("run-it-yourself")).ToBeVisibleAsync();
        await Shoot(page, "machine-node");
        await node.GetByTestId("run-it-yourself").ClickAsync();
        await Expect(node.GetByTestId("machine-command")).ToContainTextAsync("docker run");
        await Shoot(page, "machine-command");
        await page.GotoAsync($"/projects/{project}/containers/{await node.GetAttributeAsync("data-container")}?view=overview");
        await page.GetByTestId("run-it-yourself").ClickAsync();
        await Expect(page.GetByTestId("machine-command")).ToContainTextAsync("docker run");
        await Shoot(page, "machine-page");
    });

    private static async Task New(Person person, string template)
    {
        await person.Page.GetByTestId("board-stage").FocusAsync();
        await person.Page.Keyboard.PressAsync("k");
        await person.Page.GetByTestId($"template-{template}").ClickAsync();
    }

    /// <summary>A Git server with the good file, as a container of the organization.</summary>
    private async Task<(string Id, string Address)> Forge(Person person)
    {
        await New(person, "image");
        await person.Page.GetByTestId("container-name").FillAsync("Forge");
        await person.Page.GetByLabel("Image", new() { Exact = true }).FillAsync(GitImage.Name);
        await person.Page.GetByLabel("Folder to keep").FillAsync("/home/user");
        await person.Page.GetByTestId("create-container").ClickAsync();
        var node = person.Page.GetByTestId("container-node");
        await Expect(node.GetByTestId("container-state")).ToHaveAttributeAsync("data-state", "running", Patience);
        var container = await node.GetAttributeAsync("data-container");
        var id = (await browser.Docker.Engine.ListContainers()).Single(found => found.Labels?.GetValueOrDefault(RuntimeNames.ContainerLabel) == container).Id;
        await Shell(
            id,
            "mkdir -p ~/.ssh ~/work && dropbearkey -t ed25519 -f ~/hostkey >/dev/null 2>&1 && dropbear -r ~/hostkey -p 2222 -P ~/dropbear.pid -s 2>/dev/null; "
            + "git config --global user.email a@b; git config --global user.name a; git config --global init.defaultBranch main; "
            + $"git init -q --bare ~/app.git && cd ~/work && git init -q && git remote add origin ~/app.git && echo {Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(Good))} | busybox base64 -d > demiurge.yaml "
            + "&& git add . && git commit -q -m first && git push -q origin HEAD:main");
        return (id, await browser.Docker.AddressOf(id));
    }

    private async Task Shell(string id, string command)
    {
        var (output, code) = await browser.Docker.Exec(id, "sh", "-c", "export HOME=/home/user; " + command);
        Assert.True(code == 0, output);
    }

    private static async Task Shoot(IPage page, string name)
    {
        if (Environment.GetEnvironmentVariable("DEMIURGE_SHOTS") is not { Length: > 0 } folder)
            return;
        foreach (var width in new[] { 1440, 390 })
        {
            foreach (var scheme in new[] { ColorScheme.Light, ColorScheme.Dark })
            {
                await page.SetViewportSizeAsync(width, 900);
                await page.EmulateMediaAsync(new() { ColorScheme = scheme });
                await Task.Delay(300);
                await page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"{name}-{width}-{scheme}.png") });
            }
        }
        await page.SetViewportSizeAsync(1280, 800);
    }
}
