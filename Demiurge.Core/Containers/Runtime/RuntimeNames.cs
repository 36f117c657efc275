using System.Globalization;

namespace Demiurge.Core.Containers.Runtime;

/// <summary>The names that an installation's things have on an engine. They follow from ids alone, so that a second try finds what the first one made.</summary>
/// <param name="mark">Of <see cref="Installation.Mark"/>.</param>
public sealed class RuntimeNames(string mark)
{
    public const string InstallationLabel = "demiurge.installation";
    public const string ContainerLabel = "demiurge.container";
    public const string OrganizationLabel = "demiurge.organization";
    public const string GenerationLabel = "demiurge.generation";
    public const string SpecLabel = "demiurge.spec";

    public string Container(Guid containerId) => $"dmg-{mark}-{containerId:N}";

    public string Volume(Guid containerId, int index) => $"{Container(containerId)}-{index.ToString(CultureInfo.InvariantCulture)}";

    public string Network(Guid organizationId) => $"dmg-{mark}-org-{organizationId:N}";
}
