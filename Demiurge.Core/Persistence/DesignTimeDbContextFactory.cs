using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace Demiurge.Core.Persistence;

/// <summary>For <c>dotnet ef migrations add</c>, which needs the model and no database.</summary>
internal sealed class DesignTimeDbContextFactory : IDesignTimeDbContextFactory<DemiurgeDbContext>
{
    public DemiurgeDbContext CreateDbContext(string[] args) =>
        new(new DbContextOptionsBuilder<DemiurgeDbContext>().UseNpgsql("Host=localhost").Options);
}
