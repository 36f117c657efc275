using Demiurge.Core.Containers;
using Demiurge.Web.Components.Containers;

namespace Demiurge.Tests.Components.Containers;

public sealed class ContainerFilterTests
{
    private static readonly ContainerInfo Running = ContainerWordsTests.Info(ContainerState.Running) with { Name = "Analysis of May", OwnerId = Guid.NewGuid() };
    private static readonly ContainerInfo Failed = ContainerWordsTests.Info(ContainerState.Failed) with { Name = "Import", Reason = "Out of memory.", OwnerId = Guid.NewGuid() };

    [Fact]
    public void Filter_FromAnAddress_GoesBackIntoIt()
    {
        var owner = Guid.NewGuid();
        var filter = ContainerFilter.Of("Running", "jupyterlab", owner.ToString(), "of may");

        Assert.Equal(new ContainerFilter(ContainerState.Running, "jupyterlab", owner, "of may"), filter);
        var query = filter.Query();
        Assert.Equal(filter, ContainerFilter.Of((string?)query["state"], (string?)query["template"], (string?)query["owner"], (string?)query["q"]));
    }

    [Theory]
    [InlineData("sleeping", "", "me", "  ")]
    [InlineData("77", null, "", null)]
    public void Filter_OfWhatCannotBeRead_LeavesItOut(string? state, string? template, string? owner, string? text) =>
        Assert.True(ContainerFilter.Of(state, template, owner, text).IsEmpty);

    [Fact]
    public void Matches_NeedsEveryPart()
    {
        var all = ContainerFilter.Of(null, null, null, null);
        Assert.All([Running, Failed], info => Assert.True(all.Matches(info)));
        foreach (var onlyRunning in new[]
        {
            all with { State = ContainerState.Running }, all with { Owner = Running.OwnerId }, all with { Text = " OF MAY " },
            all with { Template = Running.Template.Slug, State = ContainerState.Running },
        })
            Assert.Equal((true, false), (onlyRunning.Matches(Running), onlyRunning.Matches(Failed)));
        Assert.True((all with { Text = "memory" }).Matches(Failed));
        Assert.False((all with { Text = "memory", State = ContainerState.Running }).Matches(Failed));
        Assert.False((all with { Template = "another" }).Matches(Running));
    }
}
