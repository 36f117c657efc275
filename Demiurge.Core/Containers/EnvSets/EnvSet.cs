using Demiurge.Core.Organizations;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Demiurge.Core.Containers.EnvSets;

/// <summary>Whose a set of variables is.</summary>
public enum EnvSetScope { Organization, Project, Person }

/// <summary>Variables, secrets mostly, that containers get. Values are written and never read back by anybody but a container's start.</summary>
public sealed class EnvSet
{
    public Guid Id { get; init; } = Guid.CreateVersion7();

    public required EnvSetScope Scope { get; init; }

    /// <summary>The organization, the project or the person.</summary>
    public required Guid ScopeId { get; init; }

    /// <summary>Where it is of use; a person has sets of their own in each organization.</summary>
    public required Guid OrganizationId { get; init; }

    public required string Name { get; set; }

    public List<EnvVariable> Variables { get; set; } = [];

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; set; }
}

/// <summary>A variable of a set.</summary>
/// <param name="ProtectedValue">The value under data protection.</param>
public sealed record EnvVariable(string Name, string ProtectedValue, DateTimeOffset ChangedAt);

internal sealed class EnvSetConfiguration : IEntityTypeConfiguration<EnvSet>
{
    public void Configure(EntityTypeBuilder<EnvSet> builder)
    {
        builder.ToTable("env_sets");
        builder.HasOne<Organization>().WithMany().HasForeignKey(set => set.OrganizationId);
        builder.Property(set => set.Scope).HasConversion<string>().HasMaxLength(16);
        builder.Property(set => set.Name).HasMaxLength(80);
        builder.Property(set => set.Variables).HasJson();
        builder.HasIndex(set => new { set.OrganizationId, set.Scope, set.ScopeId, set.Name }).IsUnique();
    }
}
