#include "pg/local_text.hpp"

#include "pg/postgres.hpp"

namespace pg_clinic::pg {

namespace {

void append_padded(std::string &out, std::int64_t number, int width) {
    const std::string digits = std::to_string(number);
    out.append(static_cast<std::size_t>(std::max(0, width - static_cast<int>(digits.size()))), '0');
    out += digits;
}

} // namespace

std::string offset_text(std::int32_t offset_seconds) {
    const std::int32_t size = std::abs(offset_seconds);
    std::string out = offset_seconds < 0 ? "-" : "+";
    append_padded(out, size / 3600, 2);
    out += ':';
    append_padded(out, size / 60 % 60, 2);
    if (size % 60 != 0) {
        out += ':';
        append_padded(out, size % 60, 2);
    }
    return out;
}

std::string iso_text(const core::Zone &zone, core::Instant t) {
    const core::LocalTime local = core::to_local(zone, t);
    const core::CivilDate date = core::to_civil(core::date_of(local));
    const std::int64_t micros = core::time_of_day(local).micros;
    std::string out;
    append_padded(out, date.year, 4);
    out += '-';
    append_padded(out, date.month, 2);
    out += '-';
    append_padded(out, date.day, 2);
    out += 'T';
    append_padded(out, micros / core::micros_per_hour, 2);
    out += ':';
    append_padded(out, micros / core::micros_per_minute % 60, 2);
    out += ':';
    append_padded(out, micros / core::micros_per_second % 60, 2);
    if (micros % core::micros_per_second != 0) {
        out += '.';
        append_padded(out, micros % core::micros_per_second, 6);
    }
    return out + offset_text(core::offset_at(zone, t));
}

} // namespace pg_clinic::pg
