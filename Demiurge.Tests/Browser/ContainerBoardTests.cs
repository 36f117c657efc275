using System.Net.Http.Headers;
using System.Net.Http.Json;
using Demiurge.Tests.Containers.Docker;
using Demiurge.Tests.Infrastructure;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Demiurge.Tests.Browser;

/// <summary>An installation with a real Docker engine, and a team of three with accounts; every test has a project of its own.</summary>
public sealed class ContainerBrowserFixture : BrowserFixture
{
    private readonly DockerFixture docker = new();
    private readonly SemaphoreSlim founding = new(1, 1);
    private (Guid OrganizationId, Dictionary<string, Account> Accounts)? team;

    protected override (string Key, string Value)[] Settings =>
        [("Demiurge:Containers:Engine", docker.Endpoint), ("Demiurge:Containers:Images:Terminal", DockerFixture.Tiny)];

    public override async Task InitializeAsync()
    {
        await docker.InitializeAsync();
        if (DockerFactAttribute.WhyNot is null)
            await base.InitializeAsync();
    }

    public override async Task DisposeAsync()
    {
        foreach (var account in team?.Accounts.Values.ToList() ?? [])
            account.Http.Dispose();
        founding.Dispose();
        await base.DisposeAsync();
        await docker.DisposeAsync();
    }

    /// <summary>A new project of Ada's, in which Bob may edit and Carol may view; with their accounts by name.</summary>
    public async Task<(IReadOnlyDictionary<string, Account> Accounts, Guid OrganizationId, Guid ProjectId)> Project()
    {
        await founding.WaitAsync();
        try
        {
            team ??= await Found();
        }
        finally
        {
            founding.Release();
        }
        var (organizationId, accounts) = team.Value;
        var project = await accounts["Ada"].CreateProject(organizationId);
        foreach (var (name, role) in new[] { ("Bob", "edit"), ("Carol", "view") })
            await Account.Read(await accounts["Ada"].Http.PutAsJsonAsync($"projects/{project}/members/{accounts[name].Id}", new { role }));
        return (accounts, organizationId, project);
    }

    private async Task<(Guid, Dictionary<string, Account>)> Found()
    {
        var accounts = new Dictionary<string, Account>();
        foreach (var name in new[] { "Ada", "Bob", "Carol" })
        {
            var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://127.0.0.1:{Site.Url.Port}/api/v1/") };
            http.DefaultRequestHeaders.Host = Site.Url.Authority;
            var email = People.NewEmail();
            var session = await Account.Read(await http.PostAsJsonAsync("auth/register", new { email, displayName = name, password = People.Password }));
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (string)session["accessToken"]!);
            accounts[name] = new Account((Guid)session["user"]!["id"]!, email, http);
        }
        // Every container here is tiny: together they are to fit on any machine, with the disk that stopped ones keep.
        foreach (var tier in (await Account.Read(await accounts["Ada"].Http.GetAsync("tiers"))).AsArray().Select(tier => tier!))
        {
            await Account.Read(await accounts["Ada"].Http.PutAsJsonAsync($"tiers/{tier["id"]}", new
            {
                name = (string)tier["name"]!, cpus = 0.5, memoryBytes = 64 << 20, diskBytes = 256 << 20, pids = (int)tier["pids"]!, pricePerHour = (decimal)tier["pricePerHour"]!, enabled = true,
                order = (int)tier["order"]!,
            }));
        }
        var organization = await accounts["Ada"].CreateOrganization();
        foreach (var name in new[] { "Bob", "Carol" })
        {
            var invitation = await Account.Read(await accounts["Ada"].Http.PostAsJsonAsync($"organizations/{organization}/invitations", new { email = accounts[name].Email, role = "member" }));
            await Account.Read(await accounts[name].Http.PostAsJsonAsync("invitations/accept", new { token = (string)invitation["token"]! }));
        }
        return (organization, accounts);
    }
}

