using Microsoft.Extensions.Logging;

namespace Demiurge.Core.Containers.Docker;

/// <summary>
/// Firewall rules on the engine's machine, where this process is on that machine and may set them: containers open no connections to the machine itself (Web, PostgreSQL,
/// gateways listen there), nor to link-local addresses, nor, if wanted, to private networks. Rules are added where they are missing, never twice, and stay. Safe for concurrent use.
/// </summary>
internal sealed partial class HostFirewall(IHostShell shell, DockerOptions options, TimeProvider time, ILogger logger)
{
    private const string Bridges = OrganizationNetworks.InterfacePrefix + "+";
    private const string Chain = "DEMIURGE";
    private static readonly TimeSpan Trust = TimeSpan.FromMinutes(1);
    private static readonly string[] PrivateRanges = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];

    private readonly SemaphoreSlim turn = new(1, 1);
    private long checkedAt;
    private string? told;

    /// <summary>Why containers can reach the engine's machine; null when they can't, as far as was seen last.</summary>
    public string? Finding { get; private set; } = "No container has been started there yet, so the firewall has not been set up.";

    /// <summary>Sees to the rules, unless that was done within the last minute.</summary>
    /// <param name="bridge">An interface of one of our networks: it shows whether this is the engine's machine.</param>
    public async Task Ensure(string bridge, CancellationToken cancellationToken)
    {
        if (IsFresh)
            return;
        await turn.WaitAsync(cancellationToken);
        try
        {
            if (IsFresh)
                return;
            Finding = await Apply(bridge, cancellationToken);
            checkedAt = time.GetTimestamp();
            if (Finding is { } finding && finding != told)
                Log.Unprotected(logger, finding);
            told = Finding;
        }
        finally
        {
            turn.Release();
        }
    }

    private bool IsFresh => checkedAt != 0 && time.GetElapsedTime(checkedAt) < Trust;

    private async Task<string?> Apply(string bridge, CancellationToken cancellationToken)
    {
        if (!await shell.Succeeds("ip", ["link", "show", "dev", bridge], cancellationToken))
            return "The engine is not on this machine (or `ip` is not installed), so its firewall can't be set up from here: containers can open connections to the engine's machine. "
                + $"Add there: iptables -I INPUT -i {Bridges} -m conntrack ! --ctstate ESTABLISHED,RELATED -j REJECT";
        try
        {
            // To the machine itself. Replies pass: gateways connect to containers.
            await NewChain($"{Chain}-HOST", cancellationToken);
            await Append($"{Chain}-HOST", "-m conntrack --ctstate ESTABLISHED,RELATED -j RETURN", cancellationToken);
            await Append($"{Chain}-HOST", "-j REJECT", cancellationToken);
            await InsertFirst("INPUT", $"-i {Bridges} -j {Chain}-HOST", cancellationToken);

            // Through the machine. Docker keeps its hands off DOCKER-USER and asks it first.
            await NewChain("DOCKER-USER", cancellationToken);
            await NewChain($"{Chain}-OUT", cancellationToken);
            await Append($"{Chain}-OUT", "-m conntrack --ctstate ESTABLISHED,RELATED -j RETURN", cancellationToken);
            await Append($"{Chain}-OUT", "-d 169.254.0.0/16 -j REJECT", cancellationToken);
            foreach (var range in PrivateRanges)
            {
                var rule = $"! -o {Bridges} -d {range} -j REJECT";
                if (options.BlockPrivateNetworks)
                    await Append($"{Chain}-OUT", rule, cancellationToken);
                else
                    await Delete($"{Chain}-OUT", rule, cancellationToken);
            }
            await InsertFirst("DOCKER-USER", $"-i {Bridges} -j {Chain}-OUT", cancellationToken);
            return null;
        }
        catch (FirewallException exception)
        {
            return $"The firewall of the engine's machine can't be set up ({exception.Message}): containers can open connections to it. Run Demiurge as root or with CAP_NET_ADMIN and iptables installed, or add the rules yourself.";
        }
    }

    private async Task NewChain(string chain, CancellationToken cancellationToken)
    {
        if (!await Iptables($"-n -L {chain}", cancellationToken) && !await Iptables($"-N {chain}", cancellationToken) && !await Iptables($"-n -L {chain}", cancellationToken))
            throw new FirewallException(shell.LastError);
    }

    private async Task Append(string chain, string rule, CancellationToken cancellationToken)
    {
        if (!await Iptables($"-C {chain} {rule}", cancellationToken) && !await Iptables($"-A {chain} {rule}", cancellationToken))
            throw new FirewallException(shell.LastError);
    }

    private async Task InsertFirst(string chain, string rule, CancellationToken cancellationToken)
    {
        if (!await Iptables($"-C {chain} {rule}", cancellationToken) && !await Iptables($"-I {chain} 1 {rule}", cancellationToken))
            throw new FirewallException(shell.LastError);
    }

    private async Task Delete(string chain, string rule, CancellationToken cancellationToken)
    {
        if (await Iptables($"-C {chain} {rule}", cancellationToken))
            await Iptables($"-D {chain} {rule}", cancellationToken);
    }

    private Task<bool> Iptables(string arguments, CancellationToken cancellationToken) =>
        shell.Succeeds("iptables", ["-w", "10", .. arguments.Split(' ')], cancellationToken);

    private sealed class FirewallException(string message) : Exception(message);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Containers are not fully walled off: {Finding}")]
        public static partial void Unprotected(ILogger logger, string finding);
    }
}
