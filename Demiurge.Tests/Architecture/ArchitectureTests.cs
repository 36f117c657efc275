using System.Reflection;
using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Architecture;

/// <summary>The dependency rules of docs/architecture.md, each followed by a sample that breaks it.</summary>
public sealed class ArchitectureTests
{
    private const string Samples = "Demiurge.Tests.Architecture.Samples";
    private static readonly string[] WebServerParts = ["Builder", "Hosting", "Components", "Mvc", "Routing", "Server"];
    private static readonly Assembly Core = Assembly.Load("Demiurge.Core");
    private static readonly Assembly Web = Assembly.Load("Demiurge.Web");
    private static readonly Assembly Gateway = Assembly.Load("Demiurge.Gateway");
    private static readonly Assembly Tests = typeof(ArchitectureTests).Assembly;

    [Fact]
    public void Projects_Dependencies_PointAtCoreOnly()
    {
        Assert.Empty(Rules.ProjectReferences(ProjectFile("Demiurge.Core")));
        Assert.Empty(Rules.ProjectReferences(ProjectFile("Demiurge.Web"), "Demiurge.Core"));
        Assert.Empty(Rules.ProjectReferences(ProjectFile("Demiurge.Gateway"), "Demiurge.Core"));
        Assert.Empty(Rules.Mentions(Web, "Demiurge", used => Rules.IsBelow(used.Namespace, "Demiurge.Gateway")));
        Assert.Empty(Rules.Mentions(Gateway, "Demiurge", used => Rules.IsBelow(used.Namespace, "Demiurge.Web")));

        Assert.Contains("Demiurge.Tests.csproj refers to Demiurge.Gateway", Rules.ProjectReferences(ProjectFile("Demiurge.Tests"), "Demiurge.Core", "Demiurge.Web"));
    }

    [Fact]
    public void Crdt_Uses_TheBaseClassLibraryAlone()
    {
        Assert.Empty(Rules.Mentions(Core, "Demiurge.Core.Crdt", used => !Rules.IsBclOr(used, "Demiurge.Core.Crdt")));

        Assert.Contains($"{Samples}.Crdt.EngineWithDatabase mentions Npgsql.NpgsqlDataSource",
            Rules.Mentions(Tests, $"{Samples}.Crdt", used => !Rules.IsBclOr(used, $"{Samples}.Crdt")));
    }

    [Fact]
    public void Components_Database_IsBehindServices()
    {
        Assert.Empty(Rules.Mentions(Web, "Demiurge.Web.Components", IsDatabase));

        Assert.Contains($"{Samples}.Components.PageWithDatabase mentions Microsoft.EntityFrameworkCore.DbContext",
            Rules.Mentions(Tests, $"{Samples}.Components", IsDatabase));
    }

    [Fact]
    public void Gateway_Database_IsOutOfReach()
    {
        Assert.Empty(Rules.Mentions(Gateway, "Demiurge", IsDatabase));

        Assert.NotEmpty(Rules.Mentions(Tests, Samples, IsDatabase));
    }

    [Fact]
    public void Core_WebServer_IsUnknown()
    {
        Assert.Empty(Rules.Mentions(Core, "Demiurge", IsWebServer));

        Assert.NotEmpty(Rules.Mentions(Web, "Demiurge", IsWebServer));
    }

    [Fact]
    public void Vendors_Types_StayInTheirFolder()
    {
        Assert.Empty(Rules.EscapedFrom(Web, "Demiurge.Web.Edge", "Yarp"));
        Assert.Empty(Rules.EscapedFrom(Web, "Demiurge.Web.Components", "Radzen"));

        Assert.Contains($"{Samples}.Crdt.EngineWithDatabase mentions Npgsql.NpgsqlDataSource, whose place is {Samples}.Components",
            Rules.EscapedFrom(Tests, $"{Samples}.Components", "Npgsql"));
    }

    [Fact]
    public void EngineApi_IsKnown_InItsFolderOnly()
    {
        Assert.Empty(Rules.EscapedFrom(Core, "Demiurge.Core.Containers.Docker", "Demiurge.Core.Containers.Docker"));
        Assert.DoesNotContain(Core.GetExportedTypes(), type => Rules.IsBelow(type.Namespace!, "Demiurge.Core.Containers.Docker.Wire"));

        Assert.Contains($"{Samples}.Components.PageWithEngine mentions {Samples}.Engine.Wire.Spec, whose place is {Samples}.Engine",
            Rules.EscapedFrom(Tests, $"{Samples}.Engine", $"{Samples}.Engine"));
    }

    [Fact]
    public void Features_Entities_KnowOthersById()
    {
        Assert.Empty(Rules.EntitiesThatHoldOthers(Core));

        Assert.Contains($"{Samples}.Features.One.Host.Guests holds a {Samples}.Features.Two.Guest; keep its id", Rules.EntitiesThatHoldOthers(Tests));
    }

    [Fact]
    public void Names_VagueWords_AreNotUsed()
    {
        Assert.Empty(new[] { Core, Web, Gateway }.SelectMany(assembly => Rules.VaguelyNamed(assembly, "Demiurge")));

        Assert.Contains($"{Samples}.Naming.ProjectManager: what does `ProjectManager` do? Name it for that", Rules.VaguelyNamed(Tests, Samples));
    }

    private static bool IsDatabase(UsedType used)
        => Rules.IsBelow(used.Namespace, "Microsoft.EntityFrameworkCore") || Rules.IsBelow(used.Namespace, "Npgsql") || used.Name.EndsWith("DbContext", StringComparison.Ordinal);

    private static bool IsWebServer(UsedType used)
        => WebServerParts.Any(part => Rules.IsBelow(used.Namespace, $"Microsoft.AspNetCore.{part}"));

    private static string ProjectFile(string project) => Path.Combine(Checkout.Folder, project, $"{project}.csproj");
}
