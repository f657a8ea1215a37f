#!/bin/sh
# first-boot NAME: makes a volume where its disk is none yet, in an initrd without systemd.
# shellcheck source=/dev/null
type getarg > /dev/null 2>&1 || . /lib/dracut-lib.sh
# shellcheck source=dracut/90attestd/unlock-lib.sh
. /usr/lib/attestd/unlock-lib.sh

name=$1
attestd-unlock --first-boot --name "$name" > /dev/console 2>&1
made=$?
# The volume's own opening waits for this.
rmdir "/run/attestd/first-boot/$name.pending" 2> /dev/null
[ $made -eq 0 ] || exec /usr/lib/attestd/unlock-end failed "the first boot of volume $name did not make it"
