using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Containers.Reconciler;

/// <summary>A container that waits to be started, or is being started.</summary>
internal sealed record QueueEntry(Guid Id, Guid OrganizationId, Guid OwnerId, DateTimeOffset QueuedAt);

/// <summary>
/// Whose turn it is. Organizations take turns, and within each of them its people: the next is of the organization with the fewest starts
/// under way or before it in the queue, of that organization's person with the fewest, the one who waits longest. So somebody
/// who asks for fifty at once delays the others by one each.
/// </summary>
internal static class StartQueue
{
    /// <summary>The waiting ones in the order in which they will be started.</summary>
    /// <param name="starting">Those whose start is under way.</param>
    public static List<QueueEntry> Order(IEnumerable<QueueEntry> waiting, IEnumerable<QueueEntry> starting)
    {
        var organizations = waiting.GroupBy(entry => entry.OrganizationId).ToDictionary(
            group => group.Key,
            group => new Line(group.GroupBy(entry => entry.OwnerId).ToDictionary(
                own => own.Key, own => new PersonLine(new Queue<QueueEntry>(own.OrderBy(entry => entry.QueuedAt).ThenBy(entry => entry.Id))))));
        foreach (var entry in starting)
        {
            if (!organizations.TryGetValue(entry.OrganizationId, out var line))
                continue;
            line.Served++;
            if (line.People.TryGetValue(entry.OwnerId, out var person))
                person.Served++;
        }
        var order = new List<QueueEntry>();
        while (organizations.Count > 0)
        {
            var (organizationId, line) = organizations.MinBy(pair => (pair.Value.Served, pair.Value.First));
            var (ownerId, person) = line.People.MinBy(pair => (pair.Value.Served, pair.Value.First));
            order.Add(person.Waiting.Dequeue());
            line.Served++;
            person.Served++;
            if (person.Waiting.Count == 0)
                line.People.Remove(ownerId);
            if (line.People.Count == 0)
                organizations.Remove(organizationId);
        }
        return order;
    }

    /// <summary>Each waiting container's place in the queue, 1 being next.</summary>
    public static async Task<Dictionary<Guid, int>> Positions(DemiurgeDbContext db, CancellationToken cancellationToken)
    {
        var (waiting, starting) = await Load(db, cancellationToken);
        return Order(waiting, starting).Select((entry, index) => (entry.Id, Position: index + 1)).ToDictionary(row => row.Id, row => row.Position);
    }

    public static async Task<(List<QueueEntry> Waiting, List<QueueEntry> Starting)> Load(DemiurgeDbContext db, CancellationToken cancellationToken)
    {
        var rows = await db.Set<Container>().AsNoTracking()
            .Where(container => container.Desired == DesiredState.Running && container.Place == ContainerPlace.Engine && container.QueuedAt != null)
            .Select(container => new { Entry = new QueueEntry(container.Id, container.OrganizationId, container.OwnerId, container.QueuedAt!.Value), container.State })
            .ToListAsync(cancellationToken);
        return (
            rows.Where(row => row.State == ContainerState.Queued).Select(row => row.Entry).ToList(),
            rows.Where(row => row.State != ContainerState.Queued).Select(row => row.Entry).ToList());
    }

    private sealed class Line(Dictionary<Guid, PersonLine> people)
    {
        public Dictionary<Guid, PersonLine> People { get; } = people;

        public int Served { get; set; }

        public DateTimeOffset First => People.Values.Min(person => person.First);
    }

    private sealed class PersonLine(Queue<QueueEntry> waiting)
    {
        public Queue<QueueEntry> Waiting { get; } = waiting;

        public int Served { get; set; }

        public DateTimeOffset First => Waiting.Peek().QueuedAt;
    }
}
