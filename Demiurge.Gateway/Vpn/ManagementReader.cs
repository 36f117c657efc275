using System.Globalization;

namespace Demiurge.Gateway.Vpn;

/// <summary>What OpenVPN said of one client.</summary>
/// <param name="Kind"><c>CONNECT</c>, <c>REAUTH</c>, <c>ESTABLISHED</c> or <c>DISCONNECT</c>.</param>
/// <param name="Client">OpenVPN's number for it.</param>
/// <param name="Key">OpenVPN's number for the key exchange, with the first two kinds.</param>
/// <param name="Variables">What it knows of it: <c>common_name</c>, <c>tls_serial_hex_0</c> and so on.</param>
internal sealed record VpnClientEvent(string Kind, long Client, long Key, IReadOnlyDictionary<string, string> Variables)
{
    public string Name => Variables.GetValueOrDefault("common_name", "");

    /// <summary>Lower-case hexadecimal.</summary>
    public string Serial => Variables.GetValueOrDefault("tls_serial_hex_0", "").Replace(":", "", StringComparison.Ordinal).ToLowerInvariant();
}

/// <summary>
/// Puts OpenVPN's management protocol together (management-notes.txt of its sources): lines that begin with <c>&gt;</c> are real-time messages, and a client's
/// event is several of them, ended by <c>&gt;CLIENT:ENV,END</c>. For one thread.
/// </summary>
internal sealed class ManagementReader
{
    private const string ClientPrefix = ">CLIENT:";

    private Dictionary<string, string>? variables;
    private (string Kind, long Client, long Key) header;

    /// <summary>The event that the line completes; null when it completes none.</summary>
    public VpnClientEvent? Read(string line)
    {
        if (!line.StartsWith(ClientPrefix, StringComparison.Ordinal))
            return null;
        var fields = line[ClientPrefix.Length..].Split(',', 3);
        switch (fields)
        {
            case ["ENV", "END"] when variables is { } complete:
                variables = null;
                return new VpnClientEvent(header.Kind, header.Client, header.Key, complete);
            case ["ENV", .. var parts] when variables is not null:
                var text = string.Join(',', parts);
                var equals = text.IndexOf('=', StringComparison.Ordinal);
                if (equals > 0)
                    variables[text[..equals]] = text[(equals + 1)..];
                return null;
            case [("CONNECT" or "REAUTH" or "ESTABLISHED" or "DISCONNECT") and var kind, var client, ..]
                when long.TryParse(client, NumberStyles.None, CultureInfo.InvariantCulture, out var number):
                var key = fields.Length == 3 && long.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out var given) ? given : 0;
                header = (kind, number, key);
                variables = [];
                return null;
            default:
                return null;
        }
    }
}
