using System.Text.RegularExpressions;
using Demiurge.Core.Containers.Templates;
using YamlDotNet.RepresentationModel;

namespace Demiurge.Core.Containers.Repositories.Yaml;

/// <summary>Reads <c>demiurge.yaml</c>, strictly: what it doesn't know is a problem, told with its line, its column and what was expected.</summary>
public static partial class WorkspaceFileParser
{
    public const string FileName = "demiurge.yaml";

    private const int MostServices = 20;
    private const int MostSteps = 50;
    private const int LongestCommand = 8000;

    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(10);

    private static readonly Dictionary<string, RestartPolicy> Policies = new()
    {
        ["always"] = RestartPolicy.Always, ["on-failure"] = RestartPolicy.OnFailure, ["never"] = RestartPolicy.Never,
    };

    /// <param name="names">What the file can name where it is used; null: any template, tier and service of a template is taken.</param>
    public static YamlReading Parse(string text, WorkspaceNames? names = null)
    {
        var problems = new List<YamlProblem>();
        if (YamlDocument.Load(text, problems) is not { } root)
            return new YamlReading(null, problems);
        var file = Read(new YamlReader(root, FileName, problems), names);
        return problems.Count > 0 ? new YamlReading(null, [.. problems.OrderBy(problem => (problem.Line, problem.Column))]) : new YamlReading(file, []);
    }

    private static WorkspaceFile Read(YamlReader root, WorkspaceNames? names)
    {
        root.Text("version", "`1`, the version of this format", required: true, rule: text => text == "1");
        var template = root.Text("template", "the short name of a template, `terminal` say", rule: text => Slug().IsMatch(text));
        var tier = root.Text("tier", "the name of a tier", longest: 40);
        if (template is not null && names?.Templates.ContainsKey(template) == false)
            root.Problem(root.Find("template")!, $"There is no template `{template}` here. Expected one of {YamlReader.List(names.Templates.Keys)}.");
        if (tier is not null && names?.Tiers.Contains(tier) == false)
            root.Problem(root.Find("tier")!, $"There is no tier `{tier}` here. Expected one of {YamlReader.List(names.Tiers)}.");
        var services = Services(root);
        var environment = Environment(root);
        var install = Steps(root);
        var processes = Processes(root);
        var ofTemplate = template is not null && names?.Templates.GetValueOrDefault(template) is { } known ? known : null;
        var tabs = Tabs(root, services, ofTemplate ?? [], template is not null && ofTemplate is null);
        root.Done();
        return new WorkspaceFile(template, tier, services, environment, install, processes, tabs);
    }

    private static List<TemplateService> Services(YamlReader root)
    {
        var services = new List<TemplateService>();
        foreach (var service in root.Mappings("services", "a service", MostServices))
        {
            var name = service.Text("name", "lower-case letters, digits and hyphens, at most 20", required: true, rule: text => ServiceName().IsMatch(text) && !text.Contains("--", StringComparison.Ordinal));
            var title = service.Text("title", "a line of at most 60 characters", longest: 60);
            var port = service.Number("port", 1, 65535, required: true);
            var path = Path(service, "path");
            HealthCheck? health = null;
            if (service.Mapping("health", "a health check") is { } check)
            {
                health = new HealthCheck(Path(check, "path") ?? "/", (int)(check.Time("interval", TimeSpan.FromHours(1)) ?? TimeSpan.FromSeconds(10)).TotalSeconds, check.Number("retries", 1, 100) ?? 3);
                check.Done();
            }
            var embed = service.Truth("embed");
            service.Done();
            if (name is not null && services.Exists(other => other.Name == name))
                service.Problem(service.Find("name")!, $"There is a service `{name}` already. Expected another name.");
            if (port is { } taken && services.Find(other => other.Port == taken) is { } same)
                service.Problem(service.Find("port")!, $"Port {taken} is the service `{same.Name}`'s already. Expected another port.");
            if (name is not null && port is { } number)
                services.Add(new TemplateService(name, title ?? name, number, path ?? "/", health, embed ?? true));
        }
        return services;
    }

    private static List<string> Environment(YamlReader root)
    {
        var names = new List<string>();
        foreach (var item in root.Items("env", "a list of variables' names, each beginning with `- `", 200))
        {
            if (item is not YamlScalarNode { Value: { } name } || !VariableName().IsMatch(name))
            {
                root.Problem(item, item is YamlMappingNode
                    ? "Here are keys and values. Expected only the variable's name; its value belongs into an env set."
                    : $"Here is {YamlReader.Kind(item)}. Expected a variable's name: letters, digits and underscores.");
            }
            else if (names.Contains(name))
            {
                root.Problem(item, $"`{name}` is listed twice.");
            }
            else
            {
                names.Add(name);
            }
        }
        return names;
    }