/// <summary>The product's other promise, in real browsers on a real engine: what runs on the board, everybody there sees and uses.</summary>
[Trait("Profile", "full")]
public sealed class ContainerBoardTests(ContainerBrowserFixture browser) : IClassFixture<ContainerBrowserFixture>
{
    private static readonly string[] EditorsActions = ["start", "stop", "retry", "restart", "share", "rename", "delete", "duplicate", "pin"];

    private static readonly LocatorAssertionsToHaveAttributeOptions Patience = new() { Timeout = 60_000 };

    [DockerFact]
    public Task Container_MadeOnTheBoard_IsSeenSharedEmbeddedAndKeepsItsData() => browser.Run(async enter =>
    {
        var (ada, bob, carol, project) = await ThreeOnABoard(enter);

        await Make(ada, "Everybody's shell");
        foreach (var person in new[] { ada, bob, carol })
            await Running(person);

        // One shell: who may edit types into it, who may view watches.
        foreach (var person in new[] { ada, bob, carol })
        {
            await Tab(person, "terminal").ClickAsync();
            await Expect(Screen(person)).ToHaveAttributeAsync("data-link", "open", Patience);
        }
        await Type(ada, "echo from-ada-$((40+2))");
        foreach (var person in new[] { ada, bob, carol })
            await Expect(Screen(person)).ToContainTextAsync("from-ada-42", new() { Timeout = 60_000 });
        await Type(bob, "echo from-bob-$((6*7)) | tee /home/user/kept.txt");
        foreach (var person in new[] { ada, carol })
            await Expect(Screen(person)).ToContainTextAsync("from-bob-42", new() { Timeout = 60_000 });
        await Expect(Screen(carol)).ToHaveAttributeAsync("data-readonly", "");
        await Type(carol, "echo from-carol-$((7*6))");
        await Type(ada, "echo after-$((1+1))-carol");
        await Expect(Screen(bob)).ToContainTextAsync("after-2-carol", new() { Timeout = 60_000 });
        await Expect(Screen(bob)).Not.ToContainTextAsync("from-carol");

        // What is typed is the shell's alone: no note, no shortcut of the board.
        await Type(ada, "n k delete");
        await Expect(ada.Page.GetByTestId("new-container")).ToHaveCountAsync(0);
        await Expect(ada.Page.GetByTestId("node")).ToHaveCountAsync(1);

        // Its page inside the node, from its own host.
        await ada.Page.Keyboard.PressAsync("Shift+Escape");
        await Tab(ada, "main").ClickAsync();
        await Expect(ada.Page.GetByTestId("container-frame")).ToBeVisibleAsync();
        await Expect(ada.Page.FrameLocator("[data-testid=container-frame]").GetByText("It works.")).ToBeVisibleAsync(new() { Timeout = 60_000 });

        // Stopped by one, seen by all; started by another, with its data.
        await Choose(bob, "stop");
        foreach (var person in new[] { ada, bob, carol })
            await Expect(State(person)).ToHaveAttributeAsync("data-state", "stopped", Patience);
        await ada.Page.GetByTestId("container-start").ClickAsync();
        foreach (var person in new[] { ada, bob, carol })
            await Running(person);
        await ada.Page.GotoAsync($"/projects/{project}/containers/{await Node(ada).GetAttributeAsync("data-container")}?view=terminal");
        await Expect(Screen(ada)).ToHaveAttributeAsync("data-link", "open", Patience);
        await ada.Page.Keyboard.TypeAsync("cat /home/user/kept.txt\r");
        await Expect(Screen(ada)).ToContainTextAsync("from-bob-42", new() { Timeout = 60_000 });
    });

