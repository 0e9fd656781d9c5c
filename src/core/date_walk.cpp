// The walk of rules with one date a step: see date_walk.hpp.
#include "core/date_walk.hpp"

#include <algorithm>
#include <cstdlib>

namespace pg_clinic::core::detail {

namespace {

constexpr std::int64_t months_to_end = 10'000 * 12; // of year 10000, from January of year 0

std::int64_t month_number(Day day) noexcept {
    const CivilDate date = to_civil(day);
    return date.year * 12LL + date.month - 1;
}

std::int32_t days_from(Weekday from, Weekday to) noexcept {
    return (static_cast<std::int32_t>(to) - static_cast<std::int32_t>(from) + 7) % 7;
}

std::uint8_t weekday_bit(Weekday day) noexcept { return static_cast<std::uint8_t>(1U << static_cast<unsigned>(day)); }

bool names(const RRule &rule, Weekday day) noexcept {
    return rule.by_day.empty() || std::any_of(rule.by_day.begin(), rule.by_day.end(),
                                              [day](const WeekdayNum &entry) { return entry.day == day; });
}

// The time of day: what the rule names, else DTSTART's.
Wall time_of(const RRule &rule, Wall dtstart) noexcept {
    const auto one = [](const std::vector<std::int16_t> &values, Wall of_dtstart) {
        return values.empty() ? of_dtstart : Wall{values.front()};
    };
    return one(rule.by_hour, floor_mod(dtstart, wall_day) / 3600) * 3600 +
           one(rule.by_minute, floor_mod(dtstart, 3600) / 60) * 60 + one(rule.by_second, floor_mod(dtstart, 60));
}

// One day of the month or one numbered weekday, DTSTART's day when the rule says nothing.
bool one_day_a_month(const RRule &rule) noexcept {
    if (rule.by_day.empty())
        return rule.by_month_day.size() <= 1;
    return rule.by_month_day.empty() && rule.by_day.size() == 1 && rule.by_day.front().ordinal != 0;
}

} // namespace

bool DateWalk::takes(const RRule &rule) noexcept {
    if (rule.skip != Skip::omit || !rule.by_set_pos.empty() || !rule.by_year_day.empty() || !rule.by_week_no.empty() ||
        rule.by_hour.size() > 1 || rule.by_minute.size() > 1 || rule.by_second.size() > 1)
        return false;
    switch (rule.freq) {
    case Frequency::daily:
    case Frequency::weekly:
        return rule.by_month.empty() && rule.by_month_day.empty();
    case Frequency::monthly:
        return rule.by_month.empty() && one_day_a_month(rule);
    case Frequency::yearly: // without BYMONTH, BYMONTHDAY means every month, and a weekday's number counts in the year
        return rule.by_month.size() <= 1 && one_day_a_month(rule) &&
               (rule.by_month.size() == 1 || (rule.by_month_day.empty() && rule.by_day.empty()));
    default:
        return false;
    }
}

DateWalk::DateWalk(const RRule &rule, Wall dtstart, Work &work)
    : dtstart_(dtstart), time_(time_of(rule, dtstart)), work_(work), monthly_(rule.freq >= Frequency::monthly) {
    const Day day{static_cast<std::int32_t>(floor_div(dtstart, wall_day))};
    if (monthly_)
        set_months(rule, day);
    else if (rule.freq == Frequency::weekly)
        set_weeks(rule, day);
    else
        set_days(rule, day.days);
}

// Seven steps of any interval see each weekday once, or the same one seven times.
void DateWalk::set_days(const RRule &rule, std::int64_t dtstart_day) {
    anchor_ = dtstart_day;
    const std::int64_t steps = rule.by_day.empty() ? 1 : 7;
    cycle_ = steps * rule.interval;
    for (std::int64_t i = 0; i < steps; ++i)
        if (names(rule, weekday({static_cast<std::int32_t>(floor_mod(anchor_ + i * rule.interval, 7))})))
            offsets_[size_++] = i * rule.interval;
}

void DateWalk::set_weeks(const RRule &rule, Day dtstart_day) {
    const Weekday started_on = weekday(dtstart_day);
    anchor_ = dtstart_day.days - days_from(rule.wkst, started_on);
    cycle_ = 7LL * rule.interval;
    std::uint8_t wanted = rule.by_day.empty() ? weekday_bit(started_on) : std::uint8_t{0};
    for (const WeekdayNum &entry : rule.by_day)
        wanted = static_cast<std::uint8_t>(wanted | weekday_bit(entry.day));
    for (unsigned i = 0; i < 7; ++i)
        if ((wanted >> (static_cast<unsigned>(rule.wkst) + i) % 7 & 1U) != 0)
            offsets_[size_++] = i;
}

void DateWalk::set_months(const RRule &rule, Day dtstart_day) {
    const CivilDate start = to_civil(dtstart_day);
    stride_ = rule.freq == Frequency::yearly ? 12LL * rule.interval : rule.interval;
    origin_ = start.year * 12LL + (rule.by_month.empty() ? start.month : rule.by_month.front()) - 1;
    if (!rule.by_day.empty())
        weekday_ = rule.by_day.front();
    else
        month_day_ = rule.by_month_day.empty() ? start.day : rule.by_month_day.front();
}

void DateWalk::seek(Wall from, Wall end) {
    from = std::max(from, dtstart_);
    end_ = std::min(end, expansion_end.days * wall_day);
    if (from >= end_)
        end_ = nothing;
    else if (monthly_)
        seek_month(first_day_from(from));
    else
        seek_cycle(first_day_from(from));
}

std::optional<Wall> DateWalk::next() {
    Wall t = 0;
    return fill({&t, 1}, end_) == 1 ? std::optional(t) : std::nullopt;
}

std::size_t DateWalk::fill(std::span<Wall> out, Wall before) {
    work_.step();
    const std::size_t count = monthly_ ? fill_months(out, before) : fill_cycle(out, before);
    work_.step(count);
    return count;
}

// Days and weeks

std::size_t DateWalk::offset_from(std::int64_t rest) const noexcept {
    std::size_t i = 0;
    while (i < size_ && offsets_[i] < rest)
        ++i;
    return i;
}

void DateWalk::seek_cycle(std::int64_t day) {
    const std::int64_t k = floor_div(day - anchor_, cycle_);
    begin_of_cycle_ = anchor_ + k * cycle_;
    index_ = offset_from(day - begin_of_cycle_);
    if (index_ == size_) {
        begin_of_cycle_ += cycle_;
        index_ = 0;
    }
}

std::size_t DateWalk::fill_cycle(std::span<Wall> out, Wall before) {
    std::size_t count = 0;
    if (size_ == 0)
        return 0;
    while (count < out.size()) {
        const Wall t = (begin_of_cycle_ + offsets_[index_]) * wall_day + time_;
        if (t >= end_)
            break;
        out[count++] = t;
        if (++index_ == size_) {
            begin_of_cycle_ += cycle_;
            index_ = 0;
        }
        if (t >= before)
            break;
    }
    return count;
}

std::int64_t DateWalk::members_of_cycle_before(std::int64_t day) const noexcept {
    const std::int64_t k = floor_div(day - anchor_, cycle_);
    return k * static_cast<std::int64_t>(size_) + static_cast<std::int64_t>(offset_from(day - anchor_ - k * cycle_));
}

// Months and years

// The date of a month, where it has one.
std::optional<Day> DateWalk::date_in(std::int32_t year, std::int32_t month) const noexcept {
    const Day first = to_day({year, month, 1});
    if (month_day_ > 0)
        return month_day_ <= 28 || month_day_ <= days_in_month(year, month) ? std::optional(first + (month_day_ - 1))
                                                                            : std::nullopt;
    const std::int32_t length = days_in_month(year, month);
    if (month_day_ < 0)
        return -month_day_ <= length ? std::optional(first + (length + month_day_)) : std::nullopt;
    const Day last = first + (length - 1);
    const Day day = weekday_.ordinal > 0
                        ? first + (days_from(weekday(first), weekday_.day) + 7 * (weekday_.ordinal - 1))
                        : last - (days_from(weekday_.day, weekday(last)) - 7 * (weekday_.ordinal + 1));
    return first <= day && day <= last ? std::optional(day) : std::nullopt;
}

// Stands at the last month on the stride that begins by then, or at the origin; what it has before `day` is passed over.
void DateWalk::seek_month(std::int64_t day) {
    const std::int64_t wanted = month_number({static_cast<std::int32_t>(day)});
    const std::int64_t k = std::max<std::int64_t>(floor_div(wanted - origin_, stride_), 0);
    const std::int64_t number = origin_ + k * stride_;
    year_ = static_cast<std::int32_t>(number / 12);
    month_ = static_cast<std::int32_t>(number % 12) + 1;
    const std::optional<Day> date = date_in(year_, month_);
    if (date && date->days < day)
        next_month();
}

void DateWalk::next_month() noexcept {
    if (stride_ == 1 && month_ < 12) {
        ++month_;
        return;
    }
    const std::int64_t number = std::min<std::int64_t>(year_ * 12LL + (month_ - 1) + stride_, months_to_end);
    year_ = static_cast<std::int32_t>(number / 12);
    month_ = static_cast<std::int32_t>(number % 12) + 1;
}

std::size_t DateWalk::fill_months(std::span<Wall> out, Wall before) {
    std::size_t count = 0;
    while (count < out.size() && year_ < 10'000) {
        const std::optional<Day> date = date_in(year_, month_);
        if (!date) {
            // Months without the date go by, but not beyond the end.
            work_.step();
            if (to_day({year_, month_, 1}).days * wall_day >= end_)
                break;
            next_month();
            continue;
        }
        const Wall t = date->days * wall_day + time_;
        if (t >= end_)
            break;
        out[count++] = t;
        next_month();
        if (t >= before)
            break;
    }
    return count;
}

std::int64_t DateWalk::members_of_months_before(std::int64_t day) const noexcept {
    const std::int64_t number = month_number({static_cast<std::int32_t>(day)});
    const std::int64_t k = floor_div(number - origin_, stride_);
    if (k < 0)
        return 0;
    const std::int64_t last = origin_ + k * stride_;
    const std::optional<Day> date =
        date_in(static_cast<std::int32_t>(last / 12), static_cast<std::int32_t>(last % 12) + 1);
    return k + (date && date->days < day ? 1 : 0);
}

// Known wherever each step has its date: the day 29 and the fifth Monday do not come every month.
std::optional<std::int64_t> DateWalk::rank(Wall before) {
    if (monthly_ && (std::abs(month_day_) > 28 || std::abs(weekday_.ordinal) > 4))
        return std::nullopt;
    if (before <= dtstart_)
        return 0;
    const auto members_before = [this](Wall t) {
        return monthly_ ? members_of_months_before(first_day_from(t)) : members_of_cycle_before(first_day_from(t));
    };
    return members_before(std::min(before, expansion_end.days * wall_day)) - members_before(dtstart_);
}

} // namespace pg_clinic::core::detail
