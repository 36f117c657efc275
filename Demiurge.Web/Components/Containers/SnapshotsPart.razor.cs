using Demiurge.Core;
using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Snapshots;
using Demiurge.Core.Permissions;
using Demiurge.Web.Components.Parts;
using Microsoft.AspNetCore.Components;
using Microsoft.Extensions.Options;
using Radzen;

namespace Demiurge.Web.Components.Containers;

/// <summary>A container's snapshots, for its page and its panel on the board.</summary>
public sealed partial class SnapshotsPart : IDisposable
{
    private int loading;

    [Inject]
    private SnapshotService Snapshots { get; set; } = default!;

    [Inject]
    private ContainerChanges Changes { get; set; } = default!;

    [Inject]
    private CurrentUser Current { get; set; } = default!;

    [Inject]
    private DialogService Dialogs { get; set; } = default!;

    [Inject]
    private NotificationService Notifications { get; set; } = default!;

    [Inject]
    private NavigationManager Navigation { get; set; } = default!;

    [Inject]
    private IOptions<SnapshotOptions> Options { get; set; } = default!;

    [Inject]
    private TimeProvider Time { get; set; } = default!;

    [Parameter, EditorRequired]
    public ContainerInfo Info { get; set; } = default!;

    private ContainerSnapshots? State { get; set; }

    private Error? Refusal { get; set; }

    private Actor Me { get; set; }

    private string? Name { get; set; }

    /// <summary>What <see cref="Choice"/> is for times of the person's own.</summary>
    private const string Own = "own";

    private static IReadOnlyList<(string Cron, string Words)> Choices { get; } =
    [
        ("", "Never"), (CronTimes.Hourly, "Every hour"), (CronTimes.Daily, "Every day at 03:00 UTC"), ("0 3 * * 1", "Every Monday at 03:00 UTC"), (Own, "At other times…"),
    ];

    /// <summary>Cron's five fields; empty: never.</summary>
    private string Cron { get; set; } = "";

    /// <summary>Which of <see cref="Choices"/> is chosen.</summary>
    private string Choice { get; set; } = "";

    private DateTimeOffset? Next => CronTimes.Parse(Cron)?.After(Time.GetUtcNow());

    private bool IsChanged => Cron.Trim() != (State?.Schedule?.Cron ?? "") || (Cron.Length > 0 && Keep != State?.Schedule?.Keep);

    private int Keep { get; set; } = 7;

    private bool Busy { get; set; }

    protected override async Task OnInitializedAsync()
    {
        Me = await Current.Get();
        Changes.Changed += OnChanged;
        await Load();
        (Cron, Keep) = (State?.Schedule?.Cron ?? "", State?.Schedule?.Keep ?? 7);
        Choice = Choices.Any(choice => choice.Cron == Cron) ? Cron : Own;
    }

    public void Dispose() => Changes.Changed -= OnChanged;

    private static string WordsOf(RestoreInfo restore) => restore.State switch
    {
        RestoreState.Waiting => restore.Reason is { } reason ? $"waits for another try: {reason}" : "waits for its turn",
        RestoreState.Stopping => "stopping the container",
        RestoreState.Writing => "writing the data",
        RestoreState.Verifying => "comparing it with the snapshot",
        _ => "starting the container",
    };

    private async Task Load()
    {
        var found = await Snapshots.Of(Me, Info.Id);
        (State, Refusal) = (found.Value, found.Error);
    }

    /// <summary>Changes come in bursts; one reading follows each burst.</summary>
    private void OnChanged(ContainerChanged change)
    {
        if (change.ContainerId != Info.Id || Interlocked.Exchange(ref loading, 1) == 1)
            return;
        _ = InvokeAsync(async () =>
        {
            await Task.Delay(200);
            Interlocked.Exchange(ref loading, 0);
            await Load();
            StateHasChanged();
        });
    }

    private async Task Take()
    {
        await Do(() => Snapshots.Take(Me, Info.Id, Name));
        Name = null;
    }

    private async Task Restore(SnapshotInfo snapshot)
    {
        var sure = await Dialogs.Confirm(
            $"{Info.Name} is stopped and gets the data of “{snapshot.Name}”. What it has now is gone afterwards: take a snapshot first if you may need it.",
            "Restore this snapshot?", new ConfirmOptions { CssClass = "destructive", OkButtonText = "Restore", CancelButtonText = "Cancel" });
        if (sure == true)
            await Do(() => Snapshots.Restore(Me, snapshot.Id));
    }

    private async Task RestoreAsNew(SnapshotInfo snapshot)
    {
        Busy = true;
        var made = await Snapshots.RestoreAsNew(Me, snapshot.Id);
        Busy = false;
        if (made.Succeeded)
            Navigation.NavigateTo($"/projects/{made.Value.ProjectId}/containers/{made.Value.Id}?view=overview");
        else
            Notifications.Refuse(made.Error);
    }

    private async Task Delete(SnapshotInfo snapshot)
    {
        var sure = await Dialogs.Confirm(
            "Its file is removed for good.", $"Delete “{snapshot.Name}”?", new ConfirmOptions { CssClass = "destructive", OkButtonText = "Delete", CancelButtonText = "Cancel" });
        if (sure != true)
            return;
        var deleted = await Snapshots.Delete(Me, snapshot.Id);
        if (!deleted.Succeeded)
            Notifications.Refuse(deleted.Error);
        await Load();
    }

    private void Choose(string? choice)
    {
        Choice = choice ?? "";
        if (Choice != Own)
            Cron = Choice;
    }

    private async Task Schedule()
    {
        var set = await Snapshots.SetSchedule(Me, Info.Id, Cron, Keep);
        if (set.Succeeded)
            Notifications.Tell(Cron.Length > 0 ? "The schedule is set" : "There is no schedule any more");
        else
            Notifications.Refuse(set.Error);
        await Load();
    }

    private async Task Do<T>(Func<Task<Result<T>>> command)
    {
        Busy = true;
        var done = await command();
        Busy = false;
        if (!done.Succeeded)
            Notifications.Refuse(done.Error);
        await Load();
    }
}
