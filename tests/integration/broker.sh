#!/usr/bin/env bash
# attest-brokerd: a guest that shares no code with it gets its secrets, and nobody else does.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

[ "$(id -u)" -eq 0 ] || skip "sshd, and evidence for who unlocks, need root here"
/usr/bin/python3 -c 'import jwcrypto' 2>/dev/null || skip "no jwcrypto here" # Debian's, not another python3
start_sim
make_sshd
setting ssh config "\"$work/ssh/sshd_config\"" "$work/vm/attestd.toml"
start_agent
write_policy
prepare_broker "sqlite:$work/store/broker.db"
# guest STATUS OPTION…: as kbs_guest.py says it; output in $work/secret.
guest() {
  local wanted=$1 status=0
  shift
  "$source/tests/integration/servers/kbs_guest.py" --broker "$broker" --ca-file "$work/broker.pem" --agent "$socket" "$@" \
    >"$work/secret" 2>&1 || status=$?
  equal "$status" "$wanted" || {
    cat "$work/secret"
    return 1
  }
}
refused_for() { guest 1 "${@:2}" && has "$1" "$work/secret"; }
secret_is() { cmp "$work/secret" "$1"; }

configure_broker 5m 5m
claim "a broker without its master key does not start" not timeout 10 "$brokerd" --config "$work/broker.toml"
claim "a master key is made" admin master-key new "$work/store/master.key"
claim "  for nobody else to read" equal "$(stat -c %a "$work/store/master.key")" 600
claim "  and never over another one" not admin master-key new "$work/store/master.key"
claim "its configuration is checked" "$brokerd" --check-config --config "$work/broker.toml"
start_broker "$work/broker.toml"

claim "a policy is kept, its roots with it" admin policy put vm "$work/policy.toml"
admin policy show vm
claim "  in the text" has "BEGIN CERTIFICATE" "$work/admin"
claim "  no file is named any more" not grep -q trust-root.pem "$work/admin"
claim "another policy" admin policy put other "$work/other.toml"
head -c 32 /dev/urandom >"$work/disk.key"
printf 'for anyone who is trusted' >"$work/plain"
volume=6a1e2d3c-0000-4000-8000-00000000000a
header=$(printf one | sha256sum | cut -c1-64)
put() { admin put "$@"; }
claim "a secret is kept" put vm/key/plain --policy vm --file "$work/plain"
claim "a volume's key" put vm/disk/root --policy vm --volume $volume --file "$work/disk.key"
claim "a secret of another VM" put other/key/plain --policy other --file "$work/plain"
claim "no secret without a policy" not put vm/key/none --policy none --file "$work/plain"
claim "  which it says" has "none" "$work/admin"
admin list
claim "they are listed" has "vm/disk/root" "$work/admin"
claim "nothing of a secret lies open in the database" not grep -q "anyone who is trusted" "$work"/store/broker.db*

# The KBS protocol.
claim "the guest gets its secret" guest 0 vm/key/plain
claim "  as it was put" secret_is "$work/plain"
claim "  by the token as well" guest 0 --bearer vm/key/plain
claim "  to a key of RSA" guest 0 --rsa vm/key/plain
claim "  by the policy that it names" guest 0 --selector vm vm/key/plain
claim "a policy that there is not: refused" refused_for "none" --selector none vm/key/plain
claim "one token serves several requests" guest 0 --count 3 vm/key/plain
claim "protocol 0.3.0 too" guest 0 --version 0.3.0 vm/key/plain
claim "protocol 0.9.0 is refused in Trustee's words" refused_for "KBS Client Protocol Version Mismatch" --version 0.9.0 vm/key/plain
claim "  as Trustee's error" has "https://github.com/confidential-containers/kbs/errors/AttestationError" "$work/secret"
claim "  and 0.1.1, which has no JWE" refused_for "KBS Client Protocol Version Mismatch" --version 0.1.1 vm/key/plain
claim "another VM's secret is refused" refused_for "PolicyDeny" other/key/plain
claim "  with the policy's name" has "was not trusted by policy other" "$work/secret"
claim "what is not there: 404" refused_for "404" vm/key/nothing
claim "what is no path: 404" refused_for "404" vm/../plain
claim "a challenge counts once" refused_for "was answered before" --twice vm/key/plain
guest 0 --save "$work/replayed.json" vm/key/plain
claim "replayed evidence is refused" refused_for "nonce" --bundle "$work/replayed.json" vm/key/plain
claim "evidence that names another key is refused" refused_for "somebody relays it" --other-key vm/key/plain
claim "evidence that names none is refused" refused_for "no key that a secret may be encrypted to" --no-unlock vm/key/plain
claim "evidence for another purpose is refused" refused_for "purpose" --purpose monitor vm/key/plain

