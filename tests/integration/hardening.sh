#!/usr/bin/env bash
# Our programs are built as hardened as the build asks for.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

for tool in readelf nm; do
  command -v $tool >/dev/null || skip "no $tool here (package binutils)"
done

# Each reads all of its input, so that no pipe breaks under pipefail.
position_independent() { readelf -hW "$1" | grep -E 'Type: +DYN' >/dev/null && readelf -dW "$1" | grep 'Flags:.*PIE' >/dev/null; }
relro() { readelf -lW "$1" | grep GNU_RELRO >/dev/null; }
bind_now() { readelf -dW "$1" | grep -E 'FLAGS.*(NOW|BIND_NOW)' >/dev/null; }
stack_not_executable() { readelf -lW "$1" | grep -E 'GNU_STACK.* RW ' >/dev/null; }
stack_protector() { readelf --dyn-syms -W "$1" | grep __stack_chk_fail >/dev/null; }
fortified() { readelf --dyn-syms -W "$1" | grep -E '__[a-z]+_chk' | grep -v __stack_chk_fail >/dev/null; }
assertions() { nm -C "$1" | grep __glibcxx_assert_fail >/dev/null; }

for program in "$attestd" "$build/agent/attestd-volumes" "$build/gateway/attestd-gateway" "$attestctl" "$attestd_sim"; do
  name=${program##*/}
  claim "$name is built" test -x "$program"
  claim "$name is position independent" position_independent "$program"
  claim "$name has its relocations read-only" relro "$program"
  claim "$name binds everything at start" bind_now "$program"
  claim "$name has no executable stack" stack_not_executable "$program"
  claim "$name has stack protectors" stack_protector "$program"
  claim "$name has fortified library calls" fortified "$program"
  claim "$name keeps the library's assertions" assertions "$program"
done
finish
