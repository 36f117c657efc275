using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Demiurge.Tests.Crdt;

/// <summary>Yjs in a Node process, which lives as long as the tests that share it. Ends with its standard input, and so with this process.</summary>
public sealed class YjsOracle : IDisposable
{
    private readonly Process process;

    public YjsOracle()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "Demiurge.sln")))
        {
            root = root.Parent ?? throw new InvalidOperationException("The tests run outside the repository.");
        }
        if (!Directory.Exists(Path.Combine(root.FullName, "node_modules", "yjs")))
        {
            throw new InvalidOperationException($"Yjs is missing: run `npm ci` in {root.FullName}.");
        }
        process = Process.Start(new ProcessStartInfo("node", [Path.Combine(root.FullName, "Demiurge.Tests", "Crdt", "oracle", "oracle.mjs")])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            StandardInputEncoding = new UTF8Encoding(false),
            StandardOutputEncoding = Encoding.UTF8,
        })!;
    }

    public JsonNode Ask(string command, JsonObject? request = null)
    {
        request ??= [];
        request["command"] = command;
        process.StandardInput.WriteLine(request.ToJsonString());
        process.StandardInput.Flush();
        var line = process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The Node process has ended.");
        var answer = JsonNode.Parse(line, documentOptions: new JsonDocumentOptions { MaxDepth = 1024 })!;
        return answer["error"] is { } error ? throw new InvalidOperationException($"Yjs failed on {command}: {error}") : answer;
    }

    public void Dispose()
    {
        process.StandardInput.Close();
        if (!process.WaitForExit(5000))
        {
            process.Kill();
        }
        process.Dispose();
    }
}
