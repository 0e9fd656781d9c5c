// ISO 8601 times: see iso_time.hpp.
#include "pg/iso_time.hpp"

#include <cstddef>

namespace pg_clinic::pg {

namespace {

class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) {}

    bool at_end() const { return text_.empty(); }

    bool accept(char wanted) {
        if (text_.empty() || text_.front() != wanted)
            return false;
        text_.remove_prefix(1);
        return true;
    }

    // Exactly `width` digits with a value up to `most`.
    std::optional<std::int32_t> number(std::size_t width, std::int32_t most) {
        std::int32_t value = 0;
        if (text_.size() < width)
            return std::nullopt;
        for (std::size_t i = 0; i < width; ++i) {
            if (text_[i] < '0' || text_[i] > '9')
                return std::nullopt;
            value = value * 10 + (text_[i] - '0');
        }
        text_.remove_prefix(width);
        return value <= most ? std::optional(value) : std::nullopt;
    }

    // One to six digits after the point, as microseconds.
    std::optional<std::int64_t> fraction() {
        std::int64_t value = 0, unit = core::micros_per_second;
        while (!text_.empty() && text_.front() >= '0' && text_.front() <= '9' && unit > 1) {
            unit /= 10;
            value += (text_.front() - '0') * unit;
            text_.remove_prefix(1);
        }
        return unit == core::micros_per_second ? std::nullopt : std::optional(value);
    }

  private:
    std::string_view text_;
};

std::optional<core::Day> read_date(Reader &in) {
    const auto year = in.number(4, 9999);
    if (!year || *year < 1 || !in.accept('-'))
        return std::nullopt;
    const auto month = in.number(2, 12);
    if (!month || *month < 1 || !in.accept('-'))
        return std::nullopt;
    const auto day = in.number(2, 31);
    if (!day || *day < 1 || *day > core::days_in_month(*year, *month))
        return std::nullopt;
    return core::to_day({*year, *month, *day});
}

std::optional<core::Duration> read_clock(Reader &in) {
    const auto hour = in.number(2, 23);
    if (!hour || !in.accept(':'))
        return std::nullopt;
    const auto minute = in.number(2, 59);
    if (!minute)
        return std::nullopt;
    std::int64_t micros = *hour * core::micros_per_hour + *minute * core::micros_per_minute;
    if (in.accept(':')) {
        const auto second = in.number(2, 59);
        if (!second)
            return std::nullopt;
        micros += *second * core::micros_per_second;
        if (in.accept('.')) {
            const auto fraction = in.fraction();
            if (!fraction)
                return std::nullopt;
            micros += *fraction;
        }
    }
    return core::Duration{micros};
}

std::optional<std::int32_t> read_offset(Reader &in) {
    if (in.accept('Z'))
        return 0;
    const bool east = in.accept('+');
    if (!east && !in.accept('-'))
        return std::nullopt;
    const auto hours = in.number(2, 15);
    if (!hours)
        return std::nullopt;
    std::int32_t seconds = *hours * 3600;
    if (!in.at_end()) {
        in.accept(':');
        const auto minutes = in.number(2, 59);
        if (!minutes)
            return std::nullopt;
        seconds += *minutes * 60;
    }
    return east ? seconds : -seconds;
}

} // namespace

std::optional<IsoTime> parse_iso_time(std::string_view text) noexcept {
    Reader in(text);
    const auto day = read_date(in);
    if (!day)
        return std::nullopt;
    IsoTime time{core::at(*day), std::nullopt};
    if (in.at_end())
        return time;
    if (!in.accept(' ') && !in.accept('T'))
        return std::nullopt;
    const auto clock = read_clock(in);
    if (!clock)
        return std::nullopt;
    time.local = time.local + *clock;
    if (in.at_end())
        return time;
    time.offset_seconds = read_offset(in);
    return time.offset_seconds && in.at_end() ? std::optional(time) : std::nullopt;
}

} // namespace pg_clinic::pg
