#include "evidence/digest.h"

#include <openssl/evp.h>

#include <array>
#include <memory>
#include <stdexcept>

namespace attestd {
namespace {

struct Entry {
  HashAlgorithm algorithm;
  std::string_view name;
  std::size_t size;
};
constexpr std::array entries{
    Entry{HashAlgorithm::sha1, "sha1", 20},       Entry{HashAlgorithm::sha256, "sha256", 32},
    Entry{HashAlgorithm::sha384, "sha384", 48},   Entry{HashAlgorithm::sha512, "sha512", 64},
    Entry{HashAlgorithm::sm3_256, "sm3_256", 32},
};

const Entry& entry(HashAlgorithm algorithm) {
  for (const Entry& candidate : entries) {
    if (candidate.algorithm == algorithm) return candidate;
  }
  throw std::logic_error("not a hash algorithm");
}

// Looked up once: EVP_MD_fetch takes locks and string compares.
const EVP_MD* message_digest(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::sha1: return EVP_sha1();
    case HashAlgorithm::sha256: return EVP_sha256();
    case HashAlgorithm::sha384: return EVP_sha384();
    case HashAlgorithm::sha512: return EVP_sha512();
    case HashAlgorithm::sm3_256: {
      static EVP_MD* const sm3 = EVP_MD_fetch(nullptr, "SM3", nullptr);
      return sm3;
    }
  }
  return nullptr;
}

struct ContextDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

}  // namespace

std::string_view hash_name(HashAlgorithm algorithm) { return entry(algorithm).name; }
std::size_t hash_size(HashAlgorithm algorithm) { return entry(algorithm).size; }

std::optional<HashAlgorithm> hash_from_name(std::string_view name) {
  for (const Entry& candidate : entries) {
    if (candidate.name == name) return candidate.algorithm;
  }
  return std::nullopt;
}

std::optional<HashAlgorithm> hash_from_id(std::uint16_t tpm_alg_id) {
  for (const Entry& candidate : entries) {
    if (static_cast<std::uint16_t>(candidate.algorithm) == tpm_alg_id) return candidate.algorithm;
  }
  return std::nullopt;
}

bool hash_available(HashAlgorithm algorithm) { return message_digest(algorithm) != nullptr; }

Bytes digest(HashAlgorithm algorithm, std::initializer_list<ByteView> parts) {
  const EVP_MD* const md = message_digest(algorithm);
  thread_local const std::unique_ptr<EVP_MD_CTX, ContextDeleter> context(EVP_MD_CTX_new());
  bool good = md != nullptr && context != nullptr && EVP_DigestInit_ex(context.get(), md, nullptr) == 1;
  for (const ByteView part : parts) good = good && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  Bytes out(hash_size(algorithm));
  good = good && EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(out.data()), nullptr) == 1;
  if (!good) throw std::runtime_error("OpenSSL cannot compute " + std::string(hash_name(algorithm)));
  return out;
}

}  // namespace attestd
