using Demiurge.Core;
using Demiurge.Core.Organizations;
using Demiurge.Core.Persistence;
using Demiurge.Core.Platform;
using Demiurge.Tests.Infrastructure;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Tests.Platform;

public sealed class PlatformServiceTests(PostgresFixture database) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task Platform_SeenByItsAdministratorAlone()
    {
        var platform = new PlatformService(database.Get<IDbContextFactory<DemiurgeDbContext>>());
        var administrator = await database.Register("100% Ada_Lovelace");
        var other = await database.Register("Bob");
        await database.Get<OrganizationService>().Create(other.Actor, "Acme");

        Assert.Equal(ErrorKind.Forbidden, (await platform.Overview(other.Actor)).Error?.Kind);
        Assert.Equal(ErrorKind.Forbidden, (await platform.Users(other.Actor)).Error?.Kind);

        var overview = (await platform.Overview(administrator.Actor)).Value!;
        Assert.Equal((2, 1, 0), (overview.Users, overview.Organizations, overview.Projects));
        var page = (await platform.Users(administrator.Actor, count: 1)).Value!;
        Assert.Equal(("Bob", 1, 2), (Assert.Single(page.Users).DisplayName, page.Users[0].Organizations, page.Total));
        foreach (var (search, expected) in new[] { ("ADA", 1), ("100%", 1), ("a_l", 1), ("b%b", 0), ("b_b", 0), (other.Email, 1), ("nobody", 0), ("\0", 2) })
            Assert.Equal(expected, (await platform.Users(administrator.Actor, search)).Value!.Total);
    }
}
