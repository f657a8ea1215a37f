// OpenSSH host certificates.
// Source: openssh PROTOCOL.certkeys, "New public key formats"; strings are RFC 4251's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "evidence/ssh_key.h"

namespace attestd {

inline constexpr std::size_t ssh_principals_limit = 256;

struct SshHostCertificate {
  SshPublicKey key;  // of the host: ssh-ed25519, ecdsa-sha2-nistp256, -nistp384, -nistp521, ssh-rsa
  std::uint64_t serial = 0;
  std::string key_id;                   // what sshd and ssh log
  std::vector<std::string> principals;  // host names and addresses; never empty: none would mean any
  std::int64_t valid_after = 0;         // Unix seconds, both; it is valid from the first on, and before the second
  std::int64_t valid_before = 0;
  SshPublicKey authority;  // that signs
};

// What the authority signs: all of the certificate but its signature. `nonce`: 32 random bytes. Errors:
// unsupported (another type of key), malformed (its blob; no principal; a principal that
// is_ssh_principal() refuses), out_of_range (over 256 principals; an empty validity).
Result<Bytes> encode_ssh_host_certificate(const SshHostCertificate& certificate, ByteView nonce);
// The certificate as a public key of its own type, "ssh-ed25519-cert-v01@openssh.com". `signature`: of
// Ed25519, 64 bytes.
SshPublicKey signed_ssh_host_certificate(const SshHostCertificate& certificate, ByteView body, ByteView signature);

// `blob` has the type of a certificate. Its signature is verified; whether the authority is to be believed,
// the caller knows. Errors: unsupported (a user's certificate, critical options, an authority that is not
// Ed25519), truncated, malformed, out_of_range, mismatch (the signature is not the authority's).
Result<SshHostCertificate> parse_ssh_host_certificate(const SshPublicKey& blob);

// The host's key in a certificate by anybody, of the types above; of another public key that key itself. The
// signature is not looked at: a certificate says no more here than which key was shown. Errors: unsupported,
// truncated, mismatch (the type in the blob is another).
Result<SshPublicKey> ssh_subject_key(const SshPublicKey& shown);

// Letters, digits, '.', '-', ':' and '_' only, at most 253 of them (RFC 1035 section 2.3.4): what
// ssh(1) can compare with the name that the user typed. No patterns.
bool is_ssh_principal(std::string_view text);

}  // namespace attestd
