using System.Runtime.CompilerServices;
using Demiurge.Tests.Infrastructure;
using Microsoft.Playwright;

namespace Demiurge.Tests.Browser;

/// <summary>One installation and one Chromium for the browser tests; every person has a context of their own in it.</summary>
public class BrowserFixture : IAsyncLifetime
{
    private static readonly string[] Programs = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    /// <summary>How long anything may take that will happen: machines that run tests are busy.</summary>
    private const int Patience = 60_000;

    private IPlaywright? playwright;
    private IBrowser? browser;

    public EnvironmentProcess Site { get; private set; } = null!;

    /// <summary>Settings of this class's installation.</summary>
    protected virtual (string Key, string Value)[] Settings => [];

    public virtual async Task InitializeAsync()
    {
        Site = await EnvironmentProcess.Create([("Demiurge:Accounts:CredentialRequestsPerMinute", "10000"), .. Settings]);
        Assertions.SetDefaultExpectTimeout(Patience);
        playwright = await Playwright.CreateAsync();
        browser = await playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = Environment.GetEnvironmentVariable("CHROMIUM") ?? Installed(),
            Args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run", "--disable-background-networking"],
        });
    }

    public virtual async Task DisposeAsync()
    {
        if (browser is not null)
            await browser.DisposeAsync();
        playwright?.Dispose();
        if (Site is not null)
            await Site.DisposeAsync();
    }

    /// <summary>Runs a test with people in it. When it fails, their screens, traces and consoles are kept in <c>artifacts/</c>.</summary>
    public async Task Run(Func<Func<string, Task<Person>>, Task> test, [CallerMemberName] string name = "")
    {
        var people = new List<Person>();
        try
        {
            await test(async displayName =>
            {
                var context = await browser!.NewContextAsync(new() { BaseURL = Site.Url.ToString(), ViewportSize = new() { Width = 1280, Height = 800 } });
                context.SetDefaultTimeout(Patience);
                await context.Tracing.StartAsync(new() { Screenshots = true, Snapshots = true });
                var person = new Person(displayName, context, await context.NewPageAsync());
                people.Add(person);
                return person;
            });
            foreach (var person in people)
                Assert.Empty(person.Errors);
        }
        catch
        {
            var folder = Directory.CreateDirectory(Path.Combine(Checkout.Folder, "artifacts", "browser")).FullName;
            await File.WriteAllTextAsync(Path.Combine(folder, $"{name}-web.log"), Site.Log);
            foreach (var person in people)
                await person.Keep(Path.Combine(folder, $"{name}-{person.Name}"));
            throw;
        }
        finally
        {
            foreach (var person in people)
                await person.Context.DisposeAsync();
        }
    }

    private static string? Installed()
        => Programs.FirstOrDefault(File.Exists);
}
