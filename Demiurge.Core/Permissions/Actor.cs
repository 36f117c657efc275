namespace Demiurge.Core.Permissions;

/// <summary>The signed-in person on whose behalf a service acts. Every service checks that person's rights itself.</summary>
public readonly record struct Actor(Guid UserId);
