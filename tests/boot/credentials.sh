#!/usr/bin/env bash
# What the host puts into SMBIOS or fw_cfg for systemd to take as credentials has no effect:
# neither in the initrd, before the volume is open, nor in the real root. To show that the
# test can fail, the same machine boots without our drop-ins, and there it is the host's. Without
# systemd in the initrd only the real root takes any. credentials.sh BUILD [systemd|plain].
# shellcheck source=tests/boot/lib.sh
. "$(dirname "$0")/lib.sh"

flavour=${2:-systemd}
standin_program && a_disk && "${flavour}_initrd" || exit 1
start_server key

# As root, before any disk is open: a hook that dracut will source, which would as well read
# the key. In the real root: a file, which could as well be a key for ssh.
attack='f /lib/dracut/hooks/pre-mount/01-host.sh 0755 root root - : >/run/host-was-in-initrd
f /var/lib/host-was-here 0644 root root - x'
printf '%s\n' "$attack" >"$work/attack"
# shellcheck disable=SC2034 # by name, below
smbios=(-smbios "type=11,value=io.systemd.credential.binary:tmpfiles.extra=$(base64 -w 0 "$work/attack")")
# shellcheck disable=SC2034
fw_cfg=(-fw_cfg "name=opt/io.systemd.credentials/tmpfiles.extra,file=$work/attack")

# A boot that ended early would show nothing either.
untouched() { shows "$reached" && shows "boot-marker: end" && hides "$1"; }
in_initrd="boot-marker: a credential of the host ran a command in the initrd"
in_root="boot-marker: a credential of the host made a file in the real root"
for channel in smbios fw_cfg; do
  declare -n words=$channel
  machine=("${words[@]}")
  claim "$channel: the machine boots" boots "credential-$channel-$flavour" "$header_copy"
  claim "$channel: the root is reached" shows "$reached"
  claim "$channel: PID 1 did take the credential" shows "credentials of the host: tmpfiles.extra"
  claim "$channel: the host ran nothing in the initrd" untouched "$in_initrd"
  claim "$channel: the host made nothing in the real root" untouched "$in_root"
done

drop_ins=()
while IFS= read -r file; do drop_ins+=("$file"); done < <(files_of "$initrd" | grep -F zz-attestd-credentials.conf)
[ "$flavour" = plain ] || claim "the initrd has drop-ins against credentials" test "${#drop_ins[@]}" -gt 3
patched_initrd open "${drop_ins[@]}" usr/lib/dracut/hooks/pre-pivot/90-hook-pre-pivot.sh || exit 1
for channel in smbios fw_cfg; do
  declare -n words=$channel
  machine=("${words[@]}")
  claim "$channel, without our drop-ins: the machine boots" boots "credential-open-$channel-$flavour" "$header_copy"
  claim "$channel, without our drop-ins: the patched initrd was unpacked" hides "Initramfs unpacking failed"
  [ "$flavour" = plain ] || claim "$channel, without our drop-ins: the host ran a command in the initrd" shows "$in_initrd"
  claim "$channel, without our drop-ins: the host made a file in the real root" shows "$in_root"
done

machine=("${smbios[@]}")
claim "systemd.import_credentials=no, without our drop-ins: the machine boots" \
  boots "credential-refused-$flavour" "$header_copy" systemd.import_credentials=no
claim "systemd.import_credentials=no: the host ran nothing in the initrd" untouched "$in_initrd"
claim "systemd.import_credentials=no: the host made nothing in the real root" untouched "$in_root"
finish
