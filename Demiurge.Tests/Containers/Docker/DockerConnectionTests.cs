using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Demiurge.Core.Containers.Docker;
using Demiurge.Core.Containers.Docker.Wire;

namespace Demiurge.Tests.Containers.Docker;

/// <summary>Engines that come and go, and engines behind TLS.</summary>
public sealed class DockerConnectionTests
{
    [DockerFact]
    public async Task Engine_KilledAndStartedAgain_IsReachedByTheSameClient()
    {
        await using var daemon = await DockerDaemon.Start();
        var engine = daemon.Engine;
        var id = (await engine.Info()).ID;
        await TestImages.LoadTiny(engine);
        var container = await engine.CreateContainer("survivor", new CreateContainer { Image = DockerFixture.Tiny });
        await engine.StartContainer(container);
        var logs = Drain(engine.Logs(container, new DockerLogQuery { Follow = true }));
        var events = Drain(engine.Events());
        var waiting = engine.WaitContainer(container);
        var exec = await engine.CreateExec(container, new CreateExec { Cmd = ["cat"], AttachStdin = true });
        await using var session = await engine.StartExec(exec, tty: false);

        await daemon.KillDocker();

        // A broken stream is either at its end or broken, but it doesn't hang, and never fails in the transport's own words.
        foreach (var stream in new Task[] { logs, events, waiting, session.Read(new byte[16]).AsTask() })
        {
            var failure = await Record.ExceptionAsync(() => stream.WaitAsync(TimeSpan.FromSeconds(30)));
            Assert.True(failure is null or DockerException { Failure: DockerFailure.Unreachable }, failure?.ToString());
        }
        Assert.Equal(DockerFailure.Unreachable, (await Assert.ThrowsAsync<DockerException>(() => engine.Info())).Failure);

        await daemon.StartDocker();
        Assert.Equal(id, (await engine.Info()).ID);
        Assert.NotNull(await engine.FindContainer("survivor"));
        await engine.StartContainer("survivor");
        Assert.True((await engine.FindContainer("survivor"))!.State.Running);
    }