    [DockerFact]
    public Task Node_TakenOff_LeavesTheContainerInTheListUntilItIsDeletedToo() => browser.Run(async enter =>
    {
        var (ada, bob, _, _) = await ThreeOnABoard(enter);
        await Make(ada, "Come and go");
        await Running(bob);

        await Choose(ada, "delete");
        await ada.Page.GetByTestId("delete-node-only").ClickAsync();
        foreach (var person in new[] { ada, bob })
            await Expect(Node(person)).ToHaveCountAsync(0);

        await bob.Page.GetByTestId("open-containers").ClickAsync();
        await Expect(bob.Page.GetByTestId("panel-container")).ToContainTextAsync("Come and go");
        await bob.Page.GetByTestId("panel-place").ClickAsync();
        foreach (var person in new[] { ada, bob })
            await Running(person);

        await Choose(ada, "delete");
        await ada.Page.GetByTestId("delete-with-container").ClickAsync();
        await Expect(Node(bob)).ToHaveCountAsync(0);
        await Expect(bob.Page.GetByTestId("panel-deleted")).ToContainTextAsync("Come and go");
        // An editor sees that it can be had back; its owner has it back.
        await Expect(bob.Page.GetByTestId("panel-undelete")).ToHaveCountAsync(0);
        await ada.Page.GetByTestId("open-containers").ClickAsync();
        await ada.Page.GetByTestId("panel-undelete").ClickAsync();
        await Expect(bob.Page.GetByTestId("panel-container")).ToContainTextAsync("Stopped", new() { Timeout = 60_000 });
    });

    [DockerFact]
    public Task Template_DraggedOntoTheBoard_IsPlacedThereAndItsUndoOffersToDeleteIt() => browser.Run(async enter =>
    {
        var (accounts, _, project) = await browser.Project();
        var people = await OnBoard(enter, accounts, project, "Ada", "Bob");
        var (ada, bob) = (people[0], people[1]);

        // As the template proposes it: no question, its own size, the middle where the pointer let go.
        await Drag(ada, "terminal", 620, 360);
        await Expect(Node(bob)).ToContainTextAsync("Terminal");
        await Expect(ada.Page.GetByTestId("new-container")).ToHaveCountAsync(0);
        await Running(ada);
        var box = (await ada.Page.GetByTestId("node").BoundingBoxAsync())!;
        Assert.Equal((640, 400), (Math.Round(box.Width), Math.Round(box.Height)));
        Assert.Equal((620, 360), (Math.Round(box.X + box.Width / 2), Math.Round(box.Y + box.Height / 2)));

        // Taken back, the node is gone and the container is not: said, with the way to end that too.
        await ada.Page.GetByTestId("board-stage").FocusAsync();
        await ada.Page.Keyboard.PressAsync("Control+z");
        await Expect(Node(bob)).ToHaveCountAsync(0);
        await Expect(ada.Page.GetByText("Terminal is off the board and goes on.")).ToBeVisibleAsync();
        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Delete it" }).ClickAsync();
        await bob.Page.GetByTestId("open-containers").ClickAsync();
        await Expect(bob.Page.GetByTestId("panel-deleted")).ToContainTextAsync("Terminal");
        // Done again, the node is there, and what it shows can be had back.
        await ada.Page.GetByTestId("board-stage").FocusAsync();
        await ada.Page.Keyboard.PressAsync("Control+Shift+z");
        await Node(ada).GetByTestId("container-undelete").ClickAsync();
        await Expect(State(bob)).ToHaveAttributeAsync("data-state", "stopped", Patience);

        // A template with open questions asks them, with itself chosen.
        await Drag(bob, "image", 300, 600);
        await Expect(bob.Page.GetByTestId("template-image").GetByRole(AriaRole.Radio)).ToBeCheckedAsync();
    });

