using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Demiurge.Core.Tokens;

/// <summary>
/// Signed tokens: JWS in compact form (RFC 7515) with ES256 (RFC 7518, 3.4) and JWT claims (RFC 7519). The algorithm is not
/// negotiable: a token that names another is refused, whatever its signature. Stateless; safe for concurrent use.
/// </summary>
public static class Jws
{
    /// <summary>In characters. Ours have some 600.</summary>
    public const int MaxLength = 4096;

    private const string Algorithm = "ES256";
    private const int SignatureLength = 64;

    private static readonly SearchValues<char> Alphabet =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    private static readonly JsonSerializerOptions Json = new()
    {
        AllowDuplicateProperties = false,
        RespectNullableAnnotations = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
    };

    public static string Sign<T>(T claims, JwsSigningKey key)
        where T : JwsClaims
    {
        var header = Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(new Header(Algorithm, key.KeyId, "JWT"), Json));
        var payload = Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(claims, Json));
        var signed = $"{header}.{payload}";
        using var ecdsa = ECDsa.Create(key.Parameters);
        return $"{signed}.{Base64Url.EncodeToString(ecdsa.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256))}";
    }

    /// <summary>
    /// The claims of a token that one of <paramref name="keys"/> signed, that <paramref name="issuer"/> issued for
    /// <paramref name="audience"/>, and that is valid at <paramref name="now"/>. Otherwise <c>token.expired</c>,
    /// <c>token.key_unknown</c> (worth a look for newer keys) or <c>token.invalid</c>; never an exception, whatever the input.
    /// </summary>
    /// <param name="leeway">How far the issuer's clock may be ahead; none within one machine.</param>
    public static Result<T> Verify<T>(string? token, JwsKeySet keys, string issuer, string audience, DateTimeOffset now, TimeSpan leeway = default)
        where T : JwsClaims
    {
        if (token is null or { Length: 0 or > MaxLength })
            return TokenErrors.Invalid;
        var firstDot = token.IndexOf('.');
        var lastDot = token.LastIndexOf('.');
        if (firstDot <= 0 || lastDot == firstDot)
            return TokenErrors.Invalid;
        if (!TryRead<Header>(token.AsSpan(0, firstDot), out var header) || header is not { Algorithm: Algorithm, KeyId.Length: > 0, Critical: null })
            return TokenErrors.Invalid;
        if (!TryDecode(token.AsSpan(lastDot + 1), out var signature) || signature.Length != SignatureLength)
            return TokenErrors.Invalid;
        if (!keys.TryGet(header.KeyId, out var parameters))
            return TokenErrors.KeyUnknown;
        using (var ecdsa = ECDsa.Create(parameters))
        {
            if (!ecdsa.VerifyData(Encoding.UTF8.GetBytes(token, 0, lastDot), signature, HashAlgorithmName.SHA256))
                return TokenErrors.Invalid;
        }
        if (!TryRead<T>(token.AsSpan(firstDot + 1, lastDot - firstDot - 1), out var claims) || claims is null)
            return TokenErrors.Invalid;
        if (claims.Issuer != issuer || claims.Audience != audience || claims.NotBefore > (now + leeway).ToUnixTimeSeconds())
            return TokenErrors.Invalid;
        return claims.ExpiresAt <= (now - leeway).ToUnixTimeSeconds() ? TokenErrors.Expired : claims;
    }

    private static bool TryRead<T>(ReadOnlySpan<char> part, out T? value)
    {
        value = default;
        if (!TryDecode(part, out var bytes))
            return false;
        try
        {
            value = JsonSerializer.Deserialize<T>(bytes, Json);
            return value is not null;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static bool TryDecode(ReadOnlySpan<char> part, out byte[] bytes)
    {
        bytes = [];
        // The decoder also takes padding and white space, which RFC 7515 does not.
        if (part.ContainsAnyExcept(Alphabet) || !Base64Url.IsValid(part))
            return false;
        bytes = Base64Url.DecodeFromChars(part);
        return true;
    }

    private sealed record Header(
        [property: JsonPropertyName("alg")] string Algorithm,
        [property: JsonPropertyName("kid")] string KeyId,
        [property: JsonPropertyName("typ")] string? Type = null,
        [property: JsonPropertyName("crit")] JsonElement? Critical = null);
}
