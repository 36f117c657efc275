using Demiurge.Core;
using Demiurge.Core.Containers;
using Demiurge.Core.Containers.EnvSets;
using Demiurge.Core.Containers.Templates;
using Microsoft.AspNetCore.Components;

namespace Demiurge.Web.Components.Containers;

/// <summary>Asks what a new container is to be, and makes it.</summary>
public sealed partial class NewContainerDialog
{
    private readonly Dictionary<string, string> values = [];

    [Inject]
    private ContainerOffers Offers { get; set; } = default!;

    [Inject]
    private ContainerService Containers { get; set; } = default!;

    [Inject]
    private CurrentUser Current { get; set; } = default!;

    [Parameter, EditorRequired]
    public Guid ProjectId { get; set; }

    /// <summary>Slug of the template to begin with.</summary>
    [Parameter]
    public string? First { get; set; }

    [Parameter, EditorRequired]
    public EventCallback OnClose { get; set; }

    /// <summary>It was made; the parent puts it somewhere and closes the dialog.</summary>
    [Parameter, EditorRequired]
    public EventCallback<ContainerInfo> OnCreated { get; set; }

    private static IReadOnlyList<ShareLevel> Levels { get; } = [ShareLevel.Owner, ShareLevel.Project, ShareLevel.Organization];

    private ContainerOffer? Choices { get; set; }

    private Error? Problem { get; set; }

    private TemplateOffer? Template { get; set; }

    private Guid? TierId { get; set; }

    private ContainerTierInfo? Tier => Template is null ? null : Choices?.Tiers.FirstOrDefault(tier => tier.Id == TierId);

    private string? Name { get; set; }

    private Guid? RepositoryId { get; set; }

    private ShareLevel Share { get; set; } = ShareLevel.Project;

    private bool OnOwnMachine { get; set; }

    private HashSet<Guid> EnvSetIds { get; } = [];

    private Error? Refusal { get; set; }

    private bool Busy { get; set; }

    protected override async Task OnInitializedAsync()
    {
        var offer = await Offers.In(await Current.Get(), ProjectId);
        (Choices, Problem) = (offer.Value, offer.Error);
        if (Choices?.Templates.FirstOrDefault(template => template.Slug == First) is { } first)
            Choose(first);
    }

    private void Choose(TemplateOffer template)
    {
        Template = template;
        Refusal = null;
        TierId = (Choices!.Tiers.FirstOrDefault(tier => tier.Name == template.Spec.DefaultTier) ?? (Choices.Tiers.Count > 0 ? Choices.Tiers[0] : null))?.Id;
    }

    /// <summary>Chooses what a repository asks for, as far as it is offered; the person can choose otherwise after that.</summary>
    private void Take((string? Template, string? Tier) asked)
    {
        if (Choices!.Templates.FirstOrDefault(template => template.Slug == asked.Template) is { } template && template != Template)
            Choose(template);
        if (Choices.Tiers.FirstOrDefault(tier => tier.Name == asked.Tier) is { } tier)
            TierId = tier.Id;
    }

    private string Key(TemplateOption option) => $"{Template!.Slug}.{option.Name}";

    private string ValueOf(TemplateOption option) => values.GetValueOrDefault(Key(option)) ?? option.Default ?? "";

    private void Set(TemplateOption option, object? value) => values[Key(option)] = value as string ?? "";

    private static IReadOnlyList<string> ChoicesOf(TemplateOption option) => option.Required ? option.Choices ?? [] : ["", .. option.Choices ?? []];

    private void Toggle(EnvSetInfo set)
    {
        if (!EnvSetIds.Remove(set.Id))
            EnvSetIds.Add(set.Id);
    }

    /// <summary>What the service said about that field.</summary>
    private string? Fault(string field) => Refusal?.Fields?.GetValueOrDefault(field) ?? (Refusal?.Field == field ? Refusal.Message : null);

    private string? Invalid(TemplateOption option) => Fault($"options.{option.Name}") is null ? null : "true";

    private RenderFragment FaultOf(string field) => builder =>
    {
        if (Fault(field) is not { } fault)
            return;
        builder.OpenElement(0, "span");
        builder.AddAttribute(1, "class", "field-error");
        builder.AddAttribute(2, "role", "alert");
        builder.AddContent(3, fault);
        builder.CloseElement();
    };

    private async Task Create()
    {
        if (Template is not { } template || Busy)
            return;
        Busy = true;
        try
        {
            var options = template.Spec.Options.Select(option => (option.Name, Value: ValueOf(option))).Where(option => option.Value.Length > 0).ToDictionary(option => option.Name, option => option.Value);
            var created = await Containers.Create(
                await Current.Get(), new NewContainer(ProjectId, template.Id, null, TierId, Name, options, [.. EnvSetIds], Share, RepositoryId,
                    OnOwnMachine ? ContainerPlace.Remote : ContainerPlace.Engine));
            Refusal = created.Error;
            if (created.Succeeded)
                await OnCreated.InvokeAsync(created.Value);
        }
        finally
        {
            Busy = false;
        }
    }
}
