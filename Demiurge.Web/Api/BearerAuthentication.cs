using System.Security.Claims;
using System.Text.Encodings.Web;
using Demiurge.Core;
using Demiurge.Core.Tokens;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace Demiurge.Web.Api;

/// <summary>
/// Access tokens in the Authorization header (RFC 6750). The only scheme that the API accepts: it never looks at cookies, so no
/// other site can make a browser act in it.
/// </summary>
internal sealed class BearerAuthentication(
    TokenService tokens, IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string SchemeName = "Bearer";

    private const string Prefix = "Bearer ";

    private Error? refused;

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var header = Request.Headers.Authorization;
        if (header.Count == 0)
            return AuthenticateResult.NoResult();
        if (header is not [{ } value] || !value.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
        {
            refused = TokenErrors.Invalid;
            return AuthenticateResult.Fail(refused.Message);
        }
        var verified = await tokens.Verify(value[Prefix.Length..].Trim(), Context.RequestAborted);
        if (!verified.Succeeded)
        {
            refused = verified.Error;
            return AuthenticateResult.Fail(refused.Message);
        }
        var identity = new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, verified.Value.Subject)], SchemeName);
        return AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), SchemeName));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers.WWWAuthenticate = refused is null ? "Bearer" : $"Bearer error=\"invalid_token\", error_description=\"{refused.Code}\"";
        return refused is null ? ApiProblem.Write(Context, StatusCodes.Status401Unauthorized) : ApiProblem.Write(Context, refused);
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) =>
        ApiProblem.Write(Context, StatusCodes.Status403Forbidden);
}
