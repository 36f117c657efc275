using Demiurge.Core.Containers.Snapshots.Archive;

namespace Demiurge.Core.Containers.Snapshots;

internal static class Errors
{
    public static readonly Error SnapshotNotFound = new("snapshot.not_found", "There is no such snapshot, or you have no access to it.", ErrorKind.NotFound);

    public static readonly Error NotYours = new(
        "snapshot.forbidden", "Only the container's owner and those who manage the project can do that with its snapshots.", ErrorKind.Forbidden);

    public static readonly Error NotControlled = new(
        "snapshot.forbidden", "Taking a snapshot needs the right to start and stop the container.", ErrorKind.Forbidden);

    public static readonly Error NotReady = new("snapshot.not_ready", "This snapshot isn't whole: only one that is ready can be used.", ErrorKind.Conflict);

    public static readonly Error NotFailed = new("snapshot.not_failed", "Only a snapshot that failed can be tried again.", ErrorKind.Conflict);

    public static readonly Error UnderWay = new("snapshot.under_way", "A snapshot of this container is being taken already. Wait for it, or delete it.", ErrorKind.Conflict);

    public static readonly Error RestoreUnderWay = new("snapshot.restore_under_way", "A snapshot is being restored into this container. Wait until it is done.", ErrorKind.Conflict);

    public static readonly Error NeverRan = new("snapshot.nothing_to_keep", "This container has never run, so it has no data to keep yet.", ErrorKind.Conflict);

    public static readonly Error NoVolumes = new("snapshot.nothing_to_keep", "This kind of container keeps no data: its template has no volumes.", ErrorKind.Conflict);

    public static readonly Error OtherVolumes = new(
        "snapshot.other_volumes", "This container has other volumes than the snapshot. Restore it as a new container.", ErrorKind.Conflict);

    public static readonly Error ContainerGone = new("snapshot.container_gone", "The container is gone. Restore the snapshot as a new container.", ErrorKind.Conflict);

    public static readonly Error RemotePlace = new("snapshot.remote", "The data of a container on a machine of your own is on that machine; snapshots can't reach it.", ErrorKind.Conflict);

    public static readonly Error CronInvalid = new(
        "snapshot.schedule_invalid", "That is not a schedule: use hourly, daily, or cron's five fields, `30 4 * * 1-5` say (minute, hour, day, month, weekday; UTC).", ErrorKind.Invalid)
    { Field = "cron" };

    public static readonly Error CronTooOften = new("snapshot.schedule_too_often", "A schedule can't come more often than every 10 minutes.", ErrorKind.Invalid) { Field = "cron" };

    public static readonly Error KeepInvalid = new("snapshot.keep_invalid", "Keep between 1 and 100 automatic snapshots.", ErrorKind.Invalid) { Field = "keep" };

    public static Error PersonQuotaReached(long quota) => new(
        "snapshot.quota_reached", $"Snapshots of its owner's containers fill the {Size.Of(quota)} that they may have here. Delete some, or ask for more.", ErrorKind.Conflict);

    public static Error QuotaReached(long quota) => new(
        "snapshot.quota_reached", $"The organization's snapshots fill their {Size.Of(quota)}. Delete some, or ask for more.", ErrorKind.Conflict);
}
