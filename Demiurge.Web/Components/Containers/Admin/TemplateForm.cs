using System.Globalization;
using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Templates;

namespace Demiurge.Web.Components.Containers.Admin;

/// <summary>A template being edited: a specification in the pieces that fields hold. Lists are one line an entry.</summary>
public sealed class TemplateForm
{
    public string? Name { get; set; }

    public string? Slug { get; set; }

    public string? Description { get; set; }

    public string? Icon { get; set; } = "deployed_code";

    public string? Image { get; set; }

    public List<ServiceForm> Services { get; set; } = [];

    public List<OptionForm> Options { get; set; } = [];

    public string? Volumes { get; set; }

    /// <summary>NAME=value.</summary>
    public string? Environment { get; set; }

    public string? Shell { get; set; } = "/bin/sh";

    public bool ReadOnlyRoot { get; set; } = true;

    public string? Tmpfs { get; set; } = "/tmp\n/run";

    public string? User { get; set; }

    public string? WorkingDirectory { get; set; }

    /// <summary>One argument a line.</summary>
    public string? Command { get; set; }

    public string? DefaultTier { get; set; }

    public int IdleMinutes { get; set; } = 60;

    public double Width { get; set; } = 720;

    public double Height { get; set; } = 480;

    public static TemplateForm Of(TemplateInfo info)
    {
        var spec = info.Spec;
        return new TemplateForm
        {
            Name = info.Name,
            Slug = info.Slug,
            Description = info.Description,
            Icon = info.Icon,
            Image = spec.Image,
            Services = [.. spec.Services.Select(ServiceForm.Of)],
            Options = [.. spec.Options.Select(OptionForm.Of)],
            Volumes = string.Join('\n', spec.Volumes),
            Environment = string.Join('\n', spec.Environment.Select(variable => $"{variable.Key}={variable.Value}")),
            Shell = spec.Shell,
            ReadOnlyRoot = spec.ReadOnlyRoot,
            Tmpfs = string.Join('\n', spec.Tmpfs),
            User = spec.User,
            WorkingDirectory = spec.WorkingDirectory,
            Command = spec.Command is null ? null : string.Join('\n', spec.Command),
            DefaultTier = spec.DefaultTier,
            IdleMinutes = spec.IdleMinutes,
            Width = spec.Width,
            Height = spec.Height,
        };
    }

    public TemplateSpec ToSpec() => new(
        Image?.Trim() ?? "",
        Services.ConvertAll(service => service.ToService()),
        Options.ConvertAll(option => option.ToOption()),
        Lines(Volumes),
        Lines(Environment).Select(line => line.Split('=', 2)).GroupBy(parts => parts[0].Trim()).ToDictionary(group => group.Key, group => group.Last() is [_, var value] ? value : ""),
        Text(Shell), ReadOnlyRoot, Lines(Tmpfs), Text(User), Text(WorkingDirectory), Lines(Command) is { Count: > 0 } command ? command : null, Text(DefaultTier), IdleMinutes, Width, Height);

    /// <summary>What the dialog for a new container would show of it.</summary>
    public TemplateOffer Preview() => new(Guid.Empty, Slug ?? "", Name is { Length: > 0 } ? Name : "Template", Description ?? "", Icon ?? "", ToSpec());

    internal static string? Text(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();

    internal static List<string> Lines(string? text) => [.. (text ?? "").Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];
}

/// <summary>A service being edited.</summary>
public sealed class ServiceForm
{
    public string? Name { get; set; } = ContainerUrls.MainService;

    public string? Title { get; set; }

    public int Port { get; set; } = 8080;

    public string? PortOption { get; set; }

    public string? Path { get; set; } = "/";

    /// <summary>Empty: it is up when it takes connections.</summary>
    public string? HealthPath { get; set; }

    public int HealthSeconds { get; set; } = 1;

    public int HealthRetries { get; set; } = 120;

    public bool Embeddable { get; set; } = true;

    public static ServiceForm Of(TemplateService service) => new()
    {
        Name = service.Name,
        Title = service.Title,
        Port = service.Port,
        PortOption = service.PortOption,
        Path = service.Path,
        HealthPath = service.Health?.Path,
        HealthSeconds = service.Health?.IntervalSeconds ?? 1,
        HealthRetries = service.Health?.Retries ?? 120,
        Embeddable = service.Embeddable,
    };

    public TemplateService ToService() => new(
        Name?.Trim() ?? "", TemplateForm.Text(Title) ?? Name?.Trim() ?? "", Port, TemplateForm.Text(Path) ?? "/",
        TemplateForm.Text(HealthPath) is { } health ? new HealthCheck(health, HealthSeconds, HealthRetries) : null, Embeddable)
    { PortOption = TemplateForm.Text(PortOption) };
}

/// <summary>An option being edited.</summary>
public sealed class OptionForm
{
    public string? Name { get; set; }

    public string? Title { get; set; }

    public OptionKind Kind { get; set; }

    public bool Required { get; set; }

    public string? Default { get; set; }

    /// <summary>Divided by commas.</summary>
    public string? Choices { get; set; }

    public string? Min { get; set; }

    public string? Max { get; set; }

    public string? Pattern { get; set; }

    public string? Env { get; set; }

    public static OptionForm Of(TemplateOption option) => new()
    {
        Name = option.Name,
        Title = option.Title,
        Kind = option.Kind,
        Required = option.Required,
        Default = option.Default,
        Choices = option.Choices is null ? null : string.Join(", ", option.Choices),
        Min = option.Min?.ToString(CultureInfo.InvariantCulture),
        Max = option.Max?.ToString(CultureInfo.InvariantCulture),
        Pattern = option.Pattern,
        Env = option.Env,
    };

    public TemplateOption ToOption() => new(
        Name?.Trim() ?? "", TemplateForm.Text(Title) ?? Name?.Trim() ?? "", Kind, Required, TemplateForm.Text(Default),
        Kind == OptionKind.Choice ? [.. (Choices ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)] : null,
        Number(Min), Number(Max), Kind is OptionKind.Text or OptionKind.Secret ? TemplateForm.Text(Pattern) : null, Env?.Trim() ?? "");

    private double? Number(string? text) =>
        Kind == OptionKind.Number && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;
}
