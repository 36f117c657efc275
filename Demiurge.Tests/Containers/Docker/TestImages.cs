using System.Formats.Tar;
using System.Text;
using Demiurge.Core.Containers.Docker;

namespace Demiurge.Tests.Containers.Docker;

/// <summary>The images that tests run, made here: nothing is fetched.</summary>
internal static class TestImages
{
    private const string Serve =
        """
        #!/bin/sh
        # Ends at once when it is asked to, which process 1 would not do by itself.
        trap 'exit 0' TERM INT
        httpd -f -p "${PORT:-8080}" -h /www &
        wait
        """;

    private const string ShowRequest =
        """
        #!/bin/sh
        printf 'Content-Type: text/plain\r\n\r\n'
        env
        cat
        """;

    /// <summary>A statically linked busybox of this machine.</summary>
    public static string? Busybox { get; } = new[] { "/bin/busybox", "/usr/bin/busybox" }.FirstOrDefault(File.Exists);

    public static async Task LoadTiny(DockerEngine engine)
    {
        using var tar = new MemoryStream();
        await using (var writer = new TarWriter(tar, TarEntryFormat.Pax, leaveOpen: true))
        {
            foreach (var folder in new[] { "bin", "etc", "dev", "proc", "sys", "run", "var", "www", "www/cgi-bin" })
                await writer.WriteEntryAsync(Entry(TarEntryType.Directory, folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | Everybody));
            await writer.WriteEntryAsync(Entry(TarEntryType.Directory, "tmp", (UnixFileMode)0x3FF));
            await writer.WriteEntryAsync(Owned(Entry(TarEntryType.Directory, "home/user", UnixFileMode.UserWrite | Everybody)));
            await Add(writer, "bin/busybox", await File.ReadAllBytesAsync(Busybox!), executable: true);
            foreach (var applet in "sh cat cp date dd df du echo env false find free grep gunzip gzip head hostname httpd id ip kill ln ls md5sum mkdir mount mv nc nproc nslookup ping ps pwd rm sed seq sha256sum sleep stat stty sync tail tar test timeout touch tr true tty uname wc wget which whoami yes".Split(' '))
                await writer.WriteEntryAsync(Link($"bin/{applet}"));
            await Add(writer, "bin/serve", Encoding.UTF8.GetBytes(Serve), executable: true);
            await Add(writer, "etc/passwd", "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home/user:/bin/sh\n"u8.ToArray());
            await Add(writer, "etc/group", "root:x:0:\nuser:x:1000:\n"u8.ToArray());
            await Add(writer, "www/index.html", "<!doctype html><title>tiny</title><p>It works.</p>\n"u8.ToArray());
            await Add(writer, "www/cgi-bin/env", Encoding.UTF8.GetBytes(ShowRequest), executable: true);
        }

        tar.Position = 0;
        await engine.Import(DockerFixture.Tiny, tar,
            ["ENV PATH=/bin", "USER user", "WORKDIR /home/user", "EXPOSE 8080/tcp", "CMD [\"serve\"]", "LABEL demiurge-test=tiny"]);
    }

    private const UnixFileMode Everybody = UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private static PaxTarEntry Entry(TarEntryType type, string name, UnixFileMode mode) => new(type, name) { Mode = mode };

    private static PaxTarEntry Owned(PaxTarEntry entry)
    {
        entry.Uid = entry.Gid = 1000;
        return entry;
    }

    private static PaxTarEntry Link(string name) => new(TarEntryType.SymbolicLink, name) { LinkName = "busybox" };

    private static async Task Add(TarWriter writer, string name, byte[] content, bool executable = false)
    {
        var mode = executable ? Everybody : UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        var entry = Entry(TarEntryType.RegularFile, name, mode | UnixFileMode.UserWrite);
        entry.DataStream = new MemoryStream(content);
        await writer.WriteEntryAsync(entry);
    }
}
