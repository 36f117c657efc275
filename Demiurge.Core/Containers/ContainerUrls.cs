using Microsoft.Extensions.Options;

namespace Demiurge.Core.Containers;

/// <summary>The addresses at which people reach containers' services. Safe for concurrent use.</summary>
public sealed class ContainerUrls(IOptions<SiteOptions> site)
{
    /// <summary>The service that a container's plain address leads to.</summary>
    public const string MainService = "main";

    private readonly Uri publicUrl = new(site.Value.PublicUrl);

    /// <summary><c>uc-{container}[--{service}].org-{organization}.{domain}</c>, without port.</summary>
    public string Host(Guid organizationId, Guid containerId, string service = MainService) =>
        $"uc-{containerId:D}{(service == MainService ? "" : $"--{service}")}.org-{organizationId:D}.{site.Value.Domain}";

    /// <summary>Scheme, host and port, without a trailing slash.</summary>
    public string Origin(Guid organizationId, Guid containerId, string service = MainService) =>
        $"{publicUrl.Scheme}://{Host(organizationId, containerId, service)}{(publicUrl.IsDefaultPort ? "" : $":{publicUrl.Port}")}";

    /// <param name="path">Begins with a slash.</param>
    public string Of(Guid organizationId, Guid containerId, string service = MainService, string path = "/") =>
        Origin(organizationId, containerId, service) + path;
}
