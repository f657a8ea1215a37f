#!/bin/bash
# dracut module of attestd: the key of an encrypted volume comes from attestation, and
# nothing that the host says gets a shell, a prompt or a credential in before it.
# For dracut 059 (Debian 12) and later; with systemd in the initrd and without.
# shellcheck disable=SC2154 # dracut sets moddir, initdir, systemdsystemunitdir and their like

check() {
    require_binaries attestd-unlock cryptsetup || return 1
    # Without being asked only where a volume says so: by its configuration.
    [[ $hostonly ]] && [[ ! -e $dracutsysrootdir/etc/attestd/unlock.toml ]] && return 255
    return 0
}

depends() {
    echo crypt dm rootfs-block
}

installkernel() {
    # What the host shows of its hardware, and what reads its evidence.
    hostonly='' instmods sev-guest tdx-guest tsm ccp configfs tpm_crb tpm_tis tpm_vtpm_proxy qemu_fw_cfg
    # Networks of confidential VMs: KVM, Azure, AWS, Google. attestd_net_drivers in dracut.conf(5) has other
    # words of instmods, as "=drivers/net/ethernet".
    # shellcheck disable=SC2086 # a list
    hostonly='' instmods ${attestd_net_drivers:-virtio_net hv_netvsc mana ena gve} virtio_pci
    # Disks, and formats that an enrolled volume may have.
    hostonly='' instmods virtio_blk virtio_scsi hv_storvsc nvme dm_crypt dm_integrity
    hostonly='' instmods xts cbc hmac sha256 sha512 authenc essiv aesni_intel
}

# A value of our configuration, for files that the image must hold.
attestd_setting() (
    # shellcheck source=dracut/90attestd/unlock-lib.sh
    . "$moddir/unlock-lib.sh"
    file_setting "$1" "$dracutsysrootdir/etc/attestd/unlock.toml"
)

attestd_files() {
    local file authorities word
    inst_binary "$(find_binary attestd-unlock)" /usr/sbin/attestd-unlock
    inst_multiple cat ln mkdir mv rm rmdir sed sleep
    inst_simple "$moddir/unlock-lib.sh" /usr/lib/attestd/unlock-lib.sh
    inst_simple "$moddir/credentials.sh" /usr/lib/attestd/credentials.sh
    inst_script "$moddir/unlock-end.sh" /usr/lib/attestd/unlock-end
    inst_simple /etc/attestd/unlock.toml
    # A first boot's file system.
    inst_multiple -o mke2fs /etc/mke2fs.conf
    # Names of servers are resolved by glibc, which loads these by name.
    inst_libdir_file "libnss_dns.so.*" "libnss_files.so.*"
    # What tpm2-tss talks to /dev/tpmrm0 with, which it loads by name too.
    inst_libdir_file "libtss2-tcti-device.so*"

    # Authorities of the relying party's certificate: only those that somebody named.
    authorities="$attestd_ca $(attestd_setting ca)"
    for word in $kernel_cmdline; do
        [[ $word == rd.attestd.ca=* ]] && authorities+=" ${word#*=}"
    done
    # The owner's key for PCR policies, where there is one. Signatures by it come from elsewhere.
    file=$(attestd_setting vtpm-key)
    [[ ! $file ]] || authorities+=" $file"
    for word in $kernel_cmdline; do
        [[ $word == rd.attestd.vtpm-key=* ]] && authorities+=" ${word#*=}"
    done
    inst_multiple -o /etc/systemd/tpm2-pcr-public-key.pem
    for file in $authorities; do
        [[ -e $dracutsysrootdir$file ]] || dwarn "attestd: there is no $file to put in the image"
        inst_simple "$file"
    done
}

# networkd by itself: dracut's module for it brings D-Bus and drivers of every card there is.
attestd_network() {
    inst_multiple "$systemdutildir"/systemd-networkd
    inst_multiple -o "$systemdutildir"/systemd-network-generator "$systemdnetwork"/99-default.link
    inst_simple "$moddir/systemd/dhcp.network" "$systemdnetwork/zz-attestd-dhcp.network"
    inst_script "$moddir/resolv-conf.sh" /usr/lib/attestd/resolv-conf
}

