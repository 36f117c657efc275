using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace Demiurge.Tests.Browser;

/// <summary>Somebody at a browser of their own, with the steps that several tests take.</summary>
public sealed partial class Person
{
    private readonly List<string> console = [];

    public Person(string name, IBrowserContext context, IPage page)
    {
        Name = name;
        Context = context;
        Page = page;
        Email = $"{name.ToLowerInvariant()}-{Guid.NewGuid():N}@example.com";
        page.Console += (_, message) => console.Add($"{message.Type}: {message.Text}");
        page.PageError += (_, error) => Errors.Add(error);
        page.Crash += (_, _) => Errors.Add("The page's process crashed.");
    }

    public string Name { get; }

    public string Email { get; }

    public string Password { get; } = "correct horse battery staple";

    public IBrowserContext Context { get; }

    public IPage Page { get; }

    /// <summary>Exceptions that no script of the page caught.</summary>
    public List<string> Errors { get; } = [];

    /// <summary>What the page wrote to the console.</summary>
    public IReadOnlyList<string> Console => console;

    /// <summary>Writes console, trace and screenshot to files of that name, as far as a broken page still gives them.</summary>
    public async Task Keep(string file)
    {
        await File.WriteAllLinesAsync($"{file}.txt", [Page.Url, .. Errors, .. Console]);
        try
        {
            await Context.Tracing.StopAsync(new() { Path = $"{file}.zip" });
            await Page.ScreenshotAsync(new() { Path = $"{file}.png" });
        }
        catch (PlaywrightException e)
        {
            await File.AppendAllTextAsync($"{file}.txt", $"No screenshot: {e.Message}\n");
        }
    }

    /// <summary>Creates the account on whatever page asks for it (the registration form, opened if it isn't).</summary>
    public async Task SignUp()
    {
        if (!Page.Url.Contains("/account/register", StringComparison.Ordinal))
            await Page.GotoAsync("/account/register");
        await Page.GetByLabel("Your name").FillAsync(Name);
        await Page.GetByLabel("E-mail address").FillAsync(Email);
        await Page.GetByLabel("Password").FillAsync(Password);
        await Page.GetByRole(AriaRole.Button, new() { Name = "Create account" }).ClickAsync();
        await Page.WaitForURLAsync(url => !url.Contains("/account/register", StringComparison.Ordinal));
    }

    /// <summary>On the log-in page.</summary>
    public async Task LogIn(string email, string password)
    {
        await Page.GotoAsync("/account/login");
        await Page.GetByLabel("E-mail address").FillAsync(email);
        await Page.GetByLabel("Password").FillAsync(password);
        await Page.GetByRole(AriaRole.Button, new() { Name = "Log in" }).ClickAsync();
        await Page.WaitForURLAsync(url => !url.Contains("/account/", StringComparison.Ordinal));
    }

    /// <summary>From the welcome card of an empty home page. Returns the organization's id.</summary>
    public async Task<Guid> CreateOrganization(string name)
    {
        await Assertions.Expect(Page.GetByTestId("welcome")).ToBeVisibleAsync();
        await Interactive();
        await Page.GetByLabel("Organization name").FillAsync(name);
        await Page.GetByRole(AriaRole.Button, new() { Name = "Create organization" }).ClickAsync();
        await Page.WaitForURLAsync(OrganizationAddress());
        return Guid.Parse(OrganizationAddress().Match(Page.Url).Groups[1].Value);
    }

    /// <summary>On an organization's page without projects; ends on the new board. Returns the project's id.</summary>
    public async Task<Guid> CreateProject(string name)
    {
        await Interactive();
        await Page.GetByLabel("Project name").FillAsync(name);
        await Page.GetByRole(AriaRole.Button, new() { Name = "Create project" }).ClickAsync();
        await Page.WaitForURLAsync(ProjectAddress());
        return Guid.Parse(ProjectAddress().Match(Page.Url).Groups[1].Value);
    }

