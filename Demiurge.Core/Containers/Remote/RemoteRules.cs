using System.Text.RegularExpressions;

namespace Demiurge.Core.Containers.Remote;

/// <summary>What a machine may say of its services. The name becomes part of a host name, whose labels have 63 characters.</summary>
internal static partial class RemoteRules
{
    public const int MaxServices = 32, MaxName = 20, MaxPath = 200;

    public static bool Allow(IReadOnlyList<RemoteService> services) =>
        services.Count <= MaxServices && services.All(Allow) && services.Select(service => service.Name).Distinct(StringComparer.Ordinal).Count() == services.Count;

    private static bool Allow(RemoteService service) =>
        service.Port is > 0 and < 65536 && service.Name.Length <= MaxName && Name().IsMatch(service.Name)
        && service.Path.Length is > 0 and <= MaxPath && service.Path[0] == '/' && !service.Path.StartsWith("//", StringComparison.Ordinal) && !service.Path.Any(char.IsControl);

    [GeneratedRegex("^[a-z][a-z0-9]*(-[a-z0-9]+)*\\z")]
    private static partial Regex Name();
}
