using System.Globalization;
using Demiurge.Core.Containers;
using Demiurge.Core.Organizations;
using Demiurge.Web.Components.Parts;
using Microsoft.AspNetCore.Components;

namespace Demiurge.Web.Components.Containers;

/// <summary>Limits of an organization and its people.</summary>
public sealed partial class QuotasTab
{
    [Parameter, EditorRequired]
    public OrganizationInfo Organization { get; set; } = default!;

    private OrganizationQuotaInfo? Info { get; set; }

    private Demiurge.Core.Error? Problem { get; set; }

    private Demiurge.Core.Error? Refusal { get; set; }

    private Fields? Form { get; set; }

    protected override Task OnInitializedAsync() => Load();

    private async Task Load()
    {
        var found = await Quotas.Get(await Current.Get(), Organization.Id);
        (Info, Problem) = (found.Value, found.Error);
    }

    private async Task Save()
    {
        if (Form is not { } form)
            return;
        var actor = await Current.Get();
        var saved = form.UserId is { } person
            ? await Quotas.SetPerson(actor, Organization.Id, person, form.Values)
            : await Quotas.Set(actor, Organization.Id, form.Values);
        Refusal = saved.Error;
        if (!saved.Succeeded)
            return;
        Close();
        Notifications.Tell($"Limits changed: {form.Name}");
        await Load();
    }

    private void Close() => (Form, Refusal) = (null, null);

    private static string? Gigabytes(long? bytes) => bytes is { } some and < long.MaxValue ? (some / (double)(1L << 30)).ToString("0.##", CultureInfo.InvariantCulture) : null;

    private RenderFragment Row(Guid? userId, string name, QuotaValues limits, QuotaValues defaults, QuotaValues used, bool canChange) => builder =>
    {
        builder.OpenComponent<QuotaRow>(0);
        builder.SetKey(userId ?? Guid.Empty);
        builder.AddAttribute(1, nameof(QuotaRow.Name), name);
        builder.AddAttribute(2, nameof(QuotaRow.Limits), limits);
        builder.AddAttribute(3, nameof(QuotaRow.Defaults), defaults);
        builder.AddAttribute(4, nameof(QuotaRow.Used), used);
        builder.AddAttribute(5, nameof(QuotaRow.IsOrganization), userId is null);
        if (canChange)
            builder.AddAttribute(6, nameof(QuotaRow.OnChange), EventCallback.Factory.Create(this, () => { Form = new Fields(userId, name, limits, defaults); }));
        builder.CloseComponent();
    };

    /// <summary>What is typed in, memory and disk in gigabytes.</summary>
    private sealed class Fields(Guid? userId, string name, QuotaValues limits, QuotaValues defaults)
    {
        public Guid? UserId => userId;

        public string Name => name;

        public QuotaValues Defaults => defaults;

        public int? Containers { get; set; } = limits.Containers;

        public int? Running { get; set; } = limits.Running;

        public double? Cpus { get; set; } = limits.Cpus;

        public double? MemoryGigabytes { get; set; } = limits.MemoryBytes / (double)(1L << 30);

        public double? DiskGigabytes { get; set; } = limits.DiskBytes / (double)(1L << 30);

        public double? SnapshotGigabytes { get; set; } = limits.SnapshotBytes / (double)(1L << 30);

        public QuotaValues Values => new(Containers, Running, Cpus, Bytes(MemoryGigabytes), Bytes(DiskGigabytes), Bytes(SnapshotGigabytes));

        private static long? Bytes(double? gigabytes) => gigabytes is { } some ? (long)Math.Min(some * (1L << 30), long.MaxValue / 2) : null;
    }
}
