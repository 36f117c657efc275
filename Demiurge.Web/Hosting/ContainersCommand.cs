using System.Text.Json;

namespace Demiurge.Web.Hosting;

/// <summary>
/// <c>containers list|start|stop|logs [ID] [--json]</c>: containers through the public API. An id may be shortened to what tells it from the others.
/// </summary>
internal sealed class ContainersCommand(CommandLineApi api)
{
    private const string Usage = "Write: containers list, or containers start|stop|logs ID.";

    public static async Task<int> Run(SiteEnvironment environment, string[] args)
    {
        using var api = await CommandLineApi.SignIn(environment);
        var command = new ContainersCommand(api);
        var json = args.Contains("--json");
        switch (args.Where(arg => !arg.StartsWith('-')).Skip(1).ToArray())
        {
            case [] or ["list"]:
                await command.List(json);
                break;
            case ["start" or "stop", var id]:
                var verb = args.First(arg => arg is "start" or "stop");
                var answer = await api.Call(HttpMethod.Post, $"containers/{await command.Find(id)}/{verb}");
                Console.WriteLine(json ? answer.GetRawText() : $"{answer.GetProperty("name").GetString()}: {answer.GetProperty("state").GetString()}");
                break;
            case ["logs", var id]:
                var lines = await api.Call(HttpMethod.Get, $"containers/{await command.Find(id)}/logs");
                if (json)
                    Console.WriteLine(lines.GetRawText());
                else
                    lines.EnumerateArray().ToList().ForEach(line => Console.WriteLine(line.GetProperty("text").GetString()));
                break;
            default:
                throw new SiteEnvironmentException(Usage);
        }
        return 0;
    }

    private async Task List(bool json)
    {
        var containers = await All();
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(containers, JsonSerializerOptions.Web));
            return;
        }
        if (containers.Count == 0)
            Console.WriteLine("There are no containers.");
        foreach (var container in containers)
        {
            var reason = container.GetProperty("reason").GetString();
            Console.WriteLine(
                $"{container.GetProperty("id").GetString()}  {container.GetProperty("state").GetString(),-9} {container.GetProperty("name").GetString()}{(reason is null ? "" : $"  ({reason})")}");
        }
    }

    /// <summary>Of all projects that the person may view.</summary>
    private async Task<List<JsonElement>> All()
    {
        var containers = new List<JsonElement>();
        foreach (var organization in (await api.Call(HttpMethod.Get, "organizations")).EnumerateArray())
        {
            foreach (var project in (await api.Call(HttpMethod.Get, $"organizations/{organization.GetProperty("id").GetString()}/projects")).EnumerateArray())
                containers.AddRange((await api.Call(HttpMethod.Get, $"projects/{project.GetProperty("id").GetString()}/containers")).EnumerateArray());
        }
        return containers;
    }

    private async Task<string> Find(string text)
    {
        if (Guid.TryParse(text, out _))
            return text;
        return (await All()).Select(container => container.GetProperty("id").GetString()!)
            .Where(id => id.StartsWith(text, StringComparison.OrdinalIgnoreCase) || id.EndsWith(text, StringComparison.OrdinalIgnoreCase)).ToList() switch
        {
            [var only] => only,
            [] => throw new SiteEnvironmentException($"There is no container `{text}`. `containers list` shows them."),
            _ => throw new SiteEnvironmentException($"Several containers begin or end with `{text}`: write more of the id."),
        };
    }
}
