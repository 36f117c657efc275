using System.Diagnostics;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Demiurge.Tests.Browser;

/// <summary>The product's first promise, in real browsers: a team signs up, opens a project and works on its board together.</summary>
public sealed class CollaborationTests(BrowserFixture browser) : IClassFixture<BrowserFixture>
{
    [Fact]
    public Task Invitation_FollowedTwice_WorksOnce() => browser.Run(async enter =>
    {
        var ada = await enter("Ada");
        await ada.SignUp();
        var organization = await ada.CreateOrganization("Analytical Engines");
        var bob = await enter("Bob");
        var link = await ada.Invite(organization, bob.Email);

        await bob.Accept(link);

        await Expect(bob.Page.GetByRole(AriaRole.Heading, new() { Name = "Analytical Engines" })).ToBeVisibleAsync();
        await ada.Page.GotoAsync($"/organizations/{organization}?tab=members");
        await Expect(ada.Page.GetByTestId("members")).ToContainTextAsync("Bob");
        await bob.Page.GotoAsync(link);
        await Expect(bob.Page.GetByTestId("invitation-refused")).ToBeVisibleAsync();
    });

    [Fact]
    public Task Mail_WithoutServer_ReachesTheOutbox() => browser.Run(async enter =>
    {
        var ada = await enter("Ada");
        await ada.SignUp();
        var organization = await ada.CreateOrganization("Analytical Engines");
        var bob = await enter("Bob");
        var link = await ada.Invite(organization, bob.Email);

        await bob.Page.GotoAsync("/outbox");
        var mail = bob.Page.GetByTestId("mail").Filter(new() { HasText = bob.Email });
        await Expect(mail.GetByRole(AriaRole.Link).First).ToHaveAttributeAsync("href", link);
    });

    [Fact]
    public Task TwoPeople_OnOneBoard_SeeEachOtherAtOnce() => browser.Run(async enter =>
    {
        var (ada, bob, _) = await TwoOnABoard(enter);

        // Who is here, and where.
        await Expect(ada.Page.GetByTestId("person")).ToHaveAttributeAsync("title", "Bob — jump there");
        await bob.Page.Mouse.MoveAsync(500, 420);
        await bob.Page.Mouse.MoveAsync(520, 440);
        await Expect(ada.Page.Locator(".board-cursor", new() { HasText = "Bob" })).ToBeVisibleAsync();

        await ada.PutNote(400, 300, "from Ada");
        await Expect(bob.Note("from Ada")).ToBeVisibleAsync();
        await bob.PutNote(700, 300, "from Bob");
        await Expect(ada.Note("from Bob")).ToBeVisibleAsync();

        // Both in one note at the same time: every character of both arrives.
        await ada.Note("from Ada").DblClickAsync();
        await bob.Note("from Ada").DblClickAsync();
        await ada.Page.GetByTestId("board-editor").WaitForAsync();
        await bob.Page.GetByTestId("board-editor").WaitForAsync();
        await ada.Page.Keyboard.PressAsync("Control+Home");
        await bob.Page.Keyboard.PressAsync("Control+End");
        await Task.WhenAll(
            ada.Page.Keyboard.TypeAsync("[one two three] ", new() { Delay = 20 }),
            bob.Page.Keyboard.TypeAsync(" [four five six]", new() { Delay = 20 }));
        foreach (var person in new[] { ada, bob })
        {
            await person.Page.Keyboard.PressAsync("Escape");
            await Expect(person.Note("[one two three] from Ada [four five six]")).ToBeVisibleAsync();
            await person.Saved();
        }

        // Undo takes back one's own alone.
        await bob.PutNote(700, 560, "a second thought");
        await ada.PutNote(400, 560, "stays");
        await bob.Page.GetByTestId("board-stage").FocusAsync();
        await UndoUntilGone(bob, "a second thought");
        await Expect(ada.Note("a second thought")).ToHaveCountAsync(0);
        await Expect(bob.Note("stays")).ToBeVisibleAsync();

        // All of it is there for who comes later.
        await ada.Page.ReloadAsync();
        await ada.BoardIsOpen();
        await Expect(ada.Note("[one two three] from Ada [four five six]")).ToBeVisibleAsync();
        await Expect(ada.Note("from Bob")).ToBeVisibleAsync();
        await Expect(ada.Note("a second thought")).ToHaveCountAsync(0);
    });

