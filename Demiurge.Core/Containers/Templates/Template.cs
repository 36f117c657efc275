using Demiurge.Core.Organizations;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Demiurge.Core.Containers.Templates;

/// <summary>A kind of container that people can start. What it is made of is in its versions, which never change.</summary>
public sealed class Template
{
    public Guid Id { get; init; } = Guid.CreateVersion7();

    /// <summary>The only organization that has it; null for all.</summary>
    public Guid? OrganizationId { get; init; }

    /// <summary>Lower-case letters, digits and hyphens; unique among an organization's and among those for all.</summary>
    public required string Slug { get; init; }

    public required string Name { get; set; }

    public string Description { get; set; } = "";

    /// <summary>Name of a Material symbol.</summary>
    public string Icon { get; set; } = "deployed_code";

    public bool Enabled { get; set; } = true;

    public int LatestVersion { get; set; }

    /// <summary>Version of the shipped description that the latest version was made from; null for templates that people made.</summary>
    public int? ShippedVersion { get; set; }

    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>What a template was made of at a time. Containers keep the version they were made from.</summary>
public sealed class TemplateVersion
{
    public required Guid TemplateId { get; init; }

    /// <summary>1, 2, 3 …</summary>
    public required int Version { get; init; }

    public required TemplateSpec Spec { get; init; }

    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>What a container of the template is made of.</summary>
/// <param name="Image">As the engine names it. <c>{name}</c> stands for the value of the option of that name.</param>
/// <param name="Volumes">Absolute paths that outlive the container, each a volume of its own; one that names an option without a value is left out.</param>
/// <param name="Environment">Variables; <c>{name}</c> stands for the value of that option, <c>{containerId}</c> and <c>{url}</c> for the container's.</param>
/// <param name="Shell">What a terminal runs in it; null: it has no terminal.</param>
/// <param name="Tmpfs">Absolute paths in memory that are writable although the root may not be.</param>
/// <param name="Command">Replaces the image's command, unless it names an option without a value.</param>
/// <param name="DefaultTier">Name of a tier.</param>
/// <param name="IdleMinutes">Without activity, until it is stopped; 0 never stops it.</param>
/// <param name="Width">On the board, in its units.</param>
/// <param name="Height">On the board, in its units.</param>
public sealed record TemplateSpec(
    string Image,
    IReadOnlyList<TemplateService> Services,
    IReadOnlyList<TemplateOption> Options,
    IReadOnlyList<string> Volumes,
    IReadOnlyDictionary<string, string> Environment,
    string? Shell,
    bool ReadOnlyRoot,
    IReadOnlyList<string> Tmpfs,
    string? User,
    string? WorkingDirectory,
    IReadOnlyList<string>? Command,
    string? DefaultTier,
    int IdleMinutes,
    double Width,
    double Height);

/// <summary>Something that answers in the container.</summary>
/// <param name="Name"><c>main</c> is the one that the container's plain address leads to.</param>
/// <param name="Port">1 to 65535; 0 with <see cref="PortOption"/>.</param>
/// <param name="Path">Where a person begins, beginning with a slash.</param>
/// <param name="Health">How to see that it answers; null: it takes TCP connections.</param>
/// <param name="Embeddable">Whether it can be shown on the board.</param>
public sealed record TemplateService(string Name, string Title, int Port, string Path, HealthCheck? Health, bool Embeddable)
{
    /// <summary>The number option that says which port it is; null: <see cref="Port"/> is.</summary>
    public string? PortOption { get; init; }
}

/// <summary>An HTTP GET whose answer is below 500.</summary>
public sealed record HealthCheck(string Path, int IntervalSeconds, int Retries);

public enum OptionKind
{
    Text,
    Number,
    Choice,

    /// <summary>Text that is kept under data protection and never shown again.</summary>
    Secret,
}

/// <summary>Something that a person chooses when they make a container.</summary>
/// <param name="Pattern">A regular expression that all of a text must match.</param>
/// <param name="Env">The variable that it sets; empty when it only takes part in the image or other variables.</param>
public sealed record TemplateOption(
    string Name, string Title, OptionKind Kind, bool Required, string? Default, IReadOnlyList<string>? Choices, double? Min, double? Max, string? Pattern, string Env);

internal sealed class TemplateConfiguration : IEntityTypeConfiguration<Template>, IEntityTypeConfiguration<TemplateVersion>
{
    public void Configure(EntityTypeBuilder<Template> builder)
    {
        builder.ToTable("container_templates");
        builder.HasOne<Organization>().WithMany().HasForeignKey(template => template.OrganizationId);
        builder.Property(template => template.Slug).HasMaxLength(40);
        builder.Property(template => template.Name).HasMaxLength(80);
        builder.Property(template => template.Description).HasMaxLength(2000);
        builder.Property(template => template.Icon).HasMaxLength(40);
        builder.HasIndex(template => new { template.OrganizationId, template.Slug }).IsUnique().AreNullsDistinct(false);
    }

    public void Configure(EntityTypeBuilder<TemplateVersion> builder)
    {
        builder.ToTable("container_template_versions");
        builder.HasKey(version => new { version.TemplateId, version.Version });
        builder.HasOne<Template>().WithMany().HasForeignKey(version => version.TemplateId);
        builder.Property(version => version.Spec).HasJson();
    }
}
