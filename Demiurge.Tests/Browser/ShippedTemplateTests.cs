using System.Text.RegularExpressions;
using Demiurge.Tests.Containers.Docker;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Demiurge.Tests.Browser;

/// <summary>An installation with a real Docker engine that has the shipped templates' images.</summary>
public abstract class ShippedTemplateFixture : BrowserFixture
{
    private readonly DockerFixture docker = new();

    protected override (string Key, string Value)[] Settings => [("Demiurge:Containers:Engine", docker.Endpoint)];

    public override async Task InitializeAsync()
    {
        await docker.InitializeAsync();
        if (DockerFactAttribute.WhyNot is not null)
            return;
        await LoadImages();
        await base.InitializeAsync();
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await docker.DisposeAsync();
    }

    protected abstract Task LoadImages();
}

public sealed class LightTemplateFixture : ShippedTemplateFixture
{
    protected override (string Key, string Value)[] Settings => [.. base.Settings, .. ShippedImages.LightSettings];

    protected override Task LoadImages() => ShippedImages.LoadLight();
}

public sealed class FullTemplateFixture : ShippedTemplateFixture
{
    protected override Task LoadImages() => ShippedImages.LoadFull();
}

/// <summary>The shipped templates as people use them: made on the board, in Chromium, at their protected addresses.</summary>
public abstract class ShippedTemplateTests(ShippedTemplateFixture browser)
{
    private static readonly LocatorAssertionsToHaveAttributeOptions Patience = new() { Timeout = 120_000 };

    protected ShippedTemplateFixture Browser { get; } = browser;

    [DockerFact]
    public Task Terminal_MadeOnTheBoard_IsSharedByTwo() => Browser.Run(async enter =>
    {
        var (ada, bob) = await TwoOnABoard(enter);
        await Make(ada, "terminal", "Shell");
        foreach (var person in new[] { ada, bob })
        {
            await Running(person);
            await person.Page.GetByTestId("container-tab-terminal").ClickAsync();
            await Expect(Screen(person)).ToHaveAttributeAsync("data-link", "open", Patience);
        }

        await Type(ada, "whoami; pwd; echo from-ada-$((40+2)) > kept");
        foreach (var person in new[] { ada, bob })
            await Expect(Screen(person)).ToContainTextAsync("/home/person", new() { Timeout = 60_000 });
        await Type(bob, "echo $(cat kept), seen by bob-$((6*7))");
        foreach (var person in new[] { ada, bob })
            await Expect(Screen(person)).ToContainTextAsync("from-ada-42, seen by bob-42", new() { Timeout = 60_000 });
        await Stop(ada);
    });

    [DockerFact]
    public Task Notebook_AtItsAddressAndOnTheBoard_RunsCells() => Browser.Run(async enter =>
    {
        var (ada, bob) = await TwoOnABoard(enter);
        await Make(ada, "jupyterlab", "Figures");
        await Running(ada);
        await Running(bob);

        // In a tab of its own: a new notebook, whose kernel computes.
        var tab = await Open(ada);
        await tab.GetByRole(AriaRole.Button, new() { Name = "New", Exact = false }).First.ClickAsync();
        var notebook = await tab.Context.RunAndWaitForPageAsync(() => tab.Locator("#kernel-python3 a").ClickAsync());
        await RunCell(notebook, notebook.Locator("body"), "print('six times seven is', 6 * 7)", "six times seven is 42");
        Assert.StartsWith(new Uri(tab.Url).GetLeftPart(UriPartial.Authority), notebook.Url, StringComparison.Ordinal);
        await notebook.Locator("#save-notbook button").ClickAsync();
        await Expect(notebook.Locator(".checkpoint_status")).ToContainTextAsync("Last Checkpoint", new() { Timeout = 60_000 });

        // The same notebook and kernel for somebody else, framed by the board.
        await bob.Page.GetByTestId("container-tab-main").ClickAsync();
        await bob.Page.GetByTestId("container-frame").DblClickAsync(new() { Force = true });
        var frame = bob.Page.FrameLocator("[data-testid=container-frame]");
        var link = frame.Locator("#notebook_list a").Filter(new() { HasText = "Untitled.ipynb" });
        await link.WaitForAsync(new() { Timeout = 60_000 });
        var path = await link.GetAttributeAsync("href");
        await bob.Page.GetByTestId("container-frame").EvaluateAsync("(frame, path) => { frame.src = new URL(path, frame.src).href; }", path);
        await RunCell(bob.Page, frame.Locator("body"), "sum(range(100))", "4950");
        await Stop(ada);
    });

