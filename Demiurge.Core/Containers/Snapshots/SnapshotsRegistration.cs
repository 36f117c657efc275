using Demiurge.Core.Containers.Snapshots.Stores;
using Demiurge.Core.Containers.Snapshots.Stores.S3;
using Demiurge.Core.Persistence;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Containers.Snapshots;

public static class SnapshotsRegistration
{
    /// <summary>Copies of containers' volumes, on disk or S3.</summary>
    public static IServiceCollection AddSnapshots(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<SnapshotOptions>().Bind(configuration.GetSection(SnapshotOptions.Section)).ValidateDataAnnotations().ValidateOnStart();
        services.TryAddSingleton<AdvisoryLease>();
        services.AddSingleton(provider => Stores(provider, configuration));
        services.AddSingleton<SnapshotSignal>();
        services.AddSingleton<SnapshotService>();
        services.AddSingleton<ContainerVolumePaths>();
        services.AddSingleton<SnapshotTaker>();
        services.AddSingleton<SnapshotRestorer>();
        services.AddSingleton<SnapshotWorker>();
        services.AddHostedService(provider => provider.GetRequiredService<SnapshotWorker>());
        return services;
    }

    private static SnapshotStores Stores(IServiceProvider provider, IConfiguration configuration)
    {
        var options = provider.GetRequiredService<IOptions<SnapshotOptions>>().Value;
        var folder = options.Path is { Length: > 0 } path ? path
            : Path.Combine(configuration["Demiurge:DataPath"] is { Length: > 0 } data ? data : Path.Combine(Path.GetTempPath(), "demiurge"), "snapshots");
        var all = new List<ISnapshotStore> { new DiskSnapshotStore(folder) };
        if (options.S3.Bucket.Length > 0)
            all.Add(new S3SnapshotStore(options.S3, provider.GetRequiredService<ILogger<S3SnapshotStore>>()));
        return new SnapshotStores(all, options.Store);
    }
}
