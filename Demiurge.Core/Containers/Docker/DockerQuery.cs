using System.Globalization;
using System.Text;
using System.Text.Json;
using Demiurge.Core.Containers.Docker.Wire;

namespace Demiurge.Core.Containers.Docker;

/// <summary>A path with its query. Values that are null or false are left out.</summary>
internal sealed class DockerQuery(string path)
{
    private readonly StringBuilder text = new(path);
    private char separator = '?';

    public static implicit operator string(DockerQuery query) => query.text.ToString();

    public DockerQuery Add(string name, string? value)
    {
        if (value is not null)
        {
            text.Append(separator).Append(name).Append('=').Append(Uri.EscapeDataString(value));
            separator = '&';
        }
        return this;
    }

    public DockerQuery Add(string name, bool value) => Add(name, value ? "1" : null);

    public DockerQuery Add(string name, long? value) => Add(name, value?.ToString(CultureInfo.InvariantCulture));

    public DockerQuery Add(DockerFilters? filters) => Add("filters", filters?.ToJson());
}

/// <summary>Conditions of a list or of events: values of one name are alternatives (labels: all must hold), names are all to hold.</summary>
internal sealed class DockerFilters
{
    private readonly Dictionary<string, string[]> conditions = [];

    /// <summary>Objects that carry the label, with that value where one is given.</summary>
    public static DockerFilters Label(string name, string? value = null) => new DockerFilters().AndLabel(name, value);

    public DockerFilters AndLabel(string name, string? value = null) => And("label", value is null ? name : $"{name}={value}");

    public DockerFilters And(string name, params IEnumerable<string> values)
    {
        conditions[name] = [.. conditions.GetValueOrDefault(name, []), .. values];
        return this;
    }

    internal string ToJson() => JsonSerializer.Serialize(conditions, DockerJson.Default.DictionaryStringStringArray);
}
