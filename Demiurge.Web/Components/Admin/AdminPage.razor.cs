using Demiurge.Core;
using Demiurge.Core.Gateways;
using Demiurge.Core.Permissions;
using Demiurge.Core.Platform;
using Demiurge.Web.Components.Containers;
using Demiurge.Web.Components.Parts;
using Microsoft.AspNetCore.Components;
using Radzen;
using Radzen.Blazor;

namespace Demiurge.Web.Components.Admin;

/// <summary>The installation for its administrators: numbers, the gateways' pool, accounts. Looks again every few seconds.</summary>
public sealed partial class AdminPage : IDisposable
{
    private const int PageSize = 25;
    private const string All = "*";
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    [Inject]
    private PlatformService Platform { get; set; } = default!;

    [Inject]
    private GatewayPoolService Pool { get; set; } = default!;

    [Inject]
    private DialogService Dialogs { get; set; } = default!;

    [Inject]
    private NotificationService Notifications { get; set; } = default!;

    [Inject]
    private CurrentUser Current { get; set; } = default!;

    [Inject]
    private TimeProvider Time { get; set; } = default!;

    private ITimer? Timer { get; set; }

    private RadzenDataGrid<PlatformUser>? Grid { get; set; }

    private bool Refused { get; set; }

    private PlatformOverview? Overview { get; set; }

    private IReadOnlyList<GatewayInfo>? Gateways { get; set; }

    /// <summary>The gateway that something is being done to, or <see cref="All"/>.</summary>
    private string? Working { get; set; }

    private PlatformUsers Page { get; set; } = new([], 0);

    private string? Search { get; set; }

    private IEnumerable<(string Label, int? Count)> Numbers =>
        [("Accounts", Overview?.Users), ("Organizations", Overview?.Organizations), ("Projects", Overview?.Projects)];

    protected override async Task OnInitializedAsync()
    {
        await LoadOverview();
        await LoadUsers(new());
    }

    protected override void OnAfterRender(bool firstRender)
    {
        if (firstRender && !Refused)
            Timer = Time.CreateTimer(_ => _ = InvokeAsync(async () => { await LoadOverview(); StateHasChanged(); }), null, Interval, Interval);
    }

    public void Dispose() => Timer?.Dispose();

    private async Task LoadOverview()
    {
        var overview = await Platform.Overview(await Current.Get());
        (Overview, Refused) = (overview.Value, !overview.Succeeded);
        Gateways = (await Pool.List(await Current.Get())).Value;
    }

    private async Task Drain(GatewayInfo gateway)
    {
        if (await Sure($"Drain {gateway.Name}?", $"{gateway.OrganizationName} is saved and moves to the next gateway that is free; people's boards reconnect by themselves.", "Drain"))
            await Work(gateway.Name, async actor => (await Pool.Drain(actor, gateway.Name), $"{gateway.Name} was drained"));
    }

    private async Task Restart(GatewayInfo gateway)
    {
        var moves = gateway.OrganizationName is { } name ? $"{name} moves to another gateway first; people's boards reconnect by themselves." : "It serves nobody at the moment.";
        if (await Sure($"Restart {gateway.Name}?", moves, "Restart"))
            await Work(gateway.Name, async actor => (await Pool.Restart(actor, gateway.Name), $"{gateway.Name} is being started anew"));
    }

    private async Task Reload()
    {
        if (await Sure("Replace all gateways?", "Each is drained and started anew, one after another, as after an update. People's boards reconnect by themselves.", "Replace all"))
        {
            await Work(All, async actor =>
            {
                var reloaded = await Pool.Reload(actor);
                return (reloaded.Succeeded ? Result.Ok : reloaded.Error, $"{reloaded.Value?.Count} gateways were replaced");
            });
        }
    }

    private async Task<bool> Sure(string title, string text, string verb) =>
        await Dialogs.Confirm(text, title, new ConfirmOptions { OkButtonText = verb, CancelButtonText = "Cancel" }) == true;

    private async Task Work(string what, Func<Actor, Task<(Result Outcome, string Told)>> work)
    {
        Working = what;
        StateHasChanged();
        try
        {
            var (outcome, told) = await work(await Current.Get());
            if (outcome.Succeeded)
                Notifications.Tell(told);
            else
                Notifications.Refuse(outcome.Error);
        }
        finally
        {
            Working = null;
        }

        await LoadOverview();
    }

    private static string RoomsOf(GatewayInfo gateway) => gateway.Load switch
    {
        null => gateway.State is GatewayState.Ready or GatewayState.Allocated ? "doesn't answer" : "–",
        { Rooms: 0, Connections: 0 } => "–",
        { } load => $"{load.Rooms} · {load.Connections} connected",
    };

    private string ReleaseOf(GatewayInfo gateway) => gateway.Load?.ReleasesAt is { } at && gateway.OrganizationId is not null
        ? at - Time.GetUtcNow() is var left && left > TimeSpan.Zero ? $"in {(int)left.TotalMinutes}:{left.Seconds:00} if idle" : "any moment"
        : "–";

    private async Task LoadUsers(LoadDataArgs args) =>
        Page = (await Platform.Users(await Current.Get(), Search, args.Skip ?? 0, args.Top ?? PageSize)).Value ?? new([], 0);

    private Task Find() => Grid?.FirstPage(forceReload: true) ?? Task.CompletedTask;

    private static string Tone(GatewayState state) => state switch
    {
        GatewayState.Allocated => "accent",
        GatewayState.Lost => "danger",
        GatewayState.Starting or GatewayState.Draining => "warning",
        _ => "",
    };
}
