using System.Text;
using System.Text.RegularExpressions;

namespace Demiurge.Core.Containers.Repositories.Running;

/// <summary>
/// What runs git inside a container. The deploy key and the known hosts come by its input, are kept in memory (<c>/dev/shm</c>, readable by the user alone) and are gone
/// with the script. The server's keys are noted at the first connection and compared ever after.
/// </summary>
internal static partial class GitScript
{
    /// <summary>Arguments: what to do (test, read, clone), the address, the branch or nothing, the folder, a word that marks the end of the output.</summary>
    public const string Text =
        """
        umask 077
        command -v git >/dev/null || { echo "There is no git in this container's image."; exit 90; }
        t=$(mktemp -d /dev/shm/demiurge-git-XXXXXX) || exit 91
        trap 'rm -rf "$t"' EXIT
        trap 'exit 92' HUP INT TERM
        into=$t/key
        while IFS= read -r line; do
          if [ "$line" = "==hosts==" ]; then into=$t/hosts; continue; fi
          printf '%s\n' "$line" >> "$into"
        done
        touch "$t/hosts"
        check=accept-new
        [ -s "$t/hosts" ] && check=yes
        export GIT_TERMINAL_PROMPT=0 GIT_ASKPASS=true
        export GIT_SSH_COMMAND="ssh -F /dev/null -i $t/key -o IdentitiesOnly=yes -o BatchMode=yes -o UserKnownHostsFile=$t/hosts -o GlobalKnownHostsFile=/dev/null -o StrictHostKeyChecking=$check -o HashKnownHosts=no -o UpdateHostKeys=no -o ConnectTimeout=15 -o LogLevel=ERROR"
        act() {
          case $1 in
            test) git ls-remote --heads -- "$2" ;;
            read)
              d=$(mktemp -d /tmp/demiurge-git-XXXXXX) || return
              git clone -q --depth 1 --no-checkout --filter=blob:none ${3:+--branch "$3"} -- "$2" "$d" >/dev/null 2>&1 || { rm -rf "$d"; return 93; }
              echo "demiurge.yaml:"
              git -C "$d" cat-file -e HEAD:demiurge.yaml 2>/dev/null && git -C "$d" show HEAD:demiurge.yaml 2>/dev/null | head -c 65537 || set -- none
              rm -rf "$d"
              [ "$1" = none ] && return 44 || true ;;
            clone)
              umask 022
              if [ -d "$4/.git" ]; then
                cd "$4" && git remote set-url origin "$2" && git fetch --prune origin || return
                branch=${3:-$(git rev-parse --abbrev-ref HEAD)}
                git checkout -q "$branch" -- 2>/dev/null || git checkout -q -b "$branch" "origin/$branch" || return
                git merge --ff-only "origin/$branch"
              else
                git clone ${3:+--branch "$3"} -- "$2" "$4"
              fi ;;
          esac
        }
        act "$@" 2>&1 </dev/null
        code=$?
        printf '\n%s\n' "$5"
        [ "$1" = clone ] && git -C "$4" rev-parse HEAD 2>/dev/null || echo -
        cat "$t/hosts"
        exit $code
        """;

    public static byte[] Input(string key, string? hosts) => Encoding.UTF8.GetBytes($"{key.TrimEnd('\n')}\n==hosts==\n{hosts}");

    /// <summary>Parts the output at the mark: what git said, the commit, the server's keys.</summary>
    public static (string Said, string? Commit, string? Hosts) Read(string output, string mark)
    {
        var at = output.LastIndexOf($"\n{mark}\n", StringComparison.Ordinal);
        if (at < 0)
            return (output.Trim(), null, null);
        var rest = output[(at + mark.Length + 2)..].Split('\n', 2);
        var hosts = rest.Length > 1 ? rest[1].Trim() : "";
        return (output[..at].Trim(), rest[0] is { Length: 40 or 64 } commit ? commit : null, hosts.Length > 0 ? hosts + "\n" : null);
    }

    /// <summary>Whether it is an https or ssh address without a password, and nothing that git takes for an option or a helper.</summary>
    public static bool IsUrl(string url) => url.Length <= 1000 && (HttpsUrl().IsMatch(url) || SshUrl().IsMatch(url) || ScpUrl().IsMatch(url));

    public static bool IsBranch(string branch) =>
        branch.Length <= 255 && BranchName().IsMatch(branch) && !branch.Contains("..", StringComparison.Ordinal) && !branch.EndsWith('/') && !branch.EndsWith(".lock", StringComparison.Ordinal);

    /// <summary>What a clone's folder is called.</summary>
    public static string FolderOf(string url)
    {
        var name = url.TrimEnd('/').Split('/', ':')[^1];
        name = name.EndsWith(".git", StringComparison.Ordinal) ? name[..^4] : name;
        name = Unusual().Replace(name, "-").TrimStart('.', '-');
        return name.Length is 0 or > 100 ? "repository" : name;
    }

    [GeneratedRegex("^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?/[A-Za-z0-9._~/+%@-]+\\z")]
    private static partial Regex HttpsUrl();

    [GeneratedRegex("^ssh://([A-Za-z0-9._][A-Za-z0-9._-]*@)?[A-Za-z0-9.][A-Za-z0-9.-]*(:[0-9]{1,5})?/[A-Za-z0-9._~/+-]+\\z")]
    private static partial Regex SshUrl();

    [GeneratedRegex("^[A-Za-z0-9._][A-Za-z0-9._-]*@[A-Za-z0-9.][A-Za-z0-9.-]*:[A-Za-z0-9._~/+-]+\\z")]
    private static partial Regex ScpUrl();

    [GeneratedRegex("^[A-Za-z0-9_][A-Za-z0-9._/+-]*\\z")]
    private static partial Regex BranchName();

    [GeneratedRegex("[^A-Za-z0-9._-]")]
    private static partial Regex Unusual();
}
