# The frame around a VPN server: sh server.sh FOLDER IPTABLES DEVICE COMMAND…
# Runs the command behind a firewall for its device, and takes the firewall and the folder away when it has ended. It outlives a gateway that is killed for just
# that: the server ends by itself when its gateway is gone.
# Machines on the device get answers, and nothing else: they reach neither one another, nor a port of this machine, nor anything behind it; and nobody but this machine
# reaches them. The rules are in the table mangle, whose verdict comes before all that engines and firewalls put into filter.
folder=$1 iptables=$2 device=$3
shift 3
trap '' HUP INT TERM

rule() { "$iptables" -w 10 -t mangle "$@"; }
all() { # all ACTION: does it to every rule, which an insertion puts into the opposite order; false when one failed
  ok=0
  rule "$1" INPUT -i "$device" -j DROP || ok=1
  rule "$1" INPUT -i "$device" -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT || ok=1
  rule "$1" FORWARD -i "$device" -j DROP || ok=1
  rule "$1" FORWARD -o "$device" -j DROP || ok=1
  return $ok
}

all -D 2>/dev/null # of one that was killed together with this frame
if all -I; then
  "$@"
  status=$?
else
  echo "The firewall for $device could not be set." >&2
  status=1
fi
all -D 2>/dev/null
rm -rf "$folder"
exit $status
