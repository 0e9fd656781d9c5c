// SHA-256 for tests (FIPS 180-4), written for clarity.
#pragma once

#include "core/merkle.hpp"

#include <string_view>

namespace pg_clinic::test {

core::Digest sha256(std::string_view bytes);

class Sha256Tree : public core::TreeHash {
  public:
    core::Digest empty() override;
    core::Digest node(const core::Digest &left, const core::Digest &right) override;
};

core::Digest leaf_digest(std::string_view entry); // of 0x00 and the entry
core::Digest from_hex(std::string_view hex);

} // namespace pg_clinic::test
