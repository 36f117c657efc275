using Demiurge.Core.Containers.Reconciler;
using FsCheck;
using FsCheck.Fluent;

namespace Demiurge.Tests.Containers;

public sealed class StartQueueTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Order_OfOneOrganization_AlternatesItsPeopleByAge()
    {
        var (a, b) = (Id(1), Id(2));
        QueueEntry[] waiting = [Entry(1, Id(9), a, 0), Entry(2, Id(9), a, 1), Entry(3, Id(9), a, 2), Entry(4, Id(9), b, 3)];
        Assert.Equal([Id(1), Id(4), Id(2), Id(3)], StartQueue.Order(waiting, []).Select(entry => entry.Id));
    }

    [Fact]
    public void Order_WithStartsUnderWay_BeginsWithThoseWhoHaveNone()
    {
        QueueEntry[] waiting = [Entry(1, Id(9), Id(1), 0), Entry(2, Id(8), Id(2), 5)];
        Assert.Equal([Id(2), Id(1)], StartQueue.Order(waiting, [Entry(3, Id(9), Id(1), 0)]).Select(entry => entry.Id));
    }

    /// <summary>Whatever waits: everybody is in the order once, and at every place organizations differ by one start at most while they still have any waiting.</summary>
    [Fact]
    public void Order_OfAnything_TreatsOrganizationsAlike()
    {
        var pick = from organization in Gen.Choose(1, 4) from person in Gen.Choose(1, 3) from second in Gen.Choose(0, 100) select (organization, person, second);
        var entries = from picks in pick.ArrayOf()
                      select picks.Select((made, index) => Entry(index + 100, Id(made.organization), Id(10 + made.organization * 10 + made.person), made.second)).ToList();
        Prop.ForAll(entries.ToArbitrary(), waiting =>
        {
            var order = StartQueue.Order(waiting, []);
            Assert.Equal(waiting.Select(entry => entry.Id).Order(), order.Select(entry => entry.Id).Order());
            for (var place = 1; place <= order.Count; place++)
            {
                var served = order.Take(place).GroupBy(entry => entry.OrganizationId).ToDictionary(group => group.Key, group => group.Count());
                foreach (var still in order.Skip(place).Select(entry => entry.OrganizationId).Distinct())
                    Assert.True(served.Values.Max() - served.GetValueOrDefault(still) <= 1);
            }
            return true;
        }).QuickCheckThrowOnFailure();
    }

    private static QueueEntry Entry(int id, Guid organization, Guid owner, int second) => new(Id(id), organization, owner, Noon.AddSeconds(second));

    private static Guid Id(int number) => new(number, 0, 0, new byte[8]);
}
