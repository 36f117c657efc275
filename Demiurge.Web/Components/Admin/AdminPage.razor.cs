using Demiurge.Core.Gateways;
using Demiurge.Core.Platform;
using Microsoft.AspNetCore.Components;
using Radzen;
using Radzen.Blazor;

namespace Demiurge.Web.Components.Admin;

/// <summary>The installation for its administrators: numbers, the gateways' pool, accounts. Looks again every few seconds.</summary>
public sealed partial class AdminPage : IDisposable
{
    private const int PageSize = 25;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    [Inject]
    private PlatformService Platform { get; set; } = default!;

    [Inject]
    private CurrentUser Current { get; set; } = default!;

    [Inject]
    private TimeProvider Time { get; set; } = default!;

    private ITimer? Timer { get; set; }

    private RadzenDataGrid<PlatformUser>? Grid { get; set; }

    private bool Refused { get; set; }

    private PlatformOverview? Overview { get; set; }

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
    }

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
