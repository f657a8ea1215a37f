#!/usr/bin/env bash
# The units are valid, and attestd.service is as closed as we say.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

# As `systemd-analyze security` counts: 0 is sealed, 100 is open (9.6 is the
# figure of a service without settings). What is left is what attestd is for:
# uid 0, four devices, and /proc to tell who asks.
threshold=14

for tool in systemd-analyze udevadm; do
  command -v $tool >/dev/null || skip "no $tool here"
done

# The program is not installed here; any that can be executed will do.
sed 's|^ExecStart=.*|ExecStart=/bin/true|' "$build/units/attestd.service" >"$work/attestd.service"
cp "$source/units/attestd.socket" "$work/"

valid() { systemd-analyze verify --man=no --recursive-errors=no "$@" 2>&1 | tee "$work/verify" && [ ! -s "$work/verify" ]; }
claim "systemd accepts attestd.service without a remark" valid "$work/attestd.service"
claim "systemd accepts attestd.socket without a remark" valid "$work/attestd.socket"
claim "exposure is at most $threshold of 100" \
  systemd-analyze security --offline=yes --threshold=$threshold --no-pager "$work/attestd.service"
systemd-analyze security --offline=yes --no-pager "$work/attestd.service" | tail -n 1

sed -e '/^CapabilityBoundingSet=/d' -e '/^SystemCallFilter=/d' "$work/attestd.service" >"$work/open.service"
claim "the threshold refuses the unit without its capability and system call limits" not \
  systemd-analyze security --offline=yes --threshold=$threshold --no-pager "$work/open.service"

# The gateway: no device, nobody's user, and sockets besides.
gateway_threshold=17
sed 's|^ExecStart=.*|ExecStart=/bin/true|' "$build/units/attestd-gateway.service" >"$work/attestd-gateway.service"
cp "$source/units/attestd-gateway.socket" "$work/"
claim "systemd accepts attestd-gateway.service without a remark" valid "$work/attestd-gateway.service"
claim "systemd accepts attestd-gateway.socket without a remark" valid "$work/attestd-gateway.socket"
claim "the gateway's exposure is at most $gateway_threshold of 100" \
  systemd-analyze security --offline=yes --threshold=$gateway_threshold --no-pager "$work/attestd-gateway.service"
systemd-analyze security --offline=yes --no-pager "$work/attestd-gateway.service" | tail -n 1

# The one with a capability: that one, one device, and no network.
volumes_threshold=14
sed 's|^ExecStart=.*|ExecStart=/bin/true|' "$build/units/attestd-volumes.service" >"$work/attestd-volumes.service"
cp "$source/units/attestd-volumes.socket" "$work/"
claim "systemd accepts attestd-volumes.service without a remark" valid "$work/attestd-volumes.service"
claim "systemd accepts attestd-volumes.socket without a remark" valid "$work/attestd-volumes.socket"
claim "exposure of attestd-volumes is at most $volumes_threshold of 100" \
  systemd-analyze security --offline=yes --threshold=$volumes_threshold --no-pager "$work/attestd-volumes.service"
systemd-analyze security --offline=yes --no-pager "$work/attestd-volumes.service" | tail -n 1
claim "attestd-volumes.service may have one capability" grep -qx CapabilityBoundingSet=CAP_SYS_ADMIN "$work/attestd-volumes.service"

# The one that gives keys to cryptsetup, from the network: no capability, and disks to read alone.
token_threshold=22
sed 's|^ExecStart=.*|ExecStart=/bin/true|' "$build/units/attestd-token@.service" >"$work/attestd-token@.service"
cp "$source/units/attestd-token.socket" "$work/"
claim "systemd accepts attestd-token@.service without a remark" valid "$work/attestd-token@.service"
claim "systemd accepts attestd-token.socket without a remark" valid "$work/attestd-token.socket"
claim "exposure of attestd-token@ is at most $token_threshold of 100" \
  systemd-analyze security --offline=yes --threshold=$token_threshold --no-pager "$work/attestd-token@.service"
systemd-analyze security --offline=yes --no-pager "$work/attestd-token@.service" | tail -n 1
for line in CapabilityBoundingSet= "DeviceAllow=block-* r"; do
  claim "attestd-token@.service says $line" grep -qxF -- "$line" "$work/attestd-token@.service"
done
for line in SocketMode=0600 RemoveOnStop=yes DirectoryMode=0755; do
  claim "attestd-token.socket says $line" grep -qx -- "$line" "$work/attestd-token.socket"
done

setting() { grep -qx -- "$1" "$build/units/attestd.service"; }
for line in CapabilityBoundingSet= PrivateNetwork=yes DevicePolicy=closed ProtectSystem=strict \
  RestrictAddressFamilies=AF_UNIX NoNewPrivileges=yes MemoryDenyWriteExecute=yes LockPersonality=yes Type=notify "DeviceAllow=/dev/sev-guest rw" \
  "DeviceAllow=/dev/tdx_guest rw"; do
  claim "attestd.service says $line" setting "$line"
done

claim "systemd-sysusers accepts the group" systemd-sysusers --dry-run "$source/units/attestd.sysusers.conf"
mkdir -p "$work/root"
claim "systemd-tmpfiles accepts the folder" systemd-tmpfiles --create --root="$work/root" "$source/units/attestd.tmpfiles.conf"
claim "the folder of the socket is there" test -d "$work/root/run/attestd"

# sshd's configuration is read by a child of attestd that is as bare as the unit.
bare_sshd() {
  mkdir -p /run/sshd
  setpriv --bounding-set -all --inh-caps -all --no-new-privs --securebits +noroot,+noroot_locked \
    /usr/sbin/sshd -T -f "$work/sshd_config" | grep -i '^hostkey '
}
if [ "$(id -u)" -eq 0 ]; then
  ssh-keygen -q -t ed25519 -N '' -f "$work/host_key"
  echo "HostKey $work/host_key" >"$work/sshd_config"
  claim "sshd -T runs without any capability" bare_sshd
fi
finish
