using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Demiurge.Core.Containers.Docker;

/// <summary>
/// Where an engine listens: <c>unix:///path</c>, or <c>tcp://host:port</c> with certificates on both sides. Whoever reaches an engine is root on
/// its machine, so TCP without certificates can't be expressed.
/// </summary>
internal sealed record DockerEndpoint
{
    public static DockerEndpoint Local { get; } = new() { Address = new Uri("unix:///var/run/docker.sock") };

    public required Uri Address { get; init; }

    /// <summary>Null over a unix socket, and only there.</summary>
    public DockerCertificates? Certificates { get; init; }

    /// <summary>Path of the unix socket; null over TCP.</summary>
    public string? SocketPath => Address.Scheme == "unix" ? Address.AbsolutePath : null;

    /// <param name="certificates">PEM texts; needed for TCP.</param>
    public static Result<DockerEndpoint> Parse(string? address, DockerCertificates? certificates = null)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.UserInfo.Length > 0 || uri.Query.Length > 0 || uri.Fragment.Length > 0)
            return DockerErrors.AddressInvalid;
        switch (uri.Scheme)
        {
            case "unix" when uri.Host.Length == 0 && uri.AbsolutePath.Length > 1:
                return new DockerEndpoint { Address = uri };
            case "tcp" when uri.Host.Length > 0 && uri.Port > 0 && uri.AbsolutePath is "" or "/":
                if (certificates is null)
                    return DockerErrors.CertificatesMissing;
                if (certificates.Check() is { } unusable)
                    return unusable;
                return new DockerEndpoint { Address = uri, Certificates = certificates };
            default:
                return DockerErrors.AddressInvalid;
        }
    }

    public override string ToString() => Address.Scheme == "unix" ? $"unix://{SocketPath}" : $"tcp://{Address.Authority}";
}

/// <summary>PEM texts for TLS with certificates on both sides.</summary>
/// <param name="Authority">Who signed the engine's certificate; one or several.</param>
/// <param name="Client">Our certificate, with intermediates where there are any.</param>
/// <param name="ClientKey">The private key of <paramref name="Client"/>, unencrypted.</param>
internal sealed record DockerCertificates(string Authority, string Client, string ClientKey)
{
    /// <summary>What is wrong with them; null when they can be used.</summary>
    public Error? Check()
    {
        try
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPem(Authority);
            if (authorities.Count == 0)
                return DockerErrors.CertificateUnreadable("authority", "it holds no certificate");
            foreach (var authority in authorities)
                authority.Dispose();
        }
        catch (CryptographicException exception)
        {
            return DockerErrors.CertificateUnreadable("authority", exception.Message);
        }

        try
        {
            using var client = X509Certificate2.CreateFromPem(Client, ClientKey);
            return null;
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            return DockerErrors.CertificateUnreadable("clientCertificate", exception.Message);
        }
    }

    // Neither logs nor error messages are to show a key.
    public override string ToString() => nameof(DockerCertificates);
}
