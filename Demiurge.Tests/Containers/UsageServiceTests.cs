using Demiurge.Core;
using Demiurge.Core.Containers.Usage;
using Demiurge.Core.Organizations;
using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Containers;

public sealed class UsageServiceTests(PostgresFixture database) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task Platform_ForItsAdministrator_CountsByOrganizationAndDayWithinThePeriod()
    {
        var administrator = await database.Register("Ada");
        var other = await database.Register("Bob");
        var organizations = database.Get<OrganizationService>();
        var (acme, babbage) = ((await organizations.Create(other.Actor, "=Acme")).Value!.Id, (await organizations.Create(other.Actor, "Babbage")).Value!.Id);
        var month = new DateTimeOffset(2026, 2, 1, 0, 0, 0, TimeSpan.Zero);
        var notebook = Guid.NewGuid();
        await using (var db = database.CreateContext())
        {
            db.AddRange(
                Record(acme, notebook, 2, month.AddHours(-5), month.AddHours(1)),
                Record(acme, notebook, 2, month.AddDays(2).AddHours(23), month.AddDays(3).AddHours(2)),
                Record(acme, Guid.NewGuid(), 1, month.AddDays(5), month.AddDays(5).AddHours(4)),
                Record(babbage, Guid.NewGuid(), 10, month.AddDays(27).AddHours(23), month.AddDays(40)),
                Record(babbage, Guid.NewGuid(), 10, month.AddDays(40), month.AddDays(41)));
            await db.SaveChangesAsync();
        }
        var usage = database.Get<UsageService>();

        Assert.Equal(ErrorKind.Forbidden, (await usage.Platform(other.Actor)).Error?.Kind);
        Assert.Equal("usage.period_unusable", (await usage.Platform(administrator.Actor, month, month)).Error?.Code);
        var report = (await usage.Platform(administrator.Actor, month, month.AddMonths(1))).Value!;

        Assert.Equal((9, 22), (report.Hours, report.Cost));
        Assert.Equal([("=Acme", 2, 8, 12m), ("Babbage", 1, 1, 10m)], report.Organizations.Select(line => (line.OrganizationName, line.Containers, (int)line.Hours, line.Cost)));
        Assert.Equal(28, report.Days.Count);
        Assert.Equal(
            [(1, 1m), (3, 1m), (4, 2m), (6, 4m), (28, 1m)],
            report.Days.Where(day => day.Hours > 0).Select(day => (day.Day.Day, day.Hours)));
        var csv = UsageService.ToCsv(report).Split("\r\n");
        Assert.Equal("from,to,organization,organization id,containers,hours,cost", csv[0]);
        Assert.StartsWith($"2026-02-01T00:00:00.0000000+00:00,2026-03-01T00:00:00.0000000+00:00,'=Acme,{acme},2,8", csv[1], StringComparison.Ordinal);
        Assert.Equal(4, csv.Length);
    }

    private static UsageRecord Record(Guid organization, Guid container, decimal price, DateTimeOffset from, DateTimeOffset to) => new()
    {
        OrganizationId = organization,
        ProjectId = Guid.NewGuid(),
        ContainerId = container,
        ContainerName = "Notebook",
        OwnerId = Guid.NewGuid(),
        Tier = "small",
        PricePerHour = price,
        From = from,
        To = to,
        SeenAt = to,
    };
}
