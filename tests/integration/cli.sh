#!/usr/bin/env bash
# attestctl on genuine evidence, on broken evidence and on wrong usage.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

command -v jq >/dev/null || skip "no jq here"
vectors=${ATTESTD_VECTORS:-$source/../shared/vectors}

result() { jq -r --arg id "$1" '.checks[] | select(.id == $id) | .result' "$work/out"; }
detail() { jq -r --arg id "$1" '.checks[] | select(.id == $id) | .detail' "$work/out"; }
one_sentence() { equal "$(wc -l <"$work/err")" 1 && [ ! -s "$work/out" ] && grep -qE "^attestctl: .*$1" "$work/err"; }
complains() {
  local wanted=$1
  shift
  runs 2 "$@" && one_sentence "$wanted" && return 0
  cat "$work/out" "$work/err"
  return 1
}

# Usage.
claim "--version names the program" runs 0 --version
claim "  and its version" grep -qE '^attestctl [0-9]+\.[0-9]+\.[0-9]+$' "$work/out"
helps() { runs 0 "$@" --help && { [ "$*" = policy ] || has Examples: "$work/out"; }; }
for words in status evidence inspect verify "verify snp" "verify tpm" host-proof policy "policy init" "policy check" "policy explain"; do
  # shellcheck disable=SC2086
  claim "attestctl $words --help helps" helps $words
done
claim "no command is wrong usage" complains subcommand
claim "an unknown command is wrong usage" complains 'see attestctl --help' frobnicate
claim "an unknown option is wrong usage" complains 'see attestctl --help' status --frobnicate
claim "a file that is not there is said so" complains 'cannot .*nothing' inspect "$work/nothing"
echo hello >"$work/hello"
claim "a file of no known format is said so" complains 'no format that is known' inspect "$work/hello"
claim "an unknown type lists the known ones" complains 'event-log' inspect --type nonsense "$work/hello"
claim "a forced type says what is wrong" complains 'as snp-report' inspect --type snp-report "$work/hello"
claim "a missing agent is said, with what to do" complains 'attestd.socket' status --socket "$work/none.sock"
claim "verify needs a policy" complains 'policy init' verify "$work/hello"
printf '[policy]\nversion = 1\n' >"$work/good.toml"
claim "a bundle that is none is said so" complains 'hello is no bundle' verify --policy "$work/good.toml" "$work/hello" --nonce 0011223344556677
claim "a short nonce is refused" complains '8 to 64' evidence --nonce 0011 -o "$work/x"
claim "a command that fails leaves nothing behind" complains 'status 7' evidence --from 'exec:echo half; exit 7' -o "$work/x"
claim "  no file either" not test -e "$work/x"
claim "a command that gives no bundle is refused" complains 'no bundle' evidence --from 'exec:echo "{}"' -o "$work/x"
claim "a time that is none is refused" complains '2025-06-01T00:00:00Z' verify snp --report "$work/hello" --certs "$work" --at yesterday
bad_policy() { printf '[policy]\nversion = 1\nrequird = []\n' >"$work/bad.toml" && complains 'bad.toml.*requird|requird' policy check "$work/bad.toml"; }
claim "an unknown key in a policy is refused" bad_policy
good_policy() { runs 0 policy check "$work/good.toml" && runs 0 policy explain "$work/good.toml" && has 'Debugging is not allowed' "$work/out"; }
claim "a minimal policy is valid and can be explained" good_policy
hostile() { printf '{"eat_profile":"\033[2J\302\233"}' >"$work/hostile" && runs 2 inspect "$work/hostile" && not grep -qP '\x1b|\xc2\x9b' "$work/err"; }
claim "hostile text does not reach the terminal" hostile

# host-proof never prints a key without proof, and fails.
refuses_host() {
  runs 1 host-proof "$@" && [ ! -s "$work/out" ] && grep -q 'host key verification failed' "$work/err" && return 0
  cat "$work/out" "$work/err"
  return 1
}
claim "host-proof without an agent is refused" refuses_host --policy "$work/good.toml" --from "unix:$work/none.sock" vm
claim "host-proof without a policy is refused" refuses_host --from "unix:$work/none.sock" vm
claim "host-proof refuses a pattern for a host" refuses_host --policy "$work/good.toml" --from "unix:$work/none.sock" '*'
claim "  and says so" has 'known_hosts' "$work/err"
claim "host-proof refuses three words" refuses_host --policy "$work/good.toml" ORDER vm NONE

