using System.Globalization;
using Demiurge.Core.Containers.Repositories.Yaml;

namespace Demiurge.Core.Containers.Repositories.Running;

/// <summary>
/// Keeps processes of a <c>demiurge.yaml</c> running inside a container: a shell script for each, whose state and log are files under <c>/dev/shm/demiurge</c> and
/// so go with the container's run. What they ask of an image is a shell with the usual small programs; HTTP checks take curl, wget, python3 or bash.
/// </summary>
internal static class SupervisorScript
{
    public const string Folder = "/dev/shm/demiurge";

    /// <summary>Arguments: folder and command. Runs a step in a process group of its own, so that all of it can be ended.</summary>
    public const string Step =
        """
        mkdir -p /dev/shm/demiurge; p=/dev/shm/demiurge/step
        [ -f $p ] && kill -KILL -- "-$(cat $p)" 2>/dev/null
        cd "$1" || { echo "There is no folder $1."; exit 91; }
        command -v setsid >/dev/null && s=setsid || s=
        $s /bin/sh -c 'echo $$ > /dev/shm/demiurge/step; exec /bin/sh -c "$1"' sh "$2" </dev/null 2>&1
        c=$?; rm -f $p; exit $c
        """;

    public const string EndStep = """[ -f /dev/shm/demiurge/step ] && { kill -KILL -- "-$(cat /dev/shm/demiurge/step)" || kill -KILL "$(cat /dev/shm/demiurge/step)"; } 2>/dev/null; true""";

    /// <summary>Ends the supervisors that run, and what they keep running; those that don't end by themselves within ten seconds by force.</summary>
    public const string EndAll =
        """
        lives() { while read -r key value rest; do [ "$key" = State: ] && { [ "$value" != Z ]; return; }; done 2>/dev/null < "/proc/$1/status"; false; }
        for d in /dev/shm/demiurge/*/; do
          [ -f "$d/supervisor" ] || continue
          s=$(cat "$d/supervisor")
          kill -TERM "$s" 2>/dev/null
          n=0; while lives "$s" && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done
          if lives "$s"; then
            kill -KILL "$s"
            c=$(cat "$d/child"); kill -KILL -- "-$c" 2>/dev/null || kill -KILL "$c"
          fi 2>/dev/null
          rm -rf "$d"
        done
        """;

    /// <summary>Starts a supervisor and leaves it behind. Arguments: name, folder, command, policy, kind of check, check's command, port, path, interval, retries, start time.</summary>
    public const string Begin =
        """
        d=/dev/shm/demiurge/$1; mkdir -p "$d"; : > "$d/log"; echo "starting 0 -" > "$d/state"
        command -v setsid >/dev/null && s=setsid || s=nohup
        $s /bin/sh -c "$SUPERVISE" sh "$@" >/dev/null 2>&1 </dev/null &
        """;

