using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http.Features;

namespace Demiurge.Web.Api;

/// <summary>Around every request to the API: bounds the body, and sees to it that every refusal and failure is a problem document.</summary>
internal sealed partial class ApiRequests(RequestDelegate next, AllowedMethods allowedMethods, ILogger<ApiRequests> logger)
{
    /// <summary>In bytes; no request of the API needs a tenth of it.</summary>
    public const int MaxBodyLength = 64 * 1024;

    public async Task InvokeAsync(HttpContext context)
    {
        // Nothing here is for a cache: answers depend on who asks.
        context.Response.Headers.CacheControl = "no-store";
        if (context.Request.ContentLength > MaxBodyLength)
        {
            await ApiProblem.Write(context, StatusCodes.Status413PayloadTooLarge);
            return;
        }
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = MaxBodyLength;
        try
        {
            await next(context);
        }
        catch (BadHttpRequestException exception) when (!context.Response.HasStarted)
        {
            Log.BadRequest(logger, exception);
            if (exception.InnerException is JsonException json)
                await ApiProblem.Write(context, exception.StatusCode, "request.malformed", $"The body can't be read: {Explain(json)}");
            else
                await ApiProblem.Write(context, exception.StatusCode);
            return;
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            return;
        }
        catch (Exception exception) when (!context.Response.HasStarted)
        {
            Log.Failed(logger, exception, context.Request.Method, context.GetEndpoint()?.DisplayName);
            await ApiProblem.Write(context, StatusCodes.Status500InternalServerError);
            return;
        }
        if (context.Response is not { HasStarted: false, StatusCode: >= 400, ContentLength: null, ContentType: null })
            return;
        if (context.Response.StatusCode == StatusCodes.Status404NotFound && allowedMethods.Of(context.Request.Path) is { Count: > 0 } methods
            && !methods.Contains(context.Request.Method))
        {
            context.Response.Headers.Allow = string.Join(", ", methods);
            await ApiProblem.Write(context, StatusCodes.Status405MethodNotAllowed);
        }
        else
        {
            await ApiProblem.Write(context, context.Response.StatusCode);
        }
    }

    /// <summary>The serializer's complaint without the names of our types.</summary>
    private static string Explain(JsonException exception)
    {
        if (MissingNames().Match(exception.Message) is { Success: true } missing)
            return $"{missing.Groups[1].Value} is missing.";
        if (UnknownName().Match(exception.Message) is { Success: true } unknown)
            return $"there is no {unknown.Groups[1].Value} here.";
        if (DuplicateName().Match(exception.Message) is { Success: true } duplicate)
            return $"{duplicate.Groups[1].Value} is there twice.";
        return exception.Path is { Length: > 2 } path
            ? $"the value of {path[2..]} is not one that belongs there."
            : $"it is not the JSON object that this address takes (line {(exception.LineNumber ?? 0) + 1}).";
    }

    [GeneratedRegex("missing required properties including: (.+)\\.$")]
    private static partial Regex MissingNames();

    [GeneratedRegex("^The JSON property ('[^']*') could not be mapped")]
    private static partial Regex UnknownName();

    [GeneratedRegex("^Duplicate property ('[^']*')")]
    private static partial Regex DuplicateName();

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Debug, "A request to the API can't be read")]
        public static partial void BadRequest(ILogger logger, Exception exception);

        [LoggerMessage(2, LogLevel.Error, "{Method} {Endpoint} failed")]
        public static partial void Failed(ILogger logger, Exception exception, string method, string? endpoint);
    }
}
