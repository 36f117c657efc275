using System.Text.RegularExpressions;
using Demiurge.Core.Persistence;
using Demiurge.Tests.Infrastructure;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace Demiurge.Tests.Persistence;

public sealed partial class DatabaseTests(PostgresFixture database) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task Migrate_ByManyAtOnceOnAnEmptyDatabase_HappensOnce()
    {
        await using (var db = database.CreateContext())
            await db.Database.ExecuteSqlRawAsync("DROP SCHEMA public CASCADE; CREATE SCHEMA public");

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => database.Get<DatabaseMigrator>().Migrate())));

        await using var migrated = database.CreateContext();
        Assert.Empty(await migrated.Database.GetPendingMigrationsAsync());
        Assert.Equal(0, await migrated.Users.CountAsync());
    }

    [Fact]
    public void Model_IsWhatTheMigrationsMake()
    {
        using var db = database.CreateContext();
        Assert.False(db.Database.HasPendingModelChanges());
    }

    [Fact]
    public void Names_InTheDatabase_AreSnakeCase()
    {
        using var db = database.CreateContext();
        var names = db.Model.GetEntityTypes().SelectMany(entity => new[] { entity.GetTableName()! }
            .Concat(entity.GetProperties().Select(property => property.GetColumnName()))
            .Concat(entity.GetKeys().Select(key => key.GetName()!))
            .Concat(entity.GetIndexes().Select(index => index.GetDatabaseName()!))
            .Concat(entity.GetForeignKeys().Select(key => key.GetConstraintName()!))).ToList();
        Assert.Contains("organization_members", names);
        Assert.All(names, name => Assert.Matches(SnakeCase(), name));
    }

    [Theory]
    [InlineData("JoinedAt", "joined_at")]
    [InlineData("Id", "id")]
    [InlineData("IX_users_UserId", "ix_users_user_id")]
    [InlineData("HTTPStatus2Go", "http_status2_go")]
    [InlineData("already_snake", "already_snake")]
    public void SnakeCase_OfAName_IsAsSqlWritesIt(string name, string expected) => Assert.Equal(expected, SnakeCaseNaming.Convert(name));

    [Fact]
    public async Task DataProtectionKeys_OutliveTheProcess()
    {
        string secret;
        await using (var first = database.Build())
            secret = first.GetRequiredService<IDataProtectionProvider>().CreateProtector("test").Protect("hello");
        await using var second = database.Build();
        Assert.Equal("hello", second.GetRequiredService<IDataProtectionProvider>().CreateProtector("test").Unprotect(secret));
    }

    [GeneratedRegex("^[a-z][a-z0-9_]*$")]
    private static partial Regex SnakeCase();
}