    [Fact]
    public Task Viewer_OnABoard_SeesButChangesNothing() => browser.Run(async enter =>
    {
        var ada = await enter("Ada");
        await ada.SignUp();
        var organization = await ada.CreateOrganization("Analytical Engines");
        var project = await ada.CreateProject("Note G");
        var carol = await enter("Carol");
        await carol.Accept(await ada.Invite(organization, carol.Email));

        // Private: not hers to see.
        await carol.Page.GotoAsync($"/projects/{project}");
        await Expect(carol.Page.GetByTestId("board-problem")).ToBeVisibleAsync();

        await ada.Page.GotoAsync($"/projects/{project}/settings");
        await ada.Interactive();
        await ada.Page.GetByLabel("Public in the organization").CheckAsync();
        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Save", Exact = true }).ClickAsync();
        await ada.OpenBoard(project);
        await ada.PutNote(400, 300, "look at this");

        await carol.OpenBoard(project);
        await Expect(carol.Note("look at this")).ToBeVisibleAsync();
        await Expect(carol.Page.GetByTestId("viewer-badge")).ToBeVisibleAsync();
        await carol.Page.GetByTestId("board-stage").FocusAsync();
        await carol.Page.Keyboard.PressAsync("n");
        await carol.Page.Mouse.ClickAsync(700, 500);
        await carol.Page.Keyboard.TypeAsync("graffiti");
        await carol.Note("look at this").ClickAsync();
        await carol.Page.Keyboard.PressAsync("Delete");
        await ada.PutNote(400, 560, "after the attempt");
        await Expect(carol.Note("after the attempt")).ToBeVisibleAsync();
        await Expect(carol.Page.GetByTestId("node")).ToHaveCountAsync(2);
        await Expect(ada.Page.GetByTestId("node")).ToHaveCountAsync(2);
    });

    [Fact]
    public Task Gateway_KilledWhileBothType_LosesNothing() => browser.Run(async enter =>
    {
        var (ada, bob, _) = await TwoOnABoard(enter);
        await ada.PutNote(400, 300, "Ada:");
        await bob.PutNote(800, 300, "Bob:");
        await Expect(ada.Note("Bob:")).ToBeVisibleAsync();
        await ada.Note("Ada:").DblClickAsync();
        await bob.Note("Bob:").DblClickAsync();
        var typed = string.Concat(Enumerable.Range(0, 40).Select(i => $" {i}"));

        var typing = Task.WhenAll(
            ada.Page.Keyboard.TypeAsync(typed, new() { Delay = 30 }),
            bob.Page.Keyboard.TypeAsync(typed, new() { Delay = 30 }));
        foreach (var id in browser.Site.GatewayProcessIds())
        {
            using var gateway = Process.GetProcessById(id);
            gateway.Kill();
        }
        await typing;

        foreach (var person in new[] { ada, bob })
        {
            await person.Page.Keyboard.PressAsync("Escape");
            await person.Saved();
            await Expect(person.Note("Ada:" + typed)).ToBeVisibleAsync(new() { Timeout = 60_000 });
            await Expect(person.Note("Bob:" + typed)).ToBeVisibleAsync(new() { Timeout = 60_000 });
        }
        await ada.Page.ReloadAsync();
        await ada.BoardIsOpen();
        await Expect(ada.Note("Ada:" + typed)).ToBeVisibleAsync();
        await Expect(ada.Note("Bob:" + typed)).ToBeVisibleAsync();
    });

