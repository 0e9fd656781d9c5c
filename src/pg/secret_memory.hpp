// Memory for keys: never swapped out, in no core dump, wiped when it is given back. Plain C++.
//
// One region for each process, of a fixed size below what every process may lock by default. A process that was forked
// finds it empty.
#pragma once

#include <cstddef>

namespace pg_clinic::pg::secret_memory {

inline constexpr std::size_t slot_bytes = 32;
inline constexpr std::size_t slot_count = 1024;
inline constexpr std::size_t scratch_bytes = 8192;

// A place for a key; null when all are taken.
unsigned char *take() noexcept;
void give_back(unsigned char *slot) noexcept;

// A place to read key files into: one user at a time, who wipes it.
unsigned char *scratch() noexcept;
void wipe_scratch() noexcept;

// Wipes everything; all slots are free again.
void wipe() noexcept;

// Whether the system let us lock the region; nothing works less without.
bool is_locked() noexcept;

} // namespace pg_clinic::pg::secret_memory
