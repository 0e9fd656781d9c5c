// How long the tests with random input run.
#pragma once

#include <cstdlib>

namespace pg_clinic::test {

// The rounds of a random test: `usual` ones, times CLINIC_TEST_DEPTH, which a search for rare faults sets higher than 1.
inline int rounds(int usual) {
    const char *depth = std::getenv("CLINIC_TEST_DEPTH");
    const int factor = depth == nullptr ? 1 : std::atoi(depth);
    return usual * (factor < 1 ? 1 : factor);
}

} // namespace pg_clinic::test
