using Demiurge.Core.Containers;
using Demiurge.Web.Components.Containers;

namespace Demiurge.Tests.Components.Containers;

public sealed class ContainerViewsTests
{
    private static readonly ContainerServiceInfo Notebooks = new("main", "Notebooks", "http://x", Embeddable: true, Up: true);

    [Fact]
    public void Views_OfARunningOne_HaveTerminalAndEmbeddableServices()
    {
        var info = ContainerWordsTests.Info(ContainerState.Running) with { Services = [Notebooks, new("api", "API", "http://y", Embeddable: false, Up: true)] };

        Assert.Equal(["Overview", "Terminal", "Notebooks", "Logs", "Snapshots", "Story"], ContainerContent.Views(info).Select(view => view.Text));
    }

    [Fact]
    public void Views_ForWhoMayNotOpenIt_HaveNothingOfItsInside()
    {
        var info = ContainerWordsTests.Info(ContainerState.Running) with { Services = [Notebooks], CanOpen = false };

        Assert.Equal(["Overview", "Snapshots", "Story"], ContainerContent.Views(info).Select(view => view.Text));
    }

    [Fact]
    public void Views_OfAStoppedOne_HaveNoTerminal() =>
        Assert.DoesNotContain(ContainerContent.Views(ContainerWordsTests.Info(ContainerState.Stopped)), view => view.Sight.View == ContainerView.Terminal);

    [Fact]
    public void Views_OfOneWithTabs_BeginWithTheseAsTheirFileOrdersAndNamesThem()
    {
        var info = ContainerWordsTests.Info(ContainerState.Running) with
        {
            Services = [Notebooks, new("web", "The app", "http://y/", Embeddable: true, Up: true), new("api", "API", "http://z", Embeddable: false, Up: true)],
            Tabs = [new("Start", "web", "/start"), new("Shell", null, null), new("Docs", "web", "/docs"), new("API", "api", null), new("Gone", "gone", null)],
        };

        Assert.Equal(["Overview", "Start", "Shell", "Docs", "Notebooks", "Logs", "Snapshots", "Story"], ContainerContent.Views(info).Select(view => view.Text));
        Assert.Equal(new ContainerSight(ContainerView.Service, "web", "/start"), ContainerContent.Usual(info));
        Assert.Equal("?service=web&path=%2Fstart", ContainerPage.QueryOf(ContainerContent.Usual(info)));
        Assert.Equal(ContainerView.Overview, ContainerContent.Usual(info with { State = ContainerState.Stopped }).View);
        Assert.Equal(ContainerView.Overview, ContainerContent.Usual(info with { CanOpen = false }).View);
    }

    [Fact]
    public void Usual_OfAShell_IsItsTerminal()
    {
        Assert.Equal(ContainerView.Terminal, ContainerContent.Usual(ContainerWordsTests.Info(ContainerState.Running)).View);
        Assert.Equal(ContainerView.Overview, ContainerContent.Usual(ContainerWordsTests.Info(ContainerState.Starting)).View);
        Assert.Equal(ContainerView.Overview, ContainerContent.Usual(ContainerWordsTests.Info(ContainerState.Running) with { Services = [Notebooks] }).View);
        Assert.Equal(ContainerView.Overview, ContainerContent.Usual(ContainerWordsTests.Info(ContainerState.Running) with { CanOpen = false }).View);
    }
}
