using Demiurge.Core.Accounts;
using Demiurge.Core.Audit;
using Demiurge.Core.Mail;
using Demiurge.Core.Organizations;
using Demiurge.Core.Projects;
using Demiurge.Core.Tokens;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Persistence;

/// <summary>
/// Everything durable. Each feature configures its own entities with an <see cref="IEntityTypeConfiguration{TEntity}"/> in its
/// folder and reaches them by <see cref="DbContext.Set{TEntity}()"/>; names in the database are snake_case, keys are UUIDv7
/// made by the application. One context an operation, from <see cref="IDbContextFactory{TContext}"/>.
/// </summary>
public sealed class DemiurgeDbContext(DbContextOptions<DemiurgeDbContext> options) : IdentityUserContext<User, Guid>(options)
{
    public DbSet<Organization> Organizations => Set<Organization>();

    public DbSet<OrganizationMember> OrganizationMembers => Set<OrganizationMember>();

    public DbSet<Invitation> Invitations => Set<Invitation>();

    public DbSet<Project> Projects => Set<Project>();

    public DbSet<ProjectMember> ProjectMembers => Set<ProjectMember>();

    public DbSet<ProjectVisit> ProjectVisits => Set<ProjectVisit>();

    public DbSet<AuditEntry> AuditEntries => Set<AuditEntry>();

    public DbSet<RefreshToken> RefreshTokens => Set<RefreshToken>();

    public DbSet<SigningKey> SigningKeys => Set<SigningKey>();

    public DbSet<OutboxMail> OutboxMails => Set<OutboxMail>();

    protected override void OnModelCreating(ModelBuilder builder)
    {
        base.OnModelCreating(builder);
        builder.ApplyConfigurationsFromAssembly(typeof(DemiurgeDbContext).Assembly);
    }

    protected override void ConfigureConventions(ModelConfigurationBuilder builder)
    {
        base.ConfigureConventions(builder);
        builder.Conventions.Add(_ => new SnakeCaseNaming());
    }
}
