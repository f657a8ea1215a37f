# Makes what the boots need, once for each content: a Debian 12 tree, initrds,
# encrypted disks. Sourced by lib.sh, never run. Each maker sets $made to a path
# below $cache; what is there already is not made again.
# shellcheck shell=bash disable=SC2034,SC2154 # what lib.sh and the tests use, and $view of in_tree

cache=${ATTESTD_BOOT_CACHE:-$build/boot}
# For another mirror or a pinned suite: a file in the form of sources.list(5).
sources=${ATTESTD_BOOT_SOURCES:-}

# The generic kernel, not the one for clouds: it has cuse (the software CVM's
# device nodes), drivers of SEV guests, and TPM CRB, all of which 6.1's cloud
# flavour lacks.
kernel_package=linux-image-amd64
# What no virtual machine has. A tree is smaller and its initrds quicker to make.
no_modules=(sound net/wireless net/bluetooth net/mac80211 fs/{btrfs,xfs,ocfs2,gfs2,f2fs,jfs,reiserfs,nfs,nfsd,cifs,ceph,afs,ntfs3,ubifs}
  drivers/{gpu,media,infiniband,iio,staging,hwmon,comedi,mtd,isdn,bluetooth,target,platform,usb,mmc,misc,video,hid,input,atm,w1,edac}
  drivers/net/{wireless,ethernet/{[0-9b-fh-ln-z],a[a-ln-z],m[a-hj-z],mic[a-qs-z],micr[a-np-z],micro[a-rt-z]}\*,can,ieee802154,wan,arcnet,hamradio,usb,dsa,phy}
  drivers/scsi/{[a-ru-z]\*,s[a-bd-z]\*})

# What an initrd is made from; a root that boots is a part of it.
tree_packages=(base-files base-passwd bash dash coreutils grep sed mawk findutils util-linux mount libc-bin diffutils
  tar gzip zstd cpio procps systemd udev kmod dbus dracut-core dracut-network cryptsetup-bin dmsetup iproute2
  isc-dhcp-client iputils-arping e2fsprogs login)
# Packages of libraries that a program under test is linked with; see library_packages.
more_packages=()
# Folders, laid out as a root, of what is added to what initrds are made from, and to the root.
more_of_initrd='' more_of_root=''

# digest_of WORD…: a name for content. Files by what is in them, other words as they are.
digest_of() {
  local word
  for word in "$@"; do
    if [ -f "$word" ]; then sha256sum <"$word"; elif [ -d "$word" ]; then
      (cd "$word" && find . -type f -print0 | sort -z | xargs -0 sha256sum)
    else printf '%s\n' "$word"; fi
  done | sha256sum | cut -c 1-16
}

# made_once PATH COMMAND…: runs the command with a path to make, moved into place when it is
# whole; one process at a time. Sets $made.
made_once() {
  made=$1
  shift
  mkdir -p "$cache"
  [ ! -e "$made" ] || return 0
  (
    flock 9
    [ ! -e "$made" ] || exit 0
    local start=$SECONDS
    rm -rf "$made.new"
    "$@" "$made.new" >"$made.log" 2>&1 || {
      tail -n 30 "$made.log" >&2
      echo "cannot make $made" >&2
      exit 1
    }
    mv "$made.new" "$made" && printf 'made  %s in %ss\n' "${made##*/}" $((SECONDS - start))
  ) 9>"$made.lock"
}

# library_packages PROGRAM…: Debian packages of their shared libraries, as on this machine. A package may have
# a library under the name that the loader found, below /usr, or under the one that it is a link to.
library_packages() {
  local libraries
  mapfile -t libraries < <(ldd "$@" 2>/dev/null | awk '$3 ~ /^\// { print $3 }' | sort -u)
  { printf '%s\n' "${libraries[@]}" "${libraries[@]/#//usr}" && readlink -f "${libraries[@]}"; } | sort -u |
    xargs dpkg -S 2>/dev/null | grep -v ^diversion | cut -d : -f 1 | sort -u | grep -vxF libc6
}

# One kernel, unpacked rather than installed: its maintainer scripts would make an initrd
# of their own.
unpack_kernel() {
  local tree=$1 pattern leave_out=() folder
  for pattern in "${no_modules[@]}"; do leave_out+=(--exclude="./lib/modules/*/kernel/$pattern"); done
  dpkg --fsys-tarfile "$tree"/linux-image-*.deb |
    tar -x -C "$tree" --keep-directory-symlink "${leave_out[@]}" ./boot ./lib/modules || return 1
  rm -f "$tree"/linux-image-*.deb
  for folder in "$tree"/lib/modules/*; do chroot "$tree" depmod "${folder##*/}" || return 1; done
}

