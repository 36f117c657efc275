using System.Diagnostics;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Demiurge.Core;
using Microsoft.AspNetCore.WebUtilities;

namespace Demiurge.Web.Api;

/// <summary>The body of every refusal, as RFC 9457 has it (<c>application/problem+json</c>).</summary>
/// <param name="Type">Names the kind of problem: <c>urn:demiurge:</c> and the code.</param>
/// <param name="Title">The HTTP status in words.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Detail">What is the matter and what to do, for a person.</param>
/// <param name="Code">What is the matter, for a program. Stable.</param>
/// <param name="TraceId">Finds this request in the server's logs.</param>
public sealed record ApiProblem(string Type, string Title, int Status, string Detail, string Code, string TraceId)
{
    public const string ContentType = "application/problem+json";

    /// <summary>The field of the request that is at fault, where there is one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Field { get; init; }

    /// <summary>What is the matter with each field at fault, where there may be several.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string>? Errors { get; init; }

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        // An apostrophe is an apostrophe: this is never part of a page.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static int StatusOf(ErrorKind kind) => kind switch
    {
        ErrorKind.Invalid => StatusCodes.Status400BadRequest,
        ErrorKind.Unauthenticated => StatusCodes.Status401Unauthorized,
        ErrorKind.Forbidden => StatusCodes.Status403Forbidden,
        ErrorKind.NotFound => StatusCodes.Status404NotFound,
        ErrorKind.Conflict => StatusCodes.Status409Conflict,
        ErrorKind.TooMany => StatusCodes.Status429TooManyRequests,
        ErrorKind.Unavailable => StatusCodes.Status503ServiceUnavailable,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    /// <summary>Answers with what a service refused.</summary>
    public static Task Write(HttpContext context, Error error) =>
        Write(context, StatusOf(error.Kind), error.Code, error.Message, error.Field, error.Fields);

    /// <summary>Answers with what was wrong with the request itself.</summary>
    public static Task Write(HttpContext context, int status)
    {
        var (code, detail) = status switch
        {
            StatusCodes.Status400BadRequest => ("request.malformed", "The request can't be read. Check the path, the query and the body against /docs/api."),
            StatusCodes.Status401Unauthorized => ("token.missing", "Send an access token: Authorization: Bearer …"),
            StatusCodes.Status403Forbidden => ("request.forbidden", "You may not do that."),
            StatusCodes.Status404NotFound => ("request.no_such_address", "There is nothing at this address. The addresses are listed at /docs/api."),
            StatusCodes.Status405MethodNotAllowed => ("request.method_not_allowed", "This address doesn't know that method; the Allow header lists those it knows."),
            StatusCodes.Status413PayloadTooLarge => ("request.too_large", $"The body is larger than {ApiRequests.MaxBodyLength / 1024} KiB."),
            StatusCodes.Status415UnsupportedMediaType => ("request.unsupported_media_type", "Send the body as application/json."),
            StatusCodes.Status429TooManyRequests => ("request.too_many", "There were too many requests from your address. Wait a minute, then try again."),
            StatusCodes.Status500InternalServerError => ("server.failed", "Something went wrong here. The server's log has the details under this trace id."),
            _ => ("request.refused", "The request was refused."),
        };
        return Write(context, status, code, detail);
    }

    public static Task Write(HttpContext context, int status, string code, string detail, string? field = null, IReadOnlyDictionary<string, string>? errors = null)
    {
        context.Response.StatusCode = status;
        var problem = new ApiProblem(
            $"urn:demiurge:{code}", ReasonPhrases.GetReasonPhrase(status), status, detail, code, Activity.Current?.Id ?? context.TraceIdentifier) { Field = field, Errors = errors };
        return context.Response.WriteAsJsonAsync(problem, Json, ContentType, context.RequestAborted);
    }
}