    private static List<InstallStep> Steps(YamlReader root)
    {
        var steps = new List<InstallStep>();
        foreach (var step in root.Mappings("install", "an install step", MostSteps))
        {
            var run = Command(step);
            var name = step.Text("name", "a line of at most 80 characters", longest: 80);
            var directory = Directory(step);
            var timeout = step.Time("timeout", TimeSpan.FromHours(2));
            step.Done();
            if (run is not null)
                steps.Add(new InstallStep(name ?? FirstLine(run), run, directory, timeout ?? DefaultTimeout));
        }
        return steps;
    }

    private static List<WorkspaceProcess> Processes(YamlReader root)
    {
        var processes = new List<WorkspaceProcess>();
        foreach (var process in root.Mappings("processes", "a process", MostServices))
        {
            var name = process.Text("name", "lower-case letters, digits and hyphens, at most 20", required: true, rule: text => ServiceName().IsMatch(text));
            var run = Command(process);
            var directory = Directory(process);
            var restart = process.Text("restart", $"one of {YamlReader.List(Policies.Keys)}", rule: Policies.ContainsKey);
            var health = process.Mapping("health", "a health check") is { } check ? Health(check) : null;
            process.Done();
            if (name is not null && processes.Exists(other => other.Name == name))
                process.Problem(process.Find("name")!, $"There is a process `{name}` already. Expected another name.");
            if (name is not null && run is not null)
                processes.Add(new WorkspaceProcess(name, run, directory, restart is null ? RestartPolicy.Always : Policies[restart], health));
        }
        return processes;
    }

    private static ProcessHealth Health(YamlReader check)
    {
        var run = check.Text("run", "a command that exits with 0 while all is well", longest: LongestCommand, lines: true);
        var port = check.Number("port", 1, 65535);
        var path = Path(check, "path");
        var interval = check.Time("interval", TimeSpan.FromHours(1)) ?? TimeSpan.FromSeconds(10);
        var retries = check.Number("retries", 1, 100) ?? 3;
        var start = check.Time("start", TimeSpan.FromHours(1)) ?? TimeSpan.FromSeconds(10);
        check.Done();
        if (run is null == port is null)
            check.Problem(check.Node, run is null ? "A health check needs either `port` (and `path`) or `run`." : "A health check has either `port` or `run`, not both.");
        return new ProcessHealth(port, port is null ? null : path ?? "/", run, interval, retries, start);
    }

    /// <param name="ofTemplate">The template's services, as far as they are known.</param>
    /// <param name="open">Whether it may have others.</param>
    private static List<WorkspaceTab> Tabs(YamlReader root, List<TemplateService> services, IReadOnlyList<string> ofTemplate, bool open)
    {
        var tabs = new List<WorkspaceTab>();
        foreach (var tab in root.Mappings("tabs", "a tab", MostServices))
        {
            var title = tab.Text("title", "a line of at most 60 characters", required: true, longest: 60);
            var service = tab.Text("service", "the name of a service, or `terminal`", required: true, rule: text => ServiceName().IsMatch(text));
            var path = Path(tab, "path");
            tab.Done();
            if (service is not null && service is not ("terminal" or ContainerUrls.MainService) && !open && !ofTemplate.Contains(service) && !services.Exists(known => known.Name == service))
            {
                var there = services.Select(known => known.Name).Concat(ofTemplate).Append("terminal").Distinct();
                tab.Problem(tab.Find("service")!, $"There is no service `{service}`. Expected one of {YamlReader.List(there)}.");
            }
            if (title is not null && service is not null)
                tabs.Add(new WorkspaceTab(title, service == "terminal" ? null : service, path));
        }
        return tabs;
    }

    private static string? Command(YamlReader reader) => reader.Text("run", "a command for the shell", required: true, longest: LongestCommand, lines: true);

    private static string? Path(YamlReader reader, string key) =>
        reader.Text(key, "a path that begins with `/`", longest: 500, rule: text => text.StartsWith('/') && !text.Contains(' ', StringComparison.Ordinal));

    private static string? Directory(YamlReader reader) =>
        reader.Text("directory", "a folder of the repository, without `..`", longest: 500, rule: text => !text.StartsWith('/') && !text.Split('/').Contains(".."));

    private static string FirstLine(string command)
    {
        var line = command.AsSpan().Trim();
        var end = line.IndexOf('\n');
        line = end < 0 ? line : line[..end];
        return line.Length > 80 ? $"{line[..79]}…" : line.ToString();
    }

    [GeneratedRegex("^[a-z0-9][a-z0-9-]{0,39}\\z")]
    private static partial Regex Slug();

    [GeneratedRegex("^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?\\z")]
    private static partial Regex ServiceName();

    [GeneratedRegex("^[A-Za-z_][A-Za-z0-9_]{0,199}\\z")]
    private static partial Regex VariableName();
}
