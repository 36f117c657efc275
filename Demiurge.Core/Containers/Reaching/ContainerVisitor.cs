using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Demiurge.Core.Containers.Reaching;

/// <summary>By what somebody came to a container.</summary>
public enum ContainerVisitorKind { User, Link, Token }

/// <summary>
/// Who wants to reach a container, in one line of text that tickets, cookies and gateways carry: <c>user:{id}:{proof}:{session}</c>,
/// <c>link:{id}</c> or <c>token:{hash}</c>. It claims nothing: whoever reads it from outside has verified what it came in.
/// </summary>
/// <param name="Id">The person or the link; empty for a token.</param>
/// <param name="Proof">Of a person: a hash of the security stamp, which a new password changes. Of a token: its hash, base64url.</param>
/// <param name="SessionId">The browser's session, which logging out ends; empty where there is none.</param>
public readonly record struct ContainerVisitor(ContainerVisitorKind Kind, Guid Id, string Proof, Guid SessionId)
{
    private const int ProofBytes = 9, TokenLength = 43;

    public static ContainerVisitor User(Guid userId, string? securityStamp, Guid sessionId) =>
        new(ContainerVisitorKind.User, userId, ProofOf(securityStamp), sessionId);

    public static ContainerVisitor Link(Guid linkId) => new(ContainerVisitorKind.Link, linkId, "", default);

    /// <param name="token">As a script shows it.</param>
    public static ContainerVisitor Token(string token) =>
        new(ContainerVisitorKind.Token, default, KeyOf(Tokens.SecretToken.Hash(token)), default);

    /// <summary>A token's hash as text.</summary>
    public static string KeyOf(byte[] tokenHash) => Base64Url.EncodeToString(tokenHash);

    public static string ProofOf(string? securityStamp) =>
        Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(securityStamp ?? "")).AsSpan(0, ProofBytes));

    /// <summary>The token's hash; null for others than tokens.</summary>
    public byte[]? TokenHash => Kind == ContainerVisitorKind.Token ? Base64Url.DecodeFromChars(Proof) : null;

    public static bool TryParse(string? text, out ContainerVisitor visitor)
    {
        visitor = default;
        switch (text?.Split(':'))
        {
            case ["user", var id, var proof, var session]
                when Guid.TryParseExact(id, "N", out var userId) && Guid.TryParseExact(session, "N", out var sessionId) && proof.Length is > 0 and < 50:
                visitor = new(ContainerVisitorKind.User, userId, proof, sessionId);
                return true;
            case ["link", var id] when Guid.TryParseExact(id, "N", out var linkId):
                visitor = Link(linkId);
                return true;
            case ["token", { Length: TokenLength } hash] when Base64Url.IsValid(hash):
                visitor = new(ContainerVisitorKind.Token, default, hash, default);
                return true;
            default:
                return false;
        }
    }

    public override string ToString() => Kind switch
    {
        ContainerVisitorKind.User => string.Create(CultureInfo.InvariantCulture, $"user:{Id:N}:{Proof}:{SessionId:N}"),
        ContainerVisitorKind.Link => string.Create(CultureInfo.InvariantCulture, $"link:{Id:N}"),
        _ => $"token:{Proof}",
    };
}