    [DockerFact]
    public Task Terminal_WhoseConnectionBreaks_ComesBackToTheSameShellAndFitsItsWindow() => browser.Run(async enter =>
    {
        var (accounts, _, project) = await browser.Project();
        var id = await Start(accounts["Ada"], project, new { image = DockerFixture.Tiny });
        var bob = await enter("Bob");
        await bob.BreakableConnection();
        await bob.LogIn(accounts["Bob"].Email, People.Password);
        await bob.Page.GotoAsync($"/projects/{project}/containers/{id}?view=terminal");
        await Expect(Screen(bob)).ToHaveAttributeAsync("data-link", "open", Patience);
        await bob.Page.Keyboard.TypeAsync("KEPT=yes; echo ready-$((40+2))\r");
        await Expect(Screen(bob)).ToContainTextAsync("ready-42");

        await bob.DropConnection();
        await Expect(Screen(bob)).Not.ToHaveAttributeAsync("data-link", "open");
        await Expect(Screen(bob)).ToHaveAttributeAsync("data-link", "open", Patience);
        await Expect(Screen(bob)).ToContainTextAsync("ready-42");
        await Screen(bob).ClickAsync();
        await bob.Page.Keyboard.TypeAsync("echo still-$KEPT\r");
        await Expect(Screen(bob)).ToContainTextAsync("still-yes");

        var rows = bob.Page.Locator(".xterm-rows > div");
        var before = await rows.CountAsync();
        await bob.Page.SetViewportSizeAsync(900, 420);
        await Expect(rows).Not.ToHaveCountAsync(before);
        var now = await rows.CountAsync();
        await bob.Page.Keyboard.TypeAsync("set -- $(stty size); echo has-$1-rows\r");
        await Expect(Screen(bob)).ToContainTextAsync(FormattableString.Invariant($"has-{now}-rows"));
    });

    [DockerFact]
    public Task Logs_OfAContainer_AreFollowedSearchedPausedAndRedacted() => browser.Run(async enter =>
    {
        var (accounts, _, project) = await browser.Project();
        var set = await Account.Read(await accounts["Ada"].Http.PostAsJsonAsync(
            $"organizations/{await OrganizationOf(accounts["Ada"], project)}/env-sets", new { name = "Keys", scope = "project", scopeId = project, variables = new Dictionary<string, string> { ["API_KEY"] = "very-secret-key" } }));
        var id = await Start(
            accounts["Ada"], project, new { image = DockerFixture.Tiny, command = "while sleep 0.2; do i=$((i+1)); echo line-$i with $API_KEY; done & exec serve" }, (Guid)set["id"]!);
        var carol = await enter("Carol");
        await carol.LogIn(accounts["Carol"].Email, People.Password);
        await carol.Page.GotoAsync($"/projects/{project}/containers/{id}?view=logs");
        var lines = carol.Page.Locator(".cl-lines > div");
        await Expect(lines.Filter(new() { HasTextRegex = new("line-12 ") })).ToBeVisibleAsync(new() { Timeout = 60_000 });
        await Expect(lines.First).Not.ToContainTextAsync("very-secret-key");
        await Expect(lines.First).ToContainTextAsync("line-1 with •");

        await carol.Page.GetByTestId("logs-search").FillAsync("LINE-12 ");
        await Expect(lines).ToHaveCountAsync(1);
        await carol.Page.GetByTestId("logs-search").FillAsync("");
        await carol.Page.GetByTestId("logs-follow").ClickAsync();
        await Expect(carol.Page.GetByTestId("logs-follow")).ToContainTextAsync("Follow");
        var last = await lines.Last.InnerTextAsync();
        await Account.Read(await accounts["Ada"].Http.PostAsync($"containers/{id}/stop", null));
        await Expect(carol.Page.GetByTestId("container-state")).ToHaveAttributeAsync("data-state", "stopped", Patience);
        Assert.Equal(last, await lines.Last.InnerTextAsync());
    });

