using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

// What the rules forbid, in small, to show that each of them notices.
namespace Demiurge.Tests.Architecture.Samples.Crdt
{
    internal sealed class EngineWithDatabase
    {
        private static Npgsql.NpgsqlDataSource Open() => Npgsql.NpgsqlDataSource.Create("Host=localhost");

        public static object Lazily() => new Func<IDisposable>(Open);
    }
}

namespace Demiurge.Tests.Architecture.Samples.Components
{
    internal sealed class PageWithDatabase
    {
        // Inside a state machine, where the mention is not in the page's own methods.
        public static async Task<int> Load(object services)
        {
            await Task.Yield();
            return ((DbContext)services).ChangeTracker.Entries().Count();
        }
    }

    internal sealed class PageWithEngine
    {
        public static object Ask() => new Engine.Wire.Spec("image");
    }
}

namespace Demiurge.Tests.Architecture.Samples.Engine.Wire
{
    internal sealed record Spec(string Image);
}

namespace Demiurge.Tests.Architecture.Samples.Naming
{
    internal sealed class ProjectManager;
}

namespace Demiurge.Tests.Architecture.Samples.Features.One
{
    internal sealed class Host
    {
        public List<Two.Guest> Guests { get; } = [];
    }

    internal sealed class HostConfiguration : IEntityTypeConfiguration<Host>
    {
        public void Configure(EntityTypeBuilder<Host> builder)
        {
        }
    }
}

namespace Demiurge.Tests.Architecture.Samples.Features.Two
{
    internal sealed class Guest;

    internal sealed class GuestConfiguration : IEntityTypeConfiguration<Guest>
    {
        public void Configure(EntityTypeBuilder<Guest> builder)
        {
        }
    }
}
