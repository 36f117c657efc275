using System.Buffers.Text;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json.Serialization;

namespace Demiurge.Core.Tokens;

/// <summary>A private P-256 key and the id under which its signatures are verified.</summary>
public sealed record JwsSigningKey(string KeyId, ECParameters Parameters)
{
    public static JwsSigningKey Create(string keyId)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new JwsSigningKey(keyId, key.ExportParameters(includePrivateParameters: true));
    }

    /// <summary>The half that may be handed out.</summary>
    public JsonWebKey ToPublic() => JsonWebKey.From(KeyId, Parameters);

    /// <summary>Keeps the private half out of logs.</summary>
    public override string ToString() => $"JwsSigningKey {KeyId}";
}

/// <summary>A public P-256 key as RFC 7517 writes it; the form in which gateways are given the keys that verify tickets.</summary>
public sealed record JsonWebKey(
    [property: JsonPropertyName("kid")] string KeyId,
    [property: JsonPropertyName("kty")] string KeyType,
    [property: JsonPropertyName("crv")] string Curve,
    [property: JsonPropertyName("x")] string X,
    [property: JsonPropertyName("y")] string Y)
{
    [JsonPropertyName("use")]
    public string Use { get; init; } = "sig";

    [JsonPropertyName("alg")]
    public string Algorithm { get; init; } = "ES256";

    public static JsonWebKey From(string keyId, ECParameters parameters) => new(
        keyId, "EC", "P-256", Base64Url.EncodeToString(parameters.Q.X), Base64Url.EncodeToString(parameters.Q.Y));

    /// <exception cref="FormatException">It is no P-256 key.</exception>
    public ECParameters ToParameters() => KeyType == "EC" && Curve == "P-256"
        ? new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256,
            Q = new ECPoint { X = Base64Url.DecodeFromChars(X), Y = Base64Url.DecodeFromChars(Y) },
        }
        : throw new FormatException($"Key {KeyId} is {KeyType} {Curve}; only EC P-256 is known here.");
}

/// <summary>The public keys that are trusted, by id. Immutable; replaced whole when keys rotate.</summary>
public sealed class JwsKeySet
{
    public static readonly JwsKeySet Empty = new([]);

    private readonly ImmutableDictionary<string, ECParameters> keys;

    public JwsKeySet(IEnumerable<JsonWebKey> keys)
    {
        Keys = [.. keys];
        this.keys = Keys.ToImmutableDictionary(key => key.KeyId, key => key.ToParameters());
    }

    public IReadOnlyList<JsonWebKey> Keys { get; }

    public bool Contains(string keyId) => keys.ContainsKey(keyId);

    internal bool TryGet(string keyId, out ECParameters parameters) => keys.TryGetValue(keyId, out parameters);
}
