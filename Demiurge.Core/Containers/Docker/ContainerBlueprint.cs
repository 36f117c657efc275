using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Demiurge.Core.Containers.Docker.Wire;
using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Containers.Runtime;

namespace Demiurge.Core.Containers.Docker;

/// <summary>
/// The only place where an engine container is described. Whatever a spec says: no capabilities, no new privileges, limits on everything, named volumes and memory
/// for files, its organization's network, a log that is cut.
/// </summary>
internal sealed record ContainerBlueprint(RuntimeNames Names, string Mark, Guid Installation, HostReach Reach, string? PublishedAddress)
{
    private const string LogFileSize = "10m";

    /// <param name="limitDisk">Whether the engine can limit what a container writes beside its volumes; no part of what makes two specs the same.</param>
    public CreateContainer Draw(RuntimeSpec spec, bool limitDisk)
    {
        var name = Names.Container(spec.ContainerId);
        var container = new CreateContainer
        {
            Image = spec.Image,
            Hostname = spec.ContainerId.ToString("N")[^12..],
            User = spec.User,
            Env = [.. spec.Environment.OrderBy(variable => variable.Key, StringComparer.Ordinal).Select(variable => $"{variable.Key}={variable.Value}")],
            Cmd = spec.Command,
            WorkingDir = spec.WorkingDirectory,
            ExposedPorts = spec.Ports.ToDictionary(PortKey, _ => new EmptyObject()),
            HostConfig = new HostConfig
            {
                Memory = spec.MemoryBytes,
                MemorySwap = spec.MemoryBytes,
                NanoCpus = (long)(spec.Cpus * 1e9),
                PidsLimit = spec.Pids,
                // When memory runs out on the host, users' containers go before the platform.
                OomScoreAdj = 500,
                CapDrop = ["ALL"],
                SecurityOpt = ["no-new-privileges"],
                ReadonlyRootfs = spec.ReadOnlyRoot,
                Tmpfs = spec.Tmpfs.ToDictionary(path => path, _ => string.Create(CultureInfo.InvariantCulture, $"rw,nosuid,nodev,exec,mode=1777,size={spec.MemoryBytes / 2}")),
                Mounts = [.. spec.Volumes.Select((path, index) => new VolumeMount(Names.Volume(spec.ContainerId, index, spec.VolumeSet), path))],
                NetworkMode = Names.Network(spec.OrganizationId),
                PortBindings = Reach == HostReach.Published ? spec.Ports.ToDictionary(PortKey, IReadOnlyList<PortBinding> (_) => [new PortBinding(PublishedAddress!)]) : null,
                RestartPolicy = new RestartPolicy("no"),
                Runtime = spec.Runtime,
                Init = true,
                LogConfig = new LogConfig("json-file", new() { ["max-size"] = LogFileSize, ["max-file"] = "2" }),
                Ulimits = [new Ulimit("core", 0, 0)],
            },
        };
        return container with
        {
            HostConfig = limitDisk
                ? container.HostConfig with { StorageOpt = new() { ["size"] = spec.DiskBytes.ToString(CultureInfo.InvariantCulture) } }
                : container.HostConfig,
            Labels = new(Labels(spec.OrganizationId, spec.ContainerId))
            {
                [RuntimeNames.GenerationLabel] = spec.Generation.ToString(CultureInfo.InvariantCulture),
                [RuntimeNames.SpecLabel] = Hash(container),
            },
        };
    }

    public Dictionary<string, string> Labels(Guid organizationId, Guid? containerId)
    {
        var labels = new Dictionary<string, string> { [RuntimeNames.InstallationLabel] = Mark, [RuntimeNames.OrganizationLabel] = organizationId.ToString() };
        if (containerId is { } id)
            labels.Add(RuntimeNames.ContainerLabel, id.ToString());
        return labels;
    }

    /// <summary>The container as callers know it; null when it isn't this installation's.</summary>
    public RuntimeContainer? Read(ContainerDetails container)
    {
        if (container.Config.Labels is not { } labels || labels.GetValueOrDefault(RuntimeNames.InstallationLabel) != Mark
            || !Guid.TryParse(labels.GetValueOrDefault(RuntimeNames.ContainerLabel), out var id))
            return null;
        var state = container.State;
        var ended = state.Status is "exited" or "dead";
        return new RuntimeContainer(
            container.Id,
            container.Name.TrimStart('/'),
            id,
            int.TryParse(labels.GetValueOrDefault(RuntimeNames.GenerationLabel), CultureInfo.InvariantCulture, out var generation) ? generation : 0,
            Enum.TryParse<RuntimeState>(state.Status, ignoreCase: true, out var known) ? known : RuntimeState.Dead,
            ended ? state.ExitCode : null,
            state.OOMKilled,
            state.StartedAt.Year > 1 ? state.StartedAt : null,
            state.Running ? Addresses(container) : new Dictionary<int, (string, int)>(),
            string.IsNullOrWhiteSpace(state.Error) ? null : state.Error)
        {
            ImageId = container.Image,
            FinishedAt = ended && state.FinishedAt.Year > 1 ? state.FinishedAt : null,
        };
    }

    private Dictionary<int, (string Address, int Port)> Addresses(ContainerDetails container)
    {
        var found = new Dictionary<int, (string, int)>();
        foreach (var key in container.Config.ExposedPorts?.Keys ?? Enumerable.Empty<string>())
        {
            if (key.Split('/') is not [var number, "tcp"] || !int.TryParse(number, CultureInfo.InvariantCulture, out var port))
                continue;
            if (Reach == HostReach.Published)
            {
                if (container.NetworkSettings.Ports?.GetValueOrDefault(key) is [var binding, ..] && int.TryParse(binding.HostPort, CultureInfo.InvariantCulture, out var published))
                    found.Add(port, (PublishedAddress!, published));
            }
            else if (container.NetworkSettings.Networks?.Values.FirstOrDefault(network => IPAddress.TryParse(network.IPAddress, out _)) is { } network)
            {
                found.Add(port, (network.IPAddress!, port));
            }
        }
        return found;
    }

    /// <summary>Keyed, because labels can be read by more people than the variables' values, which are part of it.</summary>
    private string Hash(CreateContainer container) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(Installation.ToByteArray(), JsonSerializer.SerializeToUtf8Bytes(container, DockerJson.Default.CreateContainer)))[..32];

    private static string PortKey(int port) => string.Create(CultureInfo.InvariantCulture, $"{port}/tcp");
}