# A guest of Trustee's, which knows nothing of us.
tsm=$(sed -n 's/^ *configfs *= *"\(.*\)".*/\1/p' "$work/vm/attestd.toml" | head -n 1)
sed 's/^required = .*/required = ["hardware", "initial_state"]/' "$work/policy.toml" >"$work/hardware.toml"
admin policy put hardware "$work/hardware.toml"
admin put trustee/key/plain --policy hardware --file "$work/plain"
admin put trustee/disk/root --policy hardware --volume $volume --file "$work/plain"
claim "Trustee's SNP evidence gets its secret" guest 0 --tsm "$tsm" trustee/key/plain
claim "  as it was put" secret_is "$work/plain"
claim "  not to a key that it does not bind" refused_for "the hash of the runtime data is" --tsm "$tsm" --other-key trustee/key/plain
claim "  not where a policy asks for the boot chain" refused_for "was not trusted by policy vm" --tsm "$tsm" vm/key/plain
claim "  and no volume's key, since it names no volume" refused_for "the evidence is for no volume" --tsm "$tsm" trustee/disk/root

# Volumes.
unlock() { guest "$1" --volume "${@:2}" vm/disk/root; }
claim "a volume's key needs evidence for a volume" refused_for "the evidence is for no volume" vm/disk/root
claim "  for that volume" refused_for "and the evidence is for volume" --volume 6a1e2d3c-0000-4000-8000-00000000000b --header "$header" vm/disk/root
claim "the volume's key is released" unlock 0 $volume --header "$header"
claim "  as it was put" secret_is "$work/disk.key"
other_header=$(printf two | sha256sum | cut -c1-64)
claim "another header, and the disk is refused" refused_for "is an older copy" --volume $volume --header "$other_header" vm/disk/root
claim "a new header is announced" unlock 0 $volume --header "$header" --next-header "$other_header"
claim "  until it is there the old one is good" unlock 0 $volume --header "$header"
claim "  then the new one" unlock 0 $volume --header "$other_header"
claim "  and the old one no more" refused_for "is an older copy" --volume $volume --header "$header" vm/disk/root
claim "a TPM's counter is remembered" unlock 0 $volume --header "$other_header" --counter 7
claim "  and must grow" refused_for "set back to an older state" --volume $volume --header "$other_header" --counter 7 vm/disk/root
claim "  and stay" refused_for "has no counter" --volume $volume --header "$other_header" vm/disk/root
claim "  higher is good" unlock 0 $volume --header "$other_header" --counter 9
claim "a recovered disk is believed once more" admin volume forget vm/disk/root
claim "  with what it shows then" unlock 0 $volume --header "$header" --counter 1
claim "  or only with the header that is named" admin volume forget vm/disk/root --header "$other_header"
claim "    not with another" refused_for "is an older copy" --volume $volume --header "$header" vm/disk/root
claim "    but with that" unlock 0 $volume --header "$other_header"

# First boot.
admin enrolment token vm/disk/data --policy vm
token=$(cat "$work/admin")
new_volume=6a1e2d3c-0000-4000-8000-0000000000cc
enrol() { guest "$1" --volume "$new_volume" --header "$header" --enrol "$2" "$3"; }
claim "an enrolment token is for one resource" refused_for "another resource" --volume "$new_volume" --header "$header" --enrol "$token" vm/disk/other
claim "a made-up token is none" guest 1 --volume "$new_volume" --header "$header" --enrol AAAA vm/disk/data
claim "with the token a volume's key is made" enrol 0 "$token" vm/disk/data
cp "$work/secret" "$work/made.key"
claim "  of 32 bytes" equal "$(stat -c %s "$work/made.key")" 32
claim "  the token is spent" refused_for "used" --volume "$new_volume" --header "$header" --enrol "$token" vm/disk/data
claim "  the next boot gets the same key" guest 0 --volume "$new_volume" --header "$header" vm/disk/data
claim "  the same, really" secret_is "$work/made.key"
admin enrolment token vm/disk/data --policy vm
claim "a wiped disk is not made anew, even with a token" refused_for "not made anew" --volume "$new_volume" --header "$header" --enrol "$(cat "$work/admin")" vm/disk/data

