#!/usr/bin/env bash
# A stock ssh believes the VM's host key, and nobody else's.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

[ "$(id -u)" -eq 0 ] || skip "sshd needs root here"
start_sim
make_sshd
setting ssh config "\"$work/ssh/sshd_config\"" "$work/vm/attestd.toml"
start_agent
start_sshd "$work/ssh/sshd_config"

write_policy

# login COMMAND…: as a user would, with nothing known beforehand.
login() {
  ssh -F none -p "$ssh_port" -i "$work/ssh/user_key" -o IdentitiesOnly=yes -o BatchMode=yes -o ConnectTimeout=20 \
    -o StrictHostKeyChecking=yes -o UserKnownHostsFile=/dev/null -o GlobalKnownHostsFile=/dev/null \
    -o KnownHostsCommand="$proof" root@127.0.0.1 "$@" >"$work/login.out" 2>"$work/login.err"
}
proof="$attestctl host-proof --from $socket --policy $work/policy.toml %H"
claim "ssh logs in with proven host keys and an empty known_hosts" login echo arrived
claim "the command ran" has arrived "$work/login.out"

refused() {
  not login echo arrived && has "verification failed" "$work/login.err" && not grep -q arrived "$work/login.out"
}
claim "a policy for another VM can be written" not cmp -s "$work/policy.toml" "$work/other.toml"
proof="$attestctl host-proof --from $socket --policy $work/other.toml %H"
claim "a VM with another launch measurement is refused" refused

proof="$attestctl host-proof --from $socket --policy $work/policy.toml %H"
ssh-keygen -q -t ed25519 -N '' -C '' -f "$work/ssh/impostor_key"
sshd_configuration "$ssh_port" "$work/ssh/authorized_keys" "$work/ssh/impostor_key" >"$work/ssh/impostor_config"
end_process "$sshd_process"
start_sshd "$work/ssh/impostor_config"
claim "an impostor on the same port is refused" refused
claim "ssh names the key as not the proven one" has "you have requested strict checking" "$work/login.err"

end_process "$sshd_process"
start_sshd "$work/ssh/sshd_config"
claim "the VM itself is believed again" login echo arrived

end_process "$agent_process"
claim "without an agent nobody is believed" refused
finish
