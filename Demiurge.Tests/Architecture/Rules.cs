using System.Collections.Frozen;
using System.Reflection;
using System.Xml.Linq;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Tests.Architecture;

/// <summary>The rules of docs/architecture.md. Each returns its violations in words; none means that the rule is kept.</summary>
internal static class Rules
{
    private static readonly string[] VagueNames = ["Common", "Helper", "Helpers", "Util", "Utils", "Utility", "Utilities", "Manager", "Misc"];

    /// <summary>The field's own names, although they end in a vague word: Yjs calls it so.</summary>
    private static readonly FrozenSet<string> ProperNames = ["UndoManager"];

    /// <summary>Types below a namespace mention no type for which <paramref name="isForbidden"/> says so.</summary>
    public static IEnumerable<string> Mentions(Assembly assembly, string below, Func<UsedType, bool> isForbidden)
        => from type in AssemblyTypes.Read(assembly)
           where IsBelow(type.Namespace, below)
           from used in type.Uses
           where isForbidden(used)
           select $"{type} mentions {used}";

    /// <summary>Types outside a namespace mention none below a vendor's namespace.</summary>
    public static IEnumerable<string> EscapedFrom(Assembly assembly, string home, string vendor)
        => from type in AssemblyTypes.Read(assembly)
           where !IsBelow(type.Namespace, home)
           from used in type.Uses
           where IsBelow(used.Namespace, vendor)
           select $"{type} mentions {used}, whose place is {home}";

    /// <summary>A type of the base class library, or of the namespace itself.</summary>
    public static bool IsBclOr(UsedType used, string own)
        => IsBelow(used.Namespace, own)
            || used.Assembly.StartsWith("System.", StringComparison.Ordinal)
            || used.Namespace is "" or "Microsoft.CodeAnalysis"; // compiler-made

    /// <summary>A project refers to these projects, and to no others of the solution.</summary>
    public static IEnumerable<string> ProjectReferences(string projectFile, params string[] allowed)
        => XDocument.Load(projectFile).Descendants("ProjectReference")
            .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/')))
            .Where(name => !allowed.Contains(name))
            .Select(name => $"{Path.GetFileName(projectFile)} refers to {name}");

    /// <summary>No type or namespace is named for nothing in particular.</summary>
    public static IEnumerable<string> VaguelyNamed(Assembly assembly, string below)
        => from type in AssemblyTypes.Read(assembly)
           where IsBelow(type.Namespace, below)
           from name in type.Namespace.Split('.').Append(type.Name)
           where !ProperNames.Contains(name) && VagueNames.Any(vague => name == vague || name.EndsWith(vague, StringComparison.Ordinal))
           select $"{type}: what does `{name}` do? Name it for that";

    /// <summary>An entity has no property of another feature's entity type: features know one another by id.</summary>
    public static IEnumerable<string> EntitiesThatHoldOthers(Assembly assembly)
    {
        var entities = assembly.GetTypes()
            .SelectMany(type => type.GetInterfaces())
            .Where(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IEntityTypeConfiguration<>))
            .Select(i => i.GetGenericArguments()[0]).ToHashSet();
        return from entity in entities
               from property in entity.GetProperties()
               from held in property.PropertyType.GetGenericArguments().Append(property.PropertyType)
               where entities.Contains(held) && held.Namespace != entity.Namespace
               select $"{entity.FullName}.{property.Name} holds a {held.FullName}; keep its id";
    }

    public static bool IsBelow(string name, string prefix)
        => name == prefix || name.StartsWith(prefix + ".", StringComparison.Ordinal);
}
