using Demiurge.Core.Accounts;
using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;

namespace Demiurge.Tests.Infrastructure;

/// <summary>Makes people and their organizations through the real services.</summary>
internal static class People
{
    public const string Password = "correct horse battery";

    private static int count;

    public static string NewEmail() => $"person{Interlocked.Increment(ref count)}@example.org";

    public static async Task<Person> Register(this PostgresFixture database, string? name = null, string? email = null)
    {
        email ??= NewEmail();
        var registered = await database.Get<AccountService>().Register(email, name ?? email.Split('@')[0], Password);
        return new Person(registered.Value!.Id, email);
    }

    /// <summary>An organization with an owner, and a function that lets more people join.</summary>
    public static async Task<Team> CreateTeam(this PostgresFixture database)
    {
        var owner = await database.Register();
        var organization = await database.Get<OrganizationService>().Create(owner.Actor, "Acme");
        return new Team(database, organization.Value!.Id, owner);
    }
}

internal sealed record Person(Guid Id, string Email)
{
    public Actor Actor => new(Id);
}

internal sealed record Team(PostgresFixture Database, Guid Id, Person Owner)
{
    /// <summary>A new person, who joined by invitation.</summary>
    public async Task<Person> Join(OrganizationRole role = OrganizationRole.Member)
    {
        var person = await Database.Register();
        var invitations = Database.Get<InvitationService>();
        var invitation = await invitations.Create(Owner.Actor, Id, person.Email, role);
        Assert.Null((await invitations.Accept(person.Actor, invitation.Value!.Token)).Error);
        return person;
    }
}
