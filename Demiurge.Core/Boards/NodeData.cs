using System.Collections;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Demiurge.Core.Boards;

/// <summary>
/// What a module keeps in a node, its <c>data</c>: a few short texts by name. Values of another kind that a client wrote there stay in the
/// room and aren't read. Equal when the entries are. Immutable, any thread.
/// </summary>
[JsonConverter(typeof(Converter))]
public sealed class NodeData : IReadOnlyCollection<KeyValuePair<string, string>>, IEquatable<NodeData>
{
    /// <summary>Most entries that are read.</summary>
    public const int Entries = 16;

    /// <summary>Longest name, in characters.</summary>
    public const int Name = 40;

    /// <summary>Longest value, in characters.</summary>
    public const int Value = 400;

    /// <summary>In a node of kind <see cref="NodeKind.Container"/>: the container's id.</summary>
    public const string ContainerId = "containerId";

    private readonly SortedDictionary<string, string> _entries;

    private NodeData(SortedDictionary<string, string> entries)
    {
        _entries = entries;
    }

    public static NodeData Empty { get; } = new([]);

    public int Count => _entries.Count;

    public string? this[string name] => _entries.GetValueOrDefault(name);

    /// <summary>The data of a node that shows that container.</summary>
    public static NodeData OfContainer(Guid containerId) => Of([new(ContainerId, containerId.ToString())]);

    /// <summary>The entries as they are, without checking; <see cref="Problem"/> does.</summary>
    public static NodeData Of(IEnumerable<KeyValuePair<string, string>> entries)
    {
        var sorted = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in entries)
        {
            sorted[name] = value;
        }

        return sorted.Count == 0 ? Empty : new NodeData(sorted);
    }

    /// <summary>What is wrong with it; null when nothing is.</summary>
    public string? Problem() =>
        Count <= Entries && _entries.All(entry => Fits(entry.Key, entry.Value))
            ? null
            : $"A node's data has at most {Entries} entries, names of 1 to {Name} and values of at most {Value} characters.";

    public bool Equals(NodeData? other) => other is not null && Count == other.Count && _entries.SequenceEqual(other._entries);

    public override bool Equals(object? obj) => Equals(obj as NodeData);

    public override int GetHashCode() => _entries.Aggregate(0, (hash, entry) => HashCode.Combine(hash, entry.Key, entry.Value));

    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => _entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Whether an entry is one that is read.</summary>
    internal static bool Fits(string name, string value) => name.Length is > 0 and <= Name && value.Length <= Value && !value.Any(char.IsSurrogate);

    private sealed class Converter : JsonConverter<NodeData>
    {
        public override NodeData Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            Of(JsonSerializer.Deserialize<Dictionary<string, string>>(ref reader, options) is { } entries && !entries.ContainsValue(null!)
                ? entries
                : throw new JsonException("A node's data is an object of texts."));

        public override void Write(Utf8JsonWriter writer, NodeData value, JsonSerializerOptions options)
        {
            writer.WriteStartObject();
            foreach (var (name, text) in value)
            {
                writer.WriteString(name, text);
            }

            writer.WriteEndObject();
        }
    }
}
