#!/bin/sh
# Serves the simulated device, in the initrd and again in the root: /run outlives the former, and
# so do the keys. attested.measurement=HEX on the command line makes it another machine, and the
# TPM is the machine's own, if it has any.
state=/run/attestd-sim
if [ ! -d $state/keys ]; then
    mkdir -p $state
    chmod 0700 $state
    cp -r /usr/lib/attestd-sim/keys $state/keys
fi
modprobe -q fuse
read -r line < /proc/cmdline
measurement=''
for word in $line; do
    case $word in attested.measurement=*) measurement=${word#*=} ;; esac
done
exec attestd-sim run --state $state --no-tpm ${measurement:+--measurement "$measurement"}
