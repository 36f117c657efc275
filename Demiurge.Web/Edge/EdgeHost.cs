using System.Net;

namespace Demiurge.Web.Edge;

/// <summary>What a host name of this installation stands for.</summary>
public enum EdgeHostKind
{
    /// <summary>The UI and the API: the domain, the public address' host, <c>localhost</c>, or an IP address.</summary>
    Site,

    /// <summary><c>org-{id}.DOMAIN</c></summary>
    Organization,

    /// <summary><c>uc-{id}.org-{id}.DOMAIN</c></summary>
    Container,

    /// <summary>Below the domain, and nothing that exists.</summary>
    Unknown,

    /// <summary>Somebody else's name, which may lead here without our doing: a page there must not pass for ours.</summary>
    Foreign,
}

/// <summary>A host name, read. <see cref="OrganizationId"/> is empty for all but organizations and containers.</summary>
public readonly record struct EdgeHost(EdgeHostKind Kind, Guid OrganizationId = default, Guid ContainerId = default)
{
    /// <summary>Reads a host name without port. Ids are UUIDs with hyphens, and nothing else.</summary>
    /// <param name="publicHost">The host of the address that people use; the site whatever the domain is.</param>
    public static EdgeHost Parse(string host, string domain, string publicHost)
    {
        if (IsSite(host, domain, publicHost))
            return new(EdgeHostKind.Site);
        if (host.Length <= domain.Length || !host.EndsWith(domain, StringComparison.OrdinalIgnoreCase) || host[^(domain.Length + 1)] != '.')
            return new(EdgeHostKind.Foreign);
        var labels = host[..^(domain.Length + 1)].Split('.');
        return labels switch
        {
            [var organization] when TryReadId(organization, "org-", out var id) => new(EdgeHostKind.Organization, id),
            [var container, var organization] when TryReadId(organization, "org-", out var id) && TryReadId(container, "uc-", out var containerId)
                => new(EdgeHostKind.Container, id, containerId),
            _ => new(EdgeHostKind.Unknown),
        };
    }

    private static bool IsSite(string host, string domain, string publicHost) =>
        host.Equals(domain, StringComparison.OrdinalIgnoreCase)
        || host.Equals(publicHost, StringComparison.OrdinalIgnoreCase)
        || host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || IPAddress.TryParse(host, out _);

    private static bool TryReadId(string label, string prefix, out Guid id)
    {
        id = default;
        return label.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) && Guid.TryParseExact(label.AsSpan(prefix.Length), "D", out id);
    }
}
