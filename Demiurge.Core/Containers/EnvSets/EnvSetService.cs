using Demiurge.Core.Audit;
using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Containers.EnvSets;

/// <summary>A set as people see it: which variables it has, never what they are.</summary>
/// <param name="CanChange">Whether the person who asked may change it.</param>
public sealed record EnvSetInfo(
    Guid Id, Guid OrganizationId, EnvSetScope Scope, Guid ScopeId, string Name, IReadOnlyList<EnvVariableInfo> Variables, bool CanChange, DateTimeOffset UpdatedAt);

/// <summary>A variable of a set, without its value.</summary>
public sealed record EnvVariableInfo(string Name, DateTimeOffset ChangedAt);

/// <summary>
/// Sets of variables for containers. An organization's are used by everybody who makes containers in it and changed by its admins; a
/// project's are used there from the role edit on and changed by the role manage; a person's own are used, seen and changed by that person
/// alone. Nobody reads a value. Safe for concurrent use.
/// </summary>
public sealed class EnvSetService(IDbContextFactory<DemiurgeDbContext> contexts, ContainerSecrets secrets, TimeProvider time)
{
    public const int MaxVariables = 100;
    public const int MaxValueLength = 32 * 1024;
    public const int MaxSets = 100;

    private static readonly TextRule NameRule = new("name", "The set's name", 80);

