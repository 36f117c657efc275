using System.Globalization;
using System.Text;
using Demiurge.Core.Containers.Runtime;

namespace Demiurge.Core.Containers.Reaching;

/// <summary>Looks which TCP ports programs in a container listen on. Safe for concurrent use.</summary>
public sealed class ContainerPorts(ContainerEngine engine)
{
    private const int OutputBytes = 256 << 10;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>In rising order; null when it can't be told: it doesn't run, or has no program to read files with.</summary>
    public async Task<IReadOnlyList<int>?> Listening(Guid containerId, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(Patience);
        try
        {
            if (await engine.Find(containerId, timeout.Token) is not var (runtime, name, _))
                return null;
            await using var exec = await runtime.Exec(
                name, new ExecSpec(["cat", "/proc/net/tcp", "/proc/net/tcp6"], 200, 50) { Tty = false }, timeout.Token);
            var buffer = new byte[OutputBytes];
            var length = 0;
            for (int read; length < buffer.Length && (read = await exec.Read(buffer.AsMemory(length), timeout.Token)) > 0;)
                length += read;
            return Read(Encoding.ASCII.GetString(buffer, 0, length));
        }
        catch (Exception exception) when (exception is RuntimeException or OperationCanceledException or IOException && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>Reads the kernel's table (proc_net_tcp(5)): sockets in state 0A listen; those on loopback alone nobody else reaches.</summary>
    internal static IReadOnlyList<int>? Read(string table)
    {
        var ports = new SortedSet<int>();
        var rows = 0;
        foreach (var line in table.EnumerateLines())
        {
            var columns = line.ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (columns.Length < 4 || columns[1].Split(':') is not [var address, var port] || !int.TryParse(port, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var number))
                continue;
            rows++;
            if (columns[3] == "0A" && !IsLoopback(address))
                ports.Add(number);
        }
        return rows == 0 && !table.Contains("local_address", StringComparison.Ordinal) ? null : [.. ports];
    }

    /// <summary>Little-endian words: 127.x.y.z ends in 7F; ::1 ends in 01000000, ::ffff:127.x.y.z in 7F.</summary>
    private static bool IsLoopback(string address) =>
        address.Length == 8 ? address.EndsWith("7F", StringComparison.Ordinal)
        : address is "00000000000000000000000001000000" || address.StartsWith("0000000000000000FFFF0000", StringComparison.Ordinal) && address.EndsWith("7F", StringComparison.Ordinal);
}