    [Fact]
    public Task Connection_LostWithEditsOnTheWay_ComesBackWithThemAndTheOthers() => browser.Run(async enter =>
    {
        var (ada, bob, project) = await TwoOnABoard(enter);
        await ada.BreakableConnection();
        await ada.OpenBoard(project);
        await ada.PutNote(400, 300, "before");
        await Expect(bob.Note("before")).ToBeVisibleAsync();

        // Nothing of Ada's leaves any more: neither what she does nor her browser's answers to what it is told.
        await ada.Note("before").DblClickAsync();
        await ada.Page.GetByTestId("board-editor").WaitForAsync();
        await ada.Page.Keyboard.PressAsync("Control+End");
        await ada.Page.Keyboard.TypeAsync(" and");
        await Expect(bob.Note("before and")).ToBeVisibleAsync();
        await ada.SilenceConnection();
        await ada.Page.Keyboard.TypeAsync(" after");
        await ada.Page.Keyboard.PressAsync("Escape");
        await ada.Page.Keyboard.PressAsync("n");
        await ada.Page.Mouse.ClickAsync(400, 560);
        await ada.Page.Keyboard.TypeAsync("meanwhile");
        await ada.Page.Keyboard.PressAsync("Escape");
        await Expect(ada.Page.Locator("[data-testid=board][data-unsent]")).ToBeVisibleAsync();
        for (var i = 0; i < 6; i++)
            await bob.PutNote(700 + 200 * (i % 2), 200 + 180 * (i / 2), $"Bob's {i}");
        await ada.DropConnection();

        var patience = new LocatorAssertionsToBeVisibleOptions { Timeout = 60_000 };
        foreach (var person in new[] { bob, ada })
        {
            await Expect(person.Note("before and after")).ToBeVisibleAsync(patience);
            await Expect(person.Note("meanwhile")).ToBeVisibleAsync(patience);
            await Expect(person.Note("Bob's 5")).ToBeVisibleAsync(patience);
        }
        await Expect(ada.Page.Locator("[data-testid=board]:not([data-unsent])")).ToBeVisibleAsync(patience);
        await ada.Saved();
        await bob.PutNote(400, 100, "and on");
        await Expect(ada.Note("and on")).ToBeVisibleAsync(patience);
        Assert.Equal(9, await ada.Page.GetByTestId("node").CountAsync());
    });

    [Theory]
    [InlineData("killed")]
    [InlineData("stopped")]
    public Task Web_RestartedUnderAPage_ComesBackToTheSameViewport(string how) => browser.Run(async enter =>
    {
        var ada = await enter("Ada");
        await ada.SignUp();
        await ada.CreateOrganization("Analytical Engines");
        await ada.CreateProject("Note G");
        await ada.BoardIsOpen();
        await ada.PutNote(400, 300, "still here");
        await ada.Saved();
        await ada.Page.GetByTestId("board-stage").FocusAsync();
        await ada.Page.Keyboard.PressAsync("+");
        await ada.Page.Mouse.MoveAsync(600, 400);
        await ada.Page.Mouse.WheelAsync(120, 80);
        var address = ada.Page.Url;
        await ada.Page.EvaluateAsync("() => { window.before = true; }");
        var place = await PlaceAtRest(ada, "still here");

        await (how == "killed" ? browser.Site.Kill() : browser.Site.Stop());
        await browser.Site.Start();

        await ada.Page.WaitForFunctionAsync("() => !window.before", null, new() { Timeout = 120_000 });
        await ada.BoardIsOpen();
        Assert.Equal(address, ada.Page.Url);
        var (x, y, width, height) = await PlaceAtRest(ada, "still here");
        Assert.Equal((place.X, place.Y, place.Width, place.Height), (x, y, width, height));
    });

    /// <summary>Ada's project, with Bob as an admin of her organization; both have its board open.</summary>
    private static async Task<(Person Ada, Person Bob, Guid ProjectId)> TwoOnABoard(Func<string, Task<Person>> enter)
    {
        var ada = await enter("Ada");
        await ada.SignUp();
        var organization = await ada.CreateOrganization("Analytical Engines");
        var project = await ada.CreateProject("Note G");
        var bob = await enter("Bob");
        await bob.Accept(await ada.Invite(organization, bob.Email, "Admin"));
        await ada.OpenBoard(project);
        await bob.OpenBoard(project);
        return (ada, bob, project);
    }

    private static async Task UndoUntilGone(Person person, string text)
    {
        for (var i = 0; i < 20 && await person.Note(text).CountAsync() > 0; i++)
        {
            await person.Page.Keyboard.PressAsync("Control+z");
            await Task.Delay(200);
        }
        await Expect(person.Note(text)).ToHaveCountAsync(0);
    }

    /// <summary>Where a note is on the screen, in whole pixels, once nothing moves it any more.</summary>
    private static async Task<(int X, int Y, int Width, int Height)> PlaceAtRest(Person person, string text)
    {
        await Expect(person.Note(text)).ToBeVisibleAsync();
        for (var last = (X: -1, Y: -1, Width: -1, Height: -1); ;)
        {
            var box = (await person.Note(text).BoundingBoxAsync())!;
            var place = ((int)Math.Round(box.X), (int)Math.Round(box.Y), (int)Math.Round(box.Width), (int)Math.Round(box.Height));
            if (place == last)
                return place;
            last = place;
            await Task.Delay(500);
        }
    }
}
