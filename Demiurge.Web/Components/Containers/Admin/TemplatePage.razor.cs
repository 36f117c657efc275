using Demiurge.Core;
using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Containers.Tiers;
using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Web.Components.Parts;
using Microsoft.AspNetCore.Components;
using Radzen;

namespace Demiurge.Web.Components.Containers.Admin;

/// <summary>A template for all, or for one organization: a new one, or a new version of one that is there.</summary>
public sealed partial class TemplatePage
{
    [Inject]
    private TemplateCatalog Catalog { get; set; } = default!;

    [Inject]
    private TierService Tiers { get; set; } = default!;

    [Inject]
    private CurrentUser Current { get; set; } = default!;

    [Inject]
    private NavigationManager Navigation { get; set; } = default!;

    [Inject]
    private NotificationService Notifications { get; set; } = default!;

    [Inject]
    private OrganizationService Organizations { get; set; } = default!;

    /// <summary>Whose template it is; null: everybody's.</summary>
    [Parameter]
    public Guid? OrganizationId { get; set; }

    [Parameter]
    public Guid? Id { get; set; }

    private static IReadOnlyList<OptionKind> Kinds { get; } = Enum.GetValues<OptionKind>();

    private bool Refused { get; set; }

    private OrganizationInfo? Organization { get; set; }

    private string Back => OrganizationId is { } id ? $"/organizations/{id}?tab=templates" : "/admin/templates";

    private TemplateInfo? Template { get; set; }

    private TemplateForm Form { get; set; } = new();

    private IReadOnlyList<string> TierNames { get; set; } = [""];

    private Error? Refusal { get; set; }

    protected override async Task OnInitializedAsync()
    {
        var actor = await Current.Get();
        Organization = OrganizationId is { } organizationId ? (await Organizations.Get(actor, organizationId)).Value : null;
        Refused = OrganizationId is null ? !(await Catalog.ListGlobal(actor)).Succeeded : Organization is not { Role: >= OrganizationRole.Admin };
        if (Refused)
            return;
        TierNames = ["", .. (await Tiers.List()).Select(tier => tier.Name)];
        if (Id is not null)
            await Load(null);
    }

    private Task Load(int version) => Load((int?)version);

    private async Task Load(int? version)
    {
        var found = await Catalog.Get(await Current.Get(), Id!.Value, version);
        if (found.Value?.OrganizationId != OrganizationId || !found.Succeeded)
        {
            Navigation.NotFound();
            return;
        }
        (Template, Form, Refusal) = (found.Value, TemplateForm.Of(found.Value), null);
    }

    private void AddService() => Form.Services.Add(new ServiceForm { Name = Form.Services.Count == 0 ? ContainerUrls.MainService : null });

    private async Task Save()
    {
        var actor = await Current.Get();
        if (Id is not { } id)
        {
            var created = await Catalog.Create(actor, new NewTemplate(OrganizationId, Form.Slug ?? "", Form.Name ?? "", Form.Description, Form.Icon, Form.ToSpec()));
            Refusal = created.Error;
            if (created.Succeeded)
            {
                Notifications.Tell($"{created.Value.Name} is offered now");
                Navigation.NavigateTo(Back);
            }
            return;
        }
        var described = await Catalog.Update(actor, id, Form.Name, Form.Description ?? "", Form.Icon);
        var published = described.Succeeded ? await Catalog.Publish(actor, id, Form.ToSpec()) : described;
        Refusal = published.Error;
        if (published.Succeeded)
        {
            Notifications.Tell($"Version {published.Value.LatestVersion} is what new containers are made of");
            await Load(null);
        }
    }

    /// <summary>What the catalog said about a part of the specification.</summary>
    private RenderFragment Fault(string part) => builder =>
    {
        foreach (var (field, fault) in Refusal?.Fields ?? new Dictionary<string, string>())
        {
            if (field != $"spec.{part}" && !field.StartsWith($"spec.{part}.", StringComparison.Ordinal))
                continue;
            builder.OpenElement(0, "span");
            builder.SetKey(field);
            builder.AddAttribute(1, "class", "field-error");
            builder.AddAttribute(2, "role", "alert");
            builder.AddContent(3, fault);
            builder.CloseElement();
        }
    };
}
