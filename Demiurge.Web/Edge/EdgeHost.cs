using System.Net;
using Demiurge.Core.Containers.Reaching;

namespace Demiurge.Web.Edge;

/// <summary>What a host name of this installation stands for.</summary>
public enum EdgeHostKind
{
    /// <summary>The UI and the API: the domain, the public address' host, <c>localhost</c>, or an IP address.</summary>
    Site,

    /// <summary><c>org-{id}.DOMAIN</c></summary>
    Organization,

    /// <summary><c>uc-{id}.org-{id}.DOMAIN</c>, or <c>uc-{id}--{service}.org-{id}.DOMAIN</c></summary>
    Container,

    /// <summary>Below the domain, and nothing that exists.</summary>
    Unknown,

    /// <summary>Somebody else's name, which may lead here without our doing: a page there must not pass for ours.</summary>
    Foreign,
}

/// <summary>A host name, read. <see cref="OrganizationId"/> is empty for all but organizations and containers.</summary>
public readonly record struct EdgeHost(EdgeHostKind Kind, Guid OrganizationId = default, Guid ContainerId = default, string Service = "")
{
    /// <summary>Reads a host name without port. Ids are UUIDs with hyphens, and nothing else.</summary>
    /// <param name="publicHost">The host of the address that people use; the site whatever the domain is.</param>
    public static EdgeHost Parse(string host, string domain, string publicHost)
    {
        if (IsSite(host, domain, publicHost))
            return new(EdgeHostKind.Site);
        if (host.Length <= domain.Length || !host.EndsWith(domain, StringComparison.OrdinalIgnoreCase) || host[^(domain.Length + 1)] != '.')
            return new(EdgeHostKind.Foreign);
        if (ContainerHostName.TryParse(host, domain, out var name))
            return new(EdgeHostKind.Container, name.OrganizationId, name.ContainerId, name.Service);
        return ContainerHostName.TryReadOrganization(host.AsSpan(0, host.Length - domain.Length - 1), out var id)
            ? new(EdgeHostKind.Organization, id)
            : new(EdgeHostKind.Unknown);
    }

    private static bool IsSite(string host, string domain, string publicHost) =>
        host.Equals(domain, StringComparison.OrdinalIgnoreCase)
        || host.Equals(publicHost, StringComparison.OrdinalIgnoreCase)
        || host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || IPAddress.TryParse(host, out _);
}
