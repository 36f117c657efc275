using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Demiurge.Core.Tokens;

/// <summary>A random secret of 256 bits for a link, a refresh token or a process: the text goes to its owner, only its SHA-256 is compared.</summary>
public static class SecretToken
{
    public static string Create() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    public static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));

    /// <summary>Takes the same time wherever the two differ. Nothing matches null.</summary>
    public static bool Matches(string token, byte[]? hash) => hash is not null && CryptographicOperations.FixedTimeEquals(Hash(token), hash);
}
