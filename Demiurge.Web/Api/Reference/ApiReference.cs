using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Demiurge.Web.Api.Reference;

/// <summary>The OpenAPI document as a person reads it: by subject, references followed, an example for every body. Immutable.</summary>
internal sealed class ApiReference
{
    private readonly JsonNode schemas;

    private ApiReference(JsonNode document)
    {
        schemas = document["components"]!["schemas"]!;
        Description = (string?)document["info"]!["description"] ?? "";
        Subjects = [..
            from path in document["paths"]!.AsObject()
            from operation in path.Value!.AsObject()
            let read = ReadOperation(path.Key, operation.Key, operation.Value!)
            group read by (string)operation.Value!["tags"]![0]! into subject
            select new ApiSubject(subject.Key, [.. subject])];
        Problem = ReadBody(schemas["ApiProblem"]!);
    }

    public string Description { get; }

    public IReadOnlyList<ApiSubject> Subjects { get; }

    /// <summary>The body of every refusal.</summary>
    public ApiBody Problem { get; }

    public static async Task<ApiReference> Read(IOpenApiDocumentProvider provider, CancellationToken cancellationToken)
    {
        var document = await provider.GetOpenApiDocumentAsync(cancellationToken);
        return new ApiReference(JsonNode.Parse(await document.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1, cancellationToken))!);
    }

    private ApiOperation ReadOperation(string path, string method, JsonNode operation)
    {
        var responses = operation["responses"]!.AsObject();
        var (success, answer) = responses.First(response => response.Key[0] == '2');
        return new ApiOperation(
            (string)operation["operationId"]!,
            method.ToUpperInvariant(),
            path,
            (string)operation["summary"]!,
            (string?)operation["description"],
            operation["security"] is not null,
            [.. (operation["parameters"]?.AsArray() ?? []).Select(parameter => new ApiField(
                (string)parameter!["name"]!, $"{TypeOf(parameter["schema"]!)} in the {(string?)parameter["in"]}", (bool?)parameter["required"] == true, Default(parameter["schema"]!)))],
            operation["requestBody"]?["content"]?["application/json"]?["schema"] is { } request ? ReadBody(request) : null,
            int.Parse(success),
            answer!["content"]?["application/json"]?["schema"] is { } body ? ReadBody(body) : null,
            [.. responses.Where(response => response.Key[0] is '4' or '5').Select(response => new ApiRefusal(int.Parse(response.Key), (string)response.Value!["description"]!))]);
    }

    private ApiBody ReadBody(JsonNode schema)
    {
        var resolved = Resolve(schema);
        var isList = resolved["items"] is not null;
        var item = isList ? Resolve(resolved["items"]!) : resolved;
        return new ApiBody(
            isList ? $"A list. {(string?)item["description"]}" : (string?)item["description"],
            [.. Fields(item, "")],
            Example(schema, "").ToJsonString(Indented));
    }

    private IEnumerable<ApiField> Fields(JsonNode schema, string prefix)
    {
        var required = schema["required"]?.AsArray().Select(name => (string)name!).ToHashSet() ?? [];
        foreach (var (name, property) in schema["properties"]?.AsObject() ?? [])
        {
            var resolved = Resolve(property!);
            yield return new ApiField(prefix + name, TypeOf(property!), required.Contains(name), (string?)property!["description"] ?? Default(property));
            foreach (var nested in Fields(resolved, $"{prefix}{name}."))
                yield return nested;
        }
    }

    private string TypeOf(JsonNode schema)
    {
        var resolved = Resolve(schema);
        var name = resolved switch
        {
            _ when resolved["enum"] is JsonArray values => string.Join(" | ", values.Select(value => (string?)value)),
            _ when resolved["items"] is { } items => $"list of {TypeOf(items)}",
            _ when resolved["additionalProperties"] is JsonObject => "object of texts",
            _ => (TypeNames(resolved).FirstOrDefault(type => type != "null"), (string?)resolved["format"]) switch
            {
                ("string", "uuid") => "UUID",
                ("string", "date-time") => "time",
                ("string", _) => "text",
                (var other, _) => other ?? "object",
            },
        };
        var isNullable = TypeNames(resolved).Contains("null") || (schema["oneOf"] as JsonArray)?.Any(option => (string?)option?["type"] == "null") == true;
        return isNullable ? $"{name} or null" : name;
    }

    private JsonNode Example(JsonNode schema, string name)
    {
        var resolved = Resolve(schema);
        if (resolved["enum"]?[0] is { } first)
            return first.DeepClone();
        if (resolved["items"] is { } items)
            return new JsonArray(Example(items, name));
        if (resolved["properties"] is JsonObject properties)
            return new JsonObject(properties.Select(property => KeyValuePair.Create(property.Key, (JsonNode?)Example(property.Value!, property.Key))));
        return (TypeNames(resolved).FirstOrDefault(type => type != "null"), (string?)resolved["format"]) switch
        {
            ("string", "uuid") => "019b76da-4c00-7bb3-8a51-2f6d0c9e7a41",
            ("string", "date-time") => "2026-03-01T12:00:00+00:00",
            ("string", _) => Texts.GetValueOrDefault(name, "…"),
            ("integer", _) => name == "status" ? StatusCodes.Status409Conflict : 1,
            ("boolean", _) => false,
            _ => new JsonObject(),
        };
    }

    private JsonNode Resolve(JsonNode schema)
    {
        if ((string?)schema["$ref"] is { } reference)
            return schemas[reference[(reference.LastIndexOf('/') + 1)..]]!;
        return (schema["oneOf"] as JsonArray)?.FirstOrDefault(option => option?["$ref"] is not null) is { } option ? Resolve(option) : schema;
    }

    private static IEnumerable<string> TypeNames(JsonNode schema) => schema["type"] switch
    {
        JsonArray several => several.Select(type => (string)type!),
        JsonValue one => [(string)one!],
        _ => [],
    };

    private static string? Default(JsonNode schema) => schema["default"] is { } value ? $"{value} unless given." : null;

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>What a field of that name may hold, for the examples.</summary>
    private static readonly Dictionary<string, string> Texts = new()
    {
        ["email"] = "ann@example.org",
        ["displayName"] = "Ann Lee",
        ["invitedBy"] = "Ann Lee",
        ["actorName"] = "Ann Lee",
        ["subjectName"] = "Bob Ray",
        ["color"] = "#2563eb",
        ["name"] = "Roadmap",
        ["organizationName"] = "Acme",
        ["description"] = "What we build next",
        ["password"] = "correct horse battery",
        ["currentPassword"] = "correct horse battery",
        ["newPassword"] = "staple paper clip",
        ["action"] = "member.role_changed",
        ["collabUrl"] = "wss://org-019b….demiurge.example/collab/019b…",
        ["type"] = "urn:demiurge:organization.last_owner",
        ["title"] = "Conflict",
        ["detail"] = "This is the organization's last owner. Make somebody else an owner first.",
        ["code"] = "organization.last_owner",
        ["field"] = "role",
    };
}

