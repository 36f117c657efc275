using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;

namespace Demiurge.Core.Containers.EnvSets;

/// <summary>Keeps containers' secrets in the database such that a copy of it alone doesn't give them away. Safe for concurrent use.</summary>
public sealed class ContainerSecrets(IDataProtectionProvider protection)
{
    private readonly IDataProtector protector = protection.CreateProtector("Demiurge.Containers.Secrets");

    public string Protect(string value) => protector.Protect(value);

    /// <summary>The value; null when the key that it was protected with is gone.</summary>
    public string? Unprotect(string text)
    {
        try
        {
            return protector.Unprotect(text);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }
}
