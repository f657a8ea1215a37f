#!/usr/bin/env bash
# What jose/ makes, others understand, and the other way: the jose command, which is
# libjose, and Python's jwcrypto. Debian's libjose has no RSA-OAEP, and puts epk where it
# is not authenticated, so encrypted texts that come to us are jwcrypto's.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

tool=$build/tests/jose/jose-tool
[ -x "$tool" ] || skip "no jose-tool in this build"
for name in jose openssl; do
  command -v $name >/dev/null || skip "no $name here"
done
cd "$work" || exit 1

ours() { "$tool" "$@"; }
# refused TEXT COMMAND…: fails, and its one sentence has the text.
refused() {
  local text=$1
  shift
  "$@" >out 2>err && return 1
  [ ! -s out ] && equal "$(wc -l <err)" 1 && has "$text" err
}
printf 'a key of \0 bytes\nand more' >secret

# Keys of every kind, made by libjose.
make_keys() {
  local curve
  for curve in 256 384 521; do jose jwk gen -i "{\"kty\":\"EC\",\"crv\":\"P-$curve\"}" -o "p$curve.jwk" || return 1; done
  jose jwk gen -i '{"kty":"RSA","bits":2048}' -o rsa.jwk
}
claim "libjose makes keys" make_keys
for key in p256 p384 p521 rsa; do
  claim "$key: libjose gives its public part" jose jwk pub -i $key.jwk -o $key.pub
  claim "  with the private part it is refused" refused "private key" ours thumbprint $key.jwk
  claim "  the thumbprint is libjose's" equal "$(ours thumbprint $key.pub)" "$(jose jwk thp -i $key.pub)"
  ours public $key.pub >$key.written
  claim "  what we write is the same key to libjose" jose jwk eql -i $key.pub -i $key.written
done

# Encrypted by us, decrypted by libjose.
to_libjose() { ours encrypt "$1.pub" <secret >"$1.jwe" && jose jwe dec -i "$1.jwe" -k "$1.jwk" -O "$1.out" && cmp secret "$1.out"; }
for key in p256 p384 p521; do
  claim "$key: libjose decrypts what we encrypt" to_libjose $key
done
claim "libjose does not with another key" not jose jwe dec -i p256.jwe -k p384.jwk -O out
from_libjose() { jose jwe enc -I secret -k p256.pub -i '{"protected":{"alg":"ECDH-ES+A256KW","enc":"A256GCM"}}' -o libjose.jwe; }
claim "libjose encrypts to P-256" from_libjose
claim "  with epk outside of the protected header, which we refuse" refused "not authenticated" ours decrypt p256.jwk <libjose.jwe
ours encrypt rsa.pub <secret >rsa.jwe
claim "rsa: we decrypt what we encrypt to libjose's key" cmp secret <(ours decrypt rsa.jwk <rsa.jwe)

# OAEP by itself: OpenSSL's command unwraps 32 bytes.
rsa_in_pem() {
  python3 - <<'PYTHON'
import base64, json, subprocess
key = json.load(open("rsa.jwk"))
number = lambda name: int.from_bytes(base64.urlsafe_b64decode(key[name] + "=="), "big")
fields = ["n", "e", "d", "p", "q", "dp", "dq", "qi"]
lines = ["asn1=SEQUENCE:key", "[key]", "version=INTEGER:0"] + [f"{f}=INTEGER:{hex(number(f))}" for f in fields]
open("rsa.cnf", "w").write("\n".join(lines) + "\n")
subprocess.run(["openssl", "asn1parse", "-genconf", "rsa.cnf", "-out", "rsa.der", "-noout"], check=True)
encrypted = json.load(open("rsa.jwe"))["encrypted_key"]
open("rsa.wrapped", "wb").write(base64.urlsafe_b64decode(encrypted + "=="))
PYTHON
}
unwrapped_by_openssl() {
  rsa_in_pem && openssl pkeyutl -decrypt -inkey rsa.der -keyform DER -in rsa.wrapped -out rsa.content-key \
    -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256 &&
    equal "$(wc -c <rsa.content-key)" 32
}
claim "rsa: the openssl command unwraps our content key" unwrapped_by_openssl

# Tokens.
ours make-signing-key >signing.der
printf '{"iss":"attest-brokerd","exp":4102444800}' >claims
claim "the signing key is PKCS#8 to openssl" openssl pkey -inform DER -in signing.der -noout
ours signer signing.der >signer.jwk
to_libjose_token() { ours sign signing.der <claims >token && jose jws ver -i token -k signer.jwk -O token.claims && cmp claims token.claims; }
claim "libjose verifies our token" to_libjose_token
claim "  but not by another key" not jose jws ver -i token -k p256.pub -O out
from_libjose_token() {
  jose jws sig -I claims -k p256.jwk -s '{"protected":{"alg":"ES256","typ":"JWT"}}' -c -o theirs &&
    ours verify p256.pub <theirs >theirs.claims && cmp claims theirs.claims
}
claim "we verify libjose's token" from_libjose_token
claim "  but not by another key" refused "not signed by the expected key" ours verify signer.jwk <theirs

# jwcrypto
for python in python3 /usr/bin/python3 ''; do
  [ -n "$python" ] && "$python" -c 'import jwcrypto' 2>/dev/null && break
done
if [ -z "$python" ]; then
  echo "left out: jwcrypto (install python3-jwcrypto)"
  finish
fi
# jwcrypto encrypt KEY ALG ENC | decrypt KEY: flattened with all parameters protected.
jwcrypto() {
  "$python" - "$@" <<'PYTHON'
import json, sys
from jwcrypto import jwe, jwk
command, name = sys.argv[1:3]
key = jwk.JWK.from_json(open(name).read())
if command == "encrypt":
    header = json.dumps({"alg": sys.argv[3], "enc": sys.argv[4]})
    text = jwe.JWE(open("secret", "rb").read(), protected=header, recipient=key)
    names = ["protected", "encrypted_key", "iv", "ciphertext", "tag"]
    open("theirs.jwe", "w").write(json.dumps(dict(zip(names, text.serialize(compact=True).split(".")))))
else:
    text = jwe.JWE()
    text.deserialize(open("ours.jwe").read(), key)
    open("theirs.out", "wb").write(text.payload)
PYTHON
}
to_jwcrypto() { ours encrypt "$1.pub" <secret >ours.jwe && jwcrypto decrypt "$1.jwk" && cmp secret theirs.out; }
from_jwcrypto() { jwcrypto encrypt "$1.pub" "$2" "$3" && ours decrypt "$1.jwk" <theirs.jwe >ours.out && cmp secret ours.out; }
for key in p256 p384 p521 rsa; do
  claim "$key: jwcrypto decrypts what we encrypt" to_jwcrypto $key
done
claim "rsa: we decrypt what jwcrypto encrypts by RSA-OAEP-256" from_jwcrypto rsa RSA-OAEP-256 A256GCM
for size in 128 192 256; do
  for key in p256 p384 p521; do
    claim "$key: we decrypt what jwcrypto encrypts by ECDH-ES+A${size}KW" from_jwcrypto $key ECDH-ES+A${size}KW A${size}GCM
  done
done
claim "  but not with another key" refused "not for this key" ours decrypt <(jose jwk gen -i '{"kty":"EC","crv":"P-521"}') <theirs.jwe
claim "RSA-OAEP with SHA-1 is refused" refused "is none of" eval 'jwcrypto encrypt rsa.pub RSA-OAEP A256GCM && ours decrypt rsa.jwk <theirs.jwe'
finish
