using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Demiurge.Core.Containers.Docker.Wire;
using Demiurge.Core.Containers.Runtime;

namespace Demiurge.Core.Containers.Docker;

/// <summary>
/// A network per organization: a bridge whose interface's name begins with <see cref="InterfacePrefix"/>, so that firewall rules know containers' traffic by it. The engine lets nothing
/// pass from one bridge to another, and so do the rules. Safe for concurrent use.
/// </summary>
internal sealed class OrganizationNetworks(DockerEngine engine, RuntimeNames names, string mark, HostFirewall firewall, DockerOptions options)
{
    public const string InterfacePrefix = "dmg";

    private const int AddressBits = 6;

    /// <summary>Sees to it that the network exists and, where that is in our hands, that its firewall does too.</summary>
    public async Task Ensure(Guid organizationId, CancellationToken cancellationToken)
    {
        var name = names.Network(organizationId);
        if (await engine.FindNetwork(name, cancellationToken) is { } existing)
        {
            if (existing.Labels?.GetValueOrDefault(RuntimeNames.InstallationLabel) != mark)
                throw new DockerException(DockerFailure.Conflict, $"A network {name} that isn't Demiurge's is in the way.");
        }
        else
        {
            await Create(organizationId, name, cancellationToken);
        }

        await firewall.Ensure(Interface(name), cancellationToken);
    }

    /// <summary>Removes the network unless a container is in it.</summary>
    public async Task RemoveIfEmpty(Guid organizationId, CancellationToken cancellationToken)
    {
        var ours = DockerFilters.Label(RuntimeNames.InstallationLabel, mark).AndLabel(RuntimeNames.OrganizationLabel, organizationId.ToString());
        if ((await engine.ListContainers(ours, cancellationToken: cancellationToken)).Count > 0)
            return;
        try
        {
            var name = names.Network(organizationId);
            if (await engine.RemoveNetwork(name, cancellationToken))
                await firewall.Forget(Interface(name), cancellationToken);
        }
        catch (DockerException exception) when (exception.Failure is DockerFailure.Denied or DockerFailure.Conflict or DockerFailure.Failed)
        {
            // One was just started in it.
        }
    }

    /// <summary>An interface's name has room for 15 characters.</summary>
    internal static string Interface(string network) =>
        InterfacePrefix + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(network)))[..11];

    private async Task Create(Guid organizationId, string name, CancellationToken cancellationToken)
    {
        var network = new CreateNetwork
        {
            Name = name,
            Labels = new() { [RuntimeNames.InstallationLabel] = mark, [RuntimeNames.OrganizationLabel] = organizationId.ToString() },
            Options = new() { ["com.docker.network.bridge.name"] = Interface(name) },
        };
        try
        {
            await engine.CreateNetwork(network, cancellationToken);
        }
        catch (DockerException exception) when (IsTaken(exception))
        {
            // Another call was faster. It may still be at it, so the whole is tried again.
            throw new DockerException(DockerFailure.Conflict, exception.Message, exception.Status, exception);
        }
        catch (DockerException exception) when (Says(exception, "non-overlapping") || Says(exception, "fully subnetted"))
        {
            await CreateInOwnRange(network, cancellationToken);
        }
    }

    private async Task CreateInOwnRange(CreateNetwork network, CancellationToken cancellationToken)
    {
        var range = options.Range;
        var taken = (await engine.ListNetworks(cancellationToken: cancellationToken))
            .SelectMany(other => other.IPAM?.Config ?? []).Select(part => part.Subnet).ToHashSet();
        var first = BinaryPrimitives.ReadUInt32BigEndian(range.BaseAddress.GetAddressBytes());
        var count = 1u << (32 - AddressBits - range.PrefixLength);
        for (uint index = 0; index < count; index++)
        {
            var bytes = new byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(bytes, first + (index << AddressBits));
            var subnet = $"{new IPAddress(bytes)}/{32 - AddressBits}";
            if (taken.Contains(subnet))
                continue;
            try
            {
                await engine.CreateNetwork(network with { IPAM = new NetworkAddresses([new AddressRange(subnet)]) }, cancellationToken);
                return;
            }
            catch (DockerException exception) when (IsTaken(exception))
            {
                throw new DockerException(DockerFailure.Conflict, exception.Message, exception.Status, exception);
            }
            catch (DockerException exception) when (Says(exception, "overlap"))
            {
                // Somebody else's route, or a network that was made meanwhile.
            }
        }

        throw new DockerException(DockerFailure.Failed, $"No addresses are left for another organization's network: widen {DockerOptions.Section}:NetworkRange.");
    }

    private static bool IsTaken(DockerException exception) =>
        exception.Failure == DockerFailure.Conflict || Says(exception, "already exists") || Says(exception, "same bridge name");

    private static bool Says(DockerException exception, string words) => exception.Message.Contains(words, StringComparison.OrdinalIgnoreCase);
}
