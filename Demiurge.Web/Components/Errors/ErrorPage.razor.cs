using Microsoft.AspNetCore.Components;

namespace Demiurge.Web.Components.Errors;

public sealed partial class ErrorPage
{
    [CascadingParameter]
    private HttpContext HttpContext { get; set; } = default!;

    [Parameter]
    public int Status { get; set; }

    // Also where a redirect led here, for which the status says what the page says.
    protected override void OnInitialized() => HttpContext.Response.StatusCode = Status is >= 400 and < 600 ? Status : 404;

    private string Title => Status switch
    {
        400 => "That didn't work",
        401 or 403 => "You have no access to this page",
        404 => "There is nothing here",
        429 => "Too many attempts",
        503 => "Not available just now",
        _ => "Something went wrong on our side",
    };

    private string Text => Status switch
    {
        400 => "The form had expired or wasn't complete. Go back, reload the page and send it again.",
        401 or 403 => "Your account isn't allowed to see it. If you have another account, log out and use that one.",
        404 => "The address is wrong, or what it showed was deleted.",
        429 => "To keep accounts safe we accept only a few attempts. Wait a minute and try again.",
        503 => "This part is starting or being restarted. Try again in a moment.",
        _ => "Nothing you saved is lost. Try again in a moment; the operator finds the details in the log.",
    };
}
