using System.Text.Json;
using System.Text.Json.Serialization;

namespace Demiurge.Core.Boards.Commands;

/// <summary>Reads batches of commands that came from outside.</summary>
public static class BoardCommands
{
    /// <summary>Camel case, <c>type</c> anywhere in the object, names of enums instead of numbers, nothing missing and no null where none belongs.</summary>
    public static JsonSerializerOptions Json { get; } = new(JsonSerializerDefaults.Web)
    {
        AllowOutOfOrderMetadataProperties = true,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        NumberHandling = JsonNumberHandling.Strict,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
    };

    /// <summary>The commands of a batch, in order, every one well-formed by itself; or what is wrong with the first that isn't.</summary>
    public static Result<BoardCommand[]> Parse(JsonElement batch)
    {
        if (batch.ValueKind != JsonValueKind.Array)
        {
            return BoardErrors.Malformed("A batch is an array of commands.");
        }

        if (batch.GetArrayLength() > BoardLimits.CommandsPerBatch)
        {
            return BoardErrors.TooMuch($"A batch has at most {BoardLimits.CommandsPerBatch} commands.");
        }

        var commands = new List<BoardCommand>();
        foreach (var element in batch.EnumerateArray())
        {
            try
            {
                if (element.Deserialize<BoardCommand>(Json) is not { } command)
                {
                    return BoardErrors.Malformed("A batch holds null.");
                }

                commands.Add(command);
            }
            catch (Exception e) when (e is JsonException or NotSupportedException or InvalidOperationException)
            {
                return BoardErrors.Malformed($"Command {commands.Count} can't be read: {Shorten(e.Message)}");
            }
        }

        return Check(commands) is { } error ? error : commands.ToArray();
    }

    /// <summary>Refuses what no board could carry out.</summary>
    internal static Error? Check(IReadOnlyList<BoardCommand> commands)
    {
        if (commands.Sum(command => (long)command.Weight) > BoardLimits.ItemsPerBatch)
        {
            return BoardErrors.TooMuch($"A batch touches at most {BoardLimits.ItemsPerBatch:N0} items.");
        }

        return commands.Select(command => command.Problem()).FirstOrDefault(problem => problem is not null) is { } first
            ? BoardErrors.Malformed(first)
            : null;
    }

    private static string Shorten(string message) => message.Length <= 200 ? message : message[..200] + "…";
}
