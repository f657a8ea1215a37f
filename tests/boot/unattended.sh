#!/usr/bin/env bash
# A machine whose root is encrypted comes up by itself, with systemd in its initrd and without.
# unattended.sh BUILD [systemd|plain]
# shellcheck source=tests/boot/lib.sh
. "$(dirname "$0")/lib.sh"

standin_program && a_disk || exit 1
start_server key

for flavour in ${2:-systemd plain}; do
  "${flavour}_initrd" || exit 1
  claim "$flavour: the machine boots and powers off" boots "unattended-$flavour" "$header_copy"
  claim "$flavour: it reaches the root on the encrypted volume" shows "$reached from /dev/mapper/root"
  claim "$flavour: the volume is LUKS2" shows "dm root CRYPT-LUKS2"
  claim "$flavour: the header was copied, and opened from the copy" shows "header copies: root"
  claim "$flavour: no unit failed" shows "boot-marker: failed units: none"
  echo "      $flavour: ${machine_took} s, initrd $(($(stat -c %s "$initrd") / 1024)) KiB"
done
finish
