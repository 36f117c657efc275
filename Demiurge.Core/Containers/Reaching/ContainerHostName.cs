using System.Buffers;

namespace Demiurge.Core.Containers.Reaching;

/// <summary>The host name of a container's service, read: <c>uc-{container}[--{service}].org-{organization}.{domain}</c>.</summary>
public readonly record struct ContainerHostName(Guid OrganizationId, Guid ContainerId, string Service)
{
    /// <summary>A DNS label has 63 characters, and <c>uc-{id}--</c> takes 41 of them.</summary>
    public const int MaxServiceLength = 22;

    private const int IdLength = 36;

    private static readonly SearchValues<char> ServiceAlphabet = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    /// <summary>Reads a name without port. False for anything that <see cref="ContainerUrls"/> would not write, but for case.</summary>
    public static bool TryParse(ReadOnlySpan<char> host, ReadOnlySpan<char> domain, out ContainerHostName name)
    {
        name = default;
        if (host.Length <= domain.Length + 1 || host[^(domain.Length + 1)] != '.' || !host.EndsWith(domain, StringComparison.OrdinalIgnoreCase))
            return false;
        var labels = host[..^(domain.Length + 1)];
        var dot = labels.IndexOf('.');
        if (dot < 0 || !TryReadOrganization(labels[(dot + 1)..], out var organizationId) || !TryReadContainer(labels[..dot], out var containerId, out var service))
            return false;
        name = new ContainerHostName(organizationId, containerId, service);
        return true;
    }

    /// <summary>Reads <c>org-{id}</c>.</summary>
    public static bool TryReadOrganization(ReadOnlySpan<char> label, out Guid id)
    {
        id = default;
        return label.StartsWith("org-", StringComparison.OrdinalIgnoreCase) && Guid.TryParseExact(label[4..], "D", out id);
    }

    /// <summary>Whether a service can be told apart by host name: small letters, digits and single hyphens inside.</summary>
    public static bool IsServiceName(ReadOnlySpan<char> name) =>
        name.Length is > 0 and <= MaxServiceLength && name[0] != '-' && name[^1] != '-' && !name.Contains("--", StringComparison.Ordinal)
        && !name.ContainsAnyExcept(ServiceAlphabet);

    private static bool TryReadContainer(ReadOnlySpan<char> label, out Guid id, out string service)
    {
        id = default;
        service = ContainerUrls.MainService;
        if (!label.StartsWith("uc-", StringComparison.OrdinalIgnoreCase) || label.Length < 3 + IdLength || !Guid.TryParseExact(label.Slice(3, IdLength), "D", out id))
            return false;
        var rest = label[(3 + IdLength)..];
        if (rest.IsEmpty)
            return true;
        if (!rest.StartsWith("--", StringComparison.Ordinal))
            return false;
        service = rest[2..].ToString().ToLowerInvariant();
        // One address for each thing: the main service's is the plain one.
        return IsServiceName(service) && service != ContainerUrls.MainService;
    }
}
