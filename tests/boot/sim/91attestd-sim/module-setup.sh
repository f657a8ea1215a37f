#!/bin/bash
# dracut module for tests alone: a simulated SEV-SNP device in the initrd. attestd-sim serves a
# configfs-tsm tree at /run/attestd-sim/tsm/report from keys that are in the image, so that whoever
# made them knows what the machine's evidence must look like.
# shellcheck disable=SC2154 # dracut sets moddir, initdir and their like

check() {
    require_binaries attestd-sim || return 1
    return 255
}
depends() { echo attestd; }
installkernel() { hostonly='' instmods fuse; }

install() {
    inst_multiple attestd-sim cp mkdir chmod modprobe kill
    inst_script "$moddir/start.sh" /usr/lib/attestd-sim/start
    inst_multiple /usr/lib/attestd-sim/keys/* /etc/attestd/attestd.toml
    if dracut_module_included systemd; then
        inst_simple "$moddir/attestd-sim.service" "$systemdsystemunitdir/attestd-sim.service"
        inst_simple "$moddir/uses-sim.conf" "$systemdsystemunitdir/attestd-unlock@.service.d/attestd-sim.conf"
        inst_simple "$moddir/uses-sim.conf" "$systemdsystemunitdir/attestd-first-boot@.service.d/attestd-sim.conf"
        $SYSTEMCTL -q --root "$initdir" add-wants initrd.target attestd-sim.service
    else
        inst_hook pre-trigger 20 "$moddir/hook-start.sh"
        inst_hook pre-pivot 91 "$moddir/hook-stop.sh"
    fi
}
