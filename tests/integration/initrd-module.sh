#!/usr/bin/env bash
# The parts of the initrd module that need no machine: its units are valid and as closed as we
# say, credentials of the host are taken from every unit, sockets are made for the volumes.
# tests/boot/run boots it.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

command -v systemd-analyze >/dev/null || skip "no systemd-analyze here"
module=$source/dracut/90attestd

mkdir "$work/units"
for unit in "$module"/systemd/attestd-*.{service,socket,path}; do
  # The programs are not installed here; any that can be executed will do.
  sed -E 's!^(Exec[A-Za-z]*=[-+]*)(/usr/sbin/attestd-unlock|/usr/lib/attestd/)[^ ]*!\1/bin/true!' "$unit" >"$work/units/${unit##*/}"
done
valid() { systemd-analyze verify --man=no --recursive-errors=no "$@" 2>&1 | tee "$work/verify" && [ ! -s "$work/verify" ]; }
for unit in attestd-unlock@.service attestd-unlock@.socket attestd-unlock-end@.service attestd-first-boot@.service attestd-unlock-prompt.path attestd-resolv.path; do
  claim "systemd accepts $unit without a remark" valid "$work/units/${unit/@/@root}"
done
threshold=25
exposed() { systemd-analyze security --offline=yes --threshold="$threshold" --no-pager "$1"; }
claim "attestd-unlock@.service is exposed by at most $threshold of 100" exposed "$work/units/attestd-unlock@root.service"
systemd-analyze security --offline=yes --no-pager "$work/units/attestd-unlock@root.service" | tail -n 1
claim "attestd-first-boot@.service is no more exposed" exposed "$work/units/attestd-first-boot@root.service"
cp -r "$work/units" "$work/format" && mkdir "$work/format/attestd-first-boot@.service.d"
cp "$module/systemd/first-boot-format.conf" "$work/format/attestd-first-boot@.service.d"
claim "systemd accepts what it is given to format a disk" valid "$work/format/attestd-first-boot@root.service"
sed '/^SystemCallFilter=/d' "$work/units/attestd-unlock@.service" >"$work/units/open@.service"
claim "the threshold refuses it without its limits of system calls" not exposed "$work/units/open@root.service"

# shellcheck source=dracut/90attestd/credentials.sh
. "$module/credentials.sh"
# drop_in UNIT LINES WANTED: what is written for a unit of these lines, without its comment.
drop_in() {
  printf '%b' "$2" >"$work/$1"
  equal "$(without_host_credentials "$1" "$work/$1" | grep -v '^#')" "$(printf '%b' "$3")"
}
claim "a unit that takes none is left alone" drop_in a.service '[Service]\nExecStart=/bin/true\n' ''
claim "a credential of PID 1 is taken away" \
  drop_in b.service '[Service]\nLoadCredential=tmpfiles.extra\n' '[Service]\nLoadCredential='
claim "one from a path stays" \
  drop_in c.service '[Service]\nLoadCredential=key:/etc/key\nLoadCredential=other:name\n' '[Service]\nLoadCredential=\nLoadCredential=key:/etc/key'
claim "patterns and encrypted ones are taken away" \
  drop_in d.service '[Service]\nImportCredential=network.*\n LoadCredentialEncrypted = x\n' '[Service]\nImportCredential=\nLoadCredentialEncrypted='
claim "the section is the unit's kind" drop_in e.socket '[Socket]\nLoadCredential=x\n' '[Socket]\nLoadCredential='
claim "a list that the unit itself empties stays empty" \
  drop_in f.service '[Service]\nLoadCredential=key:/etc/key\nLoadCredential=\n' '[Service]\nLoadCredential='
claim "every unit of this systemd that takes credentials is found" \
  test "$(takes_credentials /lib/systemd/system/*.service | wc -l)" -ge 3

