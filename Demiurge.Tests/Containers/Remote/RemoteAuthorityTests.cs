using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Demiurge.Core.Containers.Remote;

namespace Demiurge.Tests.Containers.Remote;

public sealed class RemoteAuthorityTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UtcNow;
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    [Fact]
    public void Machine_CertificateOfItsRequest_IsTheAuthoritysForThatContainerAndPurpose()
    {
        using var authority = RemoteAuthority.Create(Guid.NewGuid(), Now);
        using var again = RemoteAuthority.Load(authority.Pem, authority.KeyPem);
        var container = Guid.NewGuid();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        var issued = again.IssueMachine(container, Request(key, "CN=somebody else"), Now, Day)!;

        using var certificate = X509Certificate2.CreateFromPem(issued.Pem);
        Assert.Equal($"CN={container}", certificate.Subject);
        Assert.Equal(issued.Serial, certificate.SerialNumber.ToLowerInvariant());
        Assert.Equal(key.ExportSubjectPublicKeyInfo(), certificate.PublicKey.ExportSubjectPublicKeyInfo());
        Assert.Equal(["1.3.6.1.5.5.7.3.2"], certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().Single().EnhancedKeyUsages.Cast<Oid>().Select(oid => oid.Value));
        Assert.False(certificate.Extensions.OfType<X509BasicConstraintsExtension>().Single().CertificateAuthority);
        Assert.InRange(certificate.NotAfter.ToUniversalTime(), (Now + Day).UtcDateTime.AddSeconds(-2), (Now + Day).UtcDateTime);
        Assert.True(IsOf(authority, certificate));
    }

    [Fact]
    public void Certificate_OfAnotherOrganization_IsNotTheAuthoritys()
    {
        using var authority = RemoteAuthority.Create(Guid.NewGuid(), Now);
        using var other = RemoteAuthority.Create(Guid.NewGuid(), Now);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = X509Certificate2.CreateFromPem(other.IssueMachine(Guid.NewGuid(), Request(key), Now, Day)!.Pem);

        Assert.True(IsOf(other, certificate));
        Assert.False(IsOf(authority, certificate));
    }

    [Fact]
    public void Gateway_CertificateNamesItsEpoch_AndServesOnly()
    {
        using var authority = RemoteAuthority.Create(Guid.NewGuid(), Now);

        var (issued, keyPem) = authority.IssueGateway(7, Now, Day);

        using var certificate = X509Certificate2.CreateFromPem(issued.Pem, keyPem);
        Assert.Equal("CN=gateway-7", certificate.Subject);
        Assert.Equal(["1.3.6.1.5.5.7.3.1"], certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().Single().EnhancedKeyUsages.Cast<Oid>().Select(oid => oid.Value));
        Assert.True(IsOf(authority, certificate));
    }

    [Fact]
    public void Request_ThatIsNone_OrForAnotherKindOfKey_OrTamperedWith_IsRefused()
    {
        using var authority = RemoteAuthority.Create(Guid.NewGuid(), Now);
        using var rsa = RSA.Create(2048);
        using var large = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var good = Request(key);
        var bytes = Convert.FromBase64String(string.Concat(good.Split('\n')[1..^1]));
        bytes[^1] ^= 1;
        string[] bad =
        [
            "", "nothing", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----", good + new string('x', 5000), Request(large),
            new CertificateRequest("CN=x", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSigningRequestPem(),
            PemEncoding.WriteString("CERTIFICATE REQUEST", bytes),
        ];

        Assert.NotNull(authority.IssueMachine(Guid.NewGuid(), good, Now, Day));
        Assert.All(bad, request => Assert.Null(authority.IssueMachine(Guid.NewGuid(), request, Now, Day)));
    }

    [Fact]
    public void ChannelKey_IsOfTheFormThatOpenVpnWrites()
    {
        var lines = RemoteAuthority.CreateChannelKey().TrimEnd().Split('\n');

        Assert.Equal("-----BEGIN OpenVPN Static key V1-----", lines[0]);
        Assert.Equal("-----END OpenVPN Static key V1-----", lines[^1]);
        Assert.Equal(16, lines[1..^1].Length);
        Assert.All(lines[1..^1], line => Assert.Matches("^[0-9a-f]{32}$", line));
    }

    internal static string Request(ECDsa key, string name = "CN=machine") => new CertificateRequest(name, key, HashAlgorithmName.SHA256).CreateSigningRequestPem();

    private static bool IsOf(RemoteAuthority authority, X509Certificate2 certificate)
    {
        using var root = X509Certificate2.CreateFromPem(authority.Pem);
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(root);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }
}