    /// <summary>Types into the last cell of a classic notebook, runs it and awaits its output.</summary>
    private static async Task RunCell(IPage page, ILocator body, string code, string output)
    {
        // Before its kernel is there, a notebook loses what is asked of it.
        await Expect(body.Locator("#kernel_indicator_icon")).ToHaveClassAsync(new Regex("kernel_idle_icon"), new() { Timeout = 120_000 });
        await body.Locator(".code_cell").Last.Locator(".CodeMirror").ClickAsync();
        await page.Keyboard.TypeAsync(code);
        await page.Keyboard.PressAsync("Shift+Enter");
        await Expect(body.Locator(".output_area").Filter(new() { HasText = output }).First).ToBeVisibleAsync(new() { Timeout = 120_000 });
    }

    /// <summary>The container's main service, in a tab of its own.</summary>
    protected static async Task<IPage> Open(Person person)
    {
        var url = await Node(person).GetByTestId("open-main").GetAttributeAsync("href");
        Assert.Matches(@"^https?://uc-[0-9a-f-]{36}\.org-[0-9a-f-]{36}\.", url);
        return await person.Context.RunAndWaitForPageAsync(() => Node(person).GetByTestId("open-main").ClickAsync());
    }

    protected static ILocator Node(Person person) => person.Page.GetByTestId("container-node");

    protected static Task Running(Person person) => Expect(Node(person).GetByTestId("container-state")).ToHaveAttributeAsync("data-state", "running", Patience);

    /// <summary>Makes room for the next test's: the engine has as much of it as this machine.</summary>
    protected static async Task Stop(Person person)
    {
        await Node(person).GetByTestId("container-menu").ClickAsync();
        await person.Page.GetByTestId("container-stop").ClickAsync();
        await Expect(Node(person).GetByTestId("container-state")).ToHaveAttributeAsync("data-state", "stopped", Patience);
    }

    /// <summary>With the keyboard, in the middle of the board.</summary>
    protected static async Task Make(Person person, string template, string name, params (string Label, string Value)[] options)
    {
        await person.Page.GetByTestId("board-stage").FocusAsync();
        await person.Page.Keyboard.PressAsync("k");
        await person.Page.GetByTestId($"template-{template}").ClickAsync();
        await person.Page.GetByTestId("container-name").FillAsync(name);
        foreach (var (label, value) in options)
            await person.Page.GetByLabel(label).FillAsync(value);
        await person.Page.GetByTestId("create-container").ClickAsync();
        await Expect(Node(person)).ToContainTextAsync(name, new() { Timeout = 60_000 });
    }

    /// <summary>Ada's project, in which Bob edits, too. Both have its board open.</summary>
    protected static async Task<(Person Ada, Person Bob)> TwoOnABoard(Func<string, Task<Person>> enter)
    {
        var ada = await enter("Ada");
        await ada.SignUp();
        var organization = await ada.CreateOrganization("Analytical Engines");
        var project = await ada.CreateProject("Note G");
        var bob = await enter("Bob");
        await bob.Accept(await ada.Invite(organization, bob.Email, "Admin"));
        foreach (var person in new[] { ada, bob })
            await person.OpenBoard(project);
        return (ada, bob);
    }

