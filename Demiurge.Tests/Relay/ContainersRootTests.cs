using System.Text.Json;
using Demiurge.Core.Containers;
using Demiurge.Core.Crdt;
using Demiurge.Tests.Components.Containers;
using Demiurge.Web.Relay;

namespace Demiurge.Tests.Relay;

public sealed class ContainersRootTests
{
    private readonly YDoc _doc = new();

    [Fact]
    public void Write_Containers_SaysWhatTheyAreWithoutAnybodysRights()
    {
        var info = ContainerWordsTests.Info(ContainerState.Running) with { Services = [new("main", "Notebooks", "http://uc-1.example", Embeddable: true, Up: true)] };

        Assert.True(ContainersRoot.Write(_doc, [info], this));

        var entry = Json().GetProperty(info.Id.ToString());
        Assert.Equal("running", entry.GetProperty("state").GetString());
        Assert.Equal("Shell", entry.GetProperty("name").GetString());
        Assert.Equal("http://uc-1.example", entry.GetProperty("services")[0].GetProperty("url").GetString());
        Assert.False(entry.TryGetProperty("reason", out _));
        Assert.DoesNotContain("can", string.Join(' ', entry.EnumerateObject().Select(field => field.Name)), StringComparison.Ordinal);
    }

    [Fact]
    public void Write_TheSameAgain_WritesNothing()
    {
        var info = ContainerWordsTests.Info(ContainerState.Pulling) with { Progress = 0.5, Services = [new("main", "Notebooks", "http://uc-1.example", Embeddable: true, Up: false)] };
        ContainersRoot.Write(_doc, [info], this);
        var updates = 0;
        _doc.Updated += _ => updates++;

        Assert.False(ContainersRoot.Write(_doc, [info with { StateChangedAt = DateTimeOffset.MaxValue }], this));

        Assert.Equal(0, updates);
    }

    [Fact]
    public void Write_AStateChange_TouchesThatFieldAlone()
    {
        var info = ContainerWordsTests.Info(ContainerState.Pulling) with { Progress = 0.5 };
        ContainersRoot.Write(_doc, [info], this);
        var changed = new List<string>();
        using var observed = _doc.GetMap(ContainersRoot.Name).ObserveDeep(events => changed.AddRange(events.SelectMany(each => each.Keys.Keys)));

        Assert.True(ContainersRoot.Write(_doc, [info with { State = ContainerState.Starting, Progress = null }], this));

        Assert.Equal(["progress", "state"], changed.Order());
    }

    [Fact]
    public void Write_WithoutAContainer_TakesItAway()
    {
        var (stays, goes) = (ContainerWordsTests.Info(ContainerState.Running), ContainerWordsTests.Info(ContainerState.Stopped));
        ContainersRoot.Write(_doc, [stays, goes], this);

        ContainersRoot.Write(_doc, [stays], this);

        Assert.Equal([stays.Id.ToString()], Json().EnumerateObject().Select(entry => entry.Name));
    }

    [Fact]
    public void Write_OverWhatAnotherClientPutThere_PutsItRight()
    {
        var info = ContainerWordsTests.Info(ContainerState.Running);
        ContainersRoot.Write(_doc, [info], this);
        _doc.GetMap(ContainersRoot.Name).Set("else", "a lie");
        ((YMap)_doc.GetMap(ContainersRoot.Name)[info.Id.ToString()]!).Set("state", "hacked");

        ContainersRoot.Write(_doc, [info], this);

        Assert.Equal("running", Json().GetProperty(info.Id.ToString()).GetProperty("state").GetString());
        Assert.False(Json().TryGetProperty("else", out _));
    }

    private JsonElement Json() => JsonSerializer.SerializeToElement(_doc.GetMap(ContainersRoot.Name).ToJson());
}
