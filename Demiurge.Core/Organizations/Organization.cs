using Demiurge.Core.Permissions;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Demiurge.Core.Organizations;

/// <summary>A team: people with roles, and the projects they share. A deleted one is hidden from every query.</summary>
public sealed class Organization
{
    public Guid Id { get; init; } = Guid.CreateVersion7();

    public required string Name { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? DeletedAt { get; set; }
}

/// <summary>A person in an organization.</summary>
public sealed class OrganizationMember
{
    public required Guid OrganizationId { get; init; }

    public required Guid UserId { get; init; }

    public required OrganizationRole Role { get; set; }

    public DateTimeOffset JoinedAt { get; init; }
}

/// <summary>An offer to join. The link's token is shown once; only its hash is kept.</summary>
public sealed class Invitation
{
    public Guid Id { get; init; } = Guid.CreateVersion7();

    public required Guid OrganizationId { get; init; }

    /// <summary>The address as it was typed. Only the account with this address can accept.</summary>
    public required string Email { get; init; }

    public required string NormalizedEmail { get; init; }

    public required OrganizationRole Role { get; init; }

    /// <summary>SHA-256 of the token.</summary>
    public required byte[] TokenHash { get; init; }

    public required Guid InvitedBy { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset ExpiresAt { get; init; }

    public DateTimeOffset? AcceptedAt { get; set; }

    public DateTimeOffset? RevokedAt { get; set; }
}

internal sealed class OrganizationConfiguration :
    IEntityTypeConfiguration<Organization>,
    IEntityTypeConfiguration<OrganizationMember>,
    IEntityTypeConfiguration<Invitation>
{
    public void Configure(EntityTypeBuilder<Organization> builder)
    {
        builder.ToTable("organizations");
        builder.Property(organization => organization.Name).HasMaxLength(80);
        builder.HasQueryFilter(organization => organization.DeletedAt == null);
    }

    public void Configure(EntityTypeBuilder<OrganizationMember> builder)
    {
        builder.ToTable("organization_members");
        builder.HasKey(member => new { member.OrganizationId, member.UserId });
        builder.HasOne<Organization>().WithMany().HasForeignKey(member => member.OrganizationId);
        builder.HasOne<Accounts.User>().WithMany().HasForeignKey(member => member.UserId);
        builder.Property(member => member.Role).HasConversion<string>().HasMaxLength(16);
    }

    public void Configure(EntityTypeBuilder<Invitation> builder)
    {
        builder.ToTable("invitations");
        builder.HasOne<Organization>().WithMany().HasForeignKey(invitation => invitation.OrganizationId);
        builder.Property(invitation => invitation.Email).HasMaxLength(254);
        builder.Property(invitation => invitation.NormalizedEmail).HasMaxLength(254);
        builder.Property(invitation => invitation.Role).HasConversion<string>().HasMaxLength(16);
        builder.HasIndex(invitation => invitation.TokenHash).IsUnique();
        builder.HasIndex(invitation => new { invitation.OrganizationId, invitation.NormalizedEmail })
            .IsUnique()
            .HasFilter("accepted_at IS NULL AND revoked_at IS NULL");
    }
}
