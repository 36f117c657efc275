using Demiurge.Core;
using Demiurge.Core.Containers;
using Demiurge.Core.Gateways;
using Demiurge.Core.Permissions;
using Microsoft.Extensions.Options;

namespace Demiurge.Web.Components.Containers;

/// <summary>Signs people in to containers' terminals at their organization's gateway. Safe for concurrent use.</summary>
public sealed class TerminalAddresses(ContainerAccess access)
{
    /// <summary>Where this person's browser connects now.</summary>
    public async Task<Result<TerminalAddress>> Of(Actor actor, Guid containerId, CancellationToken cancellationToken = default)
    {
        if (await access.Of(actor, containerId, cancellationToken) is not { CanOpen: true } rights)
            return new Error("container.not_shared_with_you", "This container isn't shared with you.", ErrorKind.Forbidden);
        return new TerminalAddress(null, !rights.CanControl, "Terminals can't be reached yet.");
    }
}