# Another key, made by the guest.
own_key=0123456789abcdef0123456789abcdef
data=(--volume "$new_volume" --header "$header")
admin put vm/disk/turned --policy vm --volume "$new_volume" --file "$work/made.key"
guest 0 "${data[@]}" vm/disk/turned
admin enrolment token vm/disk/turned --rotate
token=$(cat "$work/admin")
rotation_refused() { refused_for "$1" "${@:2}" --rotate "$token" "$own_key" vm/disk/turned; }
claim "a token for a rotation enrols nothing" refused_for "no such enrolment token" --volume "$new_volume" --header "$header" --enrol "$token" vm/disk/new
claim "a key that is replaced must be one of a volume" not admin enrolment token vm/key/plain --rotate
claim "no key is taken for another volume" rotation_refused "is for volume" --volume 6a1e2d3c-0000-4000-8000-0000000000dd --header "$header"
claim "  nor with another header" rotation_refused "the disk was changed" --volume "$new_volume" --header "$other_header"
claim "  nor for another resource" refused_for "another resource" "${data[@]}" --rotate "$token" "$own_key" vm/disk/root
claim "  nor a short one" refused_for "request.key" "${data[@]}" --rotate "$token" short vm/disk/turned
claim "  nor with a token that is none" refused_for "no such enrolment token" "${data[@]}" --rotate ffff "$own_key" vm/disk/turned
claim "the key is still the first" guest 0 "${data[@]}" vm/disk/turned
claim "  really" secret_is "$work/made.key"
claim "a guest replaces its volume's key" guest 0 "${data[@]}" --rotate "$token" "$own_key" vm/disk/turned
claim "  which is released from then on" guest 0 "${data[@]}" vm/disk/turned
claim "  as it was given" equal "$(cat "$work/secret")" "$own_key"
claim "  once for a token" rotation_refused "was used" "${data[@]}"
admin enrolment token vm/disk/turned --rotate
token=$(cat "$work/admin")
admin policy put vm "$work/policy.toml"
admin revoke vm/disk/turned
claim "a key that was revoked is not brought back" rotation_refused "was revoked" "${data[@]}"

# Rotation and revocation.
printf 'the second' >"$work/second"
claim "a secret is rotated" admin rotate vm/key/plain --file "$work/second"
claim "  and the new one released" guest 0 vm/key/plain
claim "  really" secret_is "$work/second"
claim "it is revoked" admin revoke vm/key/plain
claim "  and released no more" refused_for "revoked" vm/key/plain
guest 0 --token-only vm/key/plain
token=$(cat "$work/secret")
get() { curl -s --cacert "$work/broker.pem" -H "Authorization: Bearer $token" "$broker/kbs/v0/resource/$1" >"$work/answer"; }
admin policy put vm "$work/policy.toml"
get vm/disk/data
claim "a policy that changes ends the tokens of before" has "attest again" "$work/answer"
claim "a forged token is none" bash -c 'curl -s --cacert '"$work"'/broker.pem -H "Authorization: Bearer x.y.z" '"$broker"'/kbs/v0/resource/vm/disk/data | grep -q TokenNotFound'

# Host certificates.
claim "no rule, no certificate" runs 2 host-cert --broker "$broker" --ca-file "$work/broker.pem" --folder "$work/ssh" --from "$socket"
claim "  and it says which command makes one" has "attest-broker host-cert" "$work/err"
claim "a rule" admin host-cert allow vm --principal vm.example --principal '*.web.example'
certify() { runs "$1" host-cert --broker "$broker" --ca-file "$work/broker.pem" --folder "$work/ssh" --from "$socket" "${@:2}"; }
claim "certificates are signed" certify 0
claim "  for each key" test -s "$work/ssh/ssh_host_ed25519_key-cert.pub" -a -s "$work/ssh/ssh_host_ecdsa_key-cert.pub"
ssh-keygen -L -f "$work/ssh/ssh_host_ed25519_key-cert.pub" >"$work/shown" 2>&1
claim "  ssh-keygen reads them: a host's" has "ssh-ed25519-cert-v01@openssh.com host certificate" "$work/shown"
claim "  for the name" has "vm.example" "$work/shown"
claim "a name that fits a pattern" certify 0 --principal a.web.example
claim "no name that fits none" certify 2 --principal evil.example
claim "  which it says" has "no rule allows the name evil.example" "$work/err"
post() { curl -s --cacert "$work/broker.pem" -d "$2" "$broker$1" >"$work/answer"; }
post /v1/challenge '{}'
long=$(printf 'x%.0s' {1..2000})
post /v1/ssh-host-certificates "{\"challenge\":$(jq .challenge "$work/answer"),\"evidence\":$(cat "$work/bundle.json"),\"principals\":[\"$long\"]}"
claim "a name that is none is told so" has "no host name or address" "$work/answer"
claim "certificates that last are left" certify 0 --renew-before 60
claim "  with no word to the broker" has "nothing to do" "$work/out"
claim "a broker with another certificate is not believed" runs 2 host-cert --broker "$broker" --ca-file "$work/vm/trust-root.pem" --folder "$work/ssh" --from "$socket"
admin host-cert authority
cp "$work/admin" "$work/authority.pub"
claim "the authority is checked where it is known" certify 0 --principal vm.example --authority "$work/authority.pub"
claim "  another's signature is refused" certify 2 --authority "$work/ssh/user_key.pub"
admin host-cert authority --known-hosts '*.example'
cp "$work/admin" "$work/known_hosts"
{
  cat "$work/ssh/sshd_config"
  printf 'HostCertificate %s\n' "$work/ssh/ssh_host_ed25519_key-cert.pub" "$work/ssh/ssh_host_ecdsa_key-cert.pub"
} >"$work/ssh/sshd_certified"
start_sshd "$work/ssh/sshd_certified"
login() {
  ssh -F none -o UserKnownHostsFile="$work/known_hosts" -o GlobalKnownHostsFile=none -o StrictHostKeyChecking=yes \
    -o HostKeyAlias="$1" -o BatchMode=yes -o IdentitiesOnly=yes -i "$work/ssh/user_key" -p "$ssh_port" 127.0.0.1 true
}
claim "a stock ssh believes the certificate by one @cert-authority line" login vm.example
claim "  and not for another name" not login other.example
# ssh without that line gives host-proof the certificate, whose key is the VM's.
shown() { cut -d' ' -f"$2" "$work/ssh/$1-cert.pub"; }
claim "host-proof proves the key in a certificate" runs 0 host-proof --policy "$work/policy.toml" --from "$socket" \
  HOSTNAME vm.example "$(shown ssh_host_ed25519_key 1)" "$(shown ssh_host_ed25519_key 2)"
