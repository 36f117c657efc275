using Demiurge.Core.Containers;
using Demiurge.Core.Containers.EnvSets;
using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Containers.Tiers;
using Demiurge.Tests.Infrastructure;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Demiurge.Tests.Containers;

public sealed class TemplateTests(PostgresFixture database) : IClassFixture<PostgresFixture>
{
    [Fact]
    public void ShippedTemplates_KeepTheRulesForTemplates() =>
        Assert.All(new ShippedTemplates(Options.Create(new ContainerOptions())).All, template => Assert.Empty(TemplateRules.Faults(template.Spec)));

    [Fact]
    public async Task Seeder_SeveralTimesAndWithAnotherImage_AddsVersionsOnlyWhereSomethingChanged()
    {
        await database.Get<TemplateSeeder>().StartAsync(CancellationToken.None);
        await database.Get<TemplateSeeder>().StartAsync(CancellationToken.None);
        await using var db = database.CreateContext();
        Assert.All(await db.Set<Template>().ToListAsync(), template => Assert.Equal(1, template.LatestVersion));
        Assert.Equal(4, await db.Set<Tier>().CountAsync());

        await using var other = database.Build(new() { ["Demiurge:Containers:Images:Terminal"] = "registry.example.org/terminal:5" });
        await other.GetRequiredService<TemplateSeeder>().StartAsync(CancellationToken.None);

        db.ChangeTracker.Clear();
        Assert.Equal(["terminal"], await db.Set<Template>().Where(template => template.LatestVersion == 2).Select(template => template.Slug).ToListAsync());
        var terminal = await db.Set<Template>().SingleAsync(template => template.Slug == "terminal");
        Assert.Equal("registry.example.org/terminal:5", (await db.Set<TemplateVersion>().SingleAsync(version => version.TemplateId == terminal.Id && version.Version == 2)).Spec.Image);
    }

    [Theory]
    [InlineData("image", "ubuntu", null)]
    [InlineData("image", "registry.example.org:5000/team/app:1.2@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", null)]
    [InlineData("image", "--privileged", "options.image")]
    [InlineData("image", "a b", "options.image")]
    [InlineData("image", "ubuntu\n", null)]
    [InlineData("data", "/data", null)]
    [InlineData("data", "/data/../etc", "options.data")]
    [InlineData("data", "/proc/1", "options.data")]
    [InlineData("data", "data", "options.data")]
    [InlineData("port", "8080.5", "options.port")]
    [InlineData("port", "0", "options.port")]
    [InlineData("port", "1e3", "options.port")]
    [InlineData("port", "NaN", "options.port")]
    public void Option_OfYourImage_IsChecked(string name, string value, string? fault)
    {
        var spec = new ShippedTemplates(Options.Create(new ContainerOptions())).All.Single(template => template.Slug == "image").Spec;
        var given = new Dictionary<string, string> { ["image"] = "ubuntu", [name] = value };
        Assert.Equal(fault, TemplateOptions.Check(spec, given).Error?.Field);
    }

    [Theory]
    [InlineData("the token is hunter22-and-more.", "the token is •••.")]
    [InlineData("line one\n-----KEY-----\n", "line one\n•••\n")]
    [InlineData("short abc stays", "short abc stays")]
    public void Redactor_BlackensEverySecretAndItsLines(string text, string expected) =>
        Assert.Equal(expected, new Redactor(["hunter22", "hunter22-and-more", "abc", "-----KEY-----\nbody-of-key"]).Apply(text));
}
