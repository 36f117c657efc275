using Demiurge.Core.Containers;
using Demiurge.Web.Components.Containers;

namespace Demiurge.Tests.Components.Containers;

public sealed class ContainerWordsTests
{
    [Theory]
    [InlineData(1, "1st")]
    [InlineData(2, "2nd")]
    [InlineData(3, "3rd")]
    [InlineData(4, "4th")]
    [InlineData(11, "11th")]
    [InlineData(12, "12th")]
    [InlineData(21, "21st")]
    [InlineData(111, "111th")]
    public void Ordinal_Number_IsAsPeopleSayIt(int number, string words) => Assert.Equal(words, ContainerWords.Ordinal(number));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(512, "512 B")]
    [InlineData(1536, "1.5 KB")]
    [InlineData(1L << 30, "1 GB")]
    [InlineData(1000L << 20, "1 GB")]
    [InlineData(10L << 30, "10 GB")]
    [InlineData(5_000L << 40, "5000 TB")]
    public void Bytes_Count_HasTheUnitThatKeepsItShort(double bytes, string words) => Assert.Equal(words, ContainerWords.Bytes(bytes));

    [Theory]
    [InlineData("0", "free")]
    [InlineData("0.0080", "0.008 / h")]
    [InlineData("1.5", "1.50 / h")]
    public void Price_PerHour_IsAsPreciseAsItIs(string price, string words) =>
        Assert.Equal(words, ContainerWords.Price(decimal.Parse(price, System.Globalization.CultureInfo.InvariantCulture)));

    [Fact]
    public void Line_ByState_SaysWhatMatters()
    {
        Assert.Equal("Queued, 3rd in line", ContainerWords.Line(Info(ContainerState.Queued) with { QueuePosition = 3 }));
        Assert.Equal("Queued", ContainerWords.Line(Info(ContainerState.Queued)));
        Assert.Equal("Fetching image, 42 %", ContainerWords.Line(Info(ContainerState.Pulling) with { Progress = 0.417 }));
        Assert.Equal("Failed, exit code 137", ContainerWords.Line(Info(ContainerState.Failed) with { ExitCode = 137 }));
        Assert.Equal("Failed", ContainerWords.Line(Info(ContainerState.Failed) with { ExitCode = 0 }));
    }

    [Fact]
    public void Explanation_WithReason_IsTheReason() =>
        Assert.Equal("No space left.", ContainerWords.Explanation(Info(ContainerState.Failed) with { Reason = "No space left." }));

    [Fact]
    public void EveryState_HasWordsAndATone()
    {
        foreach (var state in Enum.GetValues<ContainerState>())
        {
            Assert.NotEmpty(ContainerWords.State(state));
            Assert.Contains(ContainerWords.Tone(state), (string[])["on", "busy", "off", "bad"]);
        }
    }

    internal static ContainerInfo Info(ContainerState state) => new(
        Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), "Shell", new ContainerTemplateInfo(Guid.NewGuid(), "terminal", "Terminal", "terminal", 1, true, 640, 400),
        new ContainerTierInfo(Guid.NewGuid(), "small", 0.5, 1L << 30, 10L << 30, 0.008m), ContainerPlace.Engine, state, null, null, null, DateTimeOffset.UnixEpoch, null, 0, null,
        [], Guid.NewGuid(), "Ada", ShareLevel.Project, false, null, null, false, null, DateTimeOffset.UnixEpoch, null, null, true, true, true);
}
