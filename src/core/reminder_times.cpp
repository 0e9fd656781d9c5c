// Moments of reminders: see reminder_times.hpp.
#include "core/reminder_times.hpp"

#include <algorithm>
#include <charconv>

#include "core/json.hpp"

namespace pg_clinic::core {

namespace {

std::optional<std::int32_t> whole_number(std::string_view text) {
    std::int32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

std::optional<std::int32_t> number_of(const JsonValue &rule, std::string_view name) {
    const JsonValue *value = rule.member(name);
    return value == nullptr || value->kind != JsonValue::Kind::number ? std::nullopt : whole_number(value->text);
}

std::optional<std::string> text_of(const JsonValue &rule, std::string_view name) {
    const JsonValue *value = rule.member(name);
    return value == nullptr || !value->is_string() ? std::nullopt : std::optional(value->text);
}

// "18:00"
std::optional<Duration> time_of(const std::string &text) {
    if (text.size() != 5 || text[2] != ':')
        return std::nullopt;
    const auto hours = whole_number(std::string_view(text).substr(0, 2));
    const auto rest = whole_number(std::string_view(text).substr(3));
    return hours && rest ? std::optional(minutes(60 * *hours + *rest)) : std::nullopt;
}

// A skipped hour is shifted, so there always is an instant.
Instant shifted(const Zone &zone, LocalTime t) {
    Instant out;
    (void)to_instant(zone, t, Gap::shift, &out);
    return out;
}

Instant moment_of(const ReminderRule &rule, const RemindedVisit &visit) {
    if (rule.before_minutes)
        return visit.starts - minutes(*rule.before_minutes);
    const Duration time = rule.at.value_or(time_of_day(visit.local_starts));
    return shifted(*visit.zone, at(date_of(visit.local_starts) - rule.days_before, time));
}

} // namespace

std::vector<ReminderRule> read_reminders(std::string_view json) {
    std::vector<ReminderRule> rules;
    const JsonValue plan = parse_json(json);
    for (const JsonValue &entry : plan.items) {
        if (!entry.is_object())
            continue;
        ReminderRule rule;
        rule.before_minutes = number_of(entry, "before_minutes");
        const auto days = number_of(entry, "days_before");
        if (!rule.before_minutes && !days)
            continue;
        rule.days_before = days.value_or(0);
        if (const auto time = text_of(entry, "at"))
            rule.at = time_of(*time);
        rule.channel = text_of(entry, "channel");
        rules.push_back(std::move(rule));
    }
    return rules;
}

Instant outside_quiet_hours(Instant at, std::optional<Instant> before, const QuietHours &quiet) {
    const LocalTime local = to_local(*quiet.zone, at);
    const Duration time = time_of_day(local);
    const bool over_midnight = quiet.from > quiet.until;
    Day began = date_of(local);
    if (over_midnight && time < quiet.until)
        began = began - 1;
    else if (time < quiet.from || (!over_midnight && time >= quiet.until))
        return at;
    const Instant end = shifted(*quiet.zone, core::at(began + (over_midnight ? 1 : 0), quiet.until));
    // An hour that comes twice: the first end of the quiet hours ends them.
    if (end <= at)
        return at;
    if (!before || end < *before)
        return end;
    return shifted(*quiet.zone, core::at(began, quiet.from)) - minutes(1);
}

std::vector<Reminder> planned_reminders(const std::vector<ReminderRule> &rules, const RemindedVisit &visit,
                                        const QuietHours &quiet, Instant now) {
    std::vector<Reminder> out;
    for (const ReminderRule &rule : rules) {
        const Instant planned = moment_of(rule, visit);
        const auto place = std::lower_bound(out.begin(), out.end(), planned,
                                            [](const Reminder &r, Instant t) { return r.planned < t; });
        if (planned < visit.starts && (place == out.end() || place->planned != planned))
            out.insert(place, {planned, outside_quiet_hours(planned, visit.starts, quiet), rule.channel});
    }
    for (std::size_t i = 0; i < out.size(); ++i) {
        const auto same = [&out, i](const Reminder &r) { return r.due == out[i].due; };
        if (out[i].due <= now)
            out[i].skipped = NotReminded::overdue;
        else if (std::any_of(out.begin() + static_cast<std::ptrdiff_t>(i) + 1, out.end(), same))
            out[i].skipped = NotReminded::coincides;
    }
    return out;
}

} // namespace pg_clinic::core
