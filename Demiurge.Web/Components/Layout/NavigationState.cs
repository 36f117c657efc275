using Demiurge.Core.Accounts;
using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;

namespace Demiurge.Web.Components.Layout;

/// <summary>
/// What the side navigation shows of the signed-in person: profile and organizations. Follows changes of that person's memberships by
/// others. One a circuit; used on its dispatcher only, except for <see cref="AccessChanges"/>, which arrives on any thread.
/// </summary>
public sealed class NavigationState : IDisposable
{
    private readonly CurrentUser _current;
    private readonly AccountService _accounts;
    private readonly OrganizationService _organizations;
    private readonly AccessChanges _changes;
    private Guid _userId;

    public NavigationState(CurrentUser current, AccountService accounts, OrganizationService organizations, AccessChanges changes)
    {
        (_current, _accounts, _organizations, _changes) = (current, accounts, organizations, changes);
        _changes.Changed += OnAccessChanged;
    }

    /// <summary>Null while nobody is signed in.</summary>
    public Profile? Profile { get; private set; }

    public IReadOnlyList<OrganizationInfo> Organizations { get; private set; } = [];

    /// <summary>Something of this is out of date: call <see cref="Load"/> on the circuit's dispatcher.</summary>
    public event Action? Stale;

    /// <summary>Reads both again.</summary>
    public async Task Load()
    {
        if (await _current.Find() is not { } actor)
        {
            (Profile, Organizations) = (null, []);
            return;
        }
        _userId = actor.UserId;
        Organizations = await _organizations.List(actor);
        Profile = (await _accounts.GetProfile(actor)).Value;
    }

    /// <summary>Tells whoever shows this that it changed.</summary>
    public void Invalidate() => Stale?.Invoke();

    public void Dispose() => _changes.Changed -= OnAccessChanged;

    private void OnAccessChanged(AccessChanged change)
    {
        if (change.ProjectId is null && (change.UserId == _userId || (change.UserId is null && Organizations.Any(row => row.Id == change.OrganizationId))))
            Stale?.Invoke();
    }
}
