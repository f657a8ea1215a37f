#include "vtpm/sealed.h"

#include <tss2/tss2_mu.h>

#include <algorithm>

#include "base/encoding.h"
#include "vtpm/counter_internal.h"
#include "vtpm/latch.h"

namespace attestd::vtpm {
namespace {

using hwio::EsysHandle, hwio::EsysPointer, hwio::tpm_check;

constexpr std::size_t pin_limit = 256;
constexpr std::uint64_t most_counts = (std::uint64_t{1} << 53U) - 2;  // as luks/token.h has it

// The TPM as it is now, with all that unsealing and enrolling have in common.
struct Opened {
  hwio::TpmContext context;
  StorageRoot root;
  PolicyKey key;
  EsysHandle session;          // HMAC
  SignedPolicy signed_policy;  // that covers this boot; none for enrolling without a counter
  [[nodiscard]] ESYS_CONTEXT* esys() const { return context.get(); }
};

// Which blob opens at the counter's value: an older disk's is none.
struct Current {
  Bytes blob;
  std::uint64_t value = 0;
};

Result<Current> current_blob(const luks::VtpmBinding& binding, std::uint64_t counter) {
  if (!binding.counter) return Current{binding.blob, 0};
  const luks::VtpmCounter& told = *binding.counter;
  const bool announced = !told.next.empty();
  if (counter == told.value) return Current{binding.blob, counter};
  if (announced && counter == told.value + 1) return Current{told.next, counter};
  const std::string both =
      "its header is of " + std::to_string(told.value) + ", and the TPM's counter is at " + std::to_string(counter);
  if (counter > told.value) return fail(Errc::refused, "the disk is an older copy: " + both);
  return fail(Errc::refused, "the TPM's state is older than the disk: " + both);
}

Result<void> require_unlatched(ESYS_CONTEXT* esys) {
  ATTESTD_TRY(const PcrBank bank, read_bank(esys, {latch_pcr}));
  const auto value = bank.find(latch_pcr);
  if (value != bank.end() && all_zero(value->second)) return {};
  return fail(Errc::refused, "a volume was unlocked before in this boot: PCR 15 is extended");
}

Result<SignedPolicy> covering(ESYS_CONTEXT* esys, const std::string& signatures, const PolicyKey& key,
                              const std::vector<unsigned>& pcrs) {
  ATTESTD_TRY(const std::vector<SignedPolicy> policies, parse_signed_policies(signatures));
  ATTESTD_TRY(const PcrBank bank, read_bank(esys, pcrs));
  return find_policy(policies, key, pcrs, bank);
}

Result<Opened> open_for(const VtpmRequest& request) {
  Opened out;
  ATTESTD_TRY(out.key, read_policy_key(request.policy_key));
  if (out.key.fingerprint != request.binding.policy_key) {
    return fail(Errc::mismatch, "the policy key, SHA-256 " + to_hex(out.key.fingerprint) +
                                    ", is not the one that the volume was enrolled with");
  }
  ATTESTD_TRY(out.context, hwio::TpmContext::open(request.tcti));
  ATTESTD_TRY(out.root, open_storage_root(out.esys(), request.binding.srk_name));
  ATTESTD_TRY(out.signed_policy, covering(out.esys(), request.signatures, out.key, request.binding.pcrs));
  ATTESTD_TRY(out.session, start_session(out.esys(), out.root.handle.get(), TPM2_SE_HMAC));
  return out;
}

Guard guard_of(const luks::VtpmBinding& binding, const PolicyKey& key, std::uint64_t counter) {
  Guard out{.key_name = key.name, .counter = counter, .authorization = binding.pin};
  if (binding.counter) out.counter_name = counter_name(binding.counter->index, key.name, true);
  return out;
}

// A keyed-hash object of these bytes. TPM2_Create encrypts its first parameter, which has them.
Result<Bytes> seal(const Opened& tpm, ByteView secret, ByteView pin, const Guard& guard) {
  TPM2B_PUBLIC area = {};
  area.publicArea.type = TPM2_ALG_KEYEDHASH;
  area.publicArea.nameAlg = TPM2_ALG_SHA256;
  area.publicArea.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT;
  // A PIN is short: the TPM has to count wrong ones. Without one there is nothing to guess.
  if (!guard.authorization) area.publicArea.objectAttributes |= TPMA_OBJECT_NODA;
  area.publicArea.authPolicy.size = fill(area.publicArea.authPolicy.buffer, guard_policy(guard));
  area.publicArea.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;

  const PinValue value(pin);
  TPM2B_SENSITIVE_CREATE sensitive = {};
  if (guard.authorization) sensitive.sensitive.userAuth = value.get();
  sensitive.sensitive.data.size = fill(sensitive.sensitive.data.buffer, secret);
  const TPM2B_DATA outside_info = {};
  const TPML_PCR_SELECTION creation_pcrs = {};
  TPM2B_PRIVATE* raw_private = nullptr;
  TPM2B_PUBLIC* raw_public = nullptr;
  ATTESTD_CHECK(encrypt_next(tpm.esys(), tpm.session, Encrypt::both));
  const TSS2_RC code =
      Esys_Create(tpm.esys(), tpm.root.handle.get(), tpm.session.get(), ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &area,
                  &outside_info, &creation_pcrs, &raw_private, &raw_public, nullptr, nullptr, nullptr);
  wipe(std::as_writable_bytes(std::span(&sensitive, 1)));
  ATTESTD_CHECK(tpm_check(code, "seal the secret"));
  const EsysPointer<TPM2B_PRIVATE> out_private(raw_private);
  const EsysPointer<TPM2B_PUBLIC> out_public(raw_public);

  Bytes out(sizeof(TPM2B_PRIVATE) + sizeof(TPM2B_PUBLIC));
  size_t size = 0;
  auto* const data = reinterpret_cast<std::uint8_t*>(out.data());
  ATTESTD_CHECK(tpm_check(Tss2_MU_TPM2B_PRIVATE_Marshal(out_private.get(), data, out.size(), &size), "marshal a blob"));
  ATTESTD_CHECK(tpm_check(Tss2_MU_TPM2B_PUBLIC_Marshal(out_public.get(), data, out.size(), &size), "marshal a blob"));
  out.resize(size);
  return out;
}

// Meets guard_policy(), step by step.
Result<EsysHandle> meet_policy(const Opened& tpm, const Guard& guard, const EsysHandle& counter) {
  ATTESTD_TRY(EsysHandle policy, start_session(tpm.esys(), tpm.root.handle.get(), TPM2_SE_POLICY));
  ATTESTD_CHECK(policy_authorize(tpm.esys(), policy.get(), tpm.key, tpm.signed_policy));
  const PcrBank unlatched = {{latch_pcr, pcr_initial_value(HashAlgorithm::sha256, latch_pcr)}};
  ATTESTD_TRY(const Digest composite, composite_of({latch_pcr}, unlatched));
  ATTESTD_CHECK(policy_pcrs(tpm.esys(), policy.get(), {latch_pcr}, composite));
  if (!guard.counter_name.empty()) {
    ATTESTD_CHECK(policy_counter(tpm.esys(), policy, counter, tpm.session, guard.counter));
  }
  if (guard.authorization) {
    ATTESTD_CHECK(tpm_check(Esys_PolicyAuthValue(tpm.esys(), policy.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE),
                            "announce a PIN"));
  }
  return policy;
}

Result<void> check_pin(bool wanted, const SecretBytes& pin) {
  if (pin.size() > pin_limit) return fail(Errc::out_of_range, "a PIN has at most 256 bytes");
  if (wanted && pin.empty()) return fail(Errc::permission, "the volume wants a PIN, and none was given");
  return {};
}

Result<EsysHandle> counter_of(const Opened& tpm, const luks::VtpmBinding& binding) {
  if (!binding.counter) return EsysHandle();
  return open_counter(tpm.esys(), binding.counter->index, tpm.key.name);
}

Result<std::uint64_t> counter_value(const Opened& tpm, const EsysHandle& counter, const luks::VtpmBinding& binding) {
  if (!binding.counter) return std::uint64_t{0};
  return read_counter(tpm.esys(), counter, tpm.session);
}

// What unseals, as far as that is known without the PIN.
struct Prepared {
  EsysHandle counter;
  Blob blob;
  Guard guard;
};
Result<Prepared> prepare(const Opened& tpm, const luks::VtpmBinding& binding) {
  ATTESTD_CHECK(require_unlatched(tpm.esys()));
  Prepared out;
  ATTESTD_TRY(out.counter, counter_of(tpm, binding));
  ATTESTD_TRY(const std::uint64_t count, counter_value(tpm, out.counter, binding));
  ATTESTD_TRY(const Current current, current_blob(binding, count));
  ATTESTD_TRY(out.blob, parse_blob(current.blob));
  out.guard = guard_of(binding, tpm.key, current.value);
  const TPM2B_DIGEST& policy = out.blob.area.publicArea.authPolicy;
  if (!std::ranges::equal(contents(policy, policy.buffer), guard_policy(out.guard))) {
    return fail(Errc::refused, "the sealed blob has another policy than the token says");
  }
  return out;
}

// All but the last step, which tells a wrong PIN.
struct Loaded {
  Opened tpm;
  EsysHandle object;
  EsysHandle policy;
};
Result<Loaded> load(const VtpmRequest& request) {
  Loaded out;
  ATTESTD_TRY(out.tpm, open_for(request));
  const Opened& tpm = out.tpm;
  ATTESTD_TRY(const Prepared prepared, prepare(tpm, request.binding));
  const auto& [counter, blob, guard] = prepared;
  ATTESTD_TRY(out.object, load_blob(tpm.esys(), tpm.root.handle.get(), tpm.session, blob));
  if (request.binding.pin) {
    const PinValue pin(request.pin.view());
    ATTESTD_CHECK(tpm_check(Esys_TR_SetAuth(tpm.esys(), out.object.get(), &pin.get()), "keep the PIN"));
  }
  ATTESTD_TRY(out.policy, meet_policy(tpm, guard, counter));
  return out;
}

Result<void> check_pcrs(const std::vector<unsigned>& pcrs) {
  const bool ascending = std::ranges::is_sorted(pcrs) && std::ranges::adjacent_find(pcrs) == pcrs.end();
  if (pcrs.empty() || !ascending || pcrs.back() > 23 || std::ranges::find(pcrs, latch_pcr) != pcrs.end()) {
    return fail(Errc::usage, "PCRs to seal to are some of 0 to 23, ascending, without 15, which always counts");
  }
  return {};
}

}  // namespace

Result<void> require_openable(const VtpmRequest& request) {
  ATTESTD_TRY(const Opened tpm, open_for(request));
  ATTESTD_CHECK(prepare(tpm, request.binding));
  return {};
}

Result<SecretBytes> unseal(const VtpmRequest& request) {
  ATTESTD_CHECK(check_pin(request.binding.pin, request.pin));
  ATTESTD_TRY(const Loaded loaded, not_the_pin(load(request)));
  ATTESTD_TRY(SecretBytes secret, take_out(loaded.tpm.esys(), loaded.object, loaded.policy));
  if (secret.size() < volume_key_size) return fail(Errc::malformed, "the sealed secret has fewer than 32 bytes");
  return secret;
}

Result<Enrolled> enrol(const EnrolRequest& request) {
  ATTESTD_CHECK(check_pcrs(request.pcrs));
  ATTESTD_CHECK(check_pin(false, request.pin));
  Opened tpm;
  ATTESTD_TRY(tpm.key, read_policy_key(request.policy_key));
  ATTESTD_TRY(tpm.context, hwio::TpmContext::open(request.tcti));
  ATTESTD_TRY(tpm.root, need_storage_root(tpm.esys()));
  ATTESTD_TRY(tpm.session, start_session(tpm.esys(), tpm.root.handle.get(), TPM2_SE_HMAC));

  Enrolled out;
  luks::VtpmBinding& binding = out.binding;
  binding.pcrs = request.pcrs;
  binding.policy_key = tpm.key.fingerprint;
  binding.pin = !request.pin.empty();
  std::ranges::copy(tpm.root.name, binding.srk_name.begin());
  std::uint64_t count = 0;
  if (request.counter) {
    ATTESTD_TRY(tpm.signed_policy, covering(tpm.esys(), request.signatures, tpm.key, request.pcrs));
    ATTESTD_TRY(const EsysHandle counter,
                need_counter(tpm.esys(), tpm.root, *request.counter, tpm.key, tpm.signed_policy));
    ATTESTD_TRY(count, read_counter(tpm.esys(), counter, tpm.session));
    if (count > most_counts) return fail(Errc::out_of_range, "the TPM's counter is beyond 2^53");
    binding.counter = luks::VtpmCounter{*request.counter, count, {}};
  }
  ATTESTD_TRY(out.secret, SecretBytes::random(volume_key_size));
  ATTESTD_TRY(binding.blob, seal(tpm, out.secret.view(), request.pin.view(), guard_of(binding, tpm.key, count)));
  return out;
}

Result<void> advance_counter(const VtpmRequest& request, const SecretBytes& secret, const StoreBinding& store) {
  if (!request.binding.counter) return {};
  ATTESTD_TRY(const Opened tpm, open_for(request));
  ATTESTD_TRY(const EsysHandle counter, counter_of(tpm, request.binding));
  ATTESTD_TRY(const std::uint64_t count, read_counter(tpm.esys(), counter, tpm.session));
  ATTESTD_TRY(const Current current, current_blob(request.binding, count));
  if (count >= most_counts) return fail(Errc::out_of_range, "the TPM's counter is beyond 2^53");
  luks::VtpmBinding announced = request.binding;
  announced.blob = current.blob;
  announced.counter->value = count;
  ATTESTD_TRY(announced.counter->next,
              seal(tpm, secret.view(), request.pin.view(), guard_of(announced, tpm.key, count + 1)));
  ATTESTD_CHECK(store(announced));
  ATTESTD_CHECK(increment(tpm.esys(), tpm.root, counter.get(), tpm.key, tpm.signed_policy));
  luks::VtpmBinding settled = std::move(announced);
  settled.blob = std::exchange(settled.counter->next, {});
  settled.counter->value = count + 1;
  return store(settled);
}

}  // namespace attestd::vtpm
