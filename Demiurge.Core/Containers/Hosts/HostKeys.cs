using Microsoft.AspNetCore.DataProtection;

namespace Demiurge.Core.Containers.Hosts;

/// <summary>Keeps hosts' client keys encrypted in the database. Safe for concurrent use.</summary>
public sealed class HostKeys(IDataProtectionProvider protection)
{
    private readonly IDataProtector protector = protection.CreateProtector("Demiurge.ContainerHosts");

    public string Protect(string key) => protector.Protect(key);

    /// <exception cref="System.Security.Cryptography.CryptographicException">It was protected by another installation, or its keys are lost.</exception>
    public string Unprotect(string protectedKey) => protector.Unprotect(protectedKey);
}
