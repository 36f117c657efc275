using Demiurge.Core.Containers.Docker.Wire;
using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Containers.Runtime;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Containers.Docker;

/// <summary>Looks at Docker engines. Safe for concurrent use.</summary>
internal sealed class DockerHostProbe(Installation installation, HostKeys keys, IOptions<DockerOptions> options, TimeProvider time, ILogger<DockerHostProbe> logger) : IHostProbe
{
    public async Task<string> Ping(ContainerHost host, CancellationToken cancellationToken)
    {
        using var engine = new DockerEngine(DockerContainerRuntimes.EndpointOf(host, keys));
        return (await DockerContainerRuntime.Call(() => engine.Info(cancellationToken))).ID;
    }

    public async Task<HostProbe> Probe(ContainerHost host, CancellationToken cancellationToken)
    {
        using var engine = new DockerEngine(DockerContainerRuntimes.EndpointOf(host, keys));
        var names = await installation.Names(cancellationToken);
        var mark = await installation.Mark(cancellationToken);
        return await DockerContainerRuntime.Call(async () =>
        {
            await engine.Ping(cancellationToken);
            var info = await engine.Info(cancellationToken);
            if (info.OSType != "linux")
                throw new DockerException(DockerFailure.Unsupported, $"The engine runs {info.OSType} containers; Linux ones are needed.");
            return new HostProbe(
                info.ID, info.ServerVersion, info.Name, info.NCPU, info.MemTotal, FreeDisk(engine.Endpoint, info),
                [.. (info.Runtimes?.Keys ?? Enumerable.Empty<string>()).Order(StringComparer.Ordinal)],
                [.. Limits(info), .. await Firewall(engine, names, mark, cancellationToken), .. Reach(host, engine.Endpoint)]);
        });
    }

    private static long? FreeDisk(DockerEndpoint endpoint, EngineInfo info)
    {
        try
        {
            return endpoint.SocketPath is not null && Directory.Exists(info.DockerRootDir) ? new DriveInfo(info.DockerRootDir).AvailableFreeSpace : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    private static IEnumerable<string> Limits(EngineInfo info)
    {
        if (!info.MemoryLimit || !info.CpuCfsQuota || !info.PidsLimit)
            yield return "The engine's kernel can't limit memory, processors or processes (control groups are missing): one container can take the whole machine.";
        if (info.DriverStatus?.Any(pair => pair is ["Backing Filesystem", "xfs"]) != true)
            yield return "The engine's file system can't limit what a container writes (that needs XFS with project quotas): a tier's disk is counted, but not enforced.";
        if (info.SecurityOptions?.Any(option => option.StartsWith("name=seccomp", StringComparison.Ordinal)) != true)
            yield return "The engine filters no system calls (seccomp is off).";
    }

    private static IEnumerable<string> Reach(ContainerHost host, DockerEndpoint endpoint)
    {
        if (host.Reach == HostReach.Direct && endpoint.SocketPath is null)
            yield return "Gateways connect to containers' own addresses, which have to be routed to this host; otherwise let ports be published.";
    }

    /// <summary>Whether the firewall can be set up is seen by doing it, for a network that is gone a moment later.</summary>
    private async Task<IEnumerable<string>> Firewall(DockerEngine engine, RuntimeNames names, string mark, CancellationToken cancellationToken)
    {
        var firewall = new HostFirewall(new HostShell(), options.Value, time, logger);
        var networks = new OrganizationNetworks(engine, names, mark, firewall, options.Value);
        var nobody = Guid.CreateVersion7();
        try
        {
            await networks.Ensure(nobody, cancellationToken);
            return firewall.Finding is { } finding ? [finding] : [];
        }
        finally
        {
            await networks.RemoveIfEmpty(nobody, CancellationToken.None);
        }
    }
}
