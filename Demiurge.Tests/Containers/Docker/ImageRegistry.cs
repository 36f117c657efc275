using System.Formats.Tar;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Demiurge.Tests.Containers.Docker;

/// <summary>A real registry (docker-registry) on the machine of a test engine, which takes images in without a login.</summary>
internal sealed class ImageRegistry : IAsyncDisposable
{
    private static readonly string[] Command = ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/www"];

    private readonly DockerDaemon daemon;
    private readonly string folder;
    private readonly int port;
    private readonly HttpClient http;

    private ImageRegistry(DockerDaemon daemon, string folder, int port)
    {
        this.daemon = daemon;
        this.folder = folder;
        this.port = port;
        http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://{daemon.Address}:{port}/v2/") };
    }

    /// <summary>How the engine names it: <c>127.0.0.1:port</c>, which engines trust without TLS.</summary>
    public string Name => $"127.0.0.1:{port}";

    public static bool IsInstalled { get; } = new[] { "/usr/bin/docker-registry", "/usr/local/bin/docker-registry" }.Any(File.Exists);

    public static async Task<ImageRegistry> Start(DockerDaemon daemon)
    {
        // The engine's machine has a network of its own, so any port is free that no other test of this run took.
        var registry = new ImageRegistry(daemon, Directory.CreateTempSubdirectory("demiurge-registry-").FullName, RandomNumberGenerator.GetInt32(20_000, 30_000));
        await File.WriteAllTextAsync(
            Path.Combine(registry.folder, "config.yml"),
            $$"""
            version: 0.1
            log: { level: warn }
            storage: { filesystem: { rootdirectory: {{registry.folder}}/data } }
            http: { addr: "0.0.0.0:{{registry.port}}" }
            """);
        await daemon.RunBeside($"cd {registry.folder}; docker-registry serve config.yml >log 2>&1 </dev/null & echo $! >{registry.folder}/pid");
        await Infrastructure.PlatformFixture.Until(registry.Answers, "the registry");
        return registry;
    }

    /// <summary>Puts in an image of busybox that serves a page on port 8080.</summary>
    /// <param name="ballast">Bytes that can't be compressed, so that fetching it takes a moment.</param>
    /// <returns>Its whole name.</returns>
    public async Task<string> Push(string repository, string tag, int ballast)
    {
        using var tar = new MemoryStream();
        await using (var writer = new TarWriter(tar, TarEntryFormat.Pax, leaveOpen: true))
        {
            await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, "bin/busybox")
            {
                Mode = (UnixFileMode)0x1ED, DataStream = new MemoryStream(await File.ReadAllBytesAsync(TestImages.Busybox!)),
            });
            await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.SymbolicLink, "bin/sh") { LinkName = "busybox" });
            await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, "www/index.html") { Mode = (UnixFileMode)0x1A4, DataStream = new MemoryStream("pulled"u8.ToArray()) });
        }
        var layers = new List<object>();
        var plain = new List<string>();
        foreach (var content in new[] { tar.ToArray(), await Ballast(ballast) })
        {
            using var packed = new MemoryStream();
            await using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
                await gzip.WriteAsync(content);
            plain.Add(Digest(content));
            layers.Add(await Blob(repository, packed.ToArray(), "application/vnd.docker.image.rootfs.diff.tar.gzip"));
        }
        var configuration = JsonSerializer.SerializeToUtf8Bytes(new
        {
            architecture = System.Runtime.InteropServices.RuntimeInformation.OSArchitecture == System.Runtime.InteropServices.Architecture.Arm64 ? "arm64" : "amd64",
            os = "linux",
            config = new { Cmd = Command },
            rootfs = new { type = "layers", diff_ids = plain },
        });
        var manifest = JsonSerializer.Serialize(new
        {
            schemaVersion = 2,
            mediaType = "application/vnd.docker.distribution.manifest.v2+json",
            config = await Blob(repository, configuration, "application/vnd.docker.container.image.v1+json"),
            layers,
        });
        using var response = await http.PutAsync(
            $"{repository}/manifests/{tag}", new StringContent(manifest, Encoding.UTF8, MediaTypeHeaderValue.Parse("application/vnd.docker.distribution.manifest.v2+json")));
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        return $"{Name}/{repository}:{tag}";
    }

    public async ValueTask DisposeAsync()
    {
        await daemon.RunBeside($"kill $(cat {folder}/pid)");
        http.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private static async Task<byte[]> Ballast(int bytes)
    {
        using var tar = new MemoryStream();
        await using (var writer = new TarWriter(tar, TarEntryFormat.Pax, leaveOpen: true))
            await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, "ballast") { DataStream = new MemoryStream(RandomNumberGenerator.GetBytes(bytes)) });
        return tar.ToArray();
    }

    private async Task<object> Blob(string repository, byte[] content, string mediaType)
    {
        using var begun = await http.PostAsync($"{repository}/blobs/uploads/", null);
        var place = new UriBuilder(new Uri(http.BaseAddress!, begun.Headers.Location!));
        place.Query = $"{place.Query.TrimStart('?')}&digest={Uri.EscapeDataString(Digest(content))}";
        using var body = new ByteArrayContent(content);
        body.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        using var response = await http.PutAsync(place.Uri, body);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        return new { mediaType, size = content.Length, digest = Digest(content) };
    }

    private async Task<bool> Answers()
    {
        try
        {
            return (await http.GetAsync("")).IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static string Digest(byte[] content) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(content))}";
}
