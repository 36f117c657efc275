using Demiurge.Core.Audit;
using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Demiurge.Core.Platform;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Containers.Templates;

/// <summary>A template in one of its versions.</summary>
/// <param name="OrganizationId">The only organization that has it; null for all.</param>
/// <param name="Version">The version that <paramref name="Spec"/> is of.</param>
public sealed record TemplateInfo(
    Guid Id, Guid? OrganizationId, string Slug, string Name, string Description, string Icon, bool Enabled, int Version, int LatestVersion, TemplateSpec Spec);

/// <summary>A new template.</summary>
/// <param name="OrganizationId">The only organization that has it; null for all, which is for platform administrators.</param>
public sealed record NewTemplate(Guid? OrganizationId, string Slug, string Name, string? Description, string? Icon, TemplateSpec Spec);

/// <summary>
/// What people can start. Everybody sees the templates of their organizations and those for all; an organization's admins make and change
/// its own, platform administrators those for all. A version never changes: containers keep theirs. Safe for concurrent use.
/// </summary>
public sealed class TemplateCatalog(IDbContextFactory<DemiurgeDbContext> contexts, TimeProvider time)
{
    public const int MaxTemplates = 200;

    private static readonly TextRule NameRule = new("name", "The template's name", 80);
    private static readonly TextRule DescriptionRule = new("description", "The description", 2000) { Optional = true, Multiline = true };
    private static readonly TextRule IconRule = new("icon", "The icon's name", 40);
    private static readonly TextRule SlugRule = new("slug", "The short name", 40);