# Completion, as bash would call it.
completes() {
  local wanted=$1
  shift
  bash -c '. "$1" && shift && wanted=$1 && shift && COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) &&
    _attestctl "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" 2>/dev/null
    printf "%s\n" "${COMPREPLY[@]}" | grep -qxF -- "$wanted"' bash "$source/client/completion/attestctl" "$wanted" "$@"
}
claim "completion knows the commands" completes host-proof attestctl h
claim "completion knows commands within commands" completes snp attestctl verify s
claim "completion knows a command's options" completes --certs attestctl verify snp --report snp --ce
claim "completion knows an option's values" completes never attestctl inspect --colour n
claim "completion completes files" completes "$work/hello" attestctl inspect --json "$work/he"
claim "completion offers no options of other commands" not completes --quote attestctl verify snp --q
known_options() {
  local words option
  for words in status evidence inspect verify "verify snp" "verify tpm" host-proof "policy init"; do
    # shellcheck disable=SC2086
    "$attestctl" $words --help | grep -oE -- '--[a-z-]+' | sort -u | while read -r option; do
      case $option in --color) continue ;; esac
      # shellcheck disable=SC2086
      completes "$option" attestctl $words "$option" || {
        echo "attestctl $words: no $option"
        return 1
      }
    done || return 1
  done
}
claim "completion knows every option that --help shows" known_options

if [ ! -d "$vectors" ]; then
  echo "left out: everything on genuine evidence (set ATTESTD_VECTORS)"
  finish
fi

# SEV-SNP reports.
snp() {
  local status=$1 report=$2 certificates=$3
  shift 3
  runs "$status" verify snp --json --report "$report" --certs "$certificates" "$@"
}
milan=$vectors/snp/milan-vcek-v2
claim "milan-vcek-v2 is refused" snp 1 "$milan/report.bin" "$milan"
claim "  its signature is good" equal "$(result snp.signature)" pass
claim "  its chain is good" equal "$(result snp.chain)" pass
claim "  its certificate is for its TCB" equal "$(result snp.tcb-binding)" pass
claim "  its guest policy is not" equal "$(result snp.policy)" fail
claim "  because it allows debugging" grep -qi debug <<<"$(detail snp.policy)"
claim "  and the verdict says refused" equal "$(jq -r .verdict "$work/out")" refused
printf '[policy]\nversion = 1\n[snp]\ndebug = true\nsmt = true\nmax-vmpl = 3\nmigration-agent = true\n' >"$work/lax.toml"
claim "a policy that allows debugging does not fail it" snp 0 "$milan/report.bin" "$milan" --policy "$work/lax.toml"
claim "  and the check passes" equal "$(result snp.policy)" pass

vlek=$vectors/snp/milan-vlek-v3
snp_any() { snp "$@" || snp 1 "${@:2}"; }
claim "milan-vlek-v3 in June 2025 can be judged" snp_any 0 "$vlek/report.bin" "$vlek" --at 2025-06-01T00:00:00Z
claim "  its signature is good" equal "$(result snp.signature)" pass
claim "  its chain is good" equal "$(result snp.chain)" pass
claim "the same report today is refused" snp 1 "$vlek/report.bin" "$vlek" --at 2026-11-24T00:00:00Z
claim "  because of its chain" equal "$(result snp.chain)" fail
claim "  that has expired" grep -qi expired <<<"$(detail snp.chain)"
claim "before the VLEK was made it is refused" snp 1 "$vlek/report.bin" "$vlek" --at 2024-06-01T00:00:00Z

wrong=$vectors/snp/milan-wrong-vcek
for name in right wrong-1 wrong-2; do
  mkdir "$work/$name"
  cp "$wrong/chain.pem" "$wrong/vcek-$name.der" "$work/$name/"
done
claim "the right VCEK can be judged" snp_any 0 "$wrong/report.bin" "$work/right"
claim "  and its signature is good" equal "$(result snp.signature)" pass
for name in wrong-1 wrong-2; do
  claim "VCEK $name is refused" snp 1 "$wrong/report.bin" "$work/$name"
  claim "  because of the signature" equal "$(result snp.signature)" fail
done
mkdir "$work/no-vcek" "$work/empty"
cp "$wrong/chain.pem" "$work/no-vcek/"
untrusted() { not runs 0 verify snp --json --report "$wrong/report.bin" --certs "$1" && not equal "$(result snp.signature)" pass; }
claim "without a VCEK there is no trust" untrusted "$work/no-vcek"
claim "without any certificate there is no trust" untrusted "$work/empty"

