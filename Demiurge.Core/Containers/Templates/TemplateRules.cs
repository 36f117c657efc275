using System.Text.RegularExpressions;

namespace Demiurge.Core.Containers.Templates;

/// <summary>What a template must be like before a container may be made from it.</summary>
internal static partial class TemplateRules
{
    private const int MostItems = 40;

    /// <summary>Values that a template's texts can name beside its options.</summary>
    private static readonly string[] OwnValues = ["containerId", "url"];

    /// <summary>What is the matter with each part at fault, by its path; empty when all is well.</summary>
    public static Dictionary<string, string> Faults(TemplateSpec spec)
    {
        var faults = new Dictionary<string, string>();
        var options = Options(spec, faults);
        if (!ImageName().IsMatch(Placeholders().Replace(spec.Image, "x")))
            faults["image"] = "The image is a name like registry.example.org/team/image:tag.";
        Names("image", spec.Image);
        Services(spec, faults);
        Paths("volumes", spec.Volumes);
        Paths("tmpfs", spec.Tmpfs);
        foreach (var (name, value) in spec.Environment)
        {
            if (!VariableName().IsMatch(name))
                faults[$"environment.{name}"] = "A variable's name is made of letters, digits and underscores, and begins with none of the digits.";
            Names($"environment.{name}", value);
        }
        foreach (var part in spec.Command ?? [])
            Names("command", part);
        if (spec.Shell is { } shell && !shell.StartsWith('/'))
            faults["shell"] = "The shell is an absolute path.";
        if (spec.IdleMinutes is < 0 or > 60 * 24 * 30)
            faults["idleMinutes"] = "The time until it is stopped lies between 0 (never) and 43200 minutes.";
        if (spec is not { Width: >= 120 and <= 4000, Height: >= 80 and <= 4000 })
            faults["width"] = "The size on the board lies between 120 × 80 and 4000 × 4000.";
        return faults;

        void Names(string path, string text)
        {
            if (TemplateText.Names(text).FirstOrDefault(name => !options.Contains(name)) is { } unknown)
                faults[path] = $"There is no option {unknown}.";
        }

        void Paths(string path, IReadOnlyList<string> values)
        {
            if (values.Count > MostItems || values.Distinct().Count() != values.Count)
                faults[path] = $"There are at most {MostItems} different paths.";
            foreach (var value in values)
            {
                Names(path, value);
                if (PathFault(Placeholders().Replace(value, "/x")) is { } fault)
                    faults[path] = fault;
            }
        }
    }

    /// <summary>What is the matter with a path that a volume or memory is to be mounted at.</summary>
    public static string? PathFault(string path) =>
        !path.StartsWith('/') || path.Contains("/../", StringComparison.Ordinal) || path.EndsWith("/..", StringComparison.Ordinal) || path.Any(char.IsControl) || path.Contains(':')
            ? "A path is absolute, without .. and colons."
        : path.TrimEnd('/') is "" or "/proc" or "/sys" or "/dev" || path.StartsWith("/proc/", StringComparison.Ordinal)
            || path.StartsWith("/sys/", StringComparison.Ordinal) || path.StartsWith("/dev/", StringComparison.Ordinal)
            ? "Nothing can be mounted at /, /proc, /sys and /dev."
        : null;

    private static HashSet<string> Options(TemplateSpec spec, Dictionary<string, string> faults)
    {
        var names = new HashSet<string>(OwnValues);
        if (spec.Options.Count > MostItems)
            faults["options"] = $"There are at most {MostItems} options.";
        foreach (var option in spec.Options)
        {
            var path = $"options.{option.Name}";
            if (!OptionName().IsMatch(option.Name) || !names.Add(option.Name))
                faults[path] = "An option's name is made of letters, digits and underscores, begins with a letter and is there once.";
            else if (string.IsNullOrWhiteSpace(option.Title))
                faults[path] = "An option has a title.";
            else if (option.Env.Length > 0 && !VariableName().IsMatch(option.Env))
                faults[path] = "An option sets a variable whose name is made of letters, digits and underscores.";
            else if (option.Kind == OptionKind.Choice && option.Choices is not { Count: > 0 })
                faults[path] = "A choice has something to choose from.";
            else if (!IsPattern(option.Pattern))
                faults[path] = "The pattern is not a regular expression.";
            else if (option.Kind == OptionKind.Secret && option.Default is { Length: > 0 })
                faults[path] = "A secret has no default.";
            else if (option.Default is { Length: > 0 } value && TemplateOptions.Fault(option, value) is { } fault)
                faults[path] = $"The default: {fault}";
        }
        return names;
    }

    private static void Services(TemplateSpec spec, Dictionary<string, string> faults)
    {
        if (spec.Services.Count > MostItems)
            faults["services"] = $"There are at most {MostItems} services.";
        var names = new HashSet<string>();
        foreach (var service in spec.Services)
        {
            var path = $"services.{service.Name}";
            if (!ServiceName().IsMatch(service.Name) || !names.Add(service.Name))
                faults[path] = "A service's name is made of small letters and digits (at most 20) and is there once.";
            else if (string.IsNullOrWhiteSpace(service.Title))
                faults[path] = "A service has a title.";
            else if (service.PortOption is { } option
                ? !spec.Options.Any(candidate => candidate.Name == option && candidate.Kind == OptionKind.Number)
                : service.Port is < 1 or > 65535)
                faults[path] = "A service's port lies between 1 and 65535, or is a number option.";
            else if (!service.Path.StartsWith('/') || service.Health is { } health && !health.Path.StartsWith('/'))
                faults[path] = "A service's path begins with a slash.";
            else if (service.Health is { IntervalSeconds: < 1 or > 300 } or { Retries: < 1 or > 1000 })
                faults[path] = "A health check repeats every 1 to 300 seconds, 1 to 1000 times.";
        }
        if (spec.Services.Count > 0 && !names.Contains(ContainerUrls.MainService))
            faults["services"] = $"One of the services is called {ContainerUrls.MainService}.";
    }

    private static bool IsPattern(string? pattern)
    {
        try
        {
            return pattern is null || new Regex(pattern) is not null;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    /// <summary>An image's name as engines take it: registry, path, tag, digest.</summary>
    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]*(?::[0-9]+)?(?:/[A-Za-z0-9][A-Za-z0-9._-]*)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?\z")]
    internal static partial Regex ImageName();

    [GeneratedRegex(@"^[A-Za-z_][A-Za-z0-9_]{0,127}\z")]
    internal static partial Regex VariableName();

    [GeneratedRegex(@"^[A-Za-z][A-Za-z0-9_]{0,39}\z")]
    private static partial Regex OptionName();

    [GeneratedRegex(@"^[a-z][a-z0-9]{0,19}\z")]
    private static partial Regex ServiceName();

    [GeneratedRegex(@"\{[A-Za-z][A-Za-z0-9_]*\}")]
    private static partial Regex Placeholders();
}
