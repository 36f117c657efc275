using Microsoft.AspNetCore.Components.Routing;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.AspNetCore.Components;

namespace Demiurge.Web.Components;

/// <summary>The document around every page. Pages marked <c>[ExcludeFromInteractiveRouting]</c> (the account forms) are static.</summary>
public sealed partial class App
{
    [CascadingParameter]
    private HttpContext HttpContext { get; set; } = default!;

    private IComponentRenderMode? PageRenderMode =>
        HttpContext.AcceptsInteractiveRouting() ? RenderMode.InteractiveServer : null;

    /// <summary>What the person chose in this browser; null follows the system. A cookie, so that the first paint is right.</summary>
    private string? Theme => HttpContext.Request.Cookies["theme"] is "light" or "dark" ? HttpContext.Request.Cookies["theme"] : null;
}