    /// <summary>Opens the terminal on the board and runs a line in it.</summary>
    protected static async Task Shell(Person person, string line)
    {
        await person.Page.GetByTestId("container-tab-terminal").ClickAsync();
        await Expect(Screen(person)).ToHaveAttributeAsync("data-link", "open", Patience);
        await Type(person, line);
    }

    protected static ILocator Screen(Person person) => person.Page.Locator(".ct-screen");

    /// <summary>Into the terminal on the board, entered with a double click.</summary>
    protected static async Task Type(Person person, string line)
    {
        await Screen(person).DblClickAsync(new() { Force = true });
        await Expect(person.Page.Locator(".node[data-interacting]")).ToBeVisibleAsync(new() { Timeout = 60_000 });
        await person.Page.Keyboard.TypeAsync(line + "\r");
    }
}

/// <summary>With light images, whose building takes a minute or two.</summary>
public sealed class LightShippedTemplateTests(LightTemplateFixture browser) : ShippedTemplateTests(browser), IClassFixture<LightTemplateFixture>;

/// <summary>With all images as <c>images/build</c> makes them.</summary>
[Trait("Profile", "full")]
public sealed class FullShippedTemplateTests(FullTemplateFixture browser) : ShippedTemplateTests(browser), IClassFixture<FullTemplateFixture>
{
    [DockerFact]
    public Task CodeServer_AtItsAddress_EditsAndSavesAFile() => Browser.Run(async enter =>
    {
        var (ada, _) = await TwoOnABoard(enter);
        await Make(ada, "code-server", "Editor");
        await Running(ada);
        var editor = await Open(ada);
        await editor.Locator(".monaco-workbench").WaitForAsync(new() { Timeout = 120_000 });

        await Shell(ada, "echo made in the shell > hello.txt");
        await editor.GetByRole(AriaRole.Treeitem, new() { Name = "hello.txt" }).DblClickAsync(new() { Timeout = 120_000 });
        await Expect(editor.Locator(".monaco-editor .view-lines").First).ToContainTextAsync("made in the shell", new() { Timeout = 120_000 });
        await editor.Keyboard.PressAsync("Control+End");
        await editor.Keyboard.TypeAsync("written in the editor");
        await editor.Keyboard.PressAsync("Control+s");
        await Expect(editor.Locator(".tab.dirty")).ToHaveCountAsync(0, new() { Timeout = 60_000 });
        await Type(ada, "clear; grep -c 'written in the editor' hello.txt | sed s/^/saved-/");
        await Expect(Screen(ada)).ToContainTextAsync("saved-1", new() { Timeout = 60_000 });

        // Framed by the board, with what was saved; its socket came through, or it would say so.
        await ada.Page.GetByTestId("container-tab-main").ClickAsync();
        var frame = ada.Page.FrameLocator("[data-testid=container-frame]");
        await Expect(frame.GetByRole(AriaRole.Treeitem, new() { Name = "hello.txt" })).ToBeVisibleAsync(new() { Timeout = 120_000 });
        Assert.Equal(0, await frame.Locator(".monaco-dialog-box").CountAsync() + await editor.Locator(".monaco-dialog-box").CountAsync());
        await Stop(ada);
    });

    [DockerFact]
    public Task N8n_WithAKeyOfOnesOwn_AnswersAndEncryptsWithIt() => Browser.Run(async enter =>
    {
        var (ada, _) = await TwoOnABoard(enter);
        await Make(ada, "n8n", "Flows", ("Encryption key", "key-of-ones-own"));
        await Running(ada);
        var page = await Open(ada);
        await Expect(page.GetByText("Set up owner account")).ToBeVisibleAsync(new() { Timeout = 120_000 });
        await Expect(page.GetByText("secure cookie")).ToHaveCountAsync(0);
        await Shell(ada, "echo \"$WEBHOOK_URL\"; grep -c key-of-ones-own .n8n/config | sed s/^/keys-/");
        await Expect(Screen(ada)).ToContainTextAsync("keys-1", new() { Timeout = 60_000 });
        await Stop(ada);
    });
}
