#!/usr/bin/env bash
# A Docker engine for tests: dockerd.sh FOLDER. It lives in process, mount and network namespaces of its own, so that several run side by side
# without touching one another's firewall, and so that the kernel takes all of it away with this script, also when that is killed.
#
# Commands come on standard input, one a line, and are answered by a line each:
#   start [OPTION…]   starts dockerd (again) with these options; its socket is FOLDER/docker.sock, its log FOLDER/dockerd.log
#   stop              ends it in order
#   kill              kills it at once; its containers go on, as after a crash
#   run COMMAND…      runs a command beside dockerd, in its namespaces; output in FOLDER/run.log
# The first line written is the slot, N, and the id of a process in the namespaces: containers have addresses in 10.N.0.0/16, the engine's own machine is 10.N.1.2, this one 10.N.1.1.
# At the end of input everything ends and FOLDER is removed.
set -uo pipefail

if [ "${1:-}" = --inside ]; then
  folder=$2 slot=$3
  dockerd=
  await() { wait "$dockerd" 2>/dev/null; dockerd=; }
  # The engine's id is kept there (Docker 20.10); another engine is to have another one.
  mkdir -p /etc/docker "$folder/etc"
  mount --bind "$folder/etc" /etc/docker
  ip link set lo up
  until ip link show eth0 >/dev/null 2>&1; do sleep 0.02; done
  ip addr add "10.$slot.1.2/30" dev eth0
  ip link set eth0 up
  ip route add default via "10.$slot.1.1"
  # The tests' own machine reaches containers as the engine's machine would.
  iptables -N DOCKER-USER
  iptables -A DOCKER-USER -i eth0 -j ACCEPT
  while read -r command rest; do
    case $command in
      start)
        [ -z "$dockerd" ] || await
        rm -f "$folder/docker.pid"
        pool="--default-address-pool base=10.$slot.128.0/17,size=26"
        case $rest in *--default-address-pool*) pool= ;; esac
        # shellcheck disable=SC2086
        dockerd --data-root "$folder/data" --exec-root "$folder/exec" --pidfile "$folder/docker.pid" -H "unix://$folder/docker.sock" \
          --bip "10.$slot.0.1/24" $pool --cgroup-parent "/demiurge-test-$slot" \
          --exec-opt native.cgroupdriver=cgroupfs $rest >>"$folder/dockerd.log" 2>&1 </dev/null 9>&- &
        dockerd=$!
        echo ok
        ;;
      stop) kill -TERM "$dockerd" 2>/dev/null; await; echo ok ;;
      kill) kill -KILL "$dockerd" 2>/dev/null; await; echo ok ;;
      run) if bash -c "$rest" >"$folder/run.log" 2>&1 </dev/null; then echo ok; else echo failed; fi ;;
      *) echo unknown ;;
    esac
  done
  exit 0
fi

trap '' INT TERM HUP
folder=$1
for slot in $(seq 160 249) none; do
  [ "$slot" != none ] || { echo "No free slot: too many test engines." >&2; exit 1; }
  exec 9>"/tmp/demiurge-test-engine-$slot.lock"
  flock -n 9 && break
done
link=tdm$slot

clean() {
  ip link del "$link" 2>/dev/null
  while iptables -t nat -D POSTROUTING -s "10.$slot.0.0/16" ! -d "10.$slot.0.0/16" -j MASQUERADE 2>/dev/null; do :; done
  while iptables -D FORWARD -i "$link" -j ACCEPT 2>/dev/null; do :; done
  while iptables -D FORWARD -o "$link" -j ACCEPT 2>/dev/null; do :; done
  find /sys/fs/cgroup -depth -type d -path "*/demiurge-test-$slot*" -exec rmdir {} + 2>/dev/null
}
clean

coproc INSIDE { exec setpriv --pdeathsig KILL unshare --pid --net --mount --fork --kill-child --mount-proc bash "$0" --inside "$folder" "$slot"; }
inside=$INSIDE_PID
exec 7<&"${INSIDE[0]}" 8>&"${INSIDE[1]}"
init=
until [ -n "$init" ]; do
  kill -0 "$inside" 2>/dev/null || { echo "Namespaces can't be had." >&2; exit 1; }
  init=$(tr -d ' ' <"/proc/$inside/task/$inside/children" 2>/dev/null)
  # The child is a copy of unshare until it has namespaces of its own.
  [ -n "$init" ] && [ "$(readlink "/proc/$init/ns/net")" != "$(readlink /proc/self/ns/net)" ] || { init=; sleep 0.02; }
done
ip link add "$link" type veth peer name eth0 netns "$init" || exit 1
ip addr add "10.$slot.1.1/30" dev "$link"
ip link set "$link" up
ip route add "10.$slot.0.0/16" via "10.$slot.1.2"
echo 1 >/proc/sys/net/ipv4/ip_forward
iptables -t nat -A POSTROUTING -s "10.$slot.0.0/16" ! -d "10.$slot.0.0/16" -j MASQUERADE
iptables -I FORWARD -i "$link" -j ACCEPT
iptables -I FORWARD -o "$link" -j ACCEPT
echo "$slot $init"

while read -r line; do
  echo "$line" >&8
  read -r answer <&7 || answer="the engine's namespaces are gone"
  echo "$answer"
done

kill -KILL "$inside" 2>/dev/null
wait "$inside" 2>/dev/null
clean
for _ in 1 2 3 4 5 6 7 8 9 10; do
  rm -rf "$folder" 2>/dev/null && break
  sleep 0.3 # processes of the namespace are still on their way out
done
exit 0
