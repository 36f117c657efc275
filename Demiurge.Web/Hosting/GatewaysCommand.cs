using System.Text.Json;

namespace Demiurge.Web.Hosting;

/// <summary><c>gateways list|drain NAME|restart NAME|reload [--json]</c>: the pool, through the public API, as a platform administrator.</summary>
internal static class GatewaysCommand
{
    private const string Usage = "Write: gateways list, gateways drain|restart NAME, or gateways reload.";

    public static async Task<int> Run(SiteEnvironment environment, string[] args)
    {
        using var api = await CommandLineApi.SignIn(environment);
        var json = args.Contains("--json");
        switch (args.Where(arg => !arg.StartsWith('-')).Skip(1).ToArray())
        {
            case [] or ["list"]:
                List(await api.Call(HttpMethod.Get, "gateways"), json);
                break;
            case ["drain" or "restart", var name]:
                await api.Call(HttpMethod.Post, $"gateways/{Uri.EscapeDataString(name)}/{args.First(arg => arg is "drain" or "restart")}");
                Console.WriteLine($"{name}: done");
                break;
            case ["reload"]:
                var names = await api.Call(HttpMethod.Post, "gateways/reload");
                Console.WriteLine(json ? names.GetRawText() : $"Replaced: {string.Join(", ", names.EnumerateArray().Select(name => name.GetString()))}");
                break;
            default:
                throw new SiteEnvironmentException(Usage);
        }

        return 0;
    }

    private static void List(JsonElement gateways, bool json)
    {
        if (json)
        {
            Console.WriteLine(gateways.GetRawText());
            return;
        }

        if (gateways.GetArrayLength() == 0)
            Console.WriteLine("The pool is empty.");
        foreach (var gateway in gateways.EnumerateArray())
        {
            var serves = gateway.GetProperty("organizationName").GetString();
            var load = gateway.GetProperty("load") is { ValueKind: JsonValueKind.Object } given
                ? $"{given.GetProperty("rooms").GetInt32()} rooms, {given.GetProperty("connections").GetInt32()} connections, {given.GetProperty("memoryBytes").GetInt64() >> 20} MiB"
                : "no answer";
            Console.WriteLine($"{gateway.GetProperty("name").GetString(),-12} {gateway.GetProperty("state").GetString(),-10} {load}{(serves is null ? "" : $"  serves {serves}")}");
        }
    }
}
