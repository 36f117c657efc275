using Demiurge.Tests.Containers.Docker;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Demiurge.Tests.Browser;

/// <summary>An installation with a real Docker engine, for people in browsers.</summary>
public sealed class ContainerBrowserFixture : BrowserFixture
{
    private readonly DockerFixture docker = new();

    protected override (string Key, string Value)[] Settings => [("Demiurge:Containers:Engine", docker.Endpoint)];

    public override async Task InitializeAsync()
    {
        await docker.InitializeAsync();
        if (DockerFactAttribute.WhyNot is null)
            await base.InitializeAsync();
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await docker.DisposeAsync();
    }
}

/// <summary>The product's other promise, in real browsers on a real engine: what runs on the board, everybody there sees and uses.</summary>
[Trait("Profile", "full")]
public sealed class ContainerBoardTests(ContainerBrowserFixture browser) : IClassFixture<ContainerBrowserFixture>
{
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
    public Task Container_MadeOnTheBoard_IsSeenStoppedAndStartedByAll() => browser.Run(async enter =>
    {
        var (ada, bob, carol, _) = await ThreeOnABoard(enter);

        await Make(ada, "Everybody's shell");
        foreach (var person in new[] { ada, bob, carol })
            await Running(person);

        // Stopped by one, seen by all; started by another.
        await Choose(bob, "stop");
        foreach (var person in new[] { ada, bob, carol })
            await Expect(State(person)).ToHaveAttributeAsync("data-state", "stopped", Patience);
        await ada.Page.GetByTestId("container-start").ClickAsync();
        foreach (var person in new[] { ada, bob, carol })
            await Running(person);
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
        await bob.Page.GetByTestId("panel-undelete").ClickAsync();
        await Expect(bob.Page.GetByTestId("panel-container")).ToContainTextAsync("Stopped", new() { Timeout = 60_000 });
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

    private static async Task Choose(Person person, string action)
    {
        await Node(person).GetByTestId("container-menu").ClickAsync();
        await person.Page.GetByTestId($"container-{action}").ClickAsync();
    }

    /// <summary>Ada's project; Bob edits, Carol views. All three have its board open.</summary>
    private static async Task<(Person Ada, Person Bob, Person Carol, Guid ProjectId)> ThreeOnABoard(Func<string, Task<Person>> enter)
    {
        var ada = await enter("Ada");
        await ada.SignUp();
        var organization = await ada.CreateOrganization("Analytical Engines");
        var project = await ada.CreateProject("Note G");
        var bob = await enter("Bob");
        await bob.Accept(await ada.Invite(organization, bob.Email, "Admin"));
        var carol = await enter("Carol");
        await carol.Accept(await ada.Invite(organization, carol.Email));
        await ada.Page.GotoAsync($"/projects/{project}/settings");
        await ada.Interactive();
        await ada.Page.GetByLabel("Public in the organization").CheckAsync();
        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Save", Exact = true }).ClickAsync();
        foreach (var person in new[] { ada, bob, carol })
            await person.OpenBoard(project);
        return (ada, bob, carol, project);
    }
}
