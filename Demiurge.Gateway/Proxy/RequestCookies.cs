using Microsoft.Extensions.Primitives;

namespace Demiurge.Gateway.Proxy;

/// <summary>Finds a cookie in a request's header, and takes cookies out of it, without reading the others.</summary>
internal static class RequestCookies
{
    /// <summary>The first cookie of that name; empty when there is none.</summary>
    public static ReadOnlySpan<char> Find(StringValues header, string name)
    {
        foreach (var line in header)
        {
            var rest = line.AsSpan();
            while (!rest.IsEmpty)
            {
                var cookie = Next(ref rest);
                if (IsNamed(cookie, name))
                    return cookie[(cookie.IndexOf('=') is >= 0 and var equals ? equals + 1 : cookie.Length)..];
            }
        }

        return default;
    }

    /// <summary>The header without every cookie of that name, whatever its value; empty when nothing is left.</summary>
    public static StringValues Without(StringValues header, string name)
    {
        var found = false;
        foreach (var line in header)
            found |= line?.Contains(name, StringComparison.Ordinal) == true;
        if (!found)
            return header;
        var kept = new List<string>();
        foreach (var line in header)
        {
            var rest = line.AsSpan();
            while (!rest.IsEmpty)
            {
                var cookie = Next(ref rest);
                if (!cookie.IsEmpty && !IsNamed(cookie, name))
                    kept.Add(cookie.ToString());
            }
        }

        return kept.Count == 0 ? StringValues.Empty : string.Join("; ", kept);
    }

    private static ReadOnlySpan<char> Next(scoped ref ReadOnlySpan<char> rest)
    {
        var end = rest.IndexOf(';');
        var cookie = (end < 0 ? rest : rest[..end]).Trim();
        rest = end < 0 ? default : rest[(end + 1)..];
        return cookie;
    }

    private static bool IsNamed(ReadOnlySpan<char> cookie, string name)
    {
        var equals = cookie.IndexOf('=');
        return equals >= 0 ? cookie[..equals].TrimEnd().SequenceEqual(name) : cookie.SequenceEqual(name);
    }
}
