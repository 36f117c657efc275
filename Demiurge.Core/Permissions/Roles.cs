namespace Demiurge.Core.Permissions;

/// <summary>A person's standing in an organization, weakest first: each role may do all that the ones before it may.</summary>
public enum OrganizationRole
{
    /// <summary>Sees the organization and its public projects, creates projects.</summary>
    Member,

    /// <summary>Also manages members below owner, invitations, the name, and every project.</summary>
    Admin,

    /// <summary>Also makes and unmakes owners, and deletes the organization.</summary>
    Owner,
}

/// <summary>A person's standing in a project, weakest first: each role may do all that the ones before it may.</summary>
public enum ProjectRole
{
    View,
    Edit,

    /// <summary>Also changes the project's settings and members, and deletes it.</summary>
    Manage,
}
