using Demiurge.Core.Containers.Repositories.Yaml;

namespace Demiurge.Tests.Containers.Repositories;

public sealed class WorkspaceFileParserTests
{
    [Fact]
    public void File_Whole_IsRead()
    {
        var reading = WorkspaceFileParser.Parse("""
            version: 1
            template: terminal
            tier: small
            services:
              - name: web
                title: The app
                port: 8000
                path: /start
                embed: false
                health: { path: /healthz, interval: 5s, retries: 2 }
            env:
              - DATABASE_URL
            install:
              - name: Dependencies
                run: |
                  npm ci
                  npm run build
                directory: app
                timeout: 20m
              - run: make
            processes:
              - name: web
                run: npm start
                restart: on-failure
                health: { port: 8000, path: /healthz, start: 1m }
              - name: worker
                run: ./worker
                health: { run: test -f /tmp/alive }
            tabs:
              - title: App
                service: web
              - title: Shell
                service: terminal
            """);

        Assert.Empty(reading.Problems);
        var file = reading.File!;
        Assert.Equal(("terminal", "small"), (file.Template, file.Tier));
        var service = Assert.Single(file.Services);
        Assert.Equal(("web", "The app", 8000, "/start", false), (service.Name, service.Title, service.Port, service.Path, service.Embeddable));
        Assert.Equal(("/healthz", 5, 2), (service.Health!.Path, service.Health.IntervalSeconds, service.Health.Retries));
        Assert.Equal(["DATABASE_URL"], file.Environment);
        Assert.Equal([("Dependencies", "app", 20), ("make", null, 10)], file.Install.Select(step => (step.Name, step.Directory, (int)step.Timeout.TotalMinutes)));
        Assert.Equal("npm ci\nnpm run build\n", file.Install[0].Run);
        Assert.Equal([RestartPolicy.OnFailure, RestartPolicy.Always], file.Processes.Select(process => process.Restart));
        Assert.Equal((8000, "/healthz", TimeSpan.FromMinutes(1)), (file.Processes[0].Health!.Port, file.Processes[0].Health!.Path, file.Processes[0].Health!.Start));
        Assert.Equal([("App", "web"), ("Shell", null)], file.Tabs.Select(tab => (tab.Title, tab.Service)));
    }

    [Fact]
    public void File_Smallest_IsRead() => Assert.Empty(WorkspaceFileParser.Parse("version: 1").Problems);

