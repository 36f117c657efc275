using System.Text.Json.Serialization;

namespace Demiurge.Core.Tokens;

/// <summary>The registered claims (RFC 7519, 4.1) that every token of ours carries. A kind of token adds its own in a derived record.</summary>
public abstract record JwsClaims
{
    [JsonPropertyName("iss")]
    public required string Issuer { get; init; }

    /// <summary>Whom the token is for. One token, one audience: an access token is no ticket.</summary>
    [JsonPropertyName("aud")]
    public required string Audience { get; init; }

    [JsonPropertyName("sub")]
    public required string Subject { get; init; }

    /// <summary>Seconds since 1970, as the other two.</summary>
    [JsonPropertyName("iat")]
    public required long IssuedAt { get; init; }

    [JsonPropertyName("nbf")]
    public required long NotBefore { get; init; }

    [JsonPropertyName("exp")]
    public required long ExpiresAt { get; init; }

    [JsonPropertyName("jti")]
    public required string Id { get; init; }
}
