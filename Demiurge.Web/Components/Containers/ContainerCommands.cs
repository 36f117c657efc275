using Demiurge.Core;
using Demiurge.Core.Containers;
using Demiurge.Core.Permissions;
using Demiurge.Web.Components.Parts;
using Radzen;

namespace Demiurge.Web.Components.Containers;

/// <summary>A person's commands to containers from this circuit, and what they are told about them.</summary>
public sealed class ContainerCommands(ContainerService service, CurrentUser current, NotificationService notifications)
{
    /// <summary>Carries it out; a refusal is shown and answered with null.</summary>
    public async Task<ContainerInfo?> Do(Func<ContainerService, Actor, Task<Result<ContainerInfo>>> command, string? told = null)
    {
        var result = await command(service, await current.Get());
        if (!result.Succeeded)
        {
            notifications.Refuse(result.Error);
            return null;
        }
        if (told is not null)
            notifications.Tell(told);
        return result.Value;
    }

    public Task<ContainerInfo?> Start(ContainerInfo info) => Do((containers, actor) => containers.Start(actor, info.Id));

    public Task<ContainerInfo?> Stop(ContainerInfo info) => Do((containers, actor) => containers.Stop(actor, info.Id));

    public Task<ContainerInfo?> Restart(ContainerInfo info) => Do((containers, actor) => containers.Restart(actor, info.Id));

    public Task<ContainerInfo?> Retry(ContainerInfo info) => Do((containers, actor) => containers.Retry(actor, info.Id));

    public Task<ContainerInfo?> Delete(ContainerInfo info) => Do((containers, actor) => containers.Delete(actor, info.Id), $"{info.Name} was deleted. It can be had back for a while.");

    public Task<ContainerInfo?> Undelete(ContainerInfo info) => Do((containers, actor) => containers.Undelete(actor, info.Id), $"{info.Name} is back");

    public Task<ContainerInfo?> Duplicate(ContainerInfo info) => Do((containers, actor) => containers.Duplicate(actor, info.Id));

    public Task<ContainerInfo?> Rename(ContainerInfo info, string? name) => Do((containers, actor) => containers.Rename(actor, info.Id, name));

    public Task<ContainerInfo?> Pin(ContainerInfo info, bool pinned) =>
        Do((containers, actor) => containers.Pin(actor, info.Id, pinned), pinned ? $"{info.Name} is never stopped for being idle now" : null);

    public Task<ContainerInfo?> Keep(ContainerInfo info, TimeSpan time) => Do((containers, actor) => containers.Keep(actor, info.Id, time));

    public Task<ContainerInfo?> SetShare(ContainerInfo info, ShareLevel share) => Do((containers, actor) => containers.SetShare(actor, info.Id, share));
}
