using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Demiurge.Core.Containers.Snapshots;
using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Containers.Snapshots;

/// <summary>A real server that speaks S3 (s3rver), with a bucket, on a free port; ends with the tests, also when these are killed.</summary>
public sealed class S3Server : IAsyncLifetime
{
    public const string Bucket = "snapshots";

    private readonly string folder = Directory.CreateTempSubdirectory("demiurge-s3-").FullName;
    private Process? shell;

    public int Port { get; private set; }

    public string Folder => folder;

    public S3Options Options => new()
    {
        Endpoint = $"http://127.0.0.1:{Port}", Bucket = Bucket, AccessKey = "S3RVER", SecretKey = "S3RVER", PathStyle = true, Prefix = "prefix/", PartBytes = 5 << 20,
    };

    public async Task InitializeAsync()
    {
        using (var probe = new TcpListener(IPAddress.Loopback, 0))
        {
            probe.Start();
            Port = ((IPEndPoint)probe.LocalEndpoint).Port;
        }
        var program = Path.Combine(Checkout.Folder, "node_modules", "s3rver", "bin", "s3rver.js");
        Assert.True(File.Exists(program), "Run `npm ci` at the root first: the S3 server of the tests is one of its packages.");
        // Its standard input ends with this process, and it with that.
        const string script = """node "$1" -d "$2" -a 127.0.0.1 -p "$3" --configure-bucket "$4" > "$2/log" 2>&1 < /dev/null & pid=$!; cat > /dev/null; kill -KILL "$pid"; wait""";
        shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", script, "sh", program, folder, $"{Port}", Bucket]) { RedirectStandardInput = true })!;
        var deadline = DateTime.UtcNow.AddSeconds(60);
        while (true)
        {
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, Port);
                return;
            }
            catch (SocketException) when (DateTime.UtcNow < deadline && !shell.HasExited)
            {
                await Task.Delay(50);
            }
            catch (SocketException)
            {
                Assert.Fail($"s3rver doesn't start: {await File.ReadAllTextAsync(Path.Combine(folder, "log"))}");
            }
        }
    }

    public async Task DisposeAsync()
    {
        if (shell is not null)
        {
            shell.StandardInput.Close();
            await shell.WaitForExitAsync();
            shell.Dispose();
        }
        Directory.Delete(folder, recursive: true);
    }
}
