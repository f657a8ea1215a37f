#!/usr/bin/env bash
# Bad input and failing devices each get a clear error, and the agent goes on.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

start_sim
make_sshd
setting ssh config "\"$work/ssh/sshd_config\"" "$work/vm/attestd.toml"
start_agent

# refuses STATUS TEXT BODY: a problem document that says so, and service after it.
problem() {
  equal "$code" "$1" && jq -e --argjson status "$1" '.type and .title and .status == $status' "$work/answer" &&
    grep -qiE -- "$2" "$work/answer"
}
refuses() {
  ask "$3"
  problem "$1" "$2" && return 0
  cat "$work/answer"
  return 1
}
serves() {
  ask "{\"nonce\":\"$good_nonce\",\"purpose\":\"host\"}"
  equal "$code" 200 || {
    cat "$work/answer"
    tail -n 5 "$work/agent.log"
    return 1
  }
}
goes_on() { claim "  and the agent goes on" serves; }

claim "evidence for a good request" serves
claim "a nonce of 4 bytes is refused" refuses 400 nonce '{"nonce":"AAECAw","purpose":"host"}' && goes_on
claim "a nonce of 65 bytes is refused" refuses 400 nonce "{\"nonce\":\"$(head -c 65 /dev/zero | base64 -w0 | tr -d =)\",\"purpose\":\"host\"}" && goes_on
claim "a nonce that is not base64url is refused" refuses 400 nonce '{"nonce":"!!!!!!!!!!!!!!!!","purpose":"host"}' && goes_on
claim "an unknown purpose is refused" refuses 400 purpose "{\"nonce\":\"$good_nonce\",\"purpose\":\"mischief\"}" && goes_on
claim "JSON that ends early is refused" refuses 400 json '{"nonce":' && goes_on
claim "a nonce given twice is refused" refuses 400 nonce "{\"nonce\":\"$good_nonce\",\"nonce\":\"$good_nonce\",\"purpose\":\"host\"}" && goes_on
claim "report data of the asker's choice is refused" refuses 400 report_data "{\"nonce\":\"$good_nonce\",\"purpose\":\"host\",\"report_data\":\"$good_nonce\"}" && goes_on

head -c 1048576 /dev/zero | tr '\0' a >"$work/large"
large() {
  code=$(curl -s -o "$work/answer" -w '%{http_code}' --max-time 30 --unix-socket "$socket" --data-binary @"$work/large" http://localhost/v1/evidence)
  equal "$code" 413
}
claim "a body of 1 MiB is refused" large && goes_on

# Half a request, then nothing; and a whole one whose asker does not wait.
hang_up() {
  python3 - "$socket" <<'PYTHON'
import socket, sys
half = b"POST /v1/evidence HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60\r\n\r\n{\"nonce\":"
body = b'{"nonce":"AAECAwQFBgcICQoLDA0ODw","purpose":"host"}'
whole = b"POST /v1/evidence HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
for data in (half, whole, b"\x16\x03\x01\x00\x00garbage", b""):
    for _ in range(20):
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(sys.argv[1])
            one.sendall(data)
PYTHON
}
claim "askers hang up in the middle" hang_up && goes_on

sim() { "$attestd_sim" "$@"; }
fault() { sim fault --state "$work/vm" "$@"; }

claim "the device is busy three times" fault busy 3
goes_on
claim "the host throttles once" fault throttled 1
goes_on
claim "the hardware is slow" fault slow 200
goes_on
claim "the hardware is quick again" fault slow 0
claim "another process writes in between" fault race 2
goes_on

unavailable() { refuses 503 "$1" "{\"nonce\":\"$good_nonce\",\"purpose\":\"host\"}"; }
claim "the TPM vanishes" sim tpm --state "$work/vm" stop
claim "evidence is refused with 503 while there is no TPM" unavailable tpm
claim "status still answers" answers "$socket"
claim "the TPM is back" sim tpm --state "$work/vm" start
comes_back() { await 20 serves; }
claim "evidence is given again" comes_back

chmod 000 "$work/ssh/ssh_host_ed25519_key.pub" "$work/ssh/ssh_host_ed25519_key"
mv "$work/ssh/ssh_host_ed25519_key.pub" "$work/ssh/hidden.pub"
mv "$work/ssh/ssh_host_ed25519_key" "$work/ssh/hidden"
kill -HUP "$agent_process"
sleep 1
listed() { serves && part statement "$work/answer" | jq -r '.ssh_host_keys[]' >"$work/keys"; }
claim "a host key that cannot be read leaves the agent serving" listed
claim "the unreadable key is not listed" not has "$(cut -d' ' -f2 "$work/ssh/hidden.pub")" "$work/keys"
claim "the readable one is" has "$(cut -d' ' -f2 "$work/ssh/ssh_host_ecdsa_key.pub")" "$work/keys"

claim "the host broke the sequence: the key is wiped" fault wipe-key
claim "evidence is refused with 503 and says so" unavailable wiped
claim "status still answers" answers "$socket"

end_process "$agent_process"
sed -i -e "s|\"$work/vm/|\"$work/nowhere/|g" -e "s|^\( *socket *= *\).*|\1\"$work/bare.sock\"|" "$work/vm/attestd.toml"
start_agent
claim "without any device the agent starts" answers "$socket"
claim "evidence is refused with 503 and a reason" unavailable '.'
claim "and it goes on" answers "$socket"
end_process "$agent_process"
finish
