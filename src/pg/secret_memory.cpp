// Memory for keys: see secret_memory.hpp.
#include "pg/secret_memory.hpp"

#include "pg/aead.hpp"

#include <bitset>
#include <sys/mman.h>

namespace pg_clinic::pg::secret_memory {

namespace {

constexpr std::size_t region_bytes = scratch_bytes + slot_count * slot_bytes;

constinit unsigned char *region = nullptr;
constinit bool locked = false;
constinit std::bitset<slot_count> taken{};
constinit std::size_t search_from = 0;

bool ready() noexcept {
    if (region != nullptr)
        return true;
    void *memory = mmap(nullptr, region_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return false;
    locked = mlock(memory, region_bytes) == 0;
#ifdef MADV_DONTDUMP
    (void)madvise(memory, region_bytes, MADV_DONTDUMP);
#endif
#ifdef MADV_WIPEONFORK
    (void)madvise(memory, region_bytes, MADV_WIPEONFORK);
#endif
    region = static_cast<unsigned char *>(memory);
    return true;
}

} // namespace

unsigned char *take() noexcept {
    if (!ready())
        return nullptr;
    for (std::size_t i = 0; i < slot_count; ++i) {
        const std::size_t slot = (search_from + i) % slot_count;
        if (!taken[slot]) {
            taken[slot] = true;
            search_from = slot + 1;
            return region + scratch_bytes + slot * slot_bytes;
        }
    }
    return nullptr;
}

void give_back(unsigned char *slot) noexcept {
    if (slot == nullptr)
        return;
    crypto::cleanse(slot, slot_bytes);
    taken[static_cast<std::size_t>(slot - region - scratch_bytes) / slot_bytes] = false;
}

unsigned char *scratch() noexcept { return ready() ? region : nullptr; }

void wipe_scratch() noexcept {
    if (region != nullptr)
        crypto::cleanse(region, scratch_bytes);
}

void wipe() noexcept {
    if (region != nullptr)
        crypto::cleanse(region, region_bytes);
    taken.reset();
}

bool is_locked() noexcept { return ready() && locked; }

} // namespace pg_clinic::pg::secret_memory
