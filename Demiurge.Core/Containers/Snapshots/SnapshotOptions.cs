using System.ComponentModel.DataAnnotations;

namespace Demiurge.Core.Containers.Snapshots;

/// <summary>Snapshots of containers' volumes; bound to the configuration section <c>Demiurge:Snapshots</c>, checked at start.</summary>
public sealed record SnapshotOptions : IValidatableObject
{
    public const string Section = "Demiurge:Snapshots";

    /// <summary>Where new snapshots go: <c>disk</c> or <c>s3</c>. Those that are in the other store stay readable there.</summary>
    [RegularExpression("disk|s3", ErrorMessage = "Demiurge:Snapshots:Store is `disk` or `s3`.")]
    public string Store { get; init; } = "disk";

    /// <summary>The folder of the store <c>disk</c>; <c>{Demiurge:DataPath}/snapshots</c> when empty.</summary>
    public string? Path { get; init; }

    /// <summary>The store <c>s3</c>.</summary>
    public S3Options S3 { get; init; } = new();

    /// <summary>What an organization's snapshots may take in the stores, in bytes, unless it was given another quota.</summary>
    [Range(0, long.MaxValue, ErrorMessage = "Demiurge:Snapshots:PerOrganizationBytes can't be negative.")]
    public long PerOrganizationBytes { get; init; } = 50L << 30;

    /// <summary>What a snapshot may hold, unpacked, in bytes.</summary>
    [Range(1, long.MaxValue, ErrorMessage = "Demiurge:Snapshots:LargestBytes must be positive.")]
    public long LargestBytes { get; init; } = 200L << 30;

    /// <summary>How many files and folders a snapshot may hold.</summary>
    [Range(1, 100_000_000, ErrorMessage = "Demiurge:Snapshots:LargestEntries must lie between 1 and 100 million.")]
    public long LargestEntries { get; init; } = 5_000_000;

    /// <summary>Whether a container that runs is held still while its volumes are read. Without that, files that change meanwhile may be copied in the middle of a change.</summary>
    public bool Pause { get; init; } = true;

    /// <summary>Snapshots and restores under way on a host at a time.</summary>
    [Range(1, 100, ErrorMessage = "Demiurge:Snapshots:PerHost must lie between 1 and 100.")]
    public int PerHost { get; init; } = 2;

    /// <summary>Attempts before a snapshot or a restore fails, where another one may help.</summary>
    [Range(1, 20, ErrorMessage = "Demiurge:Snapshots:Attempts must lie between 1 and 20.")]
    public int Attempts { get; init; } = 3;

    /// <summary>The pause before the second attempt; it doubles with each.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00", ErrorMessage = "Demiurge:Snapshots:RetryDelay must lie between 10 milliseconds and an hour.")]
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How often is looked for work that nobody hinted at.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:10:00", ErrorMessage = "Demiurge:Snapshots:Interval must lie between 50 milliseconds and ten minutes.")]
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(5);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Store == "s3" && string.IsNullOrEmpty(S3.Bucket))
            yield return new ValidationResult("Demiurge:Snapshots:S3:Bucket is missing: name the bucket that snapshots go to.");
        if (S3.Endpoint is { Length: > 0 } endpoint && !(Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"))
            yield return new ValidationResult("Demiurge:Snapshots:S3:Endpoint is not an http or https address.");
        if (S3.PartBytes is < 5 << 20 or > 1 << 30)
            yield return new ValidationResult("Demiurge:Snapshots:S3:PartBytes must lie between 5 MiB and 1 GiB.");
    }
}

/// <summary>A bucket that speaks S3.</summary>
public sealed record S3Options
{
    /// <summary>Empty: Amazon's own in <see cref="Region"/>.</summary>
    public string? Endpoint { get; init; }

    public string Region { get; init; } = "us-east-1";

    public string Bucket { get; init; } = "";

    /// <summary>What all keys begin with.</summary>
    public string Prefix { get; init; } = "demiurge/";

    /// <summary>Empty: what the machine offers (environment, instance role).</summary>
    public string? AccessKey { get; init; }

    public string? SecretKey { get; init; }

    /// <summary>Whether the bucket is named in the path and not in the host name, as MinIO and most others than Amazon want it.</summary>
    public bool PathStyle { get; init; }

    /// <summary>Memory that an upload takes. An upload has at most 10,000 parts, so this bounds a snapshot's size too.</summary>
    public int PartBytes { get; init; } = 16 << 20;

    /// <summary>Without the secrets.</summary>
    public override string ToString() => $"{Endpoint ?? Region}/{Bucket}/{Prefix}";
}
