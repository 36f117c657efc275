using Demiurge.Core.Containers;
using Demiurge.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;

namespace Demiurge.Tests.Containers;

public sealed class ContainerChangesTests(PostgresFixture database) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task Publish_WithAnotherProcessOnTheDatabase_IsToldThereAndOnceHere()
    {
        await using var here = database.Build();
        await using var there = database.Build();
        var publisher = here.GetRequiredService<ContainerChanges>();
        var listener = there.GetRequiredService<ContainerChanges>();
        var heard = new List<ContainerChanged>();
        var own = 0;
        publisher.Changed += _ => Interlocked.Increment(ref own);
        listener.Changed += change =>
        {
            lock (heard)
                heard.Add(change);
        };
        await publisher.StartAsync(CancellationToken.None);
        await listener.StartAsync(CancellationToken.None);

        // Published again and again, because nothing says when the other process has begun to listen.
        var published = 0;
        await PlatformFixture.Until(
            () =>
            {
                publisher.Publish(new ContainerChanged(Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid()));
                published++;
                lock (heard)
                    return Task.FromResult(heard.Count > 0);
            },
            "a change from the other process");
        var last = new ContainerChanged(Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid());
        publisher.Publish(last);
        await PlatformFixture.Until(
            () =>
            {
                lock (heard)
                    return Task.FromResult(heard.Contains(last));
            },
            "the last change");

        Assert.Equal(published + 1, own);
        await publisher.StopAsync(CancellationToken.None);
        await listener.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task Installation_AskedBySeveralProcesses_IsOne()
    {
        await using var other = database.Build();
        var ids = await Task.WhenAll(Enumerable.Range(0, 8).Select(n => (n % 2 == 0 ? other : database.Services).GetRequiredService<Installation>().Id()));
        Assert.Single(ids.Distinct());
    }
}