ssh-keygen -q -t ed25519 -N '' -f "$work/ssh/foreign"
ssh-keygen -q -s "$work/ssh/user_key" -h -I host -n vm.example "$work/ssh/foreign.pub"
claim "  and no other's" runs 1 host-proof --policy "$work/policy.toml" --from "$socket" \
  HOSTNAME vm.example "$(shown foreign 1)" "$(shown foreign 2)"

# The log.
admin audit verify
claim "the audit log is whole" has "records are good" "$work/admin"
admin audit show --count 1000
claim "  it has what was released" grep -q '"event":"release","decision":"released".*"resource":"vm/disk/root".*"answers":{"hardware":"yes"' "$work/admin"
claim "  the key that was made for a token" grep -q '"event":"enrolment","decision":"enrolled".*"resource":"vm/disk/data"' "$work/admin"
claim "  what was refused, and why" grep -q '"decision":"refused".*was not trusted by policy other' "$work/admin"
claim "  the header that was announced" grep -q '"event":"volume-header","decision":"announced".*"resource":"vm/disk/root"' "$work/admin"
claim "  certificates" grep -q '"event":"certificate","decision":"signed"' "$work/admin"
claim "  and what administrators did" grep -q '"event":"admin".*"action":"revoke"' "$work/admin"
claim "  no secret" not grep -q "anyone who is trusted" "$work/admin"

curl -s --cacert "$work/broker.pem" "$broker/metrics" >"$work/metrics"
claim "there are metrics" grep -q '^attest_broker_releases_total{decision="released"} [1-9]' "$work/metrics"
claim "  rotations are in them" grep -q '^attest_broker_rotations_total{decision="rotated"} 1' "$work/metrics"
claim "nothing secret in the broker's log" not grep -q "anyone who is trusted" "$work/broker.log"

# Time.
end_process "$broker_process"
configure_broker 1s 1m
start_broker "$work/broker.toml"
claim "a challenge expires" refused_for "the challenge has expired" --wait 2 vm/disk/data
end_process "$broker_process"
configure_broker 1m 1s
start_broker "$work/broker.toml"
claim "a token expires" refused_for "TokenVerifierError" --linger 2 vm/disk/data

# Another master key.
end_process "$broker_process"
admin master-key new "$work/store/second.key"
claim "everything is sealed under another master key" admin master-key replace "$work/store/second.key"
claim "  the old one opens nothing any more" not admin list
sed -i "s|/master\.key|/second.key|" "$work/broker.toml"
start_broker "$work/broker.toml"
claim "  with the new one the guest gets its secret" guest 0 --volume "$new_volume" --header "$header" vm/disk/data
claim "  the same" secret_is "$work/made.key"
kill -TERM "$broker_process"
gone() { ! kill -0 "$broker_process" 2>/dev/null; }
claim "SIGTERM ends it" await 15 gone
finish
