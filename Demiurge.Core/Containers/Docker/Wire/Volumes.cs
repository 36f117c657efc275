namespace Demiurge.Core.Containers.Docker.Wire;

internal sealed record CreateVolume(string Name, Dictionary<string, string>? Labels = null)
{
    public string Driver { get; } = "local";
}

/// <param name="UsageData">Only in <see cref="DiskUsage"/>.</param>
internal sealed record VolumeDetails(string Name, string Driver, string Mountpoint, DateTimeOffset? CreatedAt, Dictionary<string, string>? Labels, VolumeUsage? UsageData);

/// <param name="Size">Bytes; −1 when the engine can't tell.</param>
/// <param name="RefCount">Containers that use it.</param>
internal sealed record VolumeUsage(long Size, long RefCount);

internal sealed record VolumeList(IReadOnlyList<VolumeDetails>? Volumes);