    /// <summary>Invites an address on the organization's page and returns the link that the page shows once.</summary>
    public async Task<string> Invite(Guid organizationId, string email, string role = "Member")
    {
        await Page.GotoAsync($"/organizations/{organizationId}?tab=invitations");
        await Interactive();
        await Page.GetByLabel("E-mail address").FillAsync(email);
        await Page.GetByLabel("Role").SelectOptionAsync(role);
        await Page.GetByRole(AriaRole.Button, new() { Name = "Invite", Exact = true }).ClickAsync();
        return await Page.GetByTestId("invitation-link").InputValueAsync();
    }

    /// <summary>Follows an invitation: creates the account it is for, and accepts.</summary>
    public async Task Accept(string link)
    {
        await Page.GotoAsync(link);
        await Page.GetByRole(AriaRole.Link, new() { Name = "Create an account" }).ClickAsync();
        await SignUp();
        await Page.GetByRole(AriaRole.Button, new() { Name = $"Accept as {Name}" }).ClickAsync();
        await Page.WaitForURLAsync(OrganizationAddress());
    }

    /// <summary>Opens a board and waits until it can be worked on.</summary>
    public async Task OpenBoard(Guid projectId)
    {
        await Page.GotoAsync($"/projects/{projectId}");
        await BoardIsOpen();
    }

    /// <summary>Waits until the browser module draws the room.</summary>
    public async Task BoardIsOpen()
    {
        await Page.Locator("[data-testid=board][data-state=open]").WaitForAsync();
        await Page.Locator("[data-testid=board-stage].board-stage").WaitForAsync();
        await Assertions.Expect(SaveStatus).ToHaveAttributeAsync("data-state", "saved");
    }

    /// <summary>Puts a note at a place of the screen, types into it, and leaves it.</summary>
    public async Task PutNote(int x, int y, string text)
    {
        await Page.GetByTestId("board-stage").FocusAsync();
        await Page.Keyboard.PressAsync("n");
        await Page.Mouse.ClickAsync(x, y);
        await Page.GetByTestId("board-editor").WaitForAsync();
        await Page.Keyboard.TypeAsync(text);
        await Page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(Note(text)).ToBeVisibleAsync();
    }

    /// <summary>Lets <see cref="SilenceConnection"/> and <see cref="DropConnection"/> work on the pages that are loaded from now on.</summary>
    public Task BreakableConnection() => Page.AddInitScriptAsync("""
        const sockets = [];
        let silent = false;
        window.WebSocket = class extends WebSocket {
            constructor(...args) { super(...args); sockets.push(this); }
            send(data) { if (!silent) super.send(data); }
        };
        window.silenceConnection = () => { silent = true; };
        window.dropConnection = () => { for (const socket of sockets.splice(0)) socket.close(); silent = false; };
        """);

    /// <summary>From now on nothing that the page sends arrives, though its connection looks alive.</summary>
    public Task SilenceConnection() => Page.EvaluateAsync("() => window.silenceConnection()");

    /// <summary>Breaks the page's connection; the next one works.</summary>
    public Task DropConnection() => Page.EvaluateAsync("() => window.dropConnection()");

    /// <summary>The node that shows a text.</summary>
    public ILocator Note(string text) => Page.GetByTestId("node").Filter(new() { HasText = text });

    public ILocator SaveStatus => Page.GetByTestId("save-status");

    /// <summary>Waits until the board says that all of this person's edits are durable.</summary>
    public Task Saved() => Assertions.Expect(SaveStatus).ToHaveAttributeAsync("data-state", "saved", new() { Timeout = 60_000 });

    /// <summary>Waits until the page's circuit has taken over what the server rendered first; before, a click finds nobody.</summary>
    public Task Interactive() => Page.Locator("html[data-interactive]").WaitForAsync();

    [GeneratedRegex("/organizations/([0-9a-f-]{36})")]
    private static partial Regex OrganizationAddress();

    [GeneratedRegex("/projects/([0-9a-f-]{36})$")]
    private static partial Regex ProjectAddress();
}
