namespace Demiurge.Tests.Infrastructure;

/// <summary>The checkout that the tests were built in.</summary>
public static class Checkout
{
    public static string Folder { get; } = Find();

    /// <summary>Debug or Release, as the tests themselves.</summary>
    public static string Configuration { get; } = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd('/')).Parent!.Name;

    /// <summary>The compiled program of a project of the solution.</summary>
    public static string Program(string project) => Path.Combine(Folder, project, "bin", Configuration, "net10.0", $"{project}.dll");

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Demiurge.sln")))
            folder = folder.Parent ?? throw new DirectoryNotFoundException("The tests run inside a checkout.");
        return folder.FullName;
    }
}
