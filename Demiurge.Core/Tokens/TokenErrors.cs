namespace Demiurge.Core.Tokens;

/// <summary>Why a token was refused.</summary>
public static class TokenErrors
{
    public static readonly Error Invalid = new("token.invalid", "The token is not valid. Sign in again.", ErrorKind.Unauthenticated);

    public static readonly Error Expired = new("token.expired", "The token has expired. Refresh it or sign in again.", ErrorKind.Unauthenticated);

    public static readonly Error KeyUnknown = new("token.key_unknown", "The token was signed with a key that is not known here. Sign in again.", ErrorKind.Unauthenticated);

    public static readonly Error Revoked = new("token.revoked", "The session has ended. Sign in again.", ErrorKind.Unauthenticated);

    public static readonly Error Reused = new(
        "token.reused", "The refresh token was used before. For safety the session has been ended: sign in again.", ErrorKind.Unauthenticated);
}