/// <summary>What belongs together: sessions, members, projects.</summary>
internal sealed record ApiSubject(string Name, IReadOnlyList<ApiOperation> Operations);

/// <param name="Success">The HTTP status when all went well.</param>
internal sealed record ApiOperation(
    string Id, string Method, string Path, string Summary, string? Description, bool NeedsToken, IReadOnlyList<ApiField> Parameters,
    ApiBody? Request, int Success, ApiBody? Answer, IReadOnlyList<ApiRefusal> Refusals)
{
    /// <summary>The operation as a command for a terminal.</summary>
    public string Curl(string publicUrl)
    {
        var lines = new List<string> { $"curl -X {Method} '{publicUrl}{Path}'" };
        if (NeedsToken)
            lines.Add("-H \"Authorization: Bearer $TOKEN\"");
        if (Request is not null)
        {
            lines.Add("-H 'Content-Type: application/json'");
            lines.Add($"-d '{Request.Example}'");
        }
        return string.Join(" \\\n  ", lines);
    }
}

/// <param name="Example">JSON.</param>
internal sealed record ApiBody(string? Description, IReadOnlyList<ApiField> Fields, string Example);

public sealed record ApiField(string Name, string Type, bool IsRequired, string? Description);

internal sealed record ApiRefusal(int Status, string Title);
