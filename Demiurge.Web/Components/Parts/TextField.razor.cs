using Microsoft.AspNetCore.Components;

namespace Demiurge.Web.Components.Parts;

public sealed partial class TextField
{
    /// <summary>The input's id; unique on the page.</summary>
    [Parameter, EditorRequired]
    public string Id { get; set; } = "";

    [Parameter, EditorRequired]
    public string Label { get; set; } = "";

    [Parameter]
    public string? Hint { get; set; }

    [Parameter]
    public bool Multiline { get; set; }

    /// <summary>A password is never sent back to the browser, so it is for static forms only.</summary>
    private bool IsPassword => AdditionalAttributes?.GetValueOrDefault("type") is "password";

    private IEnumerable<string> Messages => EditContext?.GetValidationMessages(FieldIdentifier) ?? [];

    private string? Invalid => Messages.Any() ? "true" : null;

    private string? DescribedBy => Messages.Any() ? $"{Id}-error" : Hint is null ? null : $"{Id}-hint";
}