    [DockerFact]
    public Task States_OfContainers_AreShownWithTheirReasonsAndTheActionsThatEachMayTake() => browser.Run(async enter =>
    {
        var (accounts, _, project) = await browser.Project();
        await Start(accounts["Ada"], project, new { image = DockerFixture.Tiny, command = "echo it broke; exit 3" }, name: "Broken");
        await Start(accounts["Ada"], project, new { image = "demiurge-test/nowhere:latest" }, name: "Nowhere");
        var people = await OnBoard(enter, accounts, project, "Bob", "Carol");
        var (bob, carol) = (people[0], people[1]);
        await bob.Page.GetByTestId("open-containers").ClickAsync();
        for (var placed = 0; placed < 2; placed++)
        {
            await Expect(bob.Page.GetByTestId("panel-place")).ToHaveCountAsync(2 - placed);
            await bob.Page.GetByTestId("panel-place").First.ClickAsync();
        }
        await bob.Page.GetByTestId("open-containers").ClickAsync();

        foreach (var person in people)
        {
            await person.Page.Keyboard.PressAsync("Shift+Digit1");
            var broken = Node(person).Filter(new() { HasText = "Broken" });
            await Expect(broken).ToHaveAttributeAsync("data-state", "failed", Patience);
            await Expect(broken).ToContainTextAsync("exit code 3", new() { IgnoreCase = true });
            await Expect(Node(person).Filter(new() { HasText = "Nowhere" })).ToContainTextAsync("demiurge-test/nowhere", new() { Timeout = 60_000 });
        }
        // Who may edit may try again; who may view is told the same and offered nothing.
        await Expect(Node(bob).Filter(new() { HasText = "Broken" }).GetByTestId("container-retry")).ToBeVisibleAsync();
        await Expect(carol.Page.GetByTestId("container-retry")).ToHaveCountAsync(0);
        await Node(carol).Filter(new() { HasText = "Broken" }).GetByTestId("container-menu").ClickAsync();
        var actions = carol.Page.GetByTestId("container-actions");
        await Expect(actions).ToBeVisibleAsync();
        foreach (var action in EditorsActions)
            await Expect(actions.GetByTestId($"container-{action}")).ToHaveCountAsync(0);
        // The menu is the keyboard's, too, and gives it back.
        await Expect(actions.GetByRole(AriaRole.Menuitem).First).ToBeFocusedAsync();
        await carol.Page.Keyboard.PressAsync("Escape");
        await Expect(actions).ToHaveCountAsync(0);
        await Expect(Node(carol).Filter(new() { HasText = "Broken" }).GetByTestId("container-menu")).ToBeFocusedAsync();
    });

    [DockerFact]
    public Task IdleContainer_CountsDownForAll_AndIsKeptOrPinnedByThoseWhoMay() => browser.Run(async enter =>
    {
        var (accounts, organization, project) = await browser.Project();
        var template = await Account.Read(await accounts["Ada"].Http.PostAsJsonAsync($"organizations/{organization}/templates", new
        {
            slug = $"idle-{Guid.NewGuid():N}"[..20], name = "Short-lived", description = "Stops soon.",
            spec = new
            {
                image = DockerFixture.Tiny, services = Array.Empty<object>(), options = Array.Empty<object>(), volumes = Array.Empty<string>(), environment = new { }, shell = "/bin/sh",
                readOnlyRoot = false, tmpfs = Array.Empty<string>(), user = (string?)null, workingDirectory = (string?)null, command = (string[]?)null, defaultTier = "small", idleMinutes = 4, width = 480, height = 320,
            },
        }));
        var people = await OnBoard(enter, accounts, project, "Ada", "Bob", "Carol");
        var (ada, bob, carol) = (people[0], people[1], people[2]);
        await Drag(ada, (string)template["slug"]!, 500, 300);
        foreach (var person in people)
        {
            await Running(person);
            await Expect(person.Page.GetByTestId("container-idle").Locator("time")).ToHaveTextAsync(new System.Text.RegularExpressions.Regex("^[0-4]:[0-5][0-9]$"), new() { Timeout = 60_000 });
        }
        await Expect(carol.Page.GetByTestId("container-keep")).ToHaveCountAsync(0);
        await Expect(bob.Page.GetByTestId("container-pin")).ToHaveCountAsync(0);

        await bob.Page.GetByTestId("container-keep").ClickAsync();
        foreach (var person in people)
            await Expect(person.Page.GetByTestId("container-idle")).ToHaveCountAsync(0);
        await Choose(ada, "pin");
        await Expect(Node(carol).GetByTestId("container-pinned")).ToBeVisibleAsync();
        await Choose(ada, "pin");
        await Expect(Node(carol).GetByTestId("container-pinned")).ToHaveCountAsync(0);
    });