# moved SCRIPT: with its paths in our folder.
moved() {
  sed -e "s|/proc/cmdline|$work/cmdline|; s|/etc/crypttab|$work/crypttab|; s|/etc/attestd/unlock.toml|$work/unlock.toml|; s|/usr/lib/attestd/unlock-lib.sh|$work/lib|" "$1"
}
# generated LINE WANTED [CRYPTTAB]: the sockets for a command line.
generated() {
  rm -rf "$work/generated"
  printf '%s\n' "$1" >"$work/cmdline"
  printf '%b' "${3:-}" >"$work/crypttab"
  moved "$module/unlock-lib.sh" >"$work/lib"
  moved "$module/unlock-generator.sh" >"$work/generator"
  mkdir "$work/generated" && (cd "$work" && : >'rd.luks.name=1=file' && sh "$work/generator" "$work/generated") &&
    equal "$(find "$work/generated" -type l -printf '%f\n' | sort | tr '\n' ' ')" "$2"
}
claim "a volume that is named has a socket" generated 'quiet rd.luks.name=u-u-i-d=root' 'attestd-unlock@root.socket '
claim "two have two" generated 'rd.luks.name=a=x rd.luks.name=b=y' 'attestd-unlock@x.socket attestd-unlock@y.socket '
claim "one without a name is called by its UUID" generated 'rd.luks.uuid=luks-1-2' 'attestd-unlock@luks\x2d1\x2d2.socket '
claim "a name wins" generated 'rd.luks.uuid=1-2 rd.luks.name=1-2=root' 'attestd-unlock@root.socket '
claim "a name that is a path has none" generated 'rd.luks.name=1=../x' ''
claim "crypttab counts where it names no key file" generated quiet 'attestd-unlock@swap.socket ' '# no\nswap /dev/x none luks\ndata /dev/y /etc/key\n'
claim "a first boot comes before the volume" \
  generated 'rd.luks.name=1-2=root rd.attestd.first-boot=encrypt' 'attestd-first-boot@root.service attestd-unlock@root.socket '
claim "  and its disk is waited for as long as it takes" \
  grep -qx JobTimeoutSec=infinity "$work/generated/dev-disk-by\\x2duuid-1\\x2d2.device.d/attestd.conf"
claim "one that formats may do what that needs" \
  generated 'rd.luks.name=1-2=root rd.attestd.first-boot=format' 'attestd-first-boot@root.service attestd-unlock@root.socket format.conf '
claim "none has none" generated 'rd.luks.name=1-2=root rd.attestd.first-boot=none' 'attestd-unlock@root.socket '
claim "a star in the command line is a star" generated 'rd.luks.name=1=* x=*' 'attestd-unlock@\x2a.socket '
# settled FUNCTION WANTED FILE LINE: what the hooks make of the image's file and the command line.
settled() {
  printf '[unlock]\n%b\n' "$3" >"$work/unlock.toml"
  printf '%s\n' "$4" >"$work/cmdline"
  moved "$module/unlock-lib.sh" >"$work/lib"
  equal "$(sh -c '. "$1"; "$2"' sh "$work/lib" "$1")" "$2"
}
while IFS='|' read -r function wanted file line; do
  claim "$function of <$file> and <$line> is <$wanted>" settled "$function" "$wanted" "$file" "$line"
done <<'END'
end_mode|poweroff||
end_mode|reboot|end = "reboot"|quiet
end_mode|reboot|end='reboot' # so|quiet
end_mode|prompt|end = "reboot"|rd.attestd.end=emergency rd.attestd.end=prompt
end_mode|poweroff|end = "reboot"|rd.attestd.end=nothing
unlock_budget|300||
unlock_budget|30|budget = "30s"|
unlock_budget|120|budget = '2m'|
unlock_budget|2|budget = "1500ms"|
unlock_budget|300|budget = "1h"|
unlock_budget|8|budget = "2m"|rd.attestd.budget=9 rd.attestd.budget=08
unlock_budget|300||rd.attestd.budget=99999999999999999999
unlock_method|vtpm|method = 'vtpm'|
unlock_method|broker|method = "vtpm"|rd.attestd.method=broker
first_boot_mode||first-boot = "none"|
first_boot_mode|format|first-boot = 'encrypt'|rd.attestd.first-boot=format
END
# The generator agrees with them.
printf "[unlock]\nmethod = 'vtpm'\nfirst-boot = 'encrypt'\npin = 'console'\n" >"$work/unlock.toml"
claim "the generator reads the same file" \
  generated 'rd.luks.name=1-2=root' 'attestd-first-boot@root.service attestd-unlock@root.socket '
claim "  with its question on the console" grep -q /dev/console "$work/generated/attestd-unlock@root.service.d/attestd.conf"
claim "  and the command line wins" \
  generated 'rd.luks.name=1-2=root rd.attestd.first-boot=format rd.attestd.first-boot=none rd.attestd.method=broker' 'attestd-unlock@root.socket '
claim "  for the method too" not test -e "$work/generated/attestd-unlock@root.service.d"
finish
