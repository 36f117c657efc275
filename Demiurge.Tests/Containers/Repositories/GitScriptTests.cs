using Demiurge.Core.Containers.Repositories.Running;

namespace Demiurge.Tests.Containers.Repositories;

public sealed class GitScriptTests
{
    [Theory]
    [InlineData("https://example.org/team/app.git", true)]
    [InlineData("git@example.org:team/app.git", true)]
    [InlineData("ssh://git@example.org:2222/team/app.git", true)]
    [InlineData("https://user:password@example.org/app.git", false)]
    [InlineData("http://example.org/app.git", false)]
    [InlineData("file:///etc", false)]
    [InlineData("/etc", false)]
    [InlineData("ext::sh -c id", false)]
    [InlineData("--upload-pack=id", false)]
    [InlineData("-oProxyCommand=id@host:x", false)]
    [InlineData("ssh://-oProxyCommand=id/x", false)]
    [InlineData("git@example.org:app.git\nx", false)]
    [InlineData("", false)]
    public void Url_IsTaken_OnlyWhenHarmless(string url, bool taken) => Assert.Equal(taken, GitScript.IsUrl(url));
}
