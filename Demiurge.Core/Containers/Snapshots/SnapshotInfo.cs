namespace Demiurge.Core.Containers.Snapshots;

/// <summary>A snapshot as a person with access to its project sees it.</summary>
/// <param name="Bytes">Of the stored file; while it is taken, so far.</param>
/// <param name="UnpackedBytes">Of the files in it; while it is taken, so far.</param>
/// <param name="Step">What is being done, while it is taken.</param>
/// <param name="Reason">Why it failed, or has to be tried again.</param>
/// <param name="CreatedByName">Null for one that a schedule made.</param>
/// <param name="CanRestore">Whether the person who asked may restore, download and delete it.</param>
public sealed record SnapshotInfo(
    Guid Id, Guid ContainerId, string ContainerName, string Name, SnapshotState State, string? Step, string? Reason, long Bytes, long UnpackedBytes, long Entries,
    string Format, string? Sha256, DateTimeOffset CreatedAt, DateTimeOffset? FinishedAt, Guid? CreatedBy, string? CreatedByName, bool Automatic, bool CanRestore);

/// <summary>A snapshot's way back into a container.</summary>
/// <param name="Progress">0 to 1 while it writes or verifies.</param>
public sealed record RestoreInfo(
    Guid Id, Guid SnapshotId, Guid ContainerId, RestoreState State, string? Reason, double? Progress, DateTimeOffset CreatedAt, DateTimeOffset? FinishedAt);

/// <summary>When snapshots are taken without anybody asking.</summary>
/// <param name="Cron">Cron's five fields, in UTC.</param>
/// <param name="Keep">How many automatic ones are kept.</param>
public sealed record SnapshotScheduleInfo(string Cron, int Keep, bool Enabled, DateTimeOffset NextAt);

/// <summary>All of a container's, for people.</summary>
/// <param name="UsedBytes">By the snapshots of the whole organization.</param>
/// <param name="CanTake">Whether the person who asked may take one.</param>
/// <param name="CanManage">Whether they may restore and set the schedule.</param>
public sealed record ContainerSnapshots(
    IReadOnlyList<SnapshotInfo> Snapshots, RestoreInfo? Restore, SnapshotScheduleInfo? Schedule, long UsedBytes, long QuotaBytes, bool CanTake, bool CanManage);

/// <summary>A stored file on its way to a person; dispose of the content.</summary>
public sealed record SnapshotDownload(Stream Content, string FileName, long Length, string Sha256);
