using System.Globalization;
using Demiurge.Core.Containers.Docker.Wire;

namespace Demiurge.Core.Containers.Docker;

internal sealed partial class DockerEngine
{
    /// <summary>The version of the API that is spoken, after asking whether the engine answers at all.</summary>
    public async Task<ApiVersion> Ping(CancellationToken cancellationToken = default)
    {
        negotiated = null;
        await Do(HttpMethod.Get, "_ping", null, cancellationToken, TimeSpan.FromSeconds(10));
        return negotiated ?? ApiVersion.Oldest;
    }

    public Task<EngineVersion> Version(CancellationToken cancellationToken = default) => Get("version", DockerJson.Default.EngineVersion, cancellationToken);

    public Task<EngineInfo> Info(CancellationToken cancellationToken = default) => Get("info", DockerJson.Default.EngineInfo, cancellationToken);

    /// <summary>Sizes on disk. The engine walks its folders for it: not for the common path.</summary>
    public Task<DiskUsage> DiskUsage(CancellationToken cancellationToken = default) => Get("system/df", DockerJson.Default.DiskUsage, cancellationToken);

    /// <summary>
    /// What happens on the engine, from <paramref name="since"/> on (it remembers some 256 events) or from now; ends with the engine, or at <paramref name="until"/>.
    /// </summary>
    public IAsyncEnumerable<EngineEvent> Events(
        DockerFilters? filters = null, DateTimeOffset? since = null, DateTimeOffset? until = null, CancellationToken cancellationToken = default) =>
        Stream(
            HttpMethod.Get,
            new DockerQuery("events").Add("since", Seconds(since)).Add("until", Seconds(until)).Add(filters),
            null,
            DockerJson.Default.EngineEvent,
            cancellationToken);

    /// <summary>Seconds and nanoseconds since 1970.</summary>
    private static string? Seconds(DateTimeOffset? time)
    {
        if (time is not { } moment)
            return null;
        var (seconds, ticks) = Math.DivRem(moment.UtcTicks - DateTimeOffset.UnixEpoch.Ticks, TimeSpan.TicksPerSecond);
        return string.Create(CultureInfo.InvariantCulture, $"{seconds}.{ticks * 100:D9}");
    }
}
