// Uuids: see uuid.hpp.
#include "pg/uuid.hpp"

#include "pg/clock.hpp"
#include "pg/datum.hpp"

#include <ctime>

namespace pg_clinic::pg {

namespace {

constexpr std::int64_t nanos_per_milli = 1'000'000;
constexpr std::int64_t unix_epoch_micros = 946'684'800 * core::micros_per_second;
constexpr std::int64_t largest_millis = (std::int64_t{1} << 48) - 1;

// The least step that changes the 12 bits of sub-millisecond time in an id.
constexpr std::int64_t least_step = nanos_per_milli / 4096 + 1;

std::int64_t wall_nanos() {
    timespec t{};
    clock_gettime(CLOCK_REALTIME, &t);
    return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

// Since 1970; a frozen clock counts as 1970 before, and as 2262 after the last instant that nanoseconds can tell.
std::int64_t clock_nanos() {
    constexpr std::int64_t last_micros = std::numeric_limits<std::int64_t>::max() / 1000 - 1'000'000'000'000;
    if (clock_is_frozen())
        return std::clamp<std::int64_t>(now().micros + unix_epoch_micros, 0, last_micros) * 1000;
    return wall_nanos();
}

// Nanoseconds that ascend from call to call. A clock frozen, set or released in between starts afresh.
std::int64_t ascending_nanos() {
    static constinit std::int64_t last = -1;
    static constinit std::int64_t last_frozen = -1;
    const std::int64_t nanos = clock_nanos();
    const std::int64_t frozen_at = clock_is_frozen() ? nanos : -1;
    if (frozen_at != last_frozen)
        last = -1;
    last_frozen = frozen_at;
    last = std::max(nanos, last < 0 ? nanos : last + least_step);
    return last;
}

void put_millis(Uuid &id, std::int64_t millis) {
    for (std::size_t i = 0; i < 6; ++i)
        id.bytes[i] = static_cast<std::uint8_t>(millis >> (40 - 8 * i));
}

// RFC 9562 §6.2, method 3: the 12 bits after the millisecond are its fraction, so ids of one backend ascend. The last eight bytes of
// the id are random already.
void put_time(Uuid &id, std::int64_t nanos) {
    const std::int64_t fraction = nanos % nanos_per_milli * 4096 / nanos_per_milli;
    put_millis(id, std::clamp<std::int64_t>(nanos / nanos_per_milli, 0, largest_millis));
    id.bytes[6] = static_cast<std::uint8_t>(0x70 | fraction >> 8);
    id.bytes[7] = static_cast<std::uint8_t>(fraction);
    id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3F) | 0x80);
}

constexpr bool is_dash(std::size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }

} // namespace

std::string to_text(const Uuid &id) {
    constexpr char digits[] = "0123456789abcdef";
    char out[36];
    std::size_t size = 0;
    for (const std::uint8_t byte : id.bytes) {
        if (is_dash(size))
            out[size++] = '-';
        out[size++] = digits[byte >> 4];
        out[size++] = digits[byte & 15];
    }
    return std::string(out, sizeof out);
}

std::optional<Uuid> parse_uuid(std::string_view text) noexcept { return core::parse_id(text); }

Uuid uuid_floor(std::int64_t unix_millis) noexcept {
    Uuid id;
    put_millis(id, std::clamp<std::int64_t>(unix_millis, 0, largest_millis));
    id.bytes[6] = 0x70;
    id.bytes[8] = 0x80;
    return id;
}

Uuid new_id() {
    Uuid id;
    take_random(id.bytes.data() + 8, 8);
    put_time(id, ascending_nanos());
    return id;
}

Uuid new_wall_id() {
    static constinit std::int64_t last = -1;
    Uuid id;
    take_random(id.bytes.data() + 8, 8);
    last = std::max(wall_nanos(), last + least_step);
    put_time(id, last);
    return id;
}

// What was handed out is wiped. Only backends come here, so that no two processes share a portion by a fork.
void take_random(std::uint8_t *bytes, std::size_t count) {
    static constinit std::array<std::uint8_t, 4096> portion{};
    static constinit std::size_t left = 0;
    for (std::size_t given = 0; given < count;) {
        if (left == 0) {
            if (!pg_strong_random(portion.data(), portion.size()))
                fail(ERRCODE_INTERNAL_ERROR, "could not generate random values");
            left = portion.size();
        }
        const std::size_t now_given = std::min(left, count - given);
        std::uint8_t *from = portion.data() + portion.size() - left;
        std::memcpy(bytes + given, from, now_given);
        std::memset(from, 0, now_given);
        left -= now_given;
        given += now_given;
    }
}

// clinic.new_id()
CLINIC_FUNCTION(clinic_new_id) { return Sql<Uuid>::to(new_id()); }

// clinic.uuid_floor(timestamptz)
CLINIC_FUNCTION(clinic_uuid_floor) {
    const auto at = Args(fcinfo).get<core::Instant>(0);
    if (at == core::instant_min || at == core::instant_max)
        return Sql<Uuid>::to(uuid_floor(at == core::instant_min ? 0 : largest_millis));
    if (at.micros > 0) // the sum of both might be too large
        return Sql<Uuid>::to(uuid_floor(at.micros / 1000 + unix_epoch_micros / 1000));
    const std::int64_t micros = at.micros + unix_epoch_micros;
    return Sql<Uuid>::to(uuid_floor(micros < 0 ? 0 : micros / 1000));
}

} // namespace pg_clinic::pg