    [DockerFact]
    public async Task Tcp_BothCertificatesTrusted_Works_AnyOtherIsDenied()
    {
        await using var daemon = await DockerDaemon.Prepare();
        using var authority = TestAuthority.Create();
        using var stranger = TestAuthority.Create();
        var server = authority.Issue("engine", daemon.Address);
        var folder = Directory.CreateTempSubdirectory("demiurge-docker-tls-");
        try
        {
            string Write(string name, string text)
            {
                var path = Path.Combine(folder.FullName, name);
                File.WriteAllText(path, text);
                return path;
            }

            await daemon.StartDocker(
                "-H", "tcp://0.0.0.0:2376", "--tlsverify",
                "--tlscacert", Write("ca.pem", authority.Pem), "--tlscert", Write("cert.pem", server.Certificate), "--tlskey", Write("key.pem", server.Key));
            await TestImages.LoadTiny(daemon.Engine);
            var client = authority.Issue("demiurge");
            var address = $"tcp://{daemon.Address}:2376";

            using (var engine = Connect(address, authority.Pem, client))
            {
                Assert.Equal((await daemon.Engine.Info()).ID, (await engine.Info()).ID);
                // The hijacked connection, too, and its half that is closed alone.
                var container = await engine.CreateContainer("tls", new CreateContainer { Image = DockerFixture.Tiny });
                await engine.StartContainer(container);
                var exec = await engine.CreateExec(container, new CreateExec { Cmd = ["md5sum"], AttachStdin = true });
                await using var session = await engine.StartExec(exec, tty: false);
                await session.Write("demiurge"u8.ToArray());
                await session.CloseInput();
                var buffer = new byte[256];
                var (_, count) = await session.Read(buffer);
                Assert.Equal($"{Convert.ToHexStringLower(MD5.HashData("demiurge"u8))}  -\n", Encoding.ASCII.GetString(buffer, 0, count));
            }

            using (var impostor = Connect(address, stranger.Pem, client))
                Assert.Equal(DockerFailure.Denied, (await Assert.ThrowsAsync<DockerException>(() => impostor.Info())).Failure);
            using (var intruder = Connect(address, authority.Pem, stranger.Issue("demiurge")))
                Assert.Equal(DockerFailure.Denied, (await Assert.ThrowsAsync<DockerException>(() => intruder.Info())).Failure);
            // The right authority, but for another machine.
            using (var elsewhere = Connect($"tcp://10.{daemon.Slot}.0.1:2376", authority.Pem, client))
                Assert.Equal(DockerFailure.Denied, (await Assert.ThrowsAsync<DockerException>(() => elsewhere.Info())).Failure);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("docker.sock")]
    [InlineData("http://127.0.0.1:2375")]
    [InlineData("unix://")]
    [InlineData("unix://host/run/docker.sock")]
    [InlineData("tcp://127.0.0.1")]
    [InlineData("tcp://name@host:2376")]
    [InlineData("tcp://host:2376/path")]
    public void Endpoint_ThatIsNone_IsRefused(string? address) =>
        Assert.Equal("endpoint", DockerEndpoint.Parse(address, new("", "", "")).Error?.Field);

    [Fact]
    public void Endpoint_TcpWithoutUsableCertificates_IsRefused()
    {
        using var authority = TestAuthority.Create();
        var client = authority.Issue("demiurge");
        Assert.Equal("docker.certificates_missing", DockerEndpoint.Parse("tcp://host:2376").Error?.Code);
        Assert.Equal("authority", DockerEndpoint.Parse("tcp://host:2376", new("nonsense", client.Certificate, client.Key)).Error?.Field);
        Assert.Equal("clientCertificate", DockerEndpoint.Parse("tcp://host:2376", new(authority.Pem, client.Certificate, authority.Issue("b").Key)).Error?.Field);
        var good = DockerEndpoint.Parse("tcp://host:2376", new(authority.Pem, client.Certificate, client.Key)).Value!;
        Assert.DoesNotContain("PRIVATE", $"{good} {good.Certificates}", StringComparison.Ordinal);
    }

    [Fact]
    public async Task JsonItems_SplitAnywhere_AreRead_AndTooLongOnesRefused()
    {
        var bytes = Encoding.UTF8.GetBytes("{\"status\":\"a\"}\r\n\r\n{\"status\":\"b\"}\n{\"status\":\"c\"}");
        await using (var items = new JsonItems<ProgressLine>(new OneByteStream(bytes), DockerJson.Default.ProgressLine))
        {
            var seen = "";
            while (await items.Next(default))
                seen += items.Current.Status;
            Assert.Equal("abc", seen);
        }

        var endless = new MemoryStream(Encoding.UTF8.GetBytes($"{{\"status\":\"{new string('x', JsonItems<ProgressLine>.MaxItemBytes + 10)}"));
        await using var tooLong = new JsonItems<ProgressLine>(endless, DockerJson.Default.ProgressLine);
        await Assert.ThrowsAsync<JsonException>(() => tooLong.Next(default).AsTask());
    }

    [Fact]
    public async Task MultiplexedStream_SplitAnywhere_IsTakenApart_AndNonsenseRefused()
    {
        byte[] frames = [1, 0, 0, 0, 0, 0, 0, 3, .. "abc"u8, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1, .. "x"u8];
        var stream = new MultiplexedStream(new OneByteStream(frames), raw: false);
        var seen = new StringBuilder();
        var buffer = new byte[64];
        while (await stream.Read(buffer, default) is { Count: > 0 } read)
            seen.Append(read.Source == DockerSource.Error ? "!" : "").Append(Encoding.ASCII.GetString(buffer, 0, read.Count));
        Assert.Equal("abc!x", seen.ToString());

        await Assert.ThrowsAsync<EndOfStreamException>(() => new MultiplexedStream(new MemoryStream(frames[..5]), raw: false).Read(buffer, default).AsTask());
        await Assert.ThrowsAsync<EndOfStreamException>(() => new MultiplexedStream(new MemoryStream(frames[..8]), raw: false).Read(buffer, default).AsTask());
        await Assert.ThrowsAsync<InvalidDataException>(() => new MultiplexedStream(new MemoryStream("plain text"u8.ToArray()), raw: false).Read(buffer, default).AsTask());
    }

    private static DockerEngine Connect(string address, string authority, (string Certificate, string Key) client) =>
        new(DockerEndpoint.Parse(address, new(authority, client.Certificate, client.Key)).Value!);

    private static async Task Drain<T>(IAsyncEnumerable<T> items)
    {
        await foreach (var _ in items)
        {
            // Only its end is of interest.
        }
    }

    private sealed class OneByteStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(1, buffer.Length)], cancellationToken);
    }
}