    /// <summary>The templates that can be used in an organization, in their latest version, by name; for its members.</summary>
    /// <param name="disabled">Whether to list those that are switched off, too.</param>
    public async Task<Result<IReadOnlyList<TemplateInfo>>> List(
        Actor actor, Guid organizationId, bool disabled = false, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await Membership.RoleOf(db, actor.UserId, organizationId, cancellationToken) is null)
            return Organizations.Errors.OrganizationNotFound;
        return await Infos(
            db, template => (template.OrganizationId == null || template.OrganizationId == organizationId) && (disabled || template.Enabled), null, cancellationToken);
    }

    /// <summary>All templates for all, in their latest version; for platform administrators.</summary>
    public async Task<Result<IReadOnlyList<TemplateInfo>>> ListGlobal(Actor actor, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (!await PlatformService.IsAdministrator(db, actor, cancellationToken))
            return Errors.PlatformForbidden;
        return await Infos(db, template => template.OrganizationId == null, null, cancellationToken);
    }

    /// <param name="version">Null: the latest.</param>
    public async Task<Result<TemplateInfo>> Get(Actor actor, Guid templateId, int? version = null, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var template = await db.Set<Template>().AsNoTracking().SingleOrDefaultAsync(row => row.Id == templateId, cancellationToken);
        if (template is null
            || (template.OrganizationId is { } owner && await Membership.RoleOf(db, actor.UserId, owner, cancellationToken) is null))
            return Errors.TemplateNotFound;
        return await Infos(db, row => row.Id == templateId, version, cancellationToken) is [var found] ? found : Errors.TemplateVersionNotFound;
    }

    public async Task<Result<TemplateInfo>> Create(Actor actor, NewTemplate request, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if ((await RequireChange(db, actor, request.OrganizationId, cancellationToken)).Error is { } refused)
            return refused;
        var slug = SlugRule.Check(request.Slug);
        if (!slug.Succeeded)
            return slug.Error;
        if (slug.Value.Any(c => c is not ((>= 'a' and <= 'z') or (>= '0' and <= '9') or '-')))
            return Errors.SlugUnusable;
        var name = NameRule.Check(request.Name);
        var description = DescriptionRule.Check(request.Description);
        var icon = IconRule.Check(request.Icon ?? "deployed_code");
        if ((name.Error ?? description.Error ?? icon.Error) is { } fault)
            return fault;
        if (await SpecFault(db, request.Spec, cancellationToken) is { } specFault)
            return specFault;
        var siblings = db.Set<Template>().Where(row => row.OrganizationId == request.OrganizationId);
        if (await siblings.CountAsync(cancellationToken) >= MaxTemplates)
            return Organizations.Errors.Full("templates", MaxTemplates);
        if (await siblings.AnyAsync(row => row.Slug == slug.Value, cancellationToken))
            return Errors.SlugTaken;
        var now = time.GetUtcNow();
        var template = new Template
        {
            OrganizationId = request.OrganizationId,
            Slug = slug.Value,
            Name = name.Value!,
            Description = description.Value!,
            Icon = icon.Value!,
            LatestVersion = 1,
            CreatedAt = now,
        };
        db.Add(template);
        db.Add(new TemplateVersion { TemplateId = template.Id, Version = 1, Spec = request.Spec, CreatedAt = now });
        Record(db, actor, "template.created", template);
        await db.SaveChangesAsync(cancellationToken);
        return (await Infos(db, row => row.Id == template.Id, null, cancellationToken))[0];
    }

    /// <summary>Makes a new version; containers that exist stay with theirs.</summary>
    public async Task<Result<TemplateInfo>> Publish(Actor actor, Guid templateId, TemplateSpec spec, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync($"SELECT 1 FROM container_templates WHERE id = {templateId} FOR UPDATE", cancellationToken);
        var found = await FindForChange(db, actor, templateId, cancellationToken);
        if (!found.Succeeded)
            return found.Error;
        if (await SpecFault(db, spec, cancellationToken) is { } fault)
            return fault;
        var template = found.Value;
        template.LatestVersion++;
        db.Add(new TemplateVersion { TemplateId = template.Id, Version = template.LatestVersion, Spec = spec, CreatedAt = time.GetUtcNow() });
        Record(db, actor, "template.published", template);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return (await Infos(db, row => row.Id == templateId, null, cancellationToken))[0];
    }

    /// <summary>Changes what is not null. One that is switched off is offered to nobody; its containers live on.</summary>
    public async Task<Result<TemplateInfo>> Update(
        Actor actor, Guid templateId, string? name = null, string? description = null, string? icon = null, bool? enabled = null,
        CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var found = await FindForChange(db, actor, templateId, cancellationToken);
        if (!found.Succeeded)
            return found.Error;
        var template = found.Value;
        var checkedName = NameRule.Check(name ?? template.Name);
        var checkedDescription = DescriptionRule.Check(description ?? template.Description);
        var checkedIcon = IconRule.Check(icon ?? template.Icon);
        if ((checkedName.Error ?? checkedDescription.Error ?? checkedIcon.Error) is { } fault)
            return fault;
        template.Name = checkedName.Value!;
        template.Description = checkedDescription.Value!;
        template.Icon = checkedIcon.Value!;
        template.Enabled = enabled ?? template.Enabled;
        Record(db, actor, "template.updated", template);
        await db.SaveChangesAsync(cancellationToken);
        return (await Infos(db, row => row.Id == templateId, null, cancellationToken))[0];
    }

    private static async Task<Error?> SpecFault(DemiurgeDbContext db, TemplateSpec spec, CancellationToken cancellationToken)
    {
        var faults = TemplateRules.Faults(spec);
        if (spec.DefaultTier is { } tier && !await db.Set<Tiers.Tier>().AnyAsync(row => row.Name == tier, cancellationToken))
            faults["defaultTier"] = "There is no such tier.";
        return faults.Count > 0 ? Errors.Spec(faults) : null;
    }

    private static async Task<Result<Template>> FindForChange(DemiurgeDbContext db, Actor actor, Guid templateId, CancellationToken cancellationToken)
    {
        if (await db.Set<Template>().SingleOrDefaultAsync(row => row.Id == templateId, cancellationToken) is not { } template)
            return Errors.TemplateNotFound;
        return (await RequireChange(db, actor, template.OrganizationId, cancellationToken)).Error is { } refused ? refused : template;
    }

    private static async Task<Result> RequireChange(DemiurgeDbContext db, Actor actor, Guid? organizationId, CancellationToken cancellationToken)
    {
        if (organizationId is { } id)
            return (await Membership.Require(db, actor, id, OrganizationRole.Admin, "change its templates", cancellationToken)).Error is { } refused ? refused : Result.Ok;
        return await PlatformService.IsAdministrator(db, actor, cancellationToken) ? Result.Ok : Errors.PlatformForbidden;
    }

    private static async Task<List<TemplateInfo>> Infos(
        DemiurgeDbContext db, System.Linq.Expressions.Expression<Func<Template, bool>> which, int? version, CancellationToken cancellationToken)
    {
        var rows = await (
            from template in db.Set<Template>().AsNoTracking().Where(which)
            join row in db.Set<TemplateVersion>() on template.Id equals row.TemplateId
            where row.Version == (version ?? template.LatestVersion)
            orderby template.Name, template.Id
            select new { Template = template, row.Version, row.Spec }).ToListAsync(cancellationToken);
        return rows.ConvertAll(row => new TemplateInfo(
            row.Template.Id, row.Template.OrganizationId, row.Template.Slug, row.Template.Name, row.Template.Description, row.Template.Icon, row.Template.Enabled,
            row.Version, row.Template.LatestVersion, row.Spec));
    }

    private void Record(DemiurgeDbContext db, Actor actor, string action, Template template) => AuditLog.Record(
        db, time, actor, action, template.OrganizationId,
        details: [("template", template.Id), ("slug", template.Slug), ("version", template.LatestVersion), ("enabled", template.Enabled)]);
}
