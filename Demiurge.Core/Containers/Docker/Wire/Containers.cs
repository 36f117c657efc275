using System.Text.Json.Serialization;

namespace Demiurge.Core.Containers.Docker.Wire;

/// <param name="Name">With the engine's leading slash.</param>
/// <param name="Image">The image's id, not its name.</param>
internal sealed record ContainerDetails(
    string Id,
    string Name,
    DateTimeOffset Created,
    string Image,
    StateDetails State,
    ContainerConfig Config,
    HostConfig HostConfig,
    NetworkSettings NetworkSettings,
    IReadOnlyList<MountPoint>? Mounts,
    int RestartCount);

/// <param name="Status"><c>created</c>, <c>running</c>, <c>paused</c>, <c>restarting</c>, <c>removing</c>, <c>exited</c> or <c>dead</c>.</param>
/// <param name="Error">Why it could not be started, in the engine's words.</param>
/// <param name="StartedAt">Year 1 before the first start; <paramref name="FinishedAt"/> likewise before the first end.</param>
internal sealed record StateDetails(
    string Status,
    bool Running,
    bool OOMKilled,
    int Pid,
    int ExitCode,
    string? Error,
    DateTimeOffset StartedAt,
    DateTimeOffset FinishedAt,
    ContainerHealth? Health);

/// <param name="Status"><c>starting</c>, <c>healthy</c>, <c>unhealthy</c> or <c>none</c>.</param>
internal sealed record ContainerHealth(string Status, int FailingStreak, IReadOnlyList<HealthProbe>? Log);

internal sealed record HealthProbe(int ExitCode, string? Output);

internal sealed record ContainerConfig(
    string Image,
    string? User,
    bool Tty,
    IReadOnlyList<string>? Env,
    IReadOnlyList<string>? Cmd,
    Dictionary<string, string>? Labels,
    Dictionary<string, EmptyObject>? ExposedPorts);

/// <param name="Networks">By name.</param>
/// <param name="Ports">Keys such as <c>8888/tcp</c>; null for what is exposed but not published.</param>
internal sealed record NetworkSettings(Dictionary<string, NetworkEndpoint>? Networks, Dictionary<string, IReadOnlyList<PortBinding>?>? Ports);

/// <summary>A container's place in a network: told by the engine, or asked for (aliases, fixed address) on connecting.</summary>
internal sealed record NetworkEndpoint
{
    public string? NetworkID { get; init; }

    public string? IPAddress { get; init; }

    public string? Gateway { get; init; }

    public string? MacAddress { get; init; }

    public IReadOnlyList<string>? Aliases { get; init; }

    public EndpointAddress? IPAMConfig { get; init; }
}

internal sealed record EndpointAddress(string? IPv4Address);

/// <param name="Type"><c>volume</c>, <c>bind</c> or <c>tmpfs</c>.</param>
/// <param name="Name">The volume's.</param>
internal sealed record MountPoint(string Type, string? Name, string Destination, bool RW);

/// <param name="State">As <see cref="StateDetails.Status"/>.</param>
/// <param name="Status">For a person: <c>Up 3 minutes (healthy)</c>.</param>
/// <param name="Created">Seconds since 1970.</param>
internal sealed record ContainerSummary(
    string Id,
    IReadOnlyList<string>? Names,
    string Image,
    string ImageID,
    long Created,
    string State,
    string Status,
    Dictionary<string, string>? Labels,
    NetworkSettings? NetworkSettings,
    IReadOnlyList<MountPoint>? Mounts);

/// <summary>One reading of a container's meters, with the one before it for the processor. Mostly empty for one that doesn't run.</summary>
internal sealed record ContainerStats(
    [property: JsonPropertyName("read")] DateTimeOffset Read,
    [property: JsonPropertyName("cpu_stats")] CpuStats? Cpu,
    [property: JsonPropertyName("precpu_stats")] CpuStats? PreviousCpu,
    [property: JsonPropertyName("memory_stats")] MemoryStats? Memory,
    [property: JsonPropertyName("pids_stats")] PidsStats? Pids,
    [property: JsonPropertyName("networks")] Dictionary<string, NetworkStats>? Networks,
    [property: JsonPropertyName("blkio_stats")] DiskStats? Disk)
{
    /// <summary>Processors in use between the two readings: 1.0 is one of them, fully. Null when there is no reading before.</summary>
    [JsonIgnore]
    public double? CpusUsed =>
        Cpu is { Usage.Total: var now, System: > 0 and var system } && PreviousCpu is { Usage.Total: var before, System: > 0 and var systemBefore } && system > systemBefore && now >= before
            ? (double)(now - before) / (system - systemBefore) * (Cpu.Online > 0 ? Cpu.Online : 1)
            : null;

    /// <summary>Bytes in use, without the page cache that the kernel would give back; as <c>docker stats</c> counts.</summary>
    [JsonIgnore]
    public long MemoryUsed
    {
        get
        {
            var usage = Memory?.Usage ?? 0;
            // cgroup v1 and v2 name the same figure differently.
            if (Memory?.Details is { } details && (details.TryGetValue("total_inactive_file", out var inactive) || details.TryGetValue("inactive_file", out inactive)) && inactive < usage)
                usage -= inactive;
            return usage;
        }
    }
}

/// <param name="System">Nanoseconds of all processors of the machine.</param>
internal sealed record CpuStats(
    [property: JsonPropertyName("cpu_usage")] CpuUsage? Usage,
    [property: JsonPropertyName("system_cpu_usage")] long System,
    [property: JsonPropertyName("online_cpus")] int Online,
    [property: JsonPropertyName("throttling_data")] Throttling? Throttling);

/// <param name="Total">Nanoseconds of the container.</param>
internal sealed record CpuUsage([property: JsonPropertyName("total_usage")] long Total);

internal sealed record Throttling([property: JsonPropertyName("throttled_time")] long ThrottledTime);

/// <summary>Bytes.</summary>
internal sealed record MemoryStats(
    [property: JsonPropertyName("usage")] long Usage,
    [property: JsonPropertyName("limit")] long Limit,
    [property: JsonPropertyName("stats")] Dictionary<string, long>? Details);

internal sealed record PidsStats([property: JsonPropertyName("current")] long Current);

/// <summary>Bytes since the start, seen from the container.</summary>
internal sealed record NetworkStats([property: JsonPropertyName("rx_bytes")] long Received, [property: JsonPropertyName("tx_bytes")] long Sent);

internal sealed record DiskStats([property: JsonPropertyName("io_service_bytes_recursive")] IReadOnlyList<DiskTransfer>? Transfers);

/// <param name="Operation"><c>Read</c>, <c>Write</c>, … in either case.</param>
internal sealed record DiskTransfer([property: JsonPropertyName("op")] string Operation, [property: JsonPropertyName("value")] long Bytes);
