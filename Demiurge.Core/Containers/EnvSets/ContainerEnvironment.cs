using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Persistence;

namespace Demiurge.Core.Containers.EnvSets;

/// <summary>The variables that a container starts with, and what must never be read in what it says.</summary>
public sealed class ContainerEnvironment(EnvSetService envSets, ContainerSecrets secrets, ContainerUrls urls)
{
    /// <summary>Values of the template's options and of its own names (<c>containerId</c>, <c>url</c>).</summary>
    internal Dictionary<string, string> Values(Container container, bool withSecrets)
    {
        var values = new Dictionary<string, string>(container.Options)
        {
            ["containerId"] = container.Id.ToString(),
            ["url"] = urls.Of(container.OrganizationId, container.Id),
        };
        if (withSecrets)
        {
            foreach (var (name, text) in container.ProtectedOptions)
            {
                if (secrets.Unprotect(text) is { } value)
                    values[name] = value;
            }
        }
        return values;
    }

    /// <summary>The template's variables, then the options', then the sets', then Demiurge's own; a later one wins.</summary>
    internal async Task<Dictionary<string, string>> Variables(DemiurgeDbContext db, Container container, TemplateSpec spec, CancellationToken cancellationToken)
    {
        var values = Values(container, withSecrets: true);
        var variables = new Dictionary<string, string>();
        foreach (var (name, text) in spec.Environment)
        {
            if (TemplateText.Fill(text, values) is { } value)
                variables[name] = value;
        }
        foreach (var option in spec.Options.Where(option => option.Env.Length > 0))
        {
            if (values.TryGetValue(option.Name, out var value))
                variables[option.Env] = value;
        }
        foreach (var (name, value) in await envSets.Values(db, container.EnvSetIds, cancellationToken))
            variables[name] = value;
        variables["DEMIURGE_CONTAINER_ID"] = container.Id.ToString();
        variables["DEMIURGE_PROJECT_ID"] = container.ProjectId.ToString();
        variables["DEMIURGE_URL"] = values["url"];
        return variables;
    }

    internal async Task<Redactor> Redactor(DemiurgeDbContext db, Container container, CancellationToken cancellationToken)
    {
        var values = (await envSets.Values(db, container.EnvSetIds, cancellationToken)).Values.ToList();
        values.AddRange(container.ProtectedOptions.Values.Select(secrets.Unprotect).OfType<string>());
        return new Redactor(values);
    }
}
