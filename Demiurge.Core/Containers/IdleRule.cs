using Demiurge.Core.Containers.Templates;

namespace Demiurge.Core.Containers;

/// <summary>When a container is stopped because nobody uses it: so many minutes after the last activity, unless it is pinned or kept.</summary>
internal static class IdleRule
{
    /// <summary>Null: it isn't.</summary>
    public static DateTimeOffset? StopsAt(Container container, TemplateSpec spec)
    {
        var minutes = container.IdleMinutes ?? spec.IdleMinutes;
        if (container is not { State: ContainerState.Running, Desired: DesiredState.Running, Pinned: false, Place: ContainerPlace.Engine } || minutes <= 0)
            return null;
        var from = container.StartedAt > container.LastActivityAt ? container.StartedAt.Value : container.LastActivityAt;
        var at = from + TimeSpan.FromMinutes(minutes);
        return container.KeepUntil > at ? container.KeepUntil : at;
    }
}
