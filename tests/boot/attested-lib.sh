# Shared by the boots with the real programs; sourced, never run. Inside: attestd-unlock in the
# initrd, attestd and attestctl in the root, and attestd-sim in both, for hardware. Outside, on
# loopback: attest-brokerd.
# shellcheck shell=bash disable=SC2034,SC2154 # what the tests use, and what lib.sh sets
# shellcheck source=tests/boot/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

relying_party=https://10.0.2.100:8080
program=$build/unlock/attestd-unlock
inside=("$attestd" "$build/agent/attestd-volumes" "$attestctl" "$attestd_sim")
for binary in "$program" "$brokerd" "${inside[@]}"; do [ -x "$binary" ] || skip "no ${binary##*/} in $build"; done
# tpm2-tss loads by name what talks to /dev/tpmrm0.
more_packages=(libtss2-tcti-device0)
while IFS= read -r package; do more_packages+=("$package"); done < <(library_packages "$program" "${inside[@]}")

# What is made once for all boots: programs without symbols, as a package has them; keys of the
# simulated processor; the broker's certificate.
make_fixtures() {
  local out=$1 binary
  mkdir -p "$out"/{programs,vm,authority} || return 1
  for binary in "$program" "${inside[@]}"; do strip -o "$out/programs/${binary##*/}" "$binary" || return 1; done
  "$attestd_sim" mint --state "$out/vm" || return 1
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$out/authority/broker.key" \
    -out "$out/authority/broker.pem" -subj /CN=broker -days 365 -addext subjectAltName=IP:10.0.2.100,IP:127.0.0.1
}
# Roots as dracut and the machine will find them.
make_inside() {
  local out=$1 initrd=$1/initrd root=$1/root
  mkdir -p "$initrd"/etc/{attestd,dracut.conf.d} "$initrd"/usr/{sbin,lib/attestd-sim,lib/dracut/modules.d} \
    "$root"/etc/{attestd,systemd/system/{sockets.target.wants,attestd.service.d}} \
    "$root"/usr/{bin,sbin,libexec/attestd,lib/{attestd-sim,boot-marker}}
  cp -r "$source/tests/boot/sim/91attestd-sim" "$initrd/usr/lib/dracut/modules.d"
  cp -r "$fixtures/vm/keys" "$initrd/usr/lib/attestd-sim"
  cp "$fixtures/authority/broker.pem" "$initrd/etc/attestd"
  echo 'attestd_ca=/etc/attestd/broker.pem' >"$initrd/etc/dracut.conf.d/attestd.conf"
  cp "$source/tests/boot/sim/attestd.toml" "$initrd/etc/attestd"
  cp "$fixtures/programs/attestd-sim" "$initrd/usr/sbin"

  cp "$source/tests/boot/sim/attestd.toml" "$root/etc/attestd"
  cp "$fixtures"/programs/attestd{,-sim} "$root/usr/sbin"
  cp "$fixtures/programs/attestctl" "$root/usr/bin"
  cp "$fixtures/programs/attestd-volumes" "$root/usr/libexec/attestd"
  cp "$source/tests/boot/sim/91attestd-sim/start.sh" "$root/usr/lib/attestd-sim/start"
  cp "$source/tests/boot/sim/50-evidence" "$root/usr/lib/boot-marker"
  local unit
  for unit in attestd attestd-volumes; do
    sed 's!/usr/local/!/usr/!' "$build/units/$unit.service" >"$root/etc/systemd/system/$unit.service"
  done
  cp "$source"/units/{attestd,attestd-volumes}.socket "$source/tests/boot/sim/91attestd-sim/attestd-sim.service" "$root/etc/systemd/system"
  cp "$source/tests/boot/sim/91attestd-sim/uses-sim.conf" "$source/tests/boot/sim/root-uses-sim.conf" \
    "$root/etc/systemd/system/attestd.service.d"
  ln -s ../attestd.socket ../attestd-volumes.socket "$root/etc/systemd/system/sockets.target.wants"
}
made_once "$cache/fixtures-$(digest_of "$program" "${inside[@]}" "$(declare -f make_fixtures)")" make_fixtures || exit 1
fixtures=$made
made_once "$cache/inside-$(digest_of "$fixtures" "$source/tests/boot/sim" "$source"/units/attestd{,-volumes}.socket "$build"/units/attestd{,-volumes}.service \
  "$(declare -f make_inside)")" make_inside || exit 1
