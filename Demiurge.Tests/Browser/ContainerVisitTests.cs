using Demiurge.Core.Containers;
using Demiurge.Tests.Containers.Reaching;
using Demiurge.Tests.Infrastructure;
using Microsoft.Playwright;

namespace Demiurge.Tests.Browser;

/// <summary>Going to containers in Chromium, in a tab of their own and framed by the site, and what a hostile one can do to who came.</summary>
public sealed class ContainerVisitTests(ReachFixture site) : IClassFixture<ReachFixture>
{
    private static readonly string[] Programs = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    [Fact]
    public async Task Container_OpensInATabAndInAFrame_AndAHostileOneGetsNowhere()
    {
        var (owner, organizationId, projectId) = await site.Project();
        var (hostile, target) = (await site.Add(organizationId, projectId, owner.Id), await site.Add(organizationId, projectId, owner.Id));
        var stopped = await site.Add(organizationId, projectId, owner.Id, state: ContainerState.Stopped);
        await site.Change(stopped.Id, container => container.Reason = "Nobody used it for 30 minutes.");
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = Environment.GetEnvironmentVariable("CHROMIUM") ?? Programs.FirstOrDefault(File.Exists),
            Args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run", "--disable-background-networking"],
        });
        await using var context = await browser.NewContextAsync(new() { BaseURL = site.Site.Url.ToString() });
        context.SetDefaultTimeout(60_000);
        var page = await context.NewPageAsync();

        // Logged out, by way of the log-in page, to the container.
        await page.GotoAsync(hostile.Url("/page").ToString());
        await page.GetByLabel("E-mail address").FillAsync(owner.Email);
        await page.GetByLabel("Password").FillAsync(People.Password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Log in" }).ClickAsync();
        await page.WaitForURLAsync(hostile.Url("/page").ToString());
        await Assertions.Expect(page.GetByRole(AriaRole.Heading)).ToHaveTextAsync("The container's page");

        // In a frame of a page of the site.
        var home = await context.NewPageAsync();
        await home.GotoAsync("/account/profile");
        await home.EvaluateAsync("url => document.body.append(Object.assign(document.createElement('iframe'), { src: url, id: 'framed' }))", target.Url("/page").ToString());
        await Assertions.Expect(home.FrameLocator("#framed").GetByRole(AriaRole.Heading)).ToHaveTextAsync("The container's page");

        // Cookies for the whole domain, in place of the site's own.
        await page.EvaluateAsync("""
            domain => {
              for (const name of ['demiurge.session', '__Host-demiurge.session', '__Host-demiurge', '.AspNetCore.Antiforgery.x'])
                document.cookie = `${name}=evil; domain=${domain}; path=/`;
            }
            """, site.Site.Url.Host);
        // Requests and sockets in the visitor's name: to the site, to its circuit, to another container.
        var siteOrigin = site.Site.Url.GetLeftPart(UriPartial.Authority);
        var gotThrough = await page.EvaluateAsync<string[]>("""
            async ([site, other]) => {
              const socket = url => new Promise(resolve => { const s = new WebSocket(url); s.onopen = () => resolve(true); s.onerror = () => resolve(false); });
              const got = [];
              await fetch(`${site}/account/logout`, { method: 'POST', mode: 'no-cors', credentials: 'include' }).catch(() => {});
              if (await socket(`${site.replace('http', 'ws')}/_blazor`)) got.push('circuit');
              if (await socket(`${other.replace('http', 'ws')}/echo`)) got.push('container');
              const answer = await fetch(`${other}/headers`, { credentials: 'include' }).catch(() => null);
              if (answer) got.push('answer');
              for (const url of [`${site}/account/profile`, `${other}/page`]) document.body.append(Object.assign(document.createElement('iframe'), { src: url }));
              return got;
            }
            """, new[] { siteOrigin, target.Origin });
        Assert.Empty(gotThrough);
        await PlatformFixture.Until(() => Task.FromResult(page.Frames.Count == 3 && page.Frames.Skip(1).All(frame => frame.Url.StartsWith("chrome-error:", StringComparison.Ordinal))),
            "the frames to be refused: " + string.Join(", ", page.Frames.Select(frame => frame.Url)));
        await home.ReloadAsync();
        Assert.EndsWith("/account/profile", home.Url); // still logged in
        // The same socket from the container's own page works.
        await page.GotoAsync(target.Url("/page").ToString());
        Assert.True(await page.EvaluateAsync<bool>("() => new Promise(resolve => { const s = new WebSocket('/echo'); s.onopen = () => resolve(true); s.onerror = () => resolve(false); })"));

        // A stopped one shows why, and opens by itself when it runs.
        await page.GotoAsync(stopped.Url("/page").ToString());
        await Assertions.Expect(page.GetByTestId("start")).ToBeVisibleAsync();
        if (Environment.GetEnvironmentVariable("DEMIURGE_SHOTS") is { Length: > 0 } folder)
            await Shoot(page, folder);
        await site.Change(stopped.Id, container => container.State = ContainerState.Running);
        await Assertions.Expect(page.GetByRole(AriaRole.Heading)).ToHaveTextAsync("The container's page");
    }

    private static async Task Shoot(IPage page, string folder)
    {
        foreach (var width in new[] { 1440, 390 })
        {
            foreach (var scheme in new[] { ColorScheme.Light, ColorScheme.Dark })
            {
                await page.SetViewportSizeAsync(width, 800);
                await page.EmulateMediaAsync(new() { ColorScheme = scheme });
                await page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"stopped-{width}-{scheme}.png") });
            }
        }
    }
}
