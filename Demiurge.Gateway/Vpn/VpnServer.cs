using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Demiurge.Core.Gateways;

namespace Demiurge.Gateway.Vpn;

/// <summary>
/// One OpenVPN server: a child process behind its firewall (<c>server.sh</c>). Its configuration, keys included, goes to it by standard input and is never on
/// disk. It asks this process about every client through the management interface, and ends by itself when that is gone: so it can't outlive its gateway.
/// One loop reads the interface; commands may come from any thread.
/// </summary>
internal sealed partial class VpnServer : IAsyncDisposable
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(20), StopPatience = TimeSpan.FromSeconds(5);

    private readonly Process process;
    private readonly VpnPlace place;
    private readonly Func<IReadOnlyList<string>, CancellationToken, Task<IReadOnlyList<GatewayVpnGrant?>>> check;
    private readonly ILogger logger;
    private readonly ConcurrentDictionary<long, VpnClientEvent> clients = new();
    private readonly CancellationTokenSource ending = new();
    private readonly SemaphoreSlim writing = new(1, 1);
    private readonly TaskCompletionSource listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentQueue<string> lastLines = new();
    private StreamWriter? management;

    private VpnServer(
        Process process, VpnPlace place, Func<IReadOnlyList<string>, CancellationToken, Task<IReadOnlyList<GatewayVpnGrant?>>> check, ILogger logger)
    {
        this.process = process;
        this.place = place;
        this.check = check;
        this.logger = logger;
        Ended = process.WaitForExitAsync();
    }

    /// <summary>Completes when the server has ended, whoever ended it.</summary>
    public Task Ended { get; }

    /// <summary>The last that it said, for the words of a problem.</summary>
    public string LastWords => string.Join(" ", lastLines.TakeLast(3));

    /// <summary>How many machines are connected.</summary>
    public int Count => clients.Count;

    /// <summary>Starts one and waits until it listens.</summary>
    /// <param name="place">The caller's, and to be kept until the server has ended.</param>
    /// <param name="check">Who of these serial numbers may be in the network.</param>
    /// <exception cref="VpnException">It didn't start; the message is for people.</exception>
    public static async Task<VpnServer> Start(
        VpnTools tools, VpnPlace place, GatewayVpn material, Func<IReadOnlyList<string>, CancellationToken, Task<IReadOnlyList<GatewayVpnGrant?>>> check, ILogger logger,
        CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("demiurge-vpn-");
        var socketPath = Path.Combine(folder.FullName, "management");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(socketPath));
        listener.Listen(1);
        var start = new ProcessStartInfo("/bin/sh", ["-c", Script, "demiurge-vpn", folder.FullName, tools.IpTables, place.Device, tools.OpenVpn, "--config", "stdin"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        // The secrets of the gateway are none of the server's business.
        start.Environment.Clear();
        start.Environment["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin";
        var server = new VpnServer(Process.Start(start)!, place, check, logger);
        try
        {
            server.process.OutputDataReceived += (_, line) => server.Hear(line.Data);
            server.process.ErrorDataReceived += (_, line) => server.Hear(line.Data);
            server.process.BeginOutputReadLine();
            server.process.BeginErrorReadLine();
            await server.process.StandardInput.WriteAsync(Configuration(place, material, socketPath).AsMemory(), cancellationToken);
            server.process.StandardInput.Close();
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            patience.CancelAfter(StartPatience);
            var accepting = listener.AcceptAsync(patience.Token).AsTask();
            if (await Task.WhenAny(accepting, server.Ended) != accepting)
                throw new VpnException($"The VPN server ended at once: {server.LastWords}");
            _ = server.Converse(await accepting);
            if (await Task.WhenAny(server.listening.Task, server.Ended).WaitAsync(patience.Token) != server.listening.Task)
                throw new VpnException($"The VPN server could not listen: {server.LastWords}");
            return server;
        }
        catch (Exception exception)
        {
            await server.DisposeAsync();
            if (exception is VpnException || cancellationToken.IsCancellationRequested)
                throw;
            throw new VpnException($"The VPN server did not start: {exception.Message} {server.LastWords}");
        }
    }

    /// <summary>Looks everybody who is connected up again, and cuts those off who may not be (any more).</summary>
    public async Task Check(CancellationToken cancellationToken)
    {
        var present = clients.ToArray();
        if (present.Length == 0)
            return;
        var grants = await check([.. present.Select(client => client.Value.Serial)], cancellationToken);
        foreach (var ((number, client), grant) in present.Zip(grants))
        {
            if (grant is not null && grant.Name == client.Name)
                continue;
            Log.CutOff(logger, client.Name);
            await Tell($"client-kill {number.ToString(CultureInfo.InvariantCulture)}");
        }
    }

    /// <summary>Ends it, and returns when nothing of it is left.</summary>
    public async ValueTask DisposeAsync()
    {
        await Tell("signal SIGTERM");
        try
        {
            await Ended.WaitAsync(management is null ? TimeSpan.Zero : StopPatience);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            await Ended;
        }
        await ending.CancelAsync();
        process.Dispose();
    }

    internal static string Configuration(VpnPlace place, GatewayVpn material, string socketPath)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"""
            mode server
            tls-server
            proto udp4
            port {place.Port}
            dev {place.Device}
            dev-type tun
            topology subnet
            ifconfig {Core.Containers.Remote.RemoteNetwork.AddressOf(place.Network, Core.Containers.Remote.RemoteNetwork.GatewayNumber)} 255.255.240.0
            push "topology subnet"
            push "ping 3"
            push "ping-restart 12"
            ping 3
            ping-restart 24
            explicit-exit-notify 1
            block-ipv6
            disable-dco
            dh none
            tls-version-min 1.2
            data-ciphers AES-256-GCM:CHACHA20-POLY1305
            auth SHA256
            remote-cert-tls client
            max-clients 4000
            script-security 1
            verb 3
            suppress-timestamps
            management {socketPath} unix
            management-client
            management-hold
            management-client-auth
            auth-user-pass-optional

            """);
        // What it does not need once it runs, it gives up; where it isn't root, it never had it.
        if (Environment.IsPrivilegedProcess)
            text.Append("user nobody\ngroup nogroup\npersist-key\npersist-tun\n");
        Inline("ca", material.Authority);
        Inline("cert", material.Certificate);
        Inline("key", material.Key);
        Inline("tls-crypt", material.ChannelKey);
        return text.ToString();

        void Inline(string name, string value) => text.Append(CultureInfo.InvariantCulture, $"<{name}>\n{value.TrimEnd()}\n</{name}>\n");
    }

    private async Task Converse(Socket socket)
    {
        try
        {
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            using var lines = new StreamReader(stream);
            await using var writer = new StreamWriter(stream) { AutoFlush = true, NewLine = "\n" };
            management = writer;
            var reader = new ManagementReader();
            while (await lines.ReadLineAsync(ending.Token) is { } line)
            {
                if (line.StartsWith(">HOLD:", StringComparison.Ordinal))
                {
                    await Tell("state on", "hold release");
                }
                else if (line.StartsWith(">STATE:", StringComparison.Ordinal) && line.Contains(",CONNECTED,", StringComparison.Ordinal))
                {
                    listening.TrySetResult();
                }
                else if (reader.Read(line) is { } said)
                {
                    Handle(said);
                }
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // It has ended, or is about to.
        }
    }

    private void Handle(VpnClientEvent said)
    {
        switch (said.Kind)
        {
            case "CONNECT" or "REAUTH":
                // Counted from now on, so that a revocation between the answer and the connection isn't missed.
                clients[said.Client] = said;
                _ = Admit(said);
                break;
            case "ESTABLISHED":
                Log.Connected(logger, said.Name);
                break;
            case "DISCONNECT":
                if (clients.TryRemove(said.Client, out var gone))
                    Log.Disconnected(logger, gone.Name);
                break;
        }
    }

    private async Task Admit(VpnClientEvent asked)
    {
        GatewayVpnGrant? grant = null;
        var reason = "refused";
        try
        {
            grant = (await check([asked.Serial], ending.Token))[0];
        }
        catch (Exception exception) when (exception is not OperationCanceledException || !ending.IsCancellationRequested)
        {
            reason = "not now";
            Log.NotChecked(logger, asked.Name, exception.Message);
        }
        catch (OperationCanceledException)
        {
            return;
        }
        var client = string.Create(CultureInfo.InvariantCulture, $"{asked.Client} {asked.Key}");
        if (grant is null || grant.Name != asked.Name)
        {
            Log.Refused(logger, asked.Name, reason);
            clients.TryRemove(asked.Client, out _);
            await Tell($"client-deny {client} \"{reason}\" \"{reason}\"");
        }
        else if (asked.Kind == "REAUTH")
        {
            await Tell($"client-auth-nt {client}");
        }
        else
        {
            var address = Core.Containers.Remote.RemoteNetwork.AddressOf(place.Network, grant.Number);
            await Tell($"client-auth {client}", $"ifconfig-push {address} 255.255.240.0", "END");
        }
    }

    private async Task Tell(params string[] commands)
    {
        await writing.WaitAsync();
        try
        {
            if (management is { } writer)
                await writer.WriteAsync(string.Join('\n', commands) + "\n");
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // There is nobody to tell any more.
        }
        finally
        {
            writing.Release();
        }
    }

    private void Hear(string? line)
    {
        if (string.IsNullOrWhiteSpace(line))
            return;
        lastLines.Enqueue(line);
        while (lastLines.Count > 20)
            lastLines.TryDequeue(out _);
        Log.Said(logger, line);
    }

    private static string Script { get; } = ReadScript();

    private static string ReadScript()
    {
        using var resource = typeof(VpnServer).Assembly.GetManifestResourceStream("Demiurge.Gateway.Vpn.server.sh")!;
        using var reader = new StreamReader(resource);
        return reader.ReadToEnd();
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "The machine of container {Name} is connected")]
        public static partial void Connected(ILogger logger, string name);

        [LoggerMessage(2, LogLevel.Information, "The machine of container {Name} is gone")]
        public static partial void Disconnected(ILogger logger, string name);

        [LoggerMessage(3, LogLevel.Information, "The machine of container {Name} is cut off")]
        public static partial void CutOff(ILogger logger, string name);

        [LoggerMessage(4, LogLevel.Information, "A machine that calls itself {Name} was not let in: {Reason}")]
        public static partial void Refused(ILogger logger, string name, string reason);

        [LoggerMessage(5, LogLevel.Warning, "Whether {Name} may connect could not be found out: {Reason}")]
        public static partial void NotChecked(ILogger logger, string name, string reason);

        [LoggerMessage(6, LogLevel.Debug, "openvpn: {Line}")]
        public static partial void Said(ILogger logger, string line);
    }
}

/// <summary>There is no VPN server; the message says why, for people.</summary>
internal sealed class VpnException(string message) : Exception(message);
