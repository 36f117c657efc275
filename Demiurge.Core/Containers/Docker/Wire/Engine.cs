using System.Text.Json.Serialization;

namespace Demiurge.Core.Containers.Docker.Wire;

internal sealed record EngineMessage([property: JsonPropertyName("message")] string? Message);

internal sealed record EngineVersion(string Version, string ApiVersion, string MinAPIVersion, string Os, string Arch, string? KernelVersion);

/// <param name="ID">The engine's own id: the same over restarts, different for each data folder.</param>
/// <param name="NCPU">Processors of its machine.</param>
/// <param name="MemTotal">Bytes.</param>
/// <param name="Runtimes">By name; their values are the engine's affair.</param>
/// <param name="SecurityOptions">For example <c>name=seccomp,profile=default</c>, <c>name=userns</c>, <c>name=rootless</c>.</param>
internal sealed record EngineInfo(
    string ID,
    string Name,
    int NCPU,
    long MemTotal,
    int ContainersRunning,
    string Driver,
    IReadOnlyList<IReadOnlyList<string>>? DriverStatus,
    string? DockerRootDir,
    string DefaultRuntime,
    Dictionary<string, object>? Runtimes,
    IReadOnlyList<string>? SecurityOptions,
    string OperatingSystem,
    string OSType,
    string Architecture,
    string ServerVersion,
    string? CgroupVersion,
    bool MemoryLimit,
    bool CpuCfsQuota,
    bool PidsLimit,
    bool IPv4Forwarding,
    IReadOnlyList<string>? Warnings);

/// <param name="Type"><c>container</c>, <c>image</c>, <c>network</c>, <c>volume</c>, <c>daemon</c>.</param>
/// <param name="Action">For example <c>start</c>, <c>die</c>, <c>oom</c>, <c>health_status: healthy</c>.</param>
/// <param name="TimeNano">Nanoseconds since 1970, UTC; the engine's clock.</param>
internal sealed record EngineEvent(
    string Type,
    string Action,
    EventActor Actor,
    [property: JsonPropertyName("timeNano")] long TimeNano)
{
    [JsonIgnore]
    public DateTimeOffset Time => DateTimeOffset.UnixEpoch.AddTicks(TimeNano / 100);
}

/// <param name="Attributes">A container's labels are among them, beside <c>name</c>, <c>image</c> and, for <c>die</c>, <c>exitCode</c>.</param>
internal sealed record EventActor(string ID, Dictionary<string, string>? Attributes);

/// <summary>What lies on the engine's disk; all sizes in bytes. Slow on large engines.</summary>
internal sealed record DiskUsage(long LayersSize, IReadOnlyList<ImageUsage>? Images, IReadOnlyList<ContainerUsage>? Containers, IReadOnlyList<VolumeDetails>? Volumes);

internal sealed record ImageUsage(string Id, IReadOnlyList<string>? RepoTags, long Size);

/// <param name="SizeRw">What the container wrote beside its volumes.</param>
internal sealed record ContainerUsage(string Id, long SizeRw, Dictionary<string, string>? Labels);
