using Demiurge.Core;
using Demiurge.Core.Containers.Hosts;
using Demiurge.Web.Components.Parts;
using Microsoft.AspNetCore.Components;
using Radzen;

namespace Demiurge.Web.Components.Containers.Admin;

/// <summary>The engines: what they give, what of that is reserved, and whether they answer. Looks again every few seconds.</summary>
public sealed partial class HostsPage : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private ITimer? timer;

    [Inject]
    private ContainerHostService Service { get; set; } = default!;

    [Inject]
    private CurrentUser Current { get; set; } = default!;

    [Inject]
    private DialogService Dialogs { get; set; } = default!;

    [Inject]
    private NotificationService Notifications { get; set; } = default!;

    [Inject]
    private TimeProvider Time { get; set; } = default!;

    private static IReadOnlyList<HostReach> Reaches { get; } = Enum.GetValues<HostReach>();

    private bool Refused { get; set; }

    private IReadOnlyList<HostInfo>? Hosts { get; set; }

    private bool Editing { get; set; }

    private bool Busy { get; set; }

    private Guid? Id { get; set; }

    private string? Name { get; set; }

    private string? Endpoint { get; set; }

    private string? CaPem { get; set; }

    private string? ClientCertPem { get; set; }

    private string? ClientKey { get; set; }

    private double Cpus { get; set; }

    private double MemoryGigabytes { get; set; }

    private double DiskGigabytes { get; set; }

    private IReadOnlyList<Guid> OrganizationIds { get; set; } = [];

    private string? Runtime { get; set; }

    private HostReach Reach { get; set; }

    private string? PublishedAddress { get; set; }

    private bool Enabled { get; set; }

    private HostProbe? Probe { get; set; }

    private Error? Refusal { get; set; }

    private HostValues Values => new(
        Name ?? "", Endpoint?.Trim() ?? "", Text(CaPem), Text(ClientCertPem), Text(ClientKey), Cpus, (long)(MemoryGigabytes * (1L << 30)), (long)(DiskGigabytes * (1L << 30)),
        OrganizationIds, Text(Runtime), Reach, Text(PublishedAddress), Enabled);

    protected override Task OnInitializedAsync() => Load();

    protected override void OnAfterRender(bool firstRender)
    {
        if (firstRender && !Refused)
            timer = Time.CreateTimer(_ => _ = InvokeAsync(async () => { await Load(); StateHasChanged(); }), null, Interval, Interval);
    }

    public void Dispose() => timer?.Dispose();

    private static string? Text(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;

    private async Task Load()
    {
        var list = await Service.List(await Current.Get());
        (Hosts, Refused) = (list.Value ?? [], !list.Succeeded);
    }

    private void Edit(HostInfo? host)
    {
        (Id, Name, Endpoint, Refusal, Probe, Editing) = (host?.Id, host?.Name, host?.Endpoint ?? "unix:///var/run/docker.sock", null, null, true);
        (CaPem, ClientCertPem, ClientKey) = (host?.CaPem, host?.ClientCertPem, null);
        (Cpus, MemoryGigabytes, DiskGigabytes) = (host?.Cpus ?? 4, Gigabytes(host?.MemoryBytes ?? 8L << 30), Gigabytes(host?.DiskBytes ?? 100L << 30));
        (OrganizationIds, Runtime, Reach, PublishedAddress, Enabled) = (host?.OrganizationIds ?? [], host?.Runtime, host?.Reach ?? HostReach.Direct, host?.PublishedAddress, host?.Enabled ?? true);
    }

    private static double Gigabytes(long bytes) => Math.Round((double)bytes / (1L << 30), 2);

    private void Close() => (Editing, ClientKey) = (false, null);

    private async Task Test()
    {
        Busy = true;
        var probed = await Service.Test(await Current.Get(), Values, Id);
        (Probe, Refusal, Busy) = (probed.Value, probed.Error, false);
    }

    private async Task Save()
    {
        Busy = true;
        var actor = await Current.Get();
        var saved = Id is { } id ? await Service.Update(actor, id, Values) : await Service.Create(actor, Values);
        (Refusal, Busy) = (saved.Error, false);
        if (!saved.Succeeded)
            return;
        Notifications.Tell($"{saved.Value.Name} saved");
        Close();
        await Load();
    }

    private async Task Toggle(HostInfo host)
    {
        var changed = await Service.SetEnabled(await Current.Get(), host.Id, !host.Enabled);
        if (!changed.Succeeded)
            Notifications.Refuse(changed.Error);
        await Load();
    }

    private async Task Delete(HostInfo host)
    {
        var sure = await Dialogs.Confirm(
            "Containers can't be placed on it any more. What is on the machine stays there.", $"Remove {host.Name}?",
            new ConfirmOptions { CssClass = "destructive", OkButtonText = "Remove", CancelButtonText = "Cancel" });
        if (sure != true)
            return;
        var deleted = await Service.Delete(await Current.Get(), host.Id);
        if (deleted.Succeeded)
            Notifications.Tell($"{host.Name} was removed");
        else
            Notifications.Refuse(deleted.Error);
        await Load();
    }
}
