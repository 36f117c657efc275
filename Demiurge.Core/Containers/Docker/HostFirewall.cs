using Microsoft.Extensions.Logging;

namespace Demiurge.Core.Containers.Docker;

/// <summary>
/// Firewall rules on the engine's machine, where this process is on that machine and may set them: containers open no connections to the machine itself (Web, PostgreSQL,
/// gateways listen there), to other organizations' networks, to link-local addresses, and, if wanted, to private networks. Rules are added where they are missing, never twice, and
/// stay. Safe for concurrent use.
/// </summary>
/// <remarks>
/// Docker keeps networks apart, too, but takes its rules out and puts them back whenever a network is made: for milliseconds, and longer on a busy machine, organizations reach one
/// another (seen with 20.10). What is forwarded is therefore judged in the table <c>mangle</c>, before Docker's and out of its way.
/// </remarks>
internal sealed partial class HostFirewall(IHostShell shell, DockerOptions options, TimeProvider time, ILogger logger)
{
    private const string Bridges = OrganizationNetworks.InterfacePrefix + "+";
    private const string HostChain = "DEMIURGE-HOST";
    private const string OutChain = "DEMIURGE-OUT";
    private static readonly TimeSpan Trust = TimeSpan.FromMinutes(1);
    private static readonly string[] PrivateRanges = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];

    private readonly SemaphoreSlim turn = new(1, 1);
    private readonly Dictionary<string, long> seen = [];
    private string? told;

    /// <summary>Why containers can reach the engine's machine; null when they can't, as far as was seen last.</summary>
    public string? Finding { get; private set; } = "No container has been started there yet, so the firewall has not been set up.";

    /// <summary>Sees to the rules, unless that was done for this network within the last minute.</summary>
    /// <param name="bridge">The network's interface. It also shows whether this is the engine's machine.</param>
    public async Task Ensure(string bridge, CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken);
        try
        {
            if (seen.TryGetValue(bridge, out var at) && time.GetElapsedTime(at) < Trust)
                return;
            Finding = await Apply(bridge, cancellationToken);
            seen[bridge] = time.GetTimestamp();
            if (Finding is { } finding && finding != told)
                Log.Unprotected(logger, finding);
            told = Finding;
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>Takes back what concerns a network that is gone.</summary>
    public async Task Forget(string bridge, CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken);
        try
        {
            if (seen.Remove(bridge) && Finding is null)
                await Delete("mangle", OutChain, Own(bridge), cancellationToken);
        }
        finally
        {
            turn.Release();
        }
    }

    private static string Own(string bridge) => $"-i {bridge} -o {bridge} -j RETURN";

    private async Task<string?> Apply(string bridge, CancellationToken cancellationToken)
    {
        if (!await shell.Succeeds("ip", ["link", "show", "dev", bridge], cancellationToken))
            return "The engine is not on this machine (or `ip` is not installed), so its firewall can't be set up from here: containers can open connections to the engine's machine. "
                + $"Add there: iptables -I INPUT -i {Bridges} -m conntrack ! --ctstate ESTABLISHED,RELATED -j REJECT";
        try
        {
            // To the machine itself. Replies pass: gateways connect to containers.
            await NewChain("filter", HostChain, cancellationToken);
            await Append("filter", HostChain, "-m conntrack --ctstate ESTABLISHED,RELATED -j RETURN", cancellationToken);
            await Append("filter", HostChain, "-j REJECT", cancellationToken);
            await InsertFirst("filter", "INPUT", $"-i {Bridges} -j {HostChain}", cancellationToken);

            // Through the machine: inside a network (where bridges ask the firewall, too), but not from one to another.
            await NewChain("mangle", OutChain, cancellationToken);
            await InsertFirst("mangle", OutChain, Own(bridge), cancellationToken);
            await Append("mangle", OutChain, $"-o {Bridges} -j DROP", cancellationToken);
            await Append("mangle", OutChain, "-m conntrack --ctstate ESTABLISHED,RELATED -j RETURN", cancellationToken);
            await Append("mangle", OutChain, "-d 169.254.0.0/16 -j DROP", cancellationToken);
            foreach (var range in PrivateRanges)
            {
                if (options.BlockPrivateNetworks)
                    await Append("mangle", OutChain, $"-d {range} -j DROP", cancellationToken);
                else
                    await Delete("mangle", OutChain, $"-d {range} -j DROP", cancellationToken);
            }
            await InsertFirst("mangle", "FORWARD", $"-i {Bridges} -j {OutChain}", cancellationToken);
            return null;
        }
        catch (FirewallException exception)
        {
            return $"The firewall of the engine's machine can't be set up ({exception.Message}): containers can open connections to it. Run Demiurge as root or with CAP_NET_ADMIN and iptables installed, or add the rules yourself.";
        }
    }

    private async Task NewChain(string table, string chain, CancellationToken cancellationToken)
    {
        if (!await Iptables(table, $"-n -L {chain}", cancellationToken) && !await Iptables(table, $"-N {chain}", cancellationToken)
            && !await Iptables(table, $"-n -L {chain}", cancellationToken))
            throw new FirewallException(shell.LastError);
    }

    private async Task Append(string table, string chain, string rule, CancellationToken cancellationToken)
    {
        if (!await Iptables(table, $"-C {chain} {rule}", cancellationToken) && !await Iptables(table, $"-A {chain} {rule}", cancellationToken))
            throw new FirewallException(shell.LastError);
    }

    private async Task InsertFirst(string table, string chain, string rule, CancellationToken cancellationToken)
    {
        if (!await Iptables(table, $"-C {chain} {rule}", cancellationToken) && !await Iptables(table, $"-I {chain} 1 {rule}", cancellationToken))
            throw new FirewallException(shell.LastError);
    }

    private async Task Delete(string table, string chain, string rule, CancellationToken cancellationToken)
    {
        if (await Iptables(table, $"-C {chain} {rule}", cancellationToken))
            await Iptables(table, $"-D {chain} {rule}", cancellationToken);
    }

    private Task<bool> Iptables(string table, string arguments, CancellationToken cancellationToken) =>
        shell.Succeeds("iptables", ["-w", "10", "-t", table, .. arguments.Split(' ')], cancellationToken);

    private sealed class FirewallException(string message) : Exception(message);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Containers are not fully walled off: {Finding}")]
        public static partial void Unprotected(ILogger logger, string finding);
    }
}
