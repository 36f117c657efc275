using Demiurge.Core.Crdt;

namespace Demiurge.Core.Boards;

/// <summary>How values are put into the room. Call inside a transaction.</summary>
internal static class BoardWriter
{
    /// <summary>The map of that id: made when missing; made of a plain object when another client wrote one, for only a map merges field by field.</summary>
    public static YMap Own(YMap parent, string id)
    {
        var found = parent[id];
        if (found is YMap map)
        {
            return map;
        }

        parent.Set(id, map = new YMap());
        if (found is IReadOnlyDictionary<string, object?> plain)
        {
            foreach (var (key, value) in plain)
            {
                map.Set(key, key == "text" && value is string text ? new YText(text) : value);
            }
        }

        return map;
    }

    /// <summary>The node's text: made when missing or when another client wrote a plain string.</summary>
    public static YText TextOf(YMap node)
    {
        var found = node["text"];
        if (found is not YText text)
        {
            node.Set("text", text = new YText(found as string ?? ""));
        }

        return text;
    }

    /// <summary>Makes the text read <paramref name="wanted"/>, touching only what lies between the common start and the common end.</summary>
    public static void Replace(YText text, string wanted)
    {
        var now = BoardReader.ReadText(text);
        var start = now.AsSpan().CommonPrefixLength(wanted);
        if (start > 0 && start < now.Length && char.IsLowSurrogate(now[start]) | (start < wanted.Length && char.IsLowSurrogate(wanted[start])))
        {
            start--;
        }

        var end = 0;
        while (end < Math.Min(now.Length, wanted.Length) - start && now[^(end + 1)] == wanted[^(end + 1)])
        {
            end++;
        }

        if (end > 0 && char.IsLowSurrogate(now[^end]))
        {
            end--;
        }

        if (now.Length - end > start)
        {
            text.Delete(start, now.Length - end - start);
        }

        if (wanted.Length - end > start)
        {
            text.Insert(start, wanted[start..^end]);
        }
    }

    /// <summary>Replaces the style, a plain object, by itself with the patch laid over; null in the patch takes a key away.</summary>
    public static void Restyle(YMap map, Dictionary<string, object?>? patch)
    {
        if (patch is null)
        {
            return;
        }

        var style = BoardReader.RawStyle(map);
        foreach (var (key, value) in patch)
        {
            if (value is null)
            {
                style.Remove(key);
            }
            else
            {
                style[key] = value;
            }
        }

        map.Set("style", style);
    }

    public static void SetOrRemove(YMap map, string key, object? value)
    {
        if (value is not null)
        {
            map.Set(key, value);
        }
        else
        {
            map.Remove(key);
        }
    }
}
