# Shared by the tests that boot a machine; sourced, never run. QEMU emulates it (TCG): no
# /dev/kvm is needed, only root for the images. A test is given the build folder.
# shellcheck shell=bash disable=SC2034 # what the tests use

# Images do not belong into /tmp, which may be memory.
TMPDIR=${ATTESTD_BOOT_CACHE:-$(cd "${1:?usage: $0 BUILD}" && pwd)/boot}/work
export TMPDIR
mkdir -p "$TMPDIR"
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../integration/lib.sh"
# shellcheck source=tests/boot/builder.sh
. "$source/tests/boot/builder.sh"

# Until a machine is off: seconds of a processor (a boot takes some 50), and of anybody's clock, which runs on
# while the emulator waits for a core.
boot_work=${BOOT_WORK:-240}
boot_limit=${BOOT_LIMIT:-600}
# guest: its clock runs by instructions, 4 ns each, so that no timeout in it comes early however busy this machine is.
# host: a third faster, and for machines with nothing else to do.
clock=${BOOT_CLOCK:-guest}
firmware=${BOOT_FIRMWARE:-seabios} # or ovmf, with a TPM of swtpm's
logs=$cache/logs
# BOOT_WITHOUT="FILE…" boots with these files of the initrd emptied, to see a test fail.

for tool in qemu-system-x86_64 mmdebstrap cryptsetup cpio unshare mke2fs; do
  command -v $tool >/dev/null || skip "no $tool here"
done
[ "$(id -u)" -eq 0 ] || skip "making a root and an initrd needs uid 0"

# use_firmware NAME: for the machines from now on; the test is skipped where it is not here.
use_firmware() {
  firmware=$1
  [ "$firmware" = ovmf ] || return 0
  command -v swtpm >/dev/null || skip "no swtpm here"
  [ -r /usr/share/OVMF/OVMF_CODE_4M.fd ] || skip "no OVMF here"
}

# start_server MODE [NAME]: keys of $disk, on a free port; see standin/server.py.
start_server() {
  server_port=$(free_port)
  serve "server-$1" "$server_port" python3 "$source/tests/boot/standin/server.py" "$server_port" "$1" "$disk/key"
}

# start_tpm: a TPM 2.0 of its own for the next machine.
start_tpm() {
  mkdir -p "$work/tpm"
  swtpm socket --tpm2 --tpmstate "dir=$work/tpm" --ctrl "type=unixio,path=$work/tpm/socket" --flags startup-clear \
    >"$work/swtpm.log" 2>&1 &
  local process=$!
  started $process
  comes_up swtpm "$work/swtpm.log" $process 10 test -S "$work/tpm/socket"
}

machine=() console='' machine_took=0
relying_party=http://10.0.2.100:8080
# start_machine NAME [WORD…]: boots $initrd with $disk, which it does not change; words go to the
# kernel's command line. The guest reaches 10.0.2.100:8080, which is $server_port of our
# loopback, and nothing else; no_network=1 leaves it without a card. disk_keeps=1: it does change the
# disk, $disk_image. What QEMU is told besides is in the array $machine. Sets machine_process and
# console, the log of the serial line.
start_machine() {
  # By the host's clock time goes on while the processor waits for a core: what the guest's kernel then calls a stall
  # or a lockup is a wait, after which it goes on. So it does not look for any, nor checks its timer.
  local patient="no_timer_check nowatchdog rcupdate.rcu_cpu_stall_suppress=1"
  # A processor of the SSE4 age: what is newer is slow to emulate, "rep stosb" above all.
  local name=$1 options=(-accel tcg -machine q35 -cpu Westmere -m 1024 -smp 1)
  shift
  [ "$clock" = host ] || options+=(-icount "shift=2,sleep=on" -rtc clock=vm)
  console=$logs/$name.console
  mkdir -p "$logs"
  : >"$console"
  if [ "$firmware" = ovmf ]; then
    cp /usr/share/OVMF/OVMF_VARS_4M.fd "$work/vars.fd"
    start_tpm
    # shellcheck disable=SC2054
    options+=(-drive "if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd"
      -drive "if=pflash,format=raw,unit=1,file=$work/vars.fd"
      -chardev "socket,id=tpm,path=$work/tpm/socket" -tpmdev emulator,id=tpm0,chardev=tpm -device tpm-crb,tpmdev=tpm0)
  fi
  # shellcheck disable=SC2086 # a list
  [ -z "${BOOT_WITHOUT:-}" ] || patched_initrd without $BOOT_WITHOUT || return 1
  local network=user,id=net,restrict=on
  [ -z "${server_port:-}" ] ||
    network+=",guestfwd=tcp:10.0.2.100:8080-cmd:$source/tests/boot/standin/relay $server_port"
  if [ -n "${no_network:-}" ]; then options+=(-nic none); else
    options+=(-netdev "$network" -device "virtio-net-pci,netdev=net,romfile=")
  fi
  local snapshot=on
  [ -z "${disk_keeps:-}" ] || snapshot=off
  qemu-system-x86_64 "${options[@]}" -nodefaults -no-user-config -no-reboot -display none -serial "file:$console" \
    -kernel "$kernel" -initrd "$initrd" \
    -append "console=ttyS0 $patient panic=-1 root=/dev/mapper/root rd.luks.name=$volume_uuid=root rd.attestd.url=$relying_party $*" \
    -drive "if=none,id=disk,format=raw,snapshot=$snapshot,file=${disk_image:-$disk/disk.img}" -device virtio-blk-pci,drive=disk \
    -device virtio-rng-pci \
    ${machine[@]+"${machine[@]}"} >"$logs/$name.qemu" 2>&1 &
  machine_process=$!
  started $machine_process
  machine_since=$SECONDS
}

# says TEXT SECONDS: waits for text on the console of the machine that runs.
says() { await_from "$machine_process" "$2" grep -qF -- "$1" "$console"; }

is_off() { ! kill -0 "$machine_process" 2>/dev/null; }
worked() { ps -o cputimes= -p "$machine_process" || echo 0; }
# machine_ends: waits until the machine is off. One that does not end is ended, and that is a failure.
machine_ends() {
  local status=0
  until is_off || [ $((SECONDS - machine_since)) -ge "$boot_limit" ] || [ "$(worked)" -ge "$boot_work" ]; do sleep 0.5; done
  is_off || {
    echo "still running after $((SECONDS - machine_since)) s, $(worked) of them on a core; the end of $console:"
    tail -n 20 "$console"
    status=1
  }
  end_process "$machine_process"
  sed -i 's/\r$//; s/\x1b\[[0-9;?]*[a-zA-Z]//g' "$console"
  machine_took=$((SECONDS - machine_since))
  return $status
}

# boots NAME [WORD…]: a whole boot, from start to off.
boots() { start_machine "$@" && machine_ends; }

header_copy=rd.luks.options=$volume_uuid=header=/run/attestd/headers/root
# shows TEXT, hides TEXT: on the console.
shows() {
  grep -qF -- "$1" "$console" || {
    echo "no \"$1\" at the end of $console:"
    tail -n 25 "$console"
    return 1
  }
}
hides() { ! grep -F -- "$1" "$console"; }

reached="boot-marker: reached multi-user"
# stops_for REASON: the machine powered off by itself and said why; the root was not
# reached, and nobody was offered a shell or asked for a passphrase.
stops_for() {
  shows "$1" && shows "attestd: powering off" && shows "reboot: Power down" && hides "$reached" &&
    hides "Entering emergency mode" && hides "Dropping to debug shell" && hides "enter passphrase" && hides "Enter passphrase"
}
