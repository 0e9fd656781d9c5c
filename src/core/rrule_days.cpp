// The days a rule names within one interval, and the limits it puts on days (RFC 5545 §3.3.10, RFC 7529 §4).
#include "core/rrule_days.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <numeric>
#include <utility>

namespace pg_clinic::core::detail {

namespace {

// How far ahead of `from` the next weekday of a mask is, in days; the mask is not empty.
std::int32_t days_until(std::uint8_t mask, Weekday from) noexcept {
    const unsigned shift = static_cast<unsigned>(from);
    const unsigned turned = static_cast<unsigned>(mask) >> shift | static_cast<unsigned>(mask) << (7 - shift);
    return std::countr_zero(turned);
}

std::int32_t days_from(Weekday from, Weekday to) noexcept {
    return (static_cast<std::int32_t>(to) - static_cast<std::int32_t>(from) + 7) % 7;
}

std::uint8_t weekday_bit(Weekday day) noexcept { return static_cast<std::uint8_t>(1U << static_cast<unsigned>(day)); }

std::uint8_t weekday_mask(const std::vector<WeekdayNum> &days) noexcept {
    std::uint8_t mask = 0;
    for (const WeekdayNum &entry : days)
        mask = static_cast<std::uint8_t>(mask | weekday_bit(entry.day));
    return mask;
}

void sort_unique(std::vector<Day> *days) {
    std::sort(days->begin(), days->end());
    days->erase(std::unique(days->begin(), days->end()), days->end());
}

bool has_ordinals(const std::vector<WeekdayNum> &days) noexcept {
    return std::any_of(days.begin(), days.end(), [](const WeekdayNum &entry) { return entry.ordinal != 0; });
}

} // namespace

TimeSet::TimeSet(std::vector<std::int16_t> hours, std::vector<std::int16_t> minutes, std::vector<std::int16_t> seconds)
    : hours_(std::move(hours)), minutes_(std::move(minutes)), seconds_(std::move(seconds)),
      size_(static_cast<std::int64_t>(hours_.size() * minutes_.size() * seconds_.size())) {}

std::int64_t TimeSet::at(std::int64_t index) const noexcept {
    const std::size_t i = static_cast<std::size_t>(index);
    const std::size_t minute = i / seconds_.size();
    return hours_[minute / minutes_.size()] * 3600LL + minutes_[minute % minutes_.size()] * 60LL +
           seconds_[i % seconds_.size()];
}

std::int64_t TimeSet::lower_bound(std::int64_t second_of_day) const noexcept {
    const auto from = [](const std::vector<std::int16_t> &values, std::int64_t least) {
        return std::lower_bound(values.begin(), values.end(), least) - values.begin();
    };
    const std::int64_t per_minute = std::ssize(seconds_);
    const std::int64_t per_hour = per_minute * std::ssize(minutes_);
    const std::int64_t hour = second_of_day / 3600;
    const std::int64_t h = from(hours_, hour);
    if (h == std::ssize(hours_) || hours_[static_cast<std::size_t>(h)] != hour)
        return h * per_hour;
    const std::int64_t minute = second_of_day / 60 % 60;
    const std::int64_t m = from(minutes_, minute);
    if (m == std::ssize(minutes_) || minutes_[static_cast<std::size_t>(m)] != minute)
        return h * per_hour + m * per_minute;
    return h * per_hour + m * per_minute + from(seconds_, second_of_day % 60);
}

DayFilter::DayFilter(const RRule &rule) : year_days_(rule.by_year_day) {
    if (!rule.by_month.empty()) {
        months_ = 0;
        for (const std::int16_t month : rule.by_month)
            months_ |= 1U << month;
    }
    if (!rule.by_month_day.empty()) {
        month_days_ = 0;
        for (const std::int16_t day : rule.by_month_day)
            (day > 0 ? month_days_ : month_days_back_) |= 1U << std::abs(day);
    }
    if (!rule.by_day.empty())
        weekdays_ = weekday_mask(rule.by_day);
    by_date_ = !rule.by_month.empty() || !rule.by_month_day.empty() || !rule.by_year_day.empty();
}

bool DayFilter::month_day_passes(CivilDate date) const noexcept {
    const std::int32_t back = days_in_month(date.year, date.month) - date.day + 1;
    return (month_days_ >> date.day & 1U) != 0 || (month_days_back_ >> back & 1U) != 0;
}

bool DayFilter::year_day_passes(Day day, std::int32_t year) const noexcept {
    if (year_days_.empty())
        return true;
    const std::int32_t forth = day - to_day({year, 1, 1}) + 1;
    const std::int32_t back = forth - days_in_year(year) - 1;
    return std::binary_search(year_days_.begin(), year_days_.end(), forth) ||
           std::binary_search(year_days_.begin(), year_days_.end(), back);
}

bool DayFilter::weekday_passes(Day day) const noexcept {
    return (weekdays_ >> static_cast<unsigned>(weekday(day)) & 1U) != 0;
}

Day DayFilter::next(Day from, Day end, Work &work) const {
    if (weekdays_ == 0)
        return end;
    const std::int64_t cycle_end = from.days + calendar_cycle_days + 1;
    const Day stop = cycle_end < end.days ? Day{static_cast<std::int32_t>(cycle_end)} : end;
    Day day = from;
    while (day < stop) {
        work.step();
        const std::int32_t ahead = days_until(weekdays_, weekday(day));
        if (ahead != 0) {
            day = day + ahead;
            continue;
        }
        if (!by_date_)
            return day;
        const CivilDate date = to_civil(day);
        if (!month_passes(date.month))
            day = to_day({date.year + date.month / 12, date.month % 12 + 1, 1});
        else if (!month_day_passes(date))
            day = next_month_day(day, date);
        else if (!year_day_passes(day, date.year))
            day = next_year_day(day, date.year);
        else
            return day;
    }
    return end;
}

// The next day of the month that BYMONTHDAY allows, or the first day of the next month.
Day DayFilter::next_month_day(Day day, CivilDate date) const noexcept {
    const std::int32_t length = days_in_month(date.year, date.month);
    for (std::int32_t d = date.day + 1; d <= length; ++d)
        if (month_day_passes({date.year, date.month, d}))
            return day + (d - date.day);
    return day + (length - date.day + 1);
}

// The next day of the year that BYYEARDAY allows, or the first day of the next year.
Day DayFilter::next_year_day(Day day, std::int32_t year) const noexcept {
    const std::int32_t length = days_in_year(year);
    const std::int32_t today = day - to_day({year, 1, 1}) + 1;
    std::int32_t best = length + 1;
    for (const std::int16_t n : year_days_) {
        const std::int32_t candidate = n > 0 ? n : length + 1 + n;
        if (candidate > today && candidate < best)
            best = candidate;
    }
    return day + (best - today);
}

// What the rule leaves out comes from DTSTART, but only where a date would not be determined without it: a weekday
// is missing from BYWEEKNO alone, not from BYWEEKNO with BYMONTHDAY, which RFC 5545 evaluates to days already.
PeriodDays::PeriodDays(const RRule &rule, Day dtstart)
    : freq_(rule.freq), wkst_(rule.wkst), skip_(rule.skip), start_(to_civil(dtstart)), filter_(rule),
      week_days_(weekday_mask(rule.by_day)), ordinals_in_month_(!rule.by_month.empty() || freq_ == Frequency::monthly),
      by_day_(rule.by_day), by_month_(rule.by_month), by_month_day_(rule.by_month_day), by_year_day_(rule.by_year_day),
      by_week_no_(rule.by_week_no) {
    const bool weekday_missing = by_day_.empty() && by_month_day_.empty() && by_year_day_.empty();
    if (by_day_.empty())
        week_days_ = weekday_missing ? weekday_bit(weekday(dtstart)) : DayFilter::all_weekdays;
    if (freq_ == Frequency::yearly && by_week_no_.empty() && by_month_.empty()) {
        if (!by_month_day_.empty())
            for (std::int16_t month = 1; month <= 12; ++month)
                by_month_.push_back(month);
        else if (by_day_.empty())
            by_month_.push_back(static_cast<std::int16_t>(start_.month));
    }
    if (by_month_day_.empty() && by_day_.empty())
        by_month_day_.push_back(static_cast<std::int16_t>(start_.day));
}

std::int64_t PeriodDays::period_of(Day day) const noexcept {
    switch (freq_) {
    case Frequency::weekly:
        return floor_div(day.days + days_from(wkst_, Weekday::saturday), 7);
    case Frequency::monthly: {
        const CivilDate date = to_civil(day);
        return date.year * 12LL + date.month - 1;
    }
    case Frequency::yearly: {
        const std::int32_t year = to_civil(day).year;
        if (by_week_no_.empty())
            return year;
        if (day < first_week_start(year))
            return year - 1;
        return day < first_week_start(year + 1) ? year : year + 1;
    }
    default:
        return day.days;
    }
}

Day PeriodDays::first_day(std::int64_t period) const noexcept {
    switch (freq_) {
    case Frequency::weekly:
        return {static_cast<std::int32_t>(period * 7 - days_from(wkst_, Weekday::saturday))};
    case Frequency::monthly:
        return to_day({static_cast<std::int32_t>(floor_div(period, 12)),
                       static_cast<std::int32_t>(floor_mod(period, 12)) + 1, 1});
    case Frequency::yearly: {
        const std::int32_t year = static_cast<std::int32_t>(period);
        return by_week_no_.empty() ? to_day({year, 1, 1}) : first_week_start(year);
    }
    default:
        return {static_cast<std::int32_t>(period)};
    }
}

std::int64_t PeriodDays::cycle() const noexcept {
    switch (freq_) {
    case Frequency::weekly:
        return calendar_cycle_days / 7;
    case Frequency::monthly:
        return 4800;
    case Frequency::yearly:
        return 400;
    default:
        return calendar_cycle_days;
    }
}

void PeriodDays::expand(std::int64_t period, std::vector<Day> *out, Work &work) const {
    out->clear();
    const Day first = first_day(period);
    switch (freq_) {
    case Frequency::weekly:
        expand_week(first, out);
        break;
    case Frequency::monthly: {
        const CivilDate date = to_civil(first);
        if (filter_.month_passes(date.month))
            expand_month(date.year, date.month, out);
        break;
    }
    case Frequency::yearly:
        expand_year(static_cast<std::int32_t>(period), out);
        break;
    default:
        if (filter_.next(first, first + 1, work) == first)
            out->push_back(first);
        break;
    }
    work.step(out->size());
}

// WEEKLY: BYDAY expands, BYMONTH limits each day of a week that straddles two months.
void PeriodDays::expand_week(Day start, std::vector<Day> *out) const {
    for (std::int32_t i = 0; i < 7; ++i) {
        const Day day = start + i;
        const bool wanted = (week_days_ >> static_cast<unsigned>(weekday(day)) & 1U) != 0;
        if (wanted && (by_month_.empty() || filter_.month_passes(to_civil(day).month)))
            out->push_back(day);
    }
}

void PeriodDays::expand_month(std::int32_t year, std::int32_t month, std::vector<Day> *out) const {
    if (!by_month_day_.empty()) {
        expand_month_days(year, month, out);
    } else {
        const Day first = to_day({year, month, 1});
        expand_weekdays(first, first + (days_in_month(year, month) - 1), out);
    }
    sort_unique(out);
}

// YEARLY, by note 2: the coarsest part that names days expands, whatever comes after it limits.
void PeriodDays::expand_year(std::int32_t year, std::vector<Day> *out) const {
    if (!by_week_no_.empty()) {
        expand_weeks_of_year(year, out);
    } else if (!by_year_day_.empty()) {
        expand_year_days(year, out);
    } else if (by_month_.empty()) {
        const Day first = to_day({year, 1, 1});
        expand_weekdays(first, first + (days_in_year(year) - 1), out);
    } else {
        for (const std::int16_t month : by_month_)
            if (!by_month_day_.empty())
                expand_month_days(year, month, out);
            else
                expand_weekdays(to_day({year, month, 1}), to_day({year, month, days_in_month(year, month)}), out);
    }
    sort_unique(out);
}

void PeriodDays::expand_weeks_of_year(std::int32_t year, std::vector<Day> *out) const {
    const Day start = first_week_start(year);
    const std::int32_t weeks = (first_week_start(year + 1) - start) / 7;
    for (const std::int16_t number : by_week_no_) {
        const std::int32_t index = number > 0 ? number - 1 : weeks + number;
        if (index < 0 || index >= weeks)
            continue;
        for (std::int32_t i = 0; i < 7; ++i) {
            const Day day = start + (index * 7 + i);
            if ((week_days_ >> static_cast<unsigned>(weekday(day)) & 1U) == 0)
                continue;
            const CivilDate date = to_civil(day);
            if (filter_.month_passes(date.month) && filter_.month_day_passes(date) &&
                filter_.year_day_passes(day, date.year))
                out->push_back(day);
        }
    }
}

void PeriodDays::expand_year_days(std::int32_t year, std::vector<Day> *out) const {
    std::vector<Day> days;
    for (const std::int16_t nth : by_year_day_)
        add_nth_day(to_day({year, 1, 1}), days_in_year(year), nth, &days);
    for (const Day day : days) {
        const CivilDate date = to_civil(day);
        if (filter_.month_passes(date.month) && filter_.month_day_passes(date))
            add_limited(day, out);
    }
}

// BYMONTHDAY, or DTSTART's day of the month. BYDAY limits after SKIP has moved what does not exist (RFC 7529 §4.1).
void PeriodDays::expand_month_days(std::int32_t year, std::int32_t month, std::vector<Day> *out) const {
    std::vector<Day> days;
    for (const std::int16_t nth : by_month_day_)
        add_nth_day(to_day({year, month, 1}), days_in_month(year, month), nth, &days);
    for (const Day day : days)
        add_limited(day, out);
}

// The nth day of a stretch, or the -nth from its end. One that does not exist lies behind it, or for a negative
// number before it, and SKIP says which neighbour takes its place.
void PeriodDays::add_nth_day(Day first, std::int32_t length, std::int32_t nth, std::vector<Day> *out) const {
    if (std::abs(nth) <= length) {
        out->push_back(nth > 0 ? first + (nth - 1) : first + (length + nth));
        return;
    }
    const Day after_hole = nth > 0 ? first + length : first;
    if (skip_ == Skip::forward)
        out->push_back(after_hole);
    else if (skip_ == Skip::backward)
        out->push_back(after_hole - 1);
}

void PeriodDays::add_limited(Day day, std::vector<Day> *out) const {
    if (by_day_passes(day))
        out->push_back(day);
}

// BYDAY as an expansion over the month or year [first, last].
void PeriodDays::expand_weekdays(Day first, Day last, std::vector<Day> *out) const {
    for (const WeekdayNum &entry : by_day_) {
        const Day earliest = first + days_from(weekday(first), entry.day);
        const Day latest = last - days_from(entry.day, weekday(last));
        if (entry.ordinal == 0) {
            for (Day day = earliest; day <= latest; day = day + 7)
                out->push_back(day);
            continue;
        }
        const Day day = entry.ordinal > 0 ? earliest + 7 * (entry.ordinal - 1) : latest + 7 * (entry.ordinal + 1);
        if (first <= day && day <= last)
            out->push_back(day);
    }
}

// BYDAY as a limit; an ordinal counts within the day's own month or year.
bool PeriodDays::by_day_passes(Day day) const noexcept {
    if (by_day_.empty())
        return true;
    const CivilDate date = to_civil(day);
    const Day first = to_day({date.year, ordinals_in_month_ ? date.month : 1, 1});
    const std::int32_t length = ordinals_in_month_ ? days_in_month(date.year, date.month) : days_in_year(date.year);
    const std::int32_t forth = (day - first) / 7 + 1;
    const std::int32_t back = -((first + (length - 1) - day) / 7) - 1;
    return std::any_of(by_day_.begin(), by_day_.end(), [&](const WeekdayNum &entry) {
        return entry.day == weekday(day) && (entry.ordinal == 0 || entry.ordinal == forth || entry.ordinal == back);
    });
}

// Week 1 is the first with four days in the year, so it holds 4 January (RFC 5545 §3.3.10, BYWEEKNO).
Day PeriodDays::first_week_start(std::int32_t year) const noexcept {
    const Day fourth = to_day({year, 1, 4});
    return fourth - days_from(wkst_, weekday(fourth));
}

// Only what is plain: days that every month has, counted from one end, so that no two of them can coincide.
bool PeriodDays::constant_size() const noexcept {
    if (skip_ != Skip::omit || !by_year_day_.empty() || !by_week_no_.empty())
        return false;
    switch (freq_) {
    case Frequency::weekly:
        return by_month_.empty();
    case Frequency::monthly:
        if (by_month_.empty())
            break;
        return false;
    case Frequency::yearly:
        break;
    default:
        return filter_.passes_all();
    }
    if (!by_month_day_.empty())
        return by_day_.empty() && by_month_day_.back() <= 28 && by_month_day_.front() >= -28 &&
               (by_month_day_.front() > 0) == (by_month_day_.back() > 0);
    const std::int32_t most = freq_ == Frequency::monthly || ordinals_in_month_ ? 4 : 52;
    return has_ordinals(by_day_) && by_day_.front().ordinal * by_day_.back().ordinal > 0 &&
           std::abs(by_day_.front().ordinal) <= most && std::abs(by_day_.back().ordinal) <= most;
}

} // namespace pg_clinic::core::detail
