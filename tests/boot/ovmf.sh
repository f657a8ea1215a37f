#!/usr/bin/env bash
# The same under UEFI firmware, which measures kernel, initrd and command line into a TPM.
# shellcheck source=tests/boot/lib.sh
. "$(dirname "$0")/lib.sh"

use_firmware ovmf
standin_program && a_disk && systemd_initrd || exit 1
start_server key
claim "the machine boots and powers off" boots ovmf "$header_copy"
claim "it reaches the root on the encrypted volume" shows "$reached from /dev/mapper/root"
measured() { grep -qE '^boot-marker: PCR 9 is [0-9A-F]{64}$' "$console" && ! grep -qE 'PCR 9 is 0{64}$' "$console"; }
claim "PCR 9 is measured" measured
pcr_nine() { sed -n 's/^boot-marker: PCR 9 is //p' "$console"; }
first=$(pcr_nine)
claim "it boots with another command line" boots ovmf-other "$header_copy" rd.attestd.end=reboot
claim "the command line shows in PCR 9" not equal "$(pcr_nine)" "$first"
echo "      ${machine_took} s"
finish
