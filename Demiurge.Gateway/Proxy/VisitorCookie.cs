using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Demiurge.Core.Containers.Reaching;

namespace Demiurge.Gateway.Proxy;

/// <summary>What a visitor's cookie says, once its signature has been checked.</summary>
/// <param name="Until">When the visit ends at the latest, whatever is renewed; null: never.</param>
internal sealed record VisitorPass(Guid ContainerId, ContainerVisitor Visitor, DateTimeOffset ExpiresAt, DateTimeOffset? Until);

/// <summary>
/// The cookie on a container's host: <c>{container}~{visitor}~{expires}~{until}~{HMAC-SHA256}</c> under the organization's key. Only that
/// host gets it (<c>__Host-</c>), no script reads it, and the container never sees it. Thread-safe.
/// </summary>
internal sealed class VisitorCookie
{
    /// <summary>How long a visit lasts without a request that renews it.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(12);

    private const int MaxLength = 400;

    private readonly byte[] key;
    private readonly TimeProvider time;

    /// <param name="isSecure">Whether browsers take this site's addresses for secure, as <c>__Host-</c> demands.</param>
    public VisitorCookie(byte[] key, bool isSecure, TimeProvider time)
    {
        this.key = key;
        this.time = time;
        Name = isSecure ? "__Host-demiurge" : "demiurge-container";
        IsSecure = isSecure;
    }

    public string Name { get; }

    public bool IsSecure { get; }

    /// <summary>Whether a browser takes addresses of this site for secure: HTTPS, and whatever is on the browser's own machine.</summary>
    public static bool IsSecureContext(string publicUrl, string domain) =>
        publicUrl.StartsWith("https:", StringComparison.OrdinalIgnoreCase)
        || domain.Equals("localhost", StringComparison.OrdinalIgnoreCase) || domain.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase);

    /// <summary>The header that hands the pass to the browser.</summary>
    public string Issue(Guid containerId, ContainerVisitor visitor, DateTimeOffset? until)
    {
        var now = time.GetUtcNow();
        var expires = now + Lifetime;
        if (until < expires)
            expires = until.Value;
        var text = string.Create(CultureInfo.InvariantCulture, $"{containerId:N}~{visitor}~{expires.ToUnixTimeSeconds()}~{until?.ToUnixTimeSeconds()}");
        var age = Math.Max((long)Math.Ceiling((expires - now).TotalSeconds), 0);
        return string.Create(CultureInfo.InvariantCulture, $"{Name}={text}~{Sign(text)}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{(IsSecure ? "; Secure" : "")}");
    }

    /// <summary>Null for anything that wasn't issued here, or is over.</summary>
    public VisitorPass? Read(ReadOnlySpan<char> value)
    {
        if (value.Length > MaxLength || value.LastIndexOf('~') is not (> 0 and var end))
            return null;
        var text = value[..end].ToString();
        if (!CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Sign(text)), Encoding.UTF8.GetBytes(value[(end + 1)..].ToString())))
            return null;
        return text.Split('~') is [var container, var visitor, var expires, var until]
            && Guid.TryParseExact(container, "N", out var containerId) && ContainerVisitor.TryParse(visitor, out var who)
            && long.TryParse(expires, CultureInfo.InvariantCulture, out var seconds) && DateTimeOffset.FromUnixTimeSeconds(seconds) is var expiresAt && expiresAt > time.GetUtcNow()
            ? new VisitorPass(containerId, who, expiresAt,
                long.TryParse(until, CultureInfo.InvariantCulture, out var limit) ? DateTimeOffset.FromUnixTimeSeconds(limit) : null)
            : null;
    }

    /// <summary>A token for a form on a page of this visit, which no other page can know.</summary>
    public string FormToken(VisitorPass pass) => Sign($"form~{pass.ContainerId:N}~{pass.Visitor}");

    private string Sign(string text) => Base64Url.EncodeToString(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text)));
}
