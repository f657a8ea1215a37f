#include "verifier/roots.h"

#include <array>

namespace attestd {

std::span<const PinnedRoot> intel_roots() {
  static constexpr std::array roots{
      PinnedRoot{"Intel SGX Root CA", "a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e"},
  };
  return roots;
}

std::span<const PinnedRoot> amd_roots() {
  static constexpr std::array roots{
      PinnedRoot{"ARK-Milan", "9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9"},
      PinnedRoot{"ARK-Genoa", "429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831"},
      PinnedRoot{"ARK-Turin", "4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08"},
  };
  return roots;
}

std::span<const PinnedRoot> nitro_roots() {
  static constexpr std::array roots{
      PinnedRoot{"aws.nitro-enclaves", "f2caf5ecc6190b4a8399b78bc58a2bbcd0382375db8a1bfd78a82743874fd225"},
  };
  return roots;
}

}  // namespace attestd