# networkd needs no systemd as PID 1, and is a quarter of dhclient and what dracut's scripts want
# with it. Who has put another network into the image gets that one.
attestd_network_without_systemd() {
    local name
    for name in network-legacy network-manager connman; do
        dracut_module_included "$name" || continue
        : > "$initdir/usr/lib/attestd/dracut-network"
        return
    done
    attestd_network
    # Whom networkd becomes.
    grep -s '^systemd-network:' "$dracutsysrootdir/etc/passwd" >> "$initdir/etc/passwd"
    grep -s '^systemd-network:' "$dracutsysrootdir/etc/group" >> "$initdir/etc/group"
    inst_hook pre-trigger 50 "$moddir/hook-network.sh"
}

attestd_units() {
    local unit
    for unit in attestd-unlock@.socket attestd-unlock@.service attestd-unlock-end@.service attestd-first-boot@.service \
        attestd-unlock-prompt.path attestd-unlock-prompt.service attestd-resolv.path attestd-resolv.service; do
        inst_simple "$moddir/systemd/$unit" "$systemdsystemunitdir/$unit"
    done
    inst_simple "$moddir/systemd/first-boot-format.conf" /usr/lib/attestd/first-boot-format.conf
    for unit in emergency rescue dracut-emergency; do
        inst_simple "$moddir/systemd/no-shell.conf" "$systemdsystemunitdir/$unit.service.d/attestd.conf"
    done
    for unit in console plymouth; do
        inst_simple "$moddir/systemd/no-prompt-$unit.conf" "$systemdsystemunitdir/systemd-ask-password-$unit.service.d/attestd.conf"
    done
    inst_simple "$moddir/systemd/volume.conf" "$systemdsystemunitdir/systemd-cryptsetup@.service.d/attestd.conf"
    inst_multiple -o "$systemdsystemunitdir"/sys-kernel-config.mount

    attestd_network
    inst_multiple -o \
        "$systemdsystemunitdir"/systemd-networkd.service "$systemdsystemunitdir"/systemd-networkd.socket \
        "$systemdsystemunitdir"/systemd-network-generator.service \
        "$systemdsystemunitdir"/network.target "$systemdsystemunitdir"/network-pre.target \
        "$systemdsystemunitdir"/network-online.target
    # In parallel with all else: who asks for a key finds the network up.
    $SYSTEMCTL -q --root "$initdir" add-wants initrd.target systemd-network-generator.service systemd-networkd.service
    inst_script "$moddir/unlock-generator.sh" "$systemdutildir/system-generators/attestd-unlock-generator"
    $SYSTEMCTL -q --root "$initdir" add-wants cryptsetup.target attestd-unlock-prompt.path
}

# Units that would take credentials from the host are told not to, whether or not another
# module puts them into the image: so the order of modules does not matter.
attestd_no_credentials() {
    local unit name folder=$dracutsysrootdir$systemdsystemunitdir
    # shellcheck source=dracut/90attestd/credentials.sh
    . "$moddir/credentials.sh"
    takes_credentials "$folder"/*.{service,socket,mount,swap} | while read -r unit; do
        name=${unit##*/}
        mkdir -p "$initdir$systemdsystemunitdir/$name.d"
        without_host_credentials "$name" "$unit" \
            > "$initdir$systemdsystemunitdir/$name.d/zz-attestd-credentials.conf"
    done
}

install() {
    attestd_files
    inst_hook initqueue/settled 01 "$moddir/hook-wait.sh"
    inst_hook emergency 00 "$moddir/hook-emergency.sh"
    inst_hook pre-pivot 90 "$moddir/hook-pre-pivot.sh"
    if dracut_module_included systemd; then
        attestd_units
        attestd_no_credentials
    else
        inst_hook cmdline 31 "$moddir/hook-cmdline.sh"
        inst_hook initqueue/settled 50 "$moddir/hook-unlock.sh"
        inst_script "$moddir/unlock-volume.sh" /usr/lib/attestd/unlock-volume
        inst_script "$moddir/first-boot.sh" /usr/lib/attestd/first-boot
        inst_multiple cryptsetup setsid
        attestd_network_without_systemd
        # Where hook-cmdline.sh asks for a network.
        inst_dir /etc/cmdline.d
    fi
    dracut_need_initqueue
}
