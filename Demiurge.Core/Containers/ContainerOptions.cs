using System.ComponentModel.DataAnnotations;

namespace Demiurge.Core.Containers;

/// <summary>Containers; bound to the configuration section <c>Demiurge:Containers</c>, checked at start.</summary>
public sealed record ContainerOptions
{
    public const string Section = "Demiurge:Containers";

    /// <summary>The engine that is registered as the host <c>local</c> when no host is registered yet; empty: none.</summary>
    public string Engine { get; init; } = "unix:///var/run/docker.sock";

    /// <summary>How often everything is compared with the engines, beside the comparisons that changes and events lead to.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "01:00:00", ErrorMessage = "Demiurge:Containers:Interval must lie between a tenth of a second and an hour.")]
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Containers that a host starts at a time; the others wait in the queue.</summary>
    [Range(1, 1000, ErrorMessage = "Demiurge:Containers:StartsPerHost must lie between 1 and 1000.")]
    public int StartsPerHost { get; init; } = 4;

    /// <summary>Attempts at a start before the container fails.</summary>
    [Range(1, 100, ErrorMessage = "Demiurge:Containers:Attempts must lie between 1 and 100.")]
    public int Attempts { get; init; } = 5;

    /// <summary>The pause after the first failed attempt; it doubles with each, up to a minute.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:01:00", ErrorMessage = "Demiurge:Containers:RetryDelay must lie between 10 milliseconds and a minute.")]
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a container that was asked to stop may take before it is killed.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00", ErrorMessage = "Demiurge:Containers:StopGrace must lie between 0 and ten minutes.")]
    public TimeSpan StopGrace { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a container that was deleted, and its volumes, can be had back.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "365.00:00:00", ErrorMessage = "Demiurge:Containers:UndoTime must lie between 0 and a year.")]
    public TimeSpan UndoTime { get; init; } = TimeSpan.FromDays(1);

    /// <summary>How long before it is stopped for being idle people are warned.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00", ErrorMessage = "Demiurge:Containers:IdleWarning must lie between 0 and an hour.")]
    public TimeSpan IdleWarning { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How far ahead a container can be kept from being stopped for being idle.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "365.00:00:00", ErrorMessage = "Demiurge:Containers:LongestKeep must lie between a minute and a year.")]
    public TimeSpan LongestKeep { get; init; } = TimeSpan.FromDays(7);

    /// <summary>What an organization may have, unless it was given another quota.</summary>
    [Required, ValidateLimits("Demiurge:Containers:PerOrganization")]
    public ContainerLimits PerOrganization { get; init; } = new() { Containers = 100, Running = 50, Cpus = 64, MemoryBytes = 128L << 30, DiskBytes = 2L << 40 };

    /// <summary>What a person may have in an organization.</summary>
    [Required, ValidateLimits("Demiurge:Containers:PerPerson")]
    public ContainerLimits PerPerson { get; init; } = new() { Containers = 40, Running = 20, Cpus = 32, MemoryBytes = 64L << 30, DiskBytes = 1L << 40 };

    /// <summary>Names of the images that the shipped templates run.</summary>
    [Required]
    public ContainerImages Images { get; init; } = new();
}

/// <summary>What somebody may have.</summary>
public sealed record ContainerLimits
{
    public int Containers { get; init; }

    /// <summary>How many of them may be to run; processors and memory count those.</summary>
    public int Running { get; init; }

    public double Cpus { get; init; }

    public long MemoryBytes { get; init; }

    /// <summary>What the tiers of all of them reserve.</summary>
    public long DiskBytes { get; init; } = long.MaxValue;
}

/// <summary>Images as the engine names them; <c>images/build</c> makes them.</summary>
public sealed record ContainerImages
{
    public string Terminal { get; init; } = "demiurge/terminal:latest";

    public string JupyterLab { get; init; } = "demiurge/jupyterlab:latest";

    public string CodeServer { get; init; } = "demiurge/code-server:latest";

    public string PgAdmin { get; init; } = "dpage/pgadmin4:latest";

    public string N8n { get; init; } = "demiurge/n8n:latest";
}

/// <summary>No limit is negative.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ValidateLimitsAttribute(string key) : ValidationAttribute
{
    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        value is ContainerLimits { Containers: >= 0, Running: >= 0, Cpus: >= 0, MemoryBytes: >= 0, DiskBytes: >= 0 }
            ? ValidationResult.Success
            : new ValidationResult($"{key}: no limit may be negative.");
}
