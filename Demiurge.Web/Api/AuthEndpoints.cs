using System.Text.Json.Serialization;
using Demiurge.Core.Accounts;
using Demiurge.Core.Tokens;
using Demiurge.Web.Accounts;

namespace Demiurge.Web.Api;

/// <summary>Accounts and sessions. The only part of the API that needs no access token.</summary>
internal static class AuthEndpoints
{
    public static void MapAuth(this RouteGroupBuilder api)
    {
        var auth = api.MapGroup("/auth").WithTags("Sessions").AllowAnonymous();
        auth.MapPost("/register", Register)
            .WithName("Register").WithSummary("Create an account and begin a session")
            .WithDescription("The first account of an installation becomes its platform administrator.")
            .Produces<Session>(201).Refuses(400, 409, 429).RequireRateLimiting(CredentialRateLimit.Policy);
        auth.MapPost("/login", LogIn)
            .WithName("LogIn").WithSummary("Begin a session")
            .WithDescription("The access token lives 15 minutes. Exchange the refresh token for the next pair before it ends.")
            .Produces<Session>().Refuses(400, 401, 429).RequireRateLimiting(CredentialRateLimit.Policy);
        auth.MapPost("/refresh", Refresh)
            .WithName("RefreshSession").WithSummary("Exchange a refresh token for the next pair of tokens")
            .WithDescription("A refresh token works once. One that comes a second time ends its whole session: somebody else may have it.")
            .Produces<TokenPair>().Refuses(400, 401);
        auth.MapPost("/logout", LogOut)
            .WithName("LogOut").WithSummary("End a session")
            .WithDescription("The session's refresh and access tokens stop working at once. An unknown token is no error.")
            .Produces(204).Refuses(400);
        auth.MapPost("/forgot-password", ForgotPassword)
            .WithName("ForgotPassword").WithSummary("Ask for a mail with a link for a new password")
            .WithDescription("The answer is the same whether or not the address has an account.")
            .Produces(202).Refuses(400, 429, 503).RequireRateLimiting(CredentialRateLimit.Policy);
        auth.MapPost("/reset-password", ResetPassword)
            .WithName("ResetPassword").WithSummary("Choose a new password by the token of the mailed link")
            .WithDescription("Ends every session of the account.")
            .Produces(204).Refuses(400, 429).RequireRateLimiting(CredentialRateLimit.Policy);
    }

    private static async Task<IResult> Register(RegisterRequest request, AccountService accounts, TokenService tokens, CancellationToken cancellationToken)
    {
        var registered = await accounts.Register(request.Email, request.DisplayName, request.Password, cancellationToken);
        return registered.Succeeded
            ? Results.Created($"{ApiExtensions.Root}/me", new Session(await tokens.Issue(registered.Value.Id, cancellationToken), registered.Value))
            : ApiResults.Refused(registered.Error);
    }

    private static async Task<IResult> LogIn(LogInRequest request, AccountService accounts, TokenService tokens, CancellationToken cancellationToken)
    {
        var user = await accounts.CheckCredentials(request.Email, request.Password, cancellationToken);
        if (!user.Succeeded)
            return ApiResults.Refused(user.Error);
        var pair = await tokens.Issue(user.Value, cancellationToken);
        return pair.Succeeded ? Results.Ok(new Session(pair.Value, Profile.Of(user.Value))) : ApiResults.Refused(pair.Error);
    }

    private static async Task<IResult> Refresh(RefreshRequest request, TokenService tokens, CancellationToken cancellationToken) =>
        (await tokens.Refresh(request.RefreshToken, cancellationToken)).ToHttp();

    private static async Task<IResult> LogOut(RefreshRequest request, TokenService tokens, CancellationToken cancellationToken)
    {
        await tokens.End(request.RefreshToken, cancellationToken);
        return Results.NoContent();
    }

    private static async Task<IResult> ForgotPassword(ForgotPasswordRequest request, AccountService accounts, CancellationToken cancellationToken)
    {
        var asked = await accounts.RequestPasswordReset(request.Email, cancellationToken);
        return asked.Succeeded ? Results.Accepted() : ApiResults.Refused(asked.Error);
    }

    private static async Task<IResult> ResetPassword(ResetPasswordRequest request, AccountService accounts, CancellationToken cancellationToken) =>
        (await accounts.ResetPassword(request.Email, request.Token, request.Password, cancellationToken)).ToHttp();

    /// <param name="Password">At least 8 characters.</param>
    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record RegisterRequest(string Email, string DisplayName, string Password);

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record LogInRequest(string Email, string Password);

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record RefreshRequest(string RefreshToken);

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record ForgotPasswordRequest(string Email);

    /// <param name="Token">The token of the mailed link.</param>
    /// <param name="Password">The new one; at least 8 characters.</param>
    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record ResetPasswordRequest(string Email, string Token, string Password);

    /// <summary>A new session and whose it is.</summary>
    internal sealed record Session(
        string AccessToken, DateTimeOffset AccessTokenExpiresAt, string RefreshToken, DateTimeOffset RefreshTokenExpiresAt, Profile User)
    {
        public Session(TokenPair pair, Profile user)
            : this(pair.AccessToken, pair.AccessTokenExpiresAt, pair.RefreshToken, pair.RefreshTokenExpiresAt, user)
        {
        }
    }
}
