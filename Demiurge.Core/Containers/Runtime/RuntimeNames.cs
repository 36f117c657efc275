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

    /// <param name="set">Of <see cref="RuntimeSpec.VolumeSet"/>.</param>
    public string Volume(Guid containerId, int index, int set = 0) => set == 0
        ? string.Create(CultureInfo.InvariantCulture, $"{Container(containerId)}-{index}")
        : string.Create(CultureInfo.InvariantCulture, $"{Container(containerId)}-s{set}-{index}");

    public string Network(Guid organizationId) => $"dmg-{mark}-org-{organizationId:N}";
}