    /// <summary>The sets that the person can use in an organization, by scope and name.</summary>
    /// <param name="projectId">The project whose sets are of interest; null for all that the person may use.</param>
    public async Task<Result<IReadOnlyList<EnvSetInfo>>> List(
        Actor actor, Guid organizationId, Guid? projectId = null, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await Membership.RoleOf(db, actor.UserId, organizationId, cancellationToken) is null)
            return Organizations.Errors.OrganizationNotFound;
        var sets = await db.Set<EnvSet>().AsNoTracking().Where(set => set.OrganizationId == organizationId
            && (set.Scope != EnvSetScope.Project || projectId == null || set.ScopeId == projectId)
            && (set.Scope != EnvSetScope.Person || set.ScopeId == actor.UserId)).OrderBy(set => set.Scope).ThenBy(set => set.Name).ToListAsync(cancellationToken);
        var infos = new List<EnvSetInfo>(sets.Count);
        foreach (var set in sets)
        {
            if (await RightsIn(db, actor, set, cancellationToken) is { CanUse: true } rights)
                infos.Add(Info(set, rights.CanChange));
        }
        return infos;
    }

    /// <param name="scopeId">The organization or the project; ignored for a person's own.</param>
    public async Task<Result<EnvSetInfo>> Create(
        Actor actor, Guid organizationId, EnvSetScope scope, Guid? scopeId, string? name, IReadOnlyDictionary<string, string>? variables = null,
        CancellationToken cancellationToken = default)
    {
        if (!Enum.IsDefined(scope))
            return Errors.EnvScopeUnknown;
        var checkedName = NameRule.Check(name);
        if (!checkedName.Succeeded)
            return checkedName.Error;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await Membership.RoleOf(db, actor.UserId, organizationId, cancellationToken) is null)
            return Organizations.Errors.OrganizationNotFound;
        var now = time.GetUtcNow();
        var set = new EnvSet
        {
            OrganizationId = organizationId,
            Scope = scope,
            ScopeId = scope switch { EnvSetScope.Organization => organizationId, EnvSetScope.Person => actor.UserId, _ => scopeId ?? Guid.Empty },
            Name = checkedName.Value,
            CreatedAt = now,
            UpdatedAt = now,
        };
        if ((await RequireChange(db, actor, set, cancellationToken)).Error is { } refused)
            return refused;
        if (Apply(set, variables?.ToDictionary(pair => pair.Key, pair => (string?)pair.Value) ?? []) is { } fault)
            return fault;
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await Membership.Lock(db, organizationId, cancellationToken);
        var siblings = db.Set<EnvSet>().Where(other => other.OrganizationId == organizationId && other.Scope == scope && other.ScopeId == set.ScopeId);
        if (await siblings.CountAsync(cancellationToken) >= MaxSets)
            return Organizations.Errors.Full("sets of variables", MaxSets);
        if (await siblings.AnyAsync(other => other.Name == set.Name, cancellationToken))
            return Errors.EnvNameTaken;
        db.Add(set);
        Record(db, actor, "env_set.created", set);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return Info(set, canChange: true);
    }

    /// <summary>Sets variables to values and removes those whose value is null; the others stay. Containers have them from their next start on.</summary>
    /// <param name="name">A new name, or null.</param>
    public async Task<Result<EnvSetInfo>> Change(
        Actor actor, Guid setId, string? name, IReadOnlyDictionary<string, string?>? variables, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync($"SELECT 1 FROM env_sets WHERE id = {setId} FOR UPDATE", cancellationToken);
        var found = await FindForChange(db, actor, setId, cancellationToken);
        if (!found.Succeeded)
            return found.Error;
        var set = found.Value;
        if (name is not null)
        {
            var checkedName = NameRule.Check(name);
            if (!checkedName.Succeeded)
                return checkedName.Error;
            if (await db.Set<EnvSet>().AnyAsync(
                other => other.Id != setId && other.OrganizationId == set.OrganizationId && other.Scope == set.Scope && other.ScopeId == set.ScopeId
                    && other.Name == checkedName.Value,
                cancellationToken))
                return Errors.EnvNameTaken;
            set.Name = checkedName.Value;
        }
        if (Apply(set, variables ?? new Dictionary<string, string?>()) is { } fault)
            return fault;
        set.UpdatedAt = time.GetUtcNow();
        Record(db, actor, "env_set.changed", set, variables?.Keys);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return Info(set, canChange: true);
    }

    /// <summary>Removes it; containers that had it start without it from then on.</summary>
    public async Task<Result> Delete(Actor actor, Guid setId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var found = await FindForChange(db, actor, setId, cancellationToken);
        if (!found.Succeeded)
            return found.Error;
        db.Remove(found.Value);
        Record(db, actor, "env_set.deleted", found.Value);
        await db.SaveChangesAsync(cancellationToken);
        return Result.Ok;
    }

    /// <summary>Refuses when one of the sets is not the person's to use in that project.</summary>
    internal static async Task<Result> RequireUse(
        DemiurgeDbContext db, Actor actor, Guid organizationId, Guid projectId, IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken)
    {
        if (ids.Count == 0)
            return Result.Ok;
        var usable = await db.Set<EnvSet>().CountAsync(
            set => ids.Contains(set.Id) && set.OrganizationId == organizationId
                && (set.Scope == EnvSetScope.Organization
                    || (set.Scope == EnvSetScope.Project && set.ScopeId == projectId)
                    || (set.Scope == EnvSetScope.Person && set.ScopeId == actor.UserId)),
            cancellationToken);
        return usable == ids.Count ? Result.Ok : Errors.EnvSetNotFound;
    }

    /// <summary>The variables of these sets; a person's own win over the project's, and those over the organization's.</summary>
    internal async Task<Dictionary<string, string>> Values(DemiurgeDbContext db, IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken)
    {
        var values = new Dictionary<string, string>();
        if (ids.Count == 0)
            return values;
        var sets = await db.Set<EnvSet>().AsNoTracking().Where(set => ids.Contains(set.Id)).ToListAsync(cancellationToken);
        foreach (var variable in sets.OrderBy(set => set.Scope).SelectMany(set => set.Variables))
        {
            if (secrets.Unprotect(variable.ProtectedValue) is { } value)
                values[variable.Name] = value;
        }
        return values;
    }

    private Error? Apply(EnvSet set, IReadOnlyDictionary<string, string?> variables)
    {
        var faults = new Dictionary<string, string>();
        var now = time.GetUtcNow();
        var kept = set.Variables.ToDictionary(variable => variable.Name);
        foreach (var (name, value) in variables)
        {
            if (!TemplateRules.VariableName().IsMatch(name))
                faults[name] = "A variable's name is made of letters, digits and underscores, and doesn't begin with a digit.";
            else if (value?.Length > MaxValueLength)
                faults[name] = $"A value has at most {MaxValueLength} characters.";
            else if (value?.Contains('\0') == true)
                faults[name] = "A value can't contain the character NUL.";
            else if (value is null)
                kept.Remove(name);
            else
                kept[name] = new EnvVariable(name, secrets.Protect(value), now);
        }
        if (faults.Count > 0)
            return Errors.Variables(faults);
        if (kept.Count > MaxVariables)
            return Organizations.Errors.Full("variables in a set", MaxVariables);
        set.Variables = [.. kept.Values.OrderBy(variable => variable.Name, StringComparer.Ordinal)];
        return null;
    }

    private static async Task<Result<EnvSet>> FindForChange(DemiurgeDbContext db, Actor actor, Guid setId, CancellationToken cancellationToken)
    {
        if (await db.Set<EnvSet>().SingleOrDefaultAsync(set => set.Id == setId, cancellationToken) is not { } set)
            return Errors.EnvSetNotFound;
        return (await RequireChange(db, actor, set, cancellationToken)).Error is { } refused ? refused : set;
    }

    private static async Task<Result> RequireChange(DemiurgeDbContext db, Actor actor, EnvSet set, CancellationToken cancellationToken) =>
        await RightsIn(db, actor, set, cancellationToken) switch
        {
            { CanChange: true } => Result.Ok,
            { CanUse: true } => Errors.EnvSetNotYours,
            _ => Errors.EnvSetNotFound,
        };

    private static async Task<(bool CanUse, bool CanChange)> RightsIn(DemiurgeDbContext db, Actor actor, EnvSet set, CancellationToken cancellationToken)
    {
        var role = await Membership.RoleOf(db, actor.UserId, set.OrganizationId, cancellationToken);
        if (role is null)
            return default;
        switch (set.Scope)
        {
            case EnvSetScope.Organization:
                return (true, role >= OrganizationRole.Admin);
            case EnvSetScope.Project:
                var grant = await ProjectAccess.Find(db, actor, set.ScopeId, cancellationToken);
                var inside = grant?.Project.OrganizationId == set.OrganizationId;
                return (inside && grant?.Role >= ProjectRole.Edit, inside && grant?.Role >= ProjectRole.Manage);
            default:
                var own = set.ScopeId == actor.UserId;
                return (own, own);
        }
    }

    private void Record(DemiurgeDbContext db, Actor actor, string action, EnvSet set, IEnumerable<string>? variables = null) => AuditLog.Record(
        db, time, actor, action, set.OrganizationId, set.Scope == EnvSetScope.Project ? set.ScopeId : null,
        details: [("name", set.Name), ("scope", set.Scope), ("variables", string.Join(", ", variables ?? set.Variables.Select(variable => variable.Name)))]);

    private static EnvSetInfo Info(EnvSet set, bool canChange) => new(
        set.Id, set.OrganizationId, set.Scope, set.ScopeId, set.Name, set.Variables.ConvertAll(variable => new EnvVariableInfo(variable.Name, variable.ChangedAt)),
        canChange, set.UpdatedAt);
}
