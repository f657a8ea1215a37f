#!/bin/sh
# Sourced in dracut's main loop: while a key is being waited for, the loop's own patience
# (rd.retry, 180 s by default) does not run out into an emergency shell. Ours ends a minute
# after attestd-unlock should have. Nothing is forked here, since the loop is a busy one.
# A first boot takes as long as the disk is large, and ends by itself.
for _pending in /run/attestd/first-boot/*.pending/; do
    [ -d "$_pending" ] || break
    # shellcheck disable=SC2034 # the loop's
    main_loop=0
    attestd_deadline=''
    break
done
for _pending in /run/attestd/pending/*/; do
    [ -d "$_pending" ] || break
    read -r _now _ < /proc/uptime
    if [ -z "$attestd_deadline" ]; then
        # shellcheck source=dracut/90attestd/unlock-lib.sh
        . /usr/lib/attestd/unlock-lib.sh
        attestd_deadline=$((${_now%%.*} + $(unlock_budget) + 60))
    fi
    if [ "${_now%%.*}" -lt "$attestd_deadline" ]; then
        # shellcheck disable=SC2034 # the loop's
        main_loop=0
    fi
    break
done
unset _pending _now