# A bit in every field, reserved ones too, and in every byte of the signature.
flip() {
  python3 - "$1" "$2" "$3" <<'PYTHON'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[int(sys.argv[3]) // 8] ^= 1 << (int(sys.argv[3]) % 8)
open(sys.argv[2], "wb").write(data)
PYTHON
}
flipped_fails() {
  local byte
  for byte in 0 4 8 10 16 32 48 52 56 64 72 76 80 100 143 144 191 192 224 272 320 352 384 392 400 416 479 480 488 492 496 504 671 672 700 743 744 800 815 816 1183; do
    flip "$vlek/report.bin" "$work/flipped" $((byte * 8 + byte % 8)) || return 1
    "$attestctl" verify snp --json --report "$work/flipped" --certs "$vlek" --at 2025-06-01T00:00:00Z --policy "$work/lax.toml" >"$work/out" 2>"$work/err"
    case $? in
    1 | 2) ;;
    *)
      echo "a bit in byte $byte was accepted"
      return 1
      ;;
    esac
  done
}
claim "the whole report is accepted by that policy" snp 0 "$vlek/report.bin" "$vlek" --at 2025-06-01T00:00:00Z --policy "$work/lax.toml"
claim "one flipped bit anywhere in it is not" flipped_fails
head -c 1183 "$vlek/report.bin" >"$work/short"
claim "a report that ends early is not accepted" not runs 0 verify snp --report "$work/short" --certs "$vlek" --at 2025-06-01T00:00:00Z --policy "$work/lax.toml"
claim "text says what JSON says" runs 1 verify snp --report "$milan/report.bin" --certs "$milan"
claim "  with the check's id" has snp.policy "$work/out"
claim "  and no colour into a file" not grep -q $'\033' "$work/out"
claim "  but with --colour=always" runs 1 verify snp --report "$milan/report.bin" --certs "$milan" --colour always
claim "  there is some" grep -q $'\033' "$work/out"

# Event logs.
replays() {
  runs 0 inspect --json "$vectors/tpm/eventlogs/$1" &&
    jq -e --arg log "$1" --slurpfile all "$vectors/tpm/eventlogs/expected-pcrs.json" '
      .replay as $ours | $all[0][$log] | to_entries | length > 0 and
      all(.[]; .key as $bank | .value | to_entries | length > 0 and
        all(.[]; . as $pcr | $ours[$bank][$pcr.key] == ($pcr.value | ascii_downcase)))' "$work/out"
}
logs=0
while read -r log; do
  claim "$log replays to the expected PCRs" replays "$log"
  logs=$((logs + 1))
done < <(jq -r 'keys[]' "$vectors/tpm/eventlogs/expected-pcrs.json")
claim "there were four logs" equal $logs 4
claim "a log can be read by people too" runs 0 inspect "$vectors/tpm/eventlogs/debian-10.bin"
claim "  with its PCRs" has 0f2d3a2a1adaa479aeeca8f5df76aadc41b862ea "$work/out"

# The other formats.
inspects() { runs 0 inspect --json "$vectors/$1" && equal "$(jq -r .type "$work/out")" "$2" && runs 0 inspect "$vectors/$1" && [ -s "$work/out" ]; }
claim "inspect knows an SNP report" inspects snp/milan-vcek-v2/report.bin snp-report
claim "inspect knows a certificate" inspects snp/milan-vcek-v2/vcek.der certificate
claim "inspect knows a chain" inspects snp/milan-vcek-v2/chain.pem certificate
claim "inspect knows a quote" inspects tpm/quote/quote.out tpm-quote
claim "inspect knows a quote's signature" inspects tpm/quote/quotesig.out tpm-signature
claim "inspect knows tpm2_quote's PCR values" inspects tpm/quote/quotepcr.out pcrs
claim "inspect knows an attestation key" inspects tpm/quote/ak.pub tpm-public

# A TPM quote.
quote=$vectors/tpm/quote
tpm() { "$attestctl" verify tpm --json --quote "$quote/quote.out" --signature "$1" --ak "$quote/ak.pub" --pcrs "$quote/quotepcr.out" "${@:2}" >"$work/out" 2>"$work/err"; }
tpm "$quote/quotesig.out"
claim "the quote's signature is good" equal "$(result tpm.signature)" pass
claim "its PCR values are those that were quoted" equal "$(result tpm.pcrs)" pass
extra() { tpm "$quote/quotesig.out" --extra-data 00ff; equal "$?" 1 && equal "$(result tpm.extra-data)" fail; }
claim "other qualifying data is refused" extra
bad_signature() {
  flip "$quote/quotesig.out" "$work/quotesig" 800 || return 1
  tpm "$work/quotesig"
  equal "$?" 1 && equal "$(result tpm.signature)" fail
}
claim "a flipped bit in its signature is refused" bad_signature
finish
