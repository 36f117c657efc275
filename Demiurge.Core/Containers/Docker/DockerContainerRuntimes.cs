using System.Collections.Concurrent;
using System.Security.Cryptography;
using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Containers.Runtime;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Containers.Docker;

/// <summary>A client per registered host, made anew when the host's connection settings change. Safe for concurrent use.</summary>
internal sealed class DockerContainerRuntimes(
    Installation installation, HostKeys keys, IOptions<DockerOptions> options, TimeProvider time, ILogger<DockerContainerRuntimes> logger) : IContainerRuntimes
{
    private readonly ConcurrentDictionary<Guid, Connected> connected = [];
    private readonly Lazy<Guid> installationId = new(() => Task.Run(() => installation.Id()).GetAwaiter().GetResult(), LazyThreadSafetyMode.PublicationOnly);

    /// <remarks>The first call of a process waits for the database: names on an engine carry the installation's mark.</remarks>
    public IContainerRuntime Of(ContainerHost host) => Connect(host).Runtime;

    internal DockerEngine EngineOf(ContainerHost host) => Connect(host).Engine;

    private Connected Connect(ContainerHost host)
    {
        var settings = Settings.Of(host);
        if (connected.GetValueOrDefault(host.Id) is { } known && known.Settings == settings)
            return known;
        // What still uses the old client ends by itself; its connections close when they are idle.
        return connected[host.Id] = Open(host, settings);
    }

    private Connected Open(ContainerHost host, Settings settings)
    {
        var engine = new DockerEngine(EndpointOf(host, keys));
        var id = installationId.Value;
        var mark = id.ToString("N")[..8];
        var names = new RuntimeNames(mark);
        var firewall = new HostFirewall(new HostShell(), options.Value, time, logger);
        var runtime = new DockerContainerRuntime(
            engine, new ContainerBlueprint(names, mark, id, host.Reach, host.PublishedAddress), new OrganizationNetworks(engine, names, mark, firewall, options.Value));
        return new Connected(settings, engine, runtime);
    }

    /// <exception cref="RuntimeException">The row's settings can't be used.</exception>
    internal static DockerEndpoint EndpointOf(ContainerHost host, HostKeys keys)
    {
        try
        {
            var certificates = host is { CaPem: { } authority, ClientCertPem: { } client, ClientKeyProtected: { } key }
                ? new DockerCertificates(authority, client, keys.Unprotect(key))
                : null;
            var parsed = DockerEndpoint.Parse(host.Endpoint, certificates);
            return parsed.Value ?? throw new RuntimeException(RuntimeFailure.Refused, $"The host {host.Name} can't be connected to: {parsed.Error!.Message}");
        }
        catch (CryptographicException exception)
        {
            throw new RuntimeException(RuntimeFailure.Unreachable, $"The key of the host {host.Name} can't be decrypted any more. Enter it again.", exception);
        }
    }

    private sealed record Connected(Settings Settings, DockerEngine Engine, DockerContainerRuntime Runtime);

    private sealed record Settings(string Endpoint, string? Authority, string? Certificate, string? Key, HostReach Reach, string? PublishedAddress)
    {
        public static Settings Of(ContainerHost host) =>
            new(host.Endpoint, host.CaPem, host.ClientCertPem, host.ClientKeyProtected, host.Reach, host.PublishedAddress);

        public override string ToString() => Endpoint;
    }
}
