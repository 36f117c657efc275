using Demiurge.Core;
using Demiurge.Core.Containers;
using Microsoft.AspNetCore.Components;

namespace Demiurge.Web.Components.Containers;

/// <summary>The logs of a container: the last lines, and those that come. Renders a few times a second however fast they come.</summary>
public sealed partial class ContainerLogs
{
    /// <summary>How many lines a page holds.</summary>
    private const int Most = 1000;

    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(250);

    private readonly Lock sync = new();
    private readonly Queue<Line> lines = [];
    private CancellationTokenSource? reading;
    private (Guid Id, DateTimeOffset? StartedAt)? shown;
    private long count;
    private int pending;

    private sealed record Line(long Number, DateTimeOffset At, bool IsError, string Text);

    [Inject]
    private ContainerService Containers { get; set; } = default!;

    [Inject]
    private CurrentUser Current { get; set; } = default!;

    [Inject]
    private TimeProvider Time { get; set; } = default!;

    [Parameter, EditorRequired]
    public ContainerInfo Info { get; set; } = default!;

    private IReadOnlyList<Line> Lines { get; set; } = [];

    private IReadOnlyList<Line> Shown => string.IsNullOrEmpty(Query) ? Lines : [.. Lines.Where(line => line.Text.Contains(Query, StringComparison.OrdinalIgnoreCase))];

    private string Text => string.Join('\n', Shown.Select(line => line.Text));

    private string? Query { get; set; }

    private bool Follow { get; set; } = true;

    private bool Loaded { get; set; }

    private Error? Problem { get; set; }

    protected override void OnParametersSet()
    {
        // A container that was started again begins its logs anew.
        if (shown == (Info.Id, Info.StartedAt) || !RendererInfo.IsInteractive)
            return;
        shown = (Info.Id, Info.StartedAt);
        Begin();
    }

    public void Dispose() => reading?.Cancel();

    private void ToggleFollow()
    {
        Follow = !Follow;
        if (Follow)
            Begin();
        else
            reading?.Cancel();
    }

    private void Begin()
    {
        reading?.Cancel();
        reading = new CancellationTokenSource();
        _ = Read(reading.Token);
    }

    private async Task Read(CancellationToken cancellationToken)
    {
        try
        {
            var follow = Info.State is ContainerState.Running or ContainerState.Starting or ContainerState.Stopping;
            var logs = await Containers.Logs(await Current.Get(), Info.Id, Most / 2, follow, cancellationToken);
            Problem = logs.Error;
            lock (sync)
                lines.Clear();
            if (logs.Succeeded)
                await Task.Run(
                    async () =>
                    {
                        await foreach (var line in logs.Value.WithCancellation(cancellationToken))
                            Take(line.At, line.IsError, line.Text, cancellationToken);
                    },
                    cancellationToken);
        }
        catch (OperationCanceledException)
        {
            return;
        }
        catch (Core.Containers.Runtime.RuntimeException exception)
        {
            Problem = new Error("container.logs_unavailable", exception.Message, ErrorKind.Unavailable);
        }
        Loaded = true;
        Show(cancellationToken);
    }

    private void Take(DateTimeOffset at, bool isError, string text, CancellationToken cancellationToken)
    {
        lock (sync)
        {
            lines.Enqueue(new Line(++count, at, isError, text.TrimEnd()));
            if (lines.Count > Most)
                lines.Dequeue();
        }
        Show(cancellationToken);
    }

    private void Show(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref pending, 1) == 1)
            return;
        _ = InvokeAsync(async () =>
        {
            try
            {
                await Task.Delay(Pace, Time, cancellationToken);
            }
            catch (OperationCanceledException)
            {
            }
            Interlocked.Exchange(ref pending, 0);
            lock (sync)
                Lines = [.. lines];
            Loaded = true;
            StateHasChanged();
        });
    }
}
