namespace Demiurge.Core.Containers.Docker;

internal static class DockerErrors
{
    public static Error AddressInvalid { get; } = new(
        "docker.address_invalid",
        "The engine's address must be unix:///path/of/docker.sock or tcp://host:port.",
        ErrorKind.Invalid)
    { Field = "endpoint" };

    public static Error CertificatesMissing { get; } = new(
        "docker.certificates_missing",
        "An engine is reached over TCP only with TLS: give the authority's certificate, a client certificate and its key, as PEM.",
        ErrorKind.Invalid)
    { Field = "certificateAuthority" };

    public static Error CertificateUnreadable(string field, string why) => new(
        "docker.certificate_unreadable", $"That is not a usable PEM text: {why.TrimEnd('.')}.", ErrorKind.Invalid)
    { Field = field };
}
