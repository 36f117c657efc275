using Demiurge.Core.Containers.Docker;
using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Containers.Runtime;
using Microsoft.Extensions.Logging.Abstractions;

namespace Demiurge.Tests.Containers.Docker;

/// <summary>A runtime over a test engine, for an installation of its own, so that tests on one engine don't see one another's containers.</summary>
internal sealed class TestRuntime
{
    private readonly Guid installation = Guid.NewGuid();

    public TestRuntime(DockerDaemon daemon, HostReach reach = HostReach.Direct, DockerOptions? options = null)
    {
        var mark = installation.ToString("N")[..8];
        Names = new RuntimeNames(mark);
        Firewall = new HostFirewall(new HostShell(daemon.Shell), options ?? new(), TimeProvider.System, NullLogger.Instance);
        Networks = new OrganizationNetworks(daemon.Engine, Names, mark, Firewall, options ?? new());
        Runtime = new DockerContainerRuntime(daemon.Engine, new ContainerBlueprint(Names, mark, installation, reach, daemon.Address.ToString()), Networks);
    }

    public RuntimeNames Names { get; }

    public HostFirewall Firewall { get; }

    public OrganizationNetworks Networks { get; }

    public IContainerRuntime Runtime { get; }

    /// <summary>A container of <see cref="DockerFixture.Tiny"/>.</summary>
    public static RuntimeSpec Spec(Guid? organizationId = null, int generation = 1) => new(
        Guid.CreateVersion7(), organizationId ?? Guid.CreateVersion7(), generation, DockerFixture.Tiny, new Dictionary<string, string>(), [], [8080],
        Cpus: 0.5, MemoryBytes: 64 << 20, Pids: 64, DiskBytes: 1 << 30, ReadOnlyRoot: true, Tmpfs: ["/tmp"], User: null, WorkingDirectory: null, Command: null, Runtime: null);

    /// <summary>Removes all containers with their volumes and networks.</summary>
    public async Task Clear()
    {
        foreach (var container in await Runtime.List(default))
            await Runtime.Remove(container.Name, volumes: true, default);
    }
}
