#!/usr/bin/env bash
# A stock ssh, evidence over HTTPS, and the VM in a network of its own behind a host that
# routes for it: at first honestly, then as a man in the middle in three ways.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

[ "$(id -u)" -eq 0 ] || skip "network namespaces need root"
command -v ip >/dev/null || skip "no ip here"
servers=$source/tests/integration/servers
name=attestd-$$
client=$name-client host=$name-host vm=$name-vm
mounted=0
mountpoint -q /run/netns && mounted=1
remove_networks() {
  local one
  for one in "$client" "$host" "$vm"; do ip netns delete "$one" 2>/dev/null; done
  # ip leaves the folder mounted on itself.
  [ "$mounted" = 1 ] || umount /run/netns 2>/dev/null
}
trap 'end_processes; remove_networks; clean_up' EXIT
for one in "$client" "$host" "$vm"; do ip netns add "$one" 2>/dev/null || skip "network namespaces cannot be made here"; done

# client 10.77.1.2 -- 10.77.1.1 host 10.77.2.1 -- 10.77.2.2 vm
link() { # link NAMESPACE ADDRESS GATEWAY
  ip link add uplink netns "$1" type veth peer name "to-${1##*-}" netns "$host"
  ip -n "$1" address add "$2/24" dev uplink
  ip -n "$host" address add "$3/24" dev "to-${1##*-}"
  ip -n "$1" link set lo up
  ip -n "$1" link set uplink up
  ip -n "$host" link set "to-${1##*-}" up
  ip -n "$1" route add default via "$3"
}
ip -n "$host" link set lo up
link "$client" 10.77.1.2 10.77.1.1
link "$vm" 10.77.2.2 10.77.2.1
ip netns exec "$host" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
within() { ip netns exec "$@"; }
listens_in() { within "$1" bash -c "exec 3<>/dev/tcp/$2/$3"; }
# start_in NETWORK NAME ADDRESS PORT COMMAND…: sets served.
start_in() {
  local network=$1 what=$2 address=$3 port=$4
  shift 4
  ip netns exec "$network" "$@" >>"$work/$what.log" 2>&1 &
  served=$!
  started $served
  comes_up "$what" "$work/$what.log" $served 20 listens_in "$network" "$address" "$port"
}

# The VM: agent, gateway, sshd.
start_sim
make_sshd
sed -i 's/^Port .*/Port 22/; s/^ListenAddress .*/ListenAddress 0.0.0.0/' "$work/ssh/sshd_config"
setting ssh config "\"$work/ssh/sshd_config\"" "$work/vm/attestd.toml"
start_agent
write_policy
printf '[gateway]\nlisten = ["0.0.0.0:28443"]\nagent = "%s"\n' "$socket" >"$work/gateway.toml"
start_in "$vm" gateway 10.77.2.2 28443 "$build/gateway/attestd-gateway" --config "$work/gateway.toml"
start_in "$vm" sshd 10.77.2.2 22 /usr/sbin/sshd -D -e -f "$work/ssh/sshd_config"

# names RECORD…: what the client's DNS, which is the host's, says.
names() {
  [ -z "${dns:-}" ] || end_process "$dns"
  ip netns exec "$host" "$servers/name_server.py" 10.77.1.1:53 "$@" >>"$work/dns.log" 2>&1 &
  dns=$!
  started $dns
  await 10 looks_up "${1%%=*}"
}
printf 'nameserver 10.77.1.1\noptions timeout:1 attempts:2\n' >"$work/resolv.conf"
printf 'hosts: dns\n' >"$work/nsswitch.conf"
# in_client COMMAND…: with the DNS of that network.
# shellcheck disable=SC2016 # for the other shell
in_client() {
  within "$client" unshare -m bash -c 'mount --bind "$1/resolv.conf" /etc/resolv.conf && mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf && shift && exec "$@"' \
    bash "$work" "$@"
}
looks_up() { in_client getent hosts "$1"; }

export HOME=$work/home
mkdir -p "$HOME/.config/attestd"
printf '[[host]]\nnames = ["vm.*"]\npolicy = "%s"\n' "$work/policy.toml" >"$HOME/.config/attestd/hosts.toml"
chmod 600 "$HOME/.config/attestd/hosts.toml"
login() {
  in_client ssh -F none -i "$work/ssh/user_key" -o IdentitiesOnly=yes -o BatchMode=yes -o ConnectTimeout=20 \
    -o StrictHostKeyChecking=yes -o UserKnownHostsFile=/dev/null -o GlobalKnownHostsFile=/dev/null \
    -o KnownHostsCommand="$attestctl host-proof %I %H %t %K" root@vm.test echo arrived \
    >"$work/login.out" 2>"$work/login.err"
}
arrives() { login && has arrived "$work/login.out"; }
refused() { not login && not grep -q arrived "$work/login.out" && has "$1" "$work/login.err"; }

names vm.test=10.77.2.2
claim "ssh logs in: policy by hosts.toml, evidence at the default port" arrives
names vm.test=10.77.2.2 gw1.test=10.77.2.2 gw2.test=10.77.2.2 _attestd._tcp.vm.test=10,0,1,gw1.test _attestd._tcp.vm.test=20,0,28443,gw2.test
claim "and by SRV records, the second when nobody answers at the first" arrives
names vm.test=10.77.2.2 _attestd._tcp.vm.test=0,0,0,.
claim "an SRV record that says no is obeyed" refused "has no attestd-gateway"

# The host leads the client to itself: TLS ends there, and sshd has a key of its own.
names vm.test=10.77.1.1
make_certificate host.test
ssh-keygen -q -t ed25519 -N '' -C '' -f "$work/ssh/host_of_vm_key"
sshd_configuration 22 "$work/ssh/authorized_keys" "$work/ssh/host_of_vm_key" | sed 's/^ListenAddress .*/ListenAddress 10.77.1.1/' >"$work/ssh/host_config"
start_in "$host" host-sshd 10.77.1.1 22 /usr/sbin/sshd -D -e -f "$work/ssh/host_config"
host_sshd=$served
start_in "$host" relay 10.77.1.1 28443 "$servers/relay.py" 10.77.1.1:28443 "$work/host.test.pem" "$work/host.test.key" 10.77.2.2:28443
relay=$served
claim "TLS relayed, ssh ended at the host: refused" refused "somebody between you and the VM passes its evidence on"
claim "  ssh itself gives up" has "KnownHostsCommand failed" "$work/login.err"

end_process "$host_sshd"
start_in "$host" forward 10.77.1.1 22 "$servers/forward.py" 10.77.1.1:22 10.77.2.2:22
forward=$served
claim "TLS relayed, ssh passed through to the VM: refused too" refused "somebody between you and the VM passes its evidence on"

end_process "$relay"
end_process "$forward"
start_in "$host" forward-tls 10.77.1.1 28443 "$servers/forward.py" 10.77.1.1:28443 10.77.2.2:28443
start_in "$host" host-sshd 10.77.1.1 22 /usr/sbin/sshd -D -e -f "$work/ssh/host_config"
host_sshd=$served
claim "TLS passed through, ssh ended at the host: refused" refused "its attested VM does not list"

end_process "$host_sshd"
start_in "$host" forward 10.77.1.1 22 "$servers/forward.py" 10.77.1.1:22 10.77.2.2:22
claim "both passed through untouched: the VM is reached, and proven" arrives
finish
