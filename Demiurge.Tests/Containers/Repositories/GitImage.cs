using System.Diagnostics;
using Demiurge.Core.Containers.Docker;

namespace Demiurge.Tests.Containers.Repositories;

/// <summary>An image with this machine's git, ssh and dropbear, put together from its files: nothing is fetched.</summary>
internal static class GitImage
{
    public const string Name = "demiurge-test/git:latest";

    private static readonly string[] Programs = ["git", "ssh", "busybox", "bash", "dropbear", "dropbearkey"];
    private static readonly SemaphoreSlim Making = new(1, 1);

    public static string? Missing => Programs.FirstOrDefault(program => Find(program) is null);

    public static async Task Load(DockerEngine engine)
    {
        await Making.WaitAsync();
        try
        {
            if (await engine.FindImage(Name) is not null)
                return;
            var root = Directory.CreateTempSubdirectory("demiurge-git-image-").FullName;
            try
            {
                await Shell(Script, [root, .. Programs.Select(program => Find(program)!)]);
                var tar = root + ".tar";
                await Shell("""tar -C "$1" -cf "$2" .""", [root, tar]);
                await using (var file = File.OpenRead(tar))
                    await engine.Import(Name, file, ["ENV PATH=/bin", "USER user", "WORKDIR /home/user", "CMD [\"sh\", \"-c\", \"trap 'exit 0' TERM; httpd -f -p 8080 -h /www & wait\"]", "LABEL demiurge-test=git"]);
                File.Delete(tar);
            }
            finally
            {
                Directory.Delete(root, recursive: true);
            }
        }
        finally
        {
            Making.Release();
        }
    }

    private const string Script =
        """
        set -e
        root=$1; shift
        mkdir -p "$root/bin" "$root/etc" "$root/tmp" "$root/root/.ssh" "$root/home/user" "$root/home/person" "$root/var/data" "$root/www" "$root/dev" "$root/proc" "$root/sys" "$root/usr/lib"
        chmod 1777 "$root/tmp"
        libraries() { ldd "$1" 2>/dev/null | grep -o '/[^ ]*' | sort -u; }
        take() { mkdir -p "$root$(dirname "$1")"; cp -L "$1" "$root$1"; }
        for program in "$@"; do
          cp -L "$program" "$root/bin/$(basename "$program")"
          for library in $(libraries "$program"); do take "$library"; done
        done
        core=$(git --exec-path); mkdir -p "$root$core"
        for part in git-remote-http git-remote-https git-upload-pack git-receive-pack; do
          [ -e "$core/$part" ] && { cp -a "$core/$part" "$root$core/"; for library in $(libraries "$core/$part"); do take "$library"; done; }
        done
        ln -sf /bin/git "$root$core/git"
        for part in git-upload-pack git-receive-pack; do ln -sf git "$root/bin/$part"; ln -sf /bin/git "$root$core/$part"; done
        cp -rL /usr/share/git-core "$root/usr/share-git" 2>/dev/null || true
        for library in /lib/x86_64-linux-gnu/libnss_files.so.2 /usr/lib/x86_64-linux-gnu/libnss_files.so.2; do [ -e "$library" ] && take "$library"; done
        for applet in sh cat cp date dd env false grep head httpd id kill ln ls mkdir mktemp mv nc nohup ps pwd rm sed seq setsid sha256sum sleep sort stat tail test touch tr true wc wget basename dirname chmod chown; do
          [ -e "$root/bin/$applet" ] || ln -s busybox "$root/bin/$applet"
        done
        printf 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home/user:/bin/sh\n' > "$root/etc/passwd"
        printf 'root:x:0:\nuser:x:1000:\n' > "$root/etc/group"
        printf '/bin/sh\n' > "$root/etc/shells"
        echo page > "$root/www/index.html"
        chown -R 1000:1000 "$root/home/user" "$root/home/person" "$root/var/data"
        """;

    private static string? Find(string program) =>
        $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin".Split(':').Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    private static async Task Shell(string script, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", script, "sh", .. arguments]) { RedirectStandardError = true })!;
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, error);
    }
}
