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

// Fetched once, for good: OpenSSL's lookup, which EVP_sha256() and the others also
// cost at each use, takes locks and compares strings.
const EVP_MD* message_digest(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::sha1: {
      static EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA1", nullptr);
      return md;
    }
    case HashAlgorithm::sha256: {
      static EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA2-256", nullptr);
      return md;
    }
    case HashAlgorithm::sha384: {
      static EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA2-384", nullptr);
      return md;
    }
    case HashAlgorithm::sha512: {
      static EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA2-512", nullptr);
      return md;
    }
    case HashAlgorithm::sm3_256: {
      static EVP_MD* const md = EVP_MD_fetch(nullptr, "SM3", nullptr);
      return md;
    }
  }
  return nullptr;
}

struct ContextDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// One for each algorithm: to change a context's algorithm costs an allocation.
EVP_MD_CTX* context_of(HashAlgorithm algorithm) {
  thread_local std::array<std::unique_ptr<EVP_MD_CTX, ContextDeleter>, entries.size()> contexts;
  auto& context = contexts[static_cast<std::size_t>(&entry(algorithm) - entries.data())];
  if (context == nullptr) context.reset(EVP_MD_CTX_new());
  return context.get();
}

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
  EVP_MD_CTX* const context = context_of(algorithm);
  bool good = md != nullptr && context != nullptr && EVP_DigestInit_ex(context, md, nullptr) == 1;
  for (const ByteView part : parts) good = good && EVP_DigestUpdate(context, part.data(), part.size()) == 1;
  Bytes out(hash_size(algorithm));
  good = good && EVP_DigestFinal_ex(context, reinterpret_cast<unsigned char*>(out.data()), nullptr) == 1;
  if (!good) throw std::runtime_error("OpenSSL cannot compute " + std::string(hash_name(algorithm)));
  return out;
}

}  // namespace attestd
