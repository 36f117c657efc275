namespace Demiurge.Web.Edge;

/// <summary>
/// What only a proxy may say of a request: who sent it, by which address, on whose behalf. Nobody outside may, so it is taken out before ours is put in. Programs that
/// see headers as variables (CGI, WSGI) take <c>_</c> for <c>-</c>; so is it taken here.
/// </summary>
internal static class ForwardedClaims
{
    private static readonly string[] Names = ["Forwarded", "X-Real-IP", "X-Rewrite-URL"];

    private static readonly string[] Prefixes = ["X-Forwarded-", "X-Original-"];

    public static void RemoveFrom(IHeaderDictionary headers)
    {
        List<string>? claims = null;
        foreach (var (name, _) in headers)
        {
            if (Is(name))
                (claims ??= []).Add(name);
        }

        foreach (var name in claims ?? [])
            headers.Remove(name);
    }

    internal static bool Is(string name)
    {
        // All begin with one of two letters, and few other headers do.
        if (name.Length < 9 || (char)(name[0] | 0x20) is not ('x' or 'f'))
            return false;
        foreach (var claim in Names)
        {
            if (name.Length == claim.Length && Begins(name, claim))
                return true;
        }

        foreach (var prefix in Prefixes)
        {
            if (Begins(name, prefix))
                return true;
        }

        return false;
    }

    private static bool Begins(string name, string with)
    {
        if (name.Length < with.Length)
            return false;
        for (var i = 0; i < with.Length; i++)
        {
            if ((name[i] == '_' ? '-' : char.ToLowerInvariant(name[i])) != char.ToLowerInvariant(with[i]))
                return false;
        }

        return true;
    }
}
