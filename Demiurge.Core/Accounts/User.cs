using Microsoft.AspNetCore.Identity;

namespace Demiurge.Core.Accounts;

/// <summary>A person with an account. The e-mail address is also the user name.</summary>
public sealed class User : IdentityUser<Guid>
{
    public User()
    {
        Id = Guid.CreateVersion7();
    }

    /// <summary>What others see: in member lists, beside the cursor, in the audit log.</summary>
    public required string DisplayName { get; set; }

    /// <summary>The person's colour on boards, <c>#rrggbb</c>.</summary>
    public required string Color { get; set; }

    /// <summary>May see to the installation as a whole; gives no access to other people's organizations.</summary>
    public bool IsPlatformAdministrator { get; set; }

    public DateTimeOffset CreatedAt { get; init; }
}
