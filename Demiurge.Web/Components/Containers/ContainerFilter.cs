using Demiurge.Core.Containers;

namespace Demiurge.Web.Components.Containers;

/// <summary>Which containers a list shows. Comes from its address's query, so that what is looked at can be passed on.</summary>
/// <param name="Template">The template's slug.</param>
/// <param name="Text">Part of the name, of the template's name or of the reason for its state.</param>
public sealed record ContainerFilter(ContainerState? State, string? Template, Guid? Owner, string? Text)
{
    public bool IsEmpty => this == new ContainerFilter(null, null, null, null);

    /// <summary>What can't be read is left out.</summary>
    public static ContainerFilter Of(string? state, string? template, string? owner, string? text) => new(
        Enum.TryParse<ContainerState>(state, ignoreCase: true, out var known) && Enum.IsDefined(known) ? known : null,
        string.IsNullOrWhiteSpace(template) ? null : template,
        Guid.TryParse(owner, out var id) ? id : null,
        string.IsNullOrWhiteSpace(text) ? null : text);

    /// <summary>The query's parameters; null is one that is not there.</summary>
    public IReadOnlyDictionary<string, object?> Query() => new Dictionary<string, object?>
    {
        ["state"] = State?.ToString().ToLowerInvariant(),
        ["template"] = Template,
        ["owner"] = Owner?.ToString(),
        ["q"] = Text,
    };

    public bool Matches(ContainerInfo info) =>
        (State is null || info.State == State)
        && (Template is null || info.Template.Slug == Template)
        && (Owner is null || info.OwnerId == Owner)
        && (Text is null || new[] { info.Name, info.Template.Name, info.Reason, info.OwnerName }.Any(text => text?.Contains(Text.Trim(), StringComparison.OrdinalIgnoreCase) == true));
}