more_of_initrd=$made/initrd more_of_root=$made/root
program=$fixtures/programs/attestd-unlock

# The two flavours of an initrd with the simulated device.
real_initrd() {
  case $1 in
    systemd) an_initrd --omit ifcfg --add attestd-sim ;;
    plain) an_initrd --omit "systemd ifcfg" --add attestd-sim ;;
  esac
}
# bare_initrd FLAVOUR: the same without anything of ours, for its size. It opens no volume.
bare_initrd() {
  case $1 in
    systemd) an_initrd --omit "ifcfg attestd" --add "crypt dm rootfs-block" ;;
    plain) an_initrd --omit "systemd ifcfg attestd network network-legacy" --add "crypt dm rootfs-block" ;;
  esac
}
# our_initrd FLAVOUR: with the module, and no simulated device.
our_initrd() { if [ "$1" = systemd ]; then systemd_initrd; else plain_initrd; fi; }

resource=default/luks/$volume_uuid
# start_relying_party [CHALLENGE_LIFETIME]: a broker that has the key of $disk, for whoever
# fulfils policy vm: the measurement of the simulated machine. Sets server_port.
start_relying_party() {
  prepare_broker "sqlite:$work/store/broker.db"
  cp "$fixtures"/authority/broker.{pem,key} "$work"
  configure_broker "${1:-5m}" 5m
  admin master-key new "$work/store/master.key" && start_broker "$work/broker.toml" || exit 1
  simulated_policy
  for policy in vm other; do admin policy put $policy "$work/$policy.toml" || exit 1; done
  admin put "$resource" --policy vm --volume $volume_uuid --file "$disk/key" || exit 1
  server_port=$broker_port
}
# $work/vm.toml and other.toml: the machine's measurement, and another, under the simulated root.
simulated_policy() {
  mkdir -p "$work/vm"
  cp -r "$fixtures/vm/." "$work/vm"
  sim_options=(--no-tpm)
  start_sim
  setting ssh sshd '""' "$work/vm/attestd.toml"
  start_agent
  write_policy
  local name
  for name in policy other; do
    sed -i 's/^required = .*/required = ["hardware", "initial_state"]/' "$work/$name.toml"
    grep -q '^required = ' "$work/$name.toml" || sed -i '/^\[policy\]/a required = ["hardware", "initial_state"]' "$work/$name.toml"
  done
  mv "$work/policy.toml" "$work/vm.toml"
  end_process "$agent_process"
}

header_copy+=" rd.attestd.ca=/etc/attestd/broker.pem"
nonce=$(head -c 32 /dev/urandom | xxd -p -c 64)
evidence=$work/evidence
# The verifier's nonce goes in by a way that is not measured, the evidence comes out by a second
# serial line.
with_evidence=(-serial "file:$evidence.serial" -fw_cfg "name=opt/attestd/nonce,string=$nonce")
machine=("${with_evidence[@]}")
# storage_policy ORIGIN: the policy on stdin, which wants storage as well, with keys of that origin.
storage_policy() {
  sed -e 's/^\(required = .*\)]/\1, "storage"]/' -e "s/^\(# *\)\{0,1\}key-origins = .*/key-origins = [\"$1\"]/"
}
# tells TEXT: what attestctl said last has it, however its lines are broken.
tells() { tr -s ' \n' '  ' <"$work/out" | grep -qF -- "$1"; }
# verified_by POLICY [STATUS]: what the machine sent out, by a verifier here.
verified_by() {
  # UEFI firmware talks on that line as well, before.
  sed '1,/^evidence begins/d; /^evidence ends/,$d' "$evidence.serial" | base64 -d >"$evidence.json" && runs "${2:-0}" verify "$evidence.json" --nonce "$nonce" --policy "$1"
}
