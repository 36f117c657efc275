using System.Security.Claims;
using Demiurge.Core;
using Demiurge.Core.Permissions;

namespace Demiurge.Web.Api;

/// <summary>From what the services return to what the API answers.</summary>
internal static class ApiResults
{
    /// <summary>The person of the access token, on an endpoint that requires one.</summary>
    public static Actor Actor(this ClaimsPrincipal user) => new(Guid.Parse(user.FindFirstValue(ClaimTypes.NameIdentifier)!));

    /// <summary>200 with the value, or the problem.</summary>
    public static IResult ToHttp<T>(this Result<T> result) => result.Succeeded ? Results.Ok(result.Value) : new Refusal(result.Error);

    /// <summary>201 with the value and its address, or the problem.</summary>
    public static IResult ToCreated<T>(this Result<T> result, Func<T, string> address) =>
        result.Succeeded ? Results.Created(address(result.Value), result.Value) : new Refusal(result.Error);

    /// <summary>204, or the problem.</summary>
    public static IResult ToHttp(this Result result) => result.Succeeded ? Results.NoContent() : new Refusal(result.Error);

    public static IResult Refused(Error error) => new Refusal(error);

    private sealed class Refusal(Error error) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext) => ApiProblem.Write(httpContext, error);
    }
}
