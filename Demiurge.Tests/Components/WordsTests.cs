using Demiurge.Web.Components;
using Demiurge.Web.Components.Parts;

namespace Demiurge.Tests.Components;

public sealed class WordsTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 15, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(-5, "just now")]
    [InlineData(30, "just now")]
    [InlineData(60, "a minute ago")]
    [InlineData(59 * 60, "59 minutes ago")]
    [InlineData(90 * 60, "an hour ago")]
    [InlineData(23 * 3600, "23 hours ago")]
    [InlineData(30 * 3600, "yesterday")]
    [InlineData(13 * 86400, "13 days ago")]
    [InlineData(14 * 86400, "on 1 March 2026")]
    public void Moment_InThePast_InWords(int seconds, string expected) => Assert.Equal(expected, Ago.Text(Now.AddSeconds(-seconds), Now));

    [Theory]
    [InlineData(0, "expired")]
    [InlineData(10, "in 1 min")]
    [InlineData(5 * 3600, "in 5 h")]
    [InlineData((7 * 86400) - 60, "in 7 days")]
    public void Moment_ToCome_InWords(int seconds, string expected) => Assert.Equal(expected, Ago.Left(Now.AddSeconds(seconds), Now));

    [Theory]
    [InlineData("Ada Lovelace", "AL")]
    [InlineData("  ada  ", "A")]
    [InlineData("🚀 Team of many", "🚀T")]
    [InlineData("Åsa", "Å")]
    public void Name_Initials_AreWholeLetters(string name, string expected) => Assert.Equal(expected, Avatar.Initials(name));

    [Theory]
    [InlineData(null, "/account/login")]
    [InlineData("/", "/account/login")]
    [InlineData("/a?b=c", "/account/login?returnUrl=%2Fa%3Fb%3Dc")]
    [InlineData("//evil", "/account/login")]
    public void LogIn_Link_CarriesLocalReturnUrls(string? returnUrl, string expected) => Assert.Equal(expected, ReturnUrl.With("/account/login", returnUrl));
}