    [Theory]
    [InlineData("", 1, 1, "empty")]
    [InlineData("template: terminal", 1, 1, "`version` is missing")]
    [InlineData("version: 2", 1, 10, "`version` is `2`. Expected `1`")]
    [InlineData("- a\n- b", 1, 1, "Expected keys and values")]
    [InlineData("version: 1\ntempalte: x", 2, 1, "Did you mean `template`?")]
    [InlineData("version: 1\nVERSION: 1", 2, 1, "Did you mean `version`?")]
    [InlineData("version: 1\nquux: x", 2, 1, "Expected one of `version`, `template`")]
    [InlineData("version: 1\nversion: 1", 2, 1, "Duplicate key")]
    [InlineData("version: 1\nservices: web", 2, 11, "`services` is `web`. Expected a list")]
    [InlineData("version: 1\nservices:\n  - web", 3, 5, "Expected a service: keys and values")]
    [InlineData("version: 1\nservices:\n  - name: web\n    port: 99999", 4, 11, "Expected a number from 1 to 65535")]
    [InlineData("version: 1\nservices:\n  - name: web", 3, 5, "`port` is missing in a service")]
    [InlineData("version: 1\nservices:\n  - name: Web\n    port: 1", 3, 11, "lower-case")]
    [InlineData("version: 1\nservices:\n  - {name: a, port: 1}\n  - {name: a, port: 2}", 4, 12, "already")]
    [InlineData("version: 1\nservices:\n  - {name: a, port: 1}\n  - {name: b, port: 1}", 4, 21, "Port 1 is the service `a`'s")]
    [InlineData("version: 1\nenv:\n  - {A: b}", 3, 5, "env set")]
    [InlineData("version: 1\nenv: [\"1A\"]", 2, 7, "Expected a variable's name")]
    [InlineData("version: 1\ninstall:\n  - {run: x, timeout: 5}", 3, 23, "a time such as 30s")]
    [InlineData("version: 1\ninstall:\n  - {run: x, directory: ../y}", 3, 25, "without `..`")]
    [InlineData("version: 1\ninstall:\n  - name: x", 3, 5, "`run` is missing in an install step")]
    [InlineData("version: 1\nprocesses:\n  - {name: p, run: x, restart: sometimes}", 3, 32, "`always`, `on-failure`, `never`")]
    [InlineData("version: 1\nprocesses:\n  - {name: p, run: x, health: {port: 1, run: y}}", 3, 31, "not both")]
    [InlineData("version: 1\nprocesses:\n  - {name: p, run: x, health: {interval: 1s}}", 3, 31, "either `port`")]
    [InlineData("version: 1\ntabs:\n  - {title: A, service: nope}", 3, 25, "There is no service `nope`")]
    [InlineData("version: 1\nprocesses:\n  - {name: p, run: x, helth: {port: 1}}", 3, 23, "Did you mean `health`?")]
    [InlineData("version: 1\ntemplate: !x terminal", 2, 11, "Tags")]
    [InlineData("version: 1\ntemplate: &x terminal", 2, 11, "Anchors")]
    [InlineData("version: 1\n---\nversion: 1", 3, 1, "second document")]
    [InlineData("version: 1\nenv: [A", 2, 8, "This isn't YAML")]
    [InlineData("version: \"1", 1, 10, "This isn't YAML")]
    public void File_Wrong_IsToldWhereAndWhatIsExpected(string text, int line, int column, string message)
    {
        var reading = WorkspaceFileParser.Parse(text);

        Assert.Null(reading.File);
        var problem = reading.Problems[0];
        Assert.Contains(message, problem.Message);
        Assert.Equal((line, column), (problem.Line, problem.Column));
    }

    [Fact]
    public void File_WithSeveralProblems_TellsAllOfThem()
    {
        var reading = WorkspaceFileParser.Parse("version: 3\nservices:\n  - {name: a, prt: 1}\nenvironment: [A]\n");

        Assert.Equal([1, 3, 3, 4], reading.Problems.Select(problem => problem.Line));
    }

    [Theory]
    [InlineData('[')]
    [InlineData('{')]
    public void File_NestedWithoutEnd_IsRefused(char open)
    {
        var reading = WorkspaceFileParser.Parse("version: 1\nenv: " + new string(open, 60_000));

        Assert.Contains("nested too deeply", Assert.Single(reading.Problems).Message);
    }

    [Fact]
    public void File_OfReferencesToReferences_IsRefused()
    {
        var reading = WorkspaceFileParser.Parse("a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]");

        Assert.Null(reading.File);
        Assert.Single(reading.Problems);
    }

    [Fact]
    public void File_WhereNamesAreKnown_IsHeldToThem()
    {
        var names = new WorkspaceNames(new Dictionary<string, IReadOnlyList<string>> { ["terminal"] = [], ["jupyterlab"] = ["main", "files"] }, ["small", "large"]);

        Assert.Equal(
            ["line 2, column 11: There is no template `jupiter` here. Expected one of `terminal`, `jupyterlab`.", "line 3, column 7: There is no tier `huge` here. Expected one of `small`, `large`."],
            WorkspaceFileParser.Parse("version: 1\ntemplate: jupiter\ntier: huge\n", names).Problems.Select(problem => problem.ToString()));
        Assert.Empty(WorkspaceFileParser.Parse("version: 1\ntemplate: jupyterlab\ntabs: [{ title: F, service: files }]\n", names).Problems);
        Assert.Equal(
            "line 3, column 29: There is no service `files`. Expected one of `terminal`.",
            Assert.Single(WorkspaceFileParser.Parse("version: 1\ntemplate: terminal\ntabs: [{ title: F, service: files }]\n", names).Problems).ToString());
    }

    [Fact]
    public void File_TooLong_IsRefused() => Assert.Contains("64 KB", Assert.Single(WorkspaceFileParser.Parse(new string('#', 70_000)).Problems).Message);
}