    private static ILocator Node(Person person) => person.Page.GetByTestId("container-node");

    private static ILocator State(Person person) => Node(person).GetByTestId("container-state");

    private static ILocator Screen(Person person) => person.Page.Locator(".ct-screen");

    private static ILocator Tab(Person person, string name) => person.Page.GetByTestId($"container-tab-{name}");

    private static Task Running(Person person) => Expect(State(person)).ToHaveAttributeAsync("data-state", "running", Patience);

    /// <summary>With the keyboard, in the middle of the board.</summary>
    private static async Task Make(Person person, string name)
    {
        await person.Page.GetByTestId("board-stage").FocusAsync();
        await person.Page.Keyboard.PressAsync("k");
        await person.Page.GetByTestId("template-image").ClickAsync();
        await person.Page.GetByTestId("container-name").FillAsync(name);
        await person.Page.GetByTestId("create-container").ClickAsync();
        await Expect(person.Page.GetByTestId("option-image")).ToContainTextAsync("missing");
        await person.Page.GetByLabel("Image", new() { Exact = true }).FillAsync(DockerFixture.Tiny);
        await person.Page.GetByLabel("Folder to keep").FillAsync("/home/user");
        await person.Page.GetByTestId("create-container").ClickAsync();
        await Expect(Node(person)).ToContainTextAsync(name);
    }

    /// <summary>Into the terminal on the board, entered with a double click.</summary>
    private static async Task Type(Person person, string line)
    {
        await Screen(person).DblClickAsync(new() { Force = true });
        await Expect(person.Page.Locator(".node[data-interacting]")).ToBeVisibleAsync();
        await person.Page.Keyboard.TypeAsync(line + "\r");
    }

    /// <summary>From the toolbar's menu to a place of the window.</summary>
    private static async Task Drag(Person person, string template, int x, int y)
    {
        await person.Page.GetByTestId("tool-container").ClickAsync();
        await person.Page.GetByTestId($"menu-template-{template}").DragToAsync(person.Page.GetByTestId("board-stage"), new() { TargetPosition = new() { X = x, Y = y } });
    }

    /// <summary>By the API, a container of any image.</summary>
    private static async Task<Guid> Start(Account account, Guid project, object options, Guid? envSet = null, string? name = null)
    {
        var templates = await Account.Read(await account.Http.GetAsync($"organizations/{await OrganizationOf(account, project)}/templates"));
        var template = templates.AsArray().Single(each => (string)each!["slug"]! == "image")!;
        var created = await Account.Read(await account.Http.PostAsJsonAsync(
            $"projects/{project}/containers", new { templateId = (Guid)template["id"]!, name, options, envSetIds = envSet is { } set ? new[] { set } : [] }));
        return (Guid)created["id"]!;
    }

    private static async Task<Guid> OrganizationOf(Account account, Guid project) => (Guid)(await Account.Read(await account.Http.GetAsync($"projects/{project}")))["organizationId"]!;

    private static async Task Choose(Person person, string action)
    {
        await Node(person).GetByTestId("container-menu").ClickAsync();
        await person.Page.GetByTestId($"container-{action}").ClickAsync();
    }

    /// <summary>Ada's project; Bob edits, Carol views. All three have its board open.</summary>
    private async Task<(Person Ada, Person Bob, Person Carol, Guid ProjectId)> ThreeOnABoard(Func<string, Task<Person>> enter)
    {
        var (accounts, _, project) = await browser.Project();
        var people = await OnBoard(enter, accounts, project, "Ada", "Bob", "Carol");
        return (people[0], people[1], people[2], project);
    }

    private static async Task<Person[]> OnBoard(Func<string, Task<Person>> enter, IReadOnlyDictionary<string, Account> accounts, Guid project, params string[] names)
    {
        var people = new List<Person>();
        foreach (var name in names)
            people.Add(await enter(name));
        await Task.WhenAll(people.Select(async person =>
        {
            await person.LogIn(accounts[person.Name].Email, People.Password);
            await person.OpenBoard(project);
        }));
        return [.. people];
    }
}