    public const string Supervise =
        """
        unset SUPERVISE
        name=$1 dir=$2 run=$3 policy=$4 kind=$5 check=$6 port=$7 path=$8 interval=$9; shift 9; retries=$1 start=$2
        d=/dev/shm/demiurge/$name; echo $$ > "$d/supervisor"
        restarts=0 delay=1 child=0
        command -v setsid >/dev/null && s=setsid || s=
        say() { echo "$1 $restarts ${2:--}" > "$d/state.new" && mv "$d/state.new" "$d/state"; }
        stop() { kill -TERM -- "-$child" 2>/dev/null || kill -TERM "$child" 2>/dev/null; n=0
          while kill -0 "$child" 2>/dev/null && [ $n -lt 30 ]; do sleep 0.1; n=$((n+1)); done
          kill -KILL -- "-$child" 2>/dev/null || kill -KILL "$child" 2>/dev/null; }
        command -v timeout >/dev/null && limit='timeout 5' long='timeout 30' || limit= long=
        # What the server answers, whatever the image has to ask with; nothing when there is no answer.
        ask() {
          if command -v curl >/dev/null; then curl -s -o /dev/null -m 5 -w '%{http_code}' "$1"
          elif command -v wget >/dev/null; then $limit wget -q -S -O /dev/null "$1" 2>&1 | sed -n 's|^ *HTTP/[0-9.]* \([0-9]*\).*|\1|p' | head -n 1
          elif command -v python3 >/dev/null; then
            python3 -c 'import sys, urllib.request as u, urllib.error as e
        try: print(u.urlopen(sys.argv[1], timeout=5).status)
        except e.HTTPError as answer: print(answer.code)' "$1" 2>/dev/null
          elif command -v bash >/dev/null; then
            $limit bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1" && printf "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n" "$2" >&3 && read -r _ code _ <&3 && echo "$code"' bash "$port" "$path" 2>/dev/null
          else echo 200
          fi
        }
        probe() {
          if [ "$kind" = run ]; then $long /bin/sh -c "$check" >/dev/null 2>&1 </dev/null; return; fi
          code=$(ask "http://127.0.0.1:$port$path"); [ "${code:-0}" -ge 100 ] && [ "$code" -lt 500 ]
        }
        trap 'trap "" TERM INT HUP; stop; exit 0' TERM INT HUP
        cd "$dir" || { say exited 91; echo "There is no folder $dir." >> "$d/log"; exit; }
        while :; do
          $s /bin/sh -c "$run" >> "$d/log" 2>&1 </dev/null &
          child=$! began=$(date +%s) next=0 fails=0 well=; echo $child > "$d/child"
          [ "$kind" = none ] && say running || say starting
          while kill -0 "$child" 2>/dev/null; do
            sleep 0.5 & wait $!
            now=$(date +%s)
            [ "$(wc -c < "$d/log")" -gt 1048576 ] && { tail -c 262144 "$d/log" > "$d/log.new"; cat "$d/log.new" > "$d/log"; rm -f "$d/log.new"; }
            [ "$kind" = none ] || [ "$now" -lt "$next" ] && continue
            next=$((now + interval)); [ -z "$well" ] && next=$((now + 1))
            # Waited for, not run: a signal to end then ends it at once.
            probe & if wait $!; then fails=0 well=1; say healthy
            elif [ $((now - began)) -ge "$start" ]; then
              fails=$((fails + 1)); next=$((now + interval))
              [ $fails -gt "$retries" ] && { say unhealthy; echo "The health check failed $fails times in a row." >> "$d/log"; stop; break; }
            fi
          done
          wait "$child"; code=$?
          [ $(($(date +%s) - began)) -gt 60 ] && delay=1
          case $policy in never) say exited $code; exit;; on-failure) [ $code -eq 0 ] && { say exited 0; exit; };; esac
          say waiting $code
          sleep $delay & wait $!
          restarts=$((restarts + 1)); delay=$((delay * 2)); [ $delay -gt 30 ] && delay=30
        done
        """;

    /// <summary>Prints name, state and the log's end of each process.</summary>
    public const string Report =
        """
        for d in /dev/shm/demiurge/*/; do
          [ -f "$d/state" ] || continue
          echo "$1 $(basename "$d") $(cat "$d/state")"; tail -c 8192 "$d/log" 2>/dev/null; echo
        done
        """;

    public static string[] Arguments(WorkspaceProcess process, string directory) =>
    [
        process.Name, directory, process.Run,
        process.Restart switch
        {
            RestartPolicy.Always => "always",
            RestartPolicy.OnFailure => "on-failure",
            _ => "never",
        },
        process.Health switch
        {
            null => "none",
            { Run: not null } => "run",
            _ => "http",
        },
        process.Health?.Run ?? "", Number(process.Health?.Port ?? 0), process.Health?.Path ?? "/", Number(process.Health?.Interval.TotalSeconds ?? 10),
        Number(process.Health?.Retries ?? 3), Number(process.Health?.Start.TotalSeconds ?? 10),
    ];

    public static List<ProcessInfo> Read(string report, string mark)
    {
        var processes = new List<ProcessInfo>();
        foreach (var part in report.Split(mark + " ", StringSplitOptions.RemoveEmptyEntries))
        {
            var lines = part.Split('\n', 2);
            if (lines[0].Trim().Split(' ') is [var name, var state, var restarts, var code])
            {
                processes.Add(new ProcessInfo(
                    name, state, int.TryParse(restarts, CultureInfo.InvariantCulture, out var count) ? count : 0,
                    int.TryParse(code, CultureInfo.InvariantCulture, out var exit) ? exit : null, lines.Length > 1 ? lines[1].Trim() : ""));
            }
        }
        return processes;
    }

    private static string Number(double value) => ((long)value).ToString(CultureInfo.InvariantCulture);
}
