using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Demiurge.Core.Audit;

/// <summary>
/// Something that was changed, by whom and when. Written in the same transaction as the change, never altered, and without
/// foreign keys, so that it outlives what it speaks of.
/// </summary>
public sealed class AuditEntry
{
    public Guid Id { get; init; } = Guid.CreateVersion7();

    public required DateTimeOffset At { get; init; }

    /// <summary>The person who did it; null for the system.</summary>
    public Guid? ActorId { get; init; }

    public Guid? OrganizationId { get; init; }

    public Guid? ProjectId { get; init; }

    /// <summary>The person it was done to, where there is one.</summary>
    public Guid? SubjectUserId { get; init; }

    /// <summary>What was done: lower-case, dotted, for example <c>member.role_changed</c>.</summary>
    public required string Action { get; init; }

    /// <summary>What a reader needs beside that: names, old and new values. Never a secret.</summary>
    public IReadOnlyDictionary<string, string> Details { get; init; } = new Dictionary<string, string>();
}

internal sealed class AuditEntryConfiguration : IEntityTypeConfiguration<AuditEntry>
{
    public void Configure(EntityTypeBuilder<AuditEntry> builder)
    {
        builder.ToTable("audit_entries");
        builder.Property(entry => entry.Action).HasMaxLength(64);
        builder.Property(entry => entry.Details).HasColumnType("jsonb").HasConversion(
            details => System.Text.Json.JsonSerializer.Serialize(details, System.Text.Json.JsonSerializerOptions.Default),
            json => System.Text.Json.JsonSerializer.Deserialize<Dictionary<string, string>>(json, System.Text.Json.JsonSerializerOptions.Default)!,
            // Never altered, so that the same object is the same value.
            new ValueComparer<IReadOnlyDictionary<string, string>>((a, b) => ReferenceEquals(a, b), details => details.Count, details => details));
        builder.HasIndex(entry => new { entry.OrganizationId, entry.At });
    }
}
