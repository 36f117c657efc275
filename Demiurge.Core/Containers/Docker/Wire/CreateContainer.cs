using System.Text.Json.Serialization;

namespace Demiurge.Core.Containers.Docker.Wire;

/// <summary>
/// What a container is made of. It has no fields for what no container of ours may have: binds of host paths, devices, added
/// capabilities, privileges, namespaces of the host.
/// </summary>
internal sealed record CreateContainer
{
    public required string Image { get; init; }

    public string? Hostname { get; init; }

    public string? User { get; init; }

    /// <summary><c>NAME=value</c>.</summary>
    public IReadOnlyList<string>? Env { get; init; }

    public IReadOnlyList<string>? Cmd { get; init; }

    public IReadOnlyList<string>? Entrypoint { get; init; }

    public string? WorkingDir { get; init; }

    public Dictionary<string, string>? Labels { get; init; }

    /// <summary>Keys such as <c>8888/tcp</c>.</summary>
    public Dictionary<string, EmptyObject>? ExposedPorts { get; init; }

    public bool? Tty { get; init; }

    public bool? OpenStdin { get; init; }

    public string? StopSignal { get; init; }

    /// <summary>Seconds between the stop signal and the kill.</summary>
    public int? StopTimeout { get; init; }

    public HealthProbeSpec? Healthcheck { get; init; }

    public HostConfig HostConfig { get; init; } = new();

    public NetworkingConfig? NetworkingConfig { get; init; }
}

/// <param name="Test"><c>["CMD", …]</c>, <c>["CMD-SHELL", "…"]</c> or <c>["NONE"]</c>.</param>
/// <param name="Interval">Nanoseconds, as the others; null takes the engine's default.</param>
internal sealed record HealthProbeSpec(IReadOnlyList<string>? Test, long? Interval = null, long? Timeout = null, int? Retries = null, long? StartPeriod = null);

/// <summary>Limits and walls of a container. Absent values are the engine's defaults.</summary>
internal sealed record HostConfig
{
    /// <summary>Bytes.</summary>
    public long? Memory { get; init; }

    /// <summary>Memory and swap together, bytes: the same as <see cref="Memory"/> for no swap.</summary>
    public long? MemorySwap { get; init; }

    /// <summary>Billionths of a processor.</summary>
    public long? NanoCpus { get; init; }

    public long? PidsLimit { get; init; }

    /// <summary>Bytes of <c>/dev/shm</c>.</summary>
    public long? ShmSize { get; init; }

    public int? OomScoreAdj { get; init; }

    public IReadOnlyList<string>? CapDrop { get; init; }

    public IReadOnlyList<string>? SecurityOpt { get; init; }

    public bool? ReadonlyRootfs { get; init; }

    /// <summary>Path → mount options.</summary>
    public Dictionary<string, string>? Tmpfs { get; init; }

    public IReadOnlyList<VolumeMount>? Mounts { get; init; }

    /// <summary>A network's name or <c>none</c>.</summary>
    public string? NetworkMode { get; init; }

    /// <summary>Keys such as <c>8888/tcp</c>.</summary>
    public Dictionary<string, IReadOnlyList<PortBinding>>? PortBindings { get; init; }

    public RestartPolicy? RestartPolicy { get; init; }

    public string? Runtime { get; init; }

    /// <summary>A small init as process 1 that collects orphans.</summary>
    public bool? Init { get; init; }

    public Dictionary<string, string>? StorageOpt { get; init; }

    public LogConfig? LogConfig { get; init; }

    public IReadOnlyList<string>? Dns { get; init; }

    public IReadOnlyList<string>? ExtraHosts { get; init; }

    public IReadOnlyList<Ulimit>? Ulimits { get; init; }
}

/// <summary>A volume, and nothing else, at a path of the container.</summary>
internal sealed record VolumeMount(string Source, string Target, bool ReadOnly = false)
{
    public string Type { get; } = "volume";

    public VolumeOptions? VolumeOptions { get; init; }
}

/// <param name="NoCopy">An empty volume stays empty instead of getting what the image has at its path.</param>
internal sealed record VolumeOptions(bool NoCopy);

/// <param name="HostIp">Address to listen at; always set, or the port would be open to everybody.</param>
/// <param name="HostPort">Empty for any free one.</param>
internal sealed record PortBinding(string HostIp, string HostPort = "");

internal sealed record RestartPolicy(string Name, int MaximumRetryCount = 0);

internal sealed record LogConfig(string Type, Dictionary<string, string>? Config);

internal sealed record Ulimit(string Name, long Soft, long Hard);

internal sealed record NetworkingConfig(Dictionary<string, NetworkEndpoint> EndpointsConfig);

internal sealed record CreatedContainer(string Id, IReadOnlyList<string>? Warnings);

/// <summary>Limits that can be changed while it runs. Units as in <see cref="HostConfig"/>.</summary>
internal sealed record UpdateContainer(long? Memory = null, long? MemorySwap = null, long? NanoCpus = null, long? PidsLimit = null);

internal sealed record ContainerExit(int StatusCode, ExitError? Error);

internal sealed record ExitError(string? Message);
