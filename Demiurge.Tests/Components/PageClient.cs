using System.Net;
using System.Text.RegularExpressions;
using Demiurge.Tests.Infrastructure;
using Microsoft.AspNetCore.Mvc.Testing;

namespace Demiurge.Tests.Components;

/// <summary>A browser without scripts, over HTTPS because its jar sends secure cookies nowhere else: keeps cookies, follows no redirect by itself, fills in the forms of the page it sees.</summary>
internal sealed partial class PageClient(WebFixture web)
{
    private readonly HttpClient http = web.CreateClient(new WebApplicationFactoryClientOptions { AllowAutoRedirect = false, BaseAddress = new("https://localhost") });

    /// <summary>The page that was last received.</summary>
    public Page Page { get; private set; } = new(HttpStatusCode.OK, "", null, []);

    public async Task<Page> Get(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Accept.ParseAdd("text/html");
        return await Send(request);
    }

    /// <summary>Sends a form of the page with its hidden fields.</summary>
    /// <param name="form">Its <c>action</c> path or, of several on the page, its handler's name.</param>
    /// <param name="withToken">Whether to send the antiforgery token, too.</param>
    public async Task<Page> Submit(string form, Dictionary<string, string> fields, bool withToken = true)
    {
        var markup = Form.Matches(Page.Html).Select(match => match.Value)
            .Single(text => text.Contains($"value=\"{form}\"") || text.Contains($"action=\"{form}\""));
        foreach (Match hidden in Hidden.Matches(markup))
        {
            if (withToken || hidden.Groups["name"].Value != "__RequestVerificationToken")
                fields.TryAdd(hidden.Groups["name"].Value, WebUtility.HtmlDecode(hidden.Groups["value"].Value));
        }
        using var request = new HttpRequestMessage(HttpMethod.Post, WebUtility.HtmlDecode(Action.Match(markup).Groups["action"].Value));
        request.Headers.Accept.ParseAdd("text/html");
        request.Content = new FormUrlEncodedContent(fields);
        return await Send(request);
    }

    public async Task<Page> Register(string email, string name = "Ann Lee", string password = People.Password, string path = "/account/register")
    {
        await Get(path);
        return await Submit("register", new() { ["Form.DisplayName"] = name, ["Form.Email"] = email, ["Form.Password"] = password });
    }

    public async Task<Page> LogIn(string email, string password = People.Password, string path = "/account/login")
    {
        await Get(path);
        return await Submit("login", new() { ["Form.Email"] = email, ["Form.Password"] = password });
    }

    private async Task<Page> Send(HttpRequestMessage request)
    {
        using var response = await http.SendAsync(request);
        return Page = new(
            response.StatusCode,
            await response.Content.ReadAsStringAsync(),
            Local(response.Headers.Location?.OriginalString),
            response.Headers.Concat(response.Content.Headers).ToDictionary(header => header.Key, header => string.Join("\n", header.Value)));
    }

    /// <summary>An address of this site as its path; any other stays what it is.</summary>
    private string? Local(string? location) =>
        location?.StartsWith(http.BaseAddress!.OriginalString, StringComparison.Ordinal) == true ? "/" + location[http.BaseAddress.OriginalString.Length..].TrimStart('/') : location;

    [GeneratedRegex("<form.*?</form>", RegexOptions.Singleline)]
    private static partial Regex Form { get; }

    [GeneratedRegex("<input type=\"hidden\" name=\"(?<name>[^\"]*)\" value=\"(?<value>[^\"]*)\"")]
    private static partial Regex Hidden { get; }

    [GeneratedRegex("action=\"(?<action>[^\"]*)\"")]
    private static partial Regex Action { get; }
}

/// <param name="Location">Where a redirect leads.</param>
internal sealed record Page(HttpStatusCode Status, string Html, string? Location, Dictionary<string, string> Headers)
{
    /// <summary>The text that a person sees, without what differs from one answer to the next.</summary>
    public string Text => Regex.Replace(
        Regex.Replace(Html[Math.Max(0, Html.IndexOf("<body", StringComparison.Ordinal))..], "<script.*?</script>|<!--.*?-->", "", RegexOptions.Singleline), "<[^>]+>|\\s+", " ");

    public bool Shows(string testId) => Html.Contains($"data-testid=\"{testId}\"");
}
