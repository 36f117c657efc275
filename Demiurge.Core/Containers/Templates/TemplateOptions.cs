using System.Globalization;
using System.Text.RegularExpressions;

namespace Demiurge.Core.Containers.Templates;

/// <summary>What a person chose for a template's options, checked.</summary>
/// <param name="Plain">Values by option, defaults included.</param>
/// <param name="Secret">Values of the secret ones.</param>
internal sealed record ChosenOptions(Dictionary<string, string> Plain, Dictionary<string, string> Secret);

/// <summary>Checks what a person chose against what a template asks for.</summary>
internal static class TemplateOptions
{
    public const int LongestValue = 4000;

    private static readonly TimeSpan PatternPatience = TimeSpan.FromMilliseconds(200);

    /// <summary>The choice with defaults, or what is the matter with each option at fault.</summary>
    /// <param name="kept">Secret options that have a value already and need none now.</param>
    public static Result<ChosenOptions> Check(TemplateSpec spec, IReadOnlyDictionary<string, string>? given, IReadOnlyCollection<string>? kept = null)
    {
        given ??= new Dictionary<string, string>();
        var faults = new Dictionary<string, string>();
        var chosen = new ChosenOptions([], []);
        foreach (var name in given.Keys.Where(name => spec.Options.All(option => option.Name != name)))
            faults[name] = "There is no such option.";
        foreach (var option in spec.Options)
        {
            var value = given.GetValueOrDefault(option.Name)?.Trim() ?? "";
            if (value.Length == 0)
                value = option.Default ?? "";
            if (value.Length == 0)
            {
                if (option.Required && kept?.Contains(option.Name) != true)
                    faults[option.Name] = $"{option.Title} is missing.";
            }
            else if (Fault(option, value) is { } fault)
            {
                faults[option.Name] = fault;
            }
            else
            {
                (option.Kind == OptionKind.Secret ? chosen.Secret : chosen.Plain)[option.Name] = value;
            }
        }
        foreach (var name in spec.Services.Select(service => service.PortOption).OfType<string>())
        {
            if (chosen.Plain.TryGetValue(name, out var port) && !(int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and < 65536))
                faults.TryAdd(name, "A port is a whole number between 1 and 65535.");
        }
        foreach (var text in spec.Volumes.Concat(spec.Tmpfs))
        {
            if (TemplateText.Names(text).FirstOrDefault(chosen.Plain.ContainsKey) is { } name && TemplateText.Fill(text, chosen.Plain) is { } path
                && TemplateRules.PathFault(path) is { } fault)
                faults.TryAdd(name, fault);
        }
        return faults.Count > 0 ? Errors.Options(faults) : chosen;
    }

    /// <summary>What is the matter with a value, or null.</summary>
    internal static string? Fault(TemplateOption option, string value)
    {
        if (value.Length > LongestValue)
            return $"{option.Title} is too long: at most {LongestValue} characters.";
        if (value.Contains('\0') || (option.Kind != OptionKind.Secret && value.Any(char.IsControl)))
            return $"{option.Title} contains a character that can't be used.";
        return option.Kind switch
        {
            OptionKind.Number => Number(option, value),
            OptionKind.Choice when option.Choices?.Contains(value) != true => $"{option.Title} is one of {string.Join(", ", option.Choices ?? [])}.",
            OptionKind.Text or OptionKind.Secret when option.Pattern is { } pattern && !Matches(pattern, value) => $"{option.Title} doesn't look right.",
            _ => null,
        };
    }

    private static string? Number(TemplateOption option, string value)
    {
        if (!double.TryParse(value, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) || !double.IsFinite(number))
            return $"{option.Title} is a number.";
        if (number < option.Min || number > option.Max)
        {
            return (option.Min, option.Max) switch
            {
                ({ } min, { } max) => $"{option.Title} lies between {min.ToString(CultureInfo.InvariantCulture)} and {max.ToString(CultureInfo.InvariantCulture)}.",
                ({ } min, null) => $"{option.Title} is at least {min.ToString(CultureInfo.InvariantCulture)}.",
                (_, { } max) => $"{option.Title} is at most {max.ToString(CultureInfo.InvariantCulture)}.",
                _ => null,
            };
        }
        return null;
    }

    /// <summary>Patterns are written by administrators: one that takes for ever refuses.</summary>
    private static bool Matches(string pattern, string value)
    {
        try
        {
            return Regex.IsMatch(value, $"^(?:{pattern})$", RegexOptions.CultureInvariant, PatternPatience);
        }
        catch (RegexMatchTimeoutException)
        {
            return false;
        }
    }
}