# Run by mmdebstrap, with the folder of the tree: apt works from outside of it.
# shellcheck disable=SC2016
download_kernel='cd "$1" && export APT_CONFIG=$MMDEBSTRAP_APT_CONFIG
  apt-get -qq download "$(apt-cache depends '$kernel_package' | sed -n "s/^ *Depends: *\(linux-image-[0-9].*\)/\1/p")"'

make_tree() {
  local out=$1 names
  printf -v names '%s,' "${tree_packages[@]}" "${more_packages[@]}"
  mmdebstrap --quiet --mode=root --variant=custom --include="${names%,}" \
    --aptopt='APT::Install-Recommends "false"' --dpkgopt=force-unsafe-io \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --customize-hook="$download_kernel" \
    bookworm "$out" ${sources:+"$sources"} || return 1
  unpack_kernel "$out" || return 1
  : >"$out/etc/machine-id"
}

# the_tree: sets $tree, and $kernel and $release of its kernel.
the_tree() {
  made_once "$cache/tree-$(digest_of "${tree_packages[@]}" "${more_packages[@]}" "${no_modules[@]}" $kernel_package "$sources")" make_tree || return 1
  tree=$made
  release=$(basename "$tree"/lib/modules/*)
  kernel=$tree/boot/vmlinuz-$release
}

# in_tree FOLDER COMMAND…: runs the command with a writable view of $tree mounted on a folder
# whose path is in $view, in a mount namespace that ends with it. FOLDER is for what changes.
in_tree() {
  local changes=$1
  shift
  mkdir -p "$changes"/{upper,work,view}
  declare -fx "$1"
  # shellcheck disable=SC2016
  view=$changes/view unshare --mount bash -c '
    set -e -o pipefail
    mount -t tmpfs tmpfs "$0" && mkdir "$0"/{upper,work,view}
    mount -t overlay overlay -o "lowerdir=$1,upperdir=$0/upper,workdir=$0/work" "$view"
    for name in proc sys dev; do mount --rbind "/$name" "$view/$name"; done
    shift
    "$@"' "$changes" "$tree" "$@"
  local status=$?
  rm -rf "$changes"
  return $status
}

# The module and a program are installed as a package would, then dracut runs.
dracut_in_view() {
  local program=$1 module=$2 release=$3 out=$4
  shift 4
  install -D -m 0755 "$program" "$view/usr/sbin/attestd-unlock"
  rm -rf "$view/usr/lib/dracut/modules.d/90attestd"
  cp -r "$module" "$view/usr/lib/dracut/modules.d/90attestd"
  [ -z "$more_of_initrd" ] || cp -r "$more_of_initrd/." "$view"
  : >"$view/initrd.img"
  TMPDIR=/tmp chroot "$view" dracut --force --no-hostonly --no-hostonly-cmdline --kver "$release" \
    --add-drivers qemu_fw_cfg --compress 'zstd -3 -T0' "$@" /initrd.img
  cp "$view/initrd.img" "$out"
}
make_initrd() {
  local out=${*: -1}
  export more_of_initrd
  in_tree "$out.changes" dracut_in_view "$program" "$source/dracut/90attestd" "$release" "$out" "${@:1:$#-1}"
}

# an_initrd OPTION…: options of dracut; sets $initrd. The program inside is $program.
an_initrd() {
  the_tree || return 1
  made_once "$cache/initrd-$(digest_of "$(basename "$tree")" "$program" "$source/dracut/90attestd" "$more_of_initrd" "$(declare -f dracut_in_view)" "$@").img" \
    make_initrd "$@" || return 1
  initrd=$made
}
# The two flavours. Debian's dracut-network asks for a module, ifcfg, that asks for all of
# dracut's network; ours does without.
systemd_initrd() { an_initrd --omit ifcfg; }
plain_initrd() { an_initrd --omit "systemd ifcfg"; }

# files_of IMAGE: paths in an initrd, which is one compressed archive.
files_of() { zstd -dc <"$1" | cpio --quiet -t; }

# patched_initrd NAME FILE…: $initrd with the files replaced by empty ones:
# a second archive behind the first, of which the kernel takes the later file.
patched_initrd() {
  local folder file
  folder=$work/patch-$1
  shift
  for file in "$@"; do
    mkdir -p "$folder/${file%/*}"
    : >"$folder/$file"
  done
  (cd "$folder" && find . | cpio --quiet -o -H newc) >"$folder.cpio" || return 1
  # An archive begins at a multiple of four bytes, and the kernel skips zeros before it.
  { cat "$initrd" && head -c $((3 - ($(stat -c %s "$initrd") + 3) % 4)) /dev/zero && cat "$folder.cpio"; } >"$folder.img"
  initrd=$folder.img
}

# The root: the tree without what only an initrd is made from, and a unit that says that
# it was reached.
root_in_view() {
  local units=$1 out=$2 name
  umount -R "$view"/{proc,sys,dev}
  rm -rf "${view:?}"/{boot,usr/lib/modules,usr/lib/dracut,usr/share,usr/include,var/lib/dpkg,var/lib/apt,var/cache} \
    "$view"/usr/lib/udev/hwdb.* "$view"/usr/lib/x86_64-linux-gnu/{perl-base,gconv} "$view"/usr/bin/perl*
  mkdir -p "$view"/usr/share "$view"/boot
  echo '/dev/mapper/root / ext4 rw,noatime 0 0' >"$view/etc/fstab"
  echo 0123456789abcdef0123456789abcdef >"$view/etc/machine-id"
  echo boot >"$view/etc/hostname"
  install -m 0755 "$units/boot-marker" "$view/usr/sbin/boot-marker"
  install -m 0644 "$units/boot-marker.service" "$view/etc/systemd/system/boot-marker.service"
  mkdir -p "$view/etc/systemd/system/multi-user.target.wants"
  ln -s ../boot-marker.service "$view/etc/systemd/system/multi-user.target.wants/"
  ln -s /lib/systemd/systemd "$view/usr/sbin/init"
  for name in proc-sys-fs-binfmt_misc.automount dbus.service dbus.socket systemd-logind.service systemd-user-sessions.service getty.target serial-getty@ttyS0.service systemd-networkd.service e2scrub_reap.service systemd-timesyncd.service \
    systemd-hwdb-update.service systemd-journal-catalog-update.service; do
    ln -sf /dev/null "$view/etc/systemd/system/$name"
  done
  [ -z "$more_of_root" ] || cp -r "$more_of_root/." "$view"
  mke2fs -q -t ext4 -L root -O ^has_journal -m 0 -d "$view" "$out" "$(($(du -sm "$view" | cut -f 1) * 5 / 4 + 24))M"
}
make_root() {
  export more_of_root
  in_tree "$1.changes" root_in_view "$source/tests/boot/root" "$1"
}

volume_uuid=5e0f5c1e-0b5e-4a3c-9f3e-6d1f0a7c2b11
# A folder with disk.img, whose whole is the volume, and key, 32 random bytes. Encrypted in
# place: no device mapper is needed here. So random a key needs no slow derivation.
make_disk() {
  local root=$1 out=$2
  mkdir -p "$out"
  head -c 32 /dev/urandom >"$out/key"
  cp --sparse=always "$root" "$out/disk.img"
  truncate -s +16M "$out/disk.img"
  cryptsetup reencrypt --batch-mode --encrypt --type luks2 --reduce-device-size 16m --cipher aes-xts-plain64 \
    --key-file "$out/key" --pbkdf pbkdf2 --pbkdf-force-iterations 1000 "$out/disk.img" &&
    cryptsetup luksUUID --batch-mode --uuid $volume_uuid "$out/disk.img"
}

# What a host would like to have opened: the header says that nothing is encrypted, any key
# fits, and the root is the host's own, in plain text.
forge_disk() {
  local root=$1 genuine=$2 out=$3
  mkdir -p "$out"
  cp "$genuine/key" "$out/key"
  head -c 8M "$genuine/disk.img" >"$out/disk.img"
  cat "$root" >>"$out/disk.img"
  python3 "$source/tests/boot/standin/forge.py" "$out/disk.img"
}

# a_disk, a_forged_disk: set $disk, a folder.
a_disk() {
  the_tree || return 1
  made_once "$cache/root-$(digest_of "$(basename "$tree")" "$source/tests/boot/root" "$more_of_root" "$(declare -f root_in_view)").ext4" make_root || return 1
  root=$made
  made_once "$cache/disk-$(digest_of "$(basename "$root")" "$(declare -f make_disk)")" make_disk "$root" || return 1
  disk=$made
}
a_forged_disk() {
  a_disk || return 1
  made_once "$cache/forged-$(digest_of "$(basename "$disk")" "$source/tests/boot/standin/forge.py" "$(declare -f forge_disk)")" \
    forge_disk "$root" "$disk" || return 1
  disk=$made
}

# The program inside the initrds: this project's, or what tests of the module alone take.
standin_program() {
  made_once "$cache/standin-$(digest_of "$source/tests/boot/standin/attestd-unlock.c")" compile_standin || return 1
  program=$made
}
compile_standin() { cc -static -Os -s -Wall -Wextra -o "$1" "$source/tests/boot/standin/attestd-unlock.c"; }
