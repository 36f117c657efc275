using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Demiurge.Core.Containers.Remote;

/// <summary>A certificate that was issued, PEM, and the serial number by which it is known.</summary>
/// <param name="Serial">Lower-case hexadecimal.</param>
internal sealed record RemoteCertificate(string Pem, string Serial, DateTimeOffset ExpiresAt);

/// <summary>
/// An organization's certificate authority: ECDSA on P-256, certificates by RFC 5280. Machines are named by their container's id, a gateway by
/// the epoch that it serves in, so that a machine knows a gateway of the past when it meets one.
/// </summary>
internal sealed class RemoteAuthority : IDisposable
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1", ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    private const int MaxRequest = 4096;

    /// <summary>Clocks of people's machines are wrong at times.</summary>
    private static readonly TimeSpan Leeway = TimeSpan.FromHours(1);

    private readonly X509Certificate2 certificate;
    private readonly ECDsa key;

    private RemoteAuthority(X509Certificate2 certificate, ECDsa key)
    {
        this.certificate = certificate;
        this.key = key;
    }

    public string Pem => certificate.ExportCertificatePem();

    /// <summary>PKCS#8, PEM.</summary>
    public string KeyPem => key.ExportPkcs8PrivateKeyPem();

    public static RemoteAuthority Create(Guid organizationId, DateTimeOffset now)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=Demiurge {organizationId:D}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return new(request.CreateSelfSigned(now - Leeway, now.AddYears(20)), key);
    }

    public static RemoteAuthority Load(string pem, string keyPem)
    {
        var key = ECDsa.Create();
        key.ImportFromPem(keyPem);
        return new(X509Certificate2.CreateFromPem(pem), key);
    }

    /// <summary>OpenVPN's static key for its control channel, as <c>openvpn --genkey tls-crypt</c> writes one.</summary>
    public static string CreateChannelKey()
    {
        var hex = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(256));
        var text = new StringBuilder("-----BEGIN OpenVPN Static key V1-----\n");
        for (var i = 0; i < hex.Length; i += 32)
            text.Append(hex.AsSpan(i, 32)).Append('\n');
        return text.Append("-----END OpenVPN Static key V1-----\n").ToString();
    }

    /// <summary>The name of a gateway's certificate; machines connect to no other.</summary>
    public static string GatewayName(long epoch) => string.Create(CultureInfo.InvariantCulture, $"gateway-{epoch}");

    /// <summary>The name of a machine's certificate.</summary>
    public static string MachineName(Guid containerId) => containerId.ToString("D");

    /// <summary>A certificate for a machine, whose private key never leaves it. Null when the request isn't one that we take.</summary>
    public RemoteCertificate? IssueMachine(Guid containerId, string request, DateTimeOffset now, TimeSpan lifetime)
    {
        if (request.Length > MaxRequest)
            return null;
        try
        {
            // Verifies the signature: whoever asks has the key. What else the request says is of no interest.
            var asked = CertificateRequest.LoadSigningRequestPem(request, HashAlgorithmName.SHA256);
            using var publicKey = asked.PublicKey.GetECDsaPublicKey();
            return publicKey?.ExportParameters(false).Curve.Oid.Value == ECCurve.NamedCurves.nistP256.Oid.Value
                ? Issue(MachineName(containerId), asked.PublicKey, ClientAuthentication, now, lifetime)
                : null;
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException or NotSupportedException)
        {
            return null;
        }
    }

    /// <summary>A certificate and key for the gateway of an epoch.</summary>
    public (RemoteCertificate Certificate, string KeyPem) IssueGateway(long epoch, DateTimeOffset now, TimeSpan lifetime)
    {
        using var own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return (Issue(GatewayName(epoch), new PublicKey(own), ServerAuthentication, now, lifetime), own.ExportPkcs8PrivateKeyPem());
    }

    public void Dispose()
    {
        certificate.Dispose();
        key.Dispose();
    }

    private RemoteCertificate Issue(string name, PublicKey publicKey, string purpose, DateTimeOffset now, TimeSpan lifetime)
    {
        var request = new CertificateRequest(new X500DistinguishedName($"CN={name}"), publicKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(purpose)], critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(publicKey, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(certificate, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        Span<byte> serial = stackalloc byte[16];
        RandomNumberGenerator.Fill(serial);
        serial[0] = (byte)((serial[0] & 0x7F) | 0x40); // positive, and always of the same length
        var expiresAt = DateTimeOffset.FromUnixTimeSeconds((now + lifetime).ToUnixTimeSeconds());
        using var issued = request.Create(
            certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(key), now - Leeway, expiresAt < certificate.NotAfter ? expiresAt : certificate.NotAfter, serial);
        return new RemoteCertificate(issued.ExportCertificatePem(), Convert.ToHexStringLower(serial), expiresAt);
    }
}
