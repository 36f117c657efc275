using System.Text.RegularExpressions;
using Demiurge.Core;
using Demiurge.Core.Mail;
using Demiurge.Web.Hosting;
using Microsoft.AspNetCore.Components;

namespace Demiurge.Web.Components.Account;

/// <summary>The developer's letter box; not found where it isn't open, and shut to strangers from elsewhere.</summary>
public sealed partial class OutboxPage
{
    [Inject]
    private CurrentUser CurrentUser { get; set; } = default!;

    [CascadingParameter]
    private HttpContext HttpContext { get; set; } = default!;

    private Error? Error { get; set; }

    private IReadOnlyList<OutboxMail> Mails { get; set; } = [];

    protected override async Task OnInitializedAsync()
    {
        var listed = await Outbox.List(await CurrentUser.Find(), HttpContext.IsFromThisMachine(), HttpContext.RequestAborted);
        if (listed.Succeeded)
            Mails = listed.Value;
        else if (listed.Error.Kind == ErrorKind.NotFound)
            Navigation.NotFound();
        else
            Error = listed.Error;
    }

    /// <summary>The text cut into plain pieces and web addresses.</summary>
    private static IEnumerable<(string Text, bool IsLink)> Parse(string text)
    {
        var position = 0;
        foreach (Match link in Link.Matches(text))
        {
            yield return (text[position..link.Index], false);
            yield return (link.Value, true);
            position = link.Index + link.Length;
        }
        yield return (text[position..], false);
    }

    [GeneratedRegex(@"https?://[^\s<>""]+")]
    private static partial Regex Link { get; }
}
