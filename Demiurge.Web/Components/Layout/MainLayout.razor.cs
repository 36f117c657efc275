using Demiurge.Core.Mail;
using Microsoft.AspNetCore.Components;

namespace Demiurge.Web.Components.Layout;

public sealed partial class MainLayout
{
    [Inject]
    private NavigationState Navigation { get; set; } = default!;

    [Inject]
    private Outbox Outbox { get; set; } = default!;

    /// <summary>
    /// Whether this is the page's first picture, before its circuit stands: what is typed or clicked now would be lost, so its controls
    /// wait. Static pages never do.
    /// </summary>
    private bool IsConnecting => AssignedRenderMode is not null && !RendererInfo.IsInteractive;

    protected override async Task OnInitializedAsync()
    {
        Navigation.Stale += OnStale;
        await Navigation.Load();
    }

    public void Dispose() => Navigation.Stale -= OnStale;

    private void OnStale() => _ = InvokeAsync(async () =>
    {
        await Navigation.Load();
        StateHasChanged();
    });
}
