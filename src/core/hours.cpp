#include "core/hours.hpp"

#include <algorithm>
#include <tuple>

#include "core/recurrence_set.hpp"

namespace pg_clinic::core {

namespace {

// A window starts at most one day before the local date of any instant it covers, zones differ by at most 26
// hours, and a stay may move the wall clock by as much: three dates on either side are enough.
constexpr std::int32_t date_margin = 3;

Day first_date(const Interval &range) { return date_of(LocalTime{range.begin.micros}) - date_margin; }
Day last_date(const Interval &range) { return date_of(LocalTime{range.end.micros}) + date_margin; }

std::optional<Source> holiday_on(const HoursBook &book, const Id &location, Day date) {
    for (const Holiday &h : book.holidays)
        if (h.on == date && h.location == location)
            return Source{Source::Table::holidays, h.id};
    return std::nullopt;
}

// What the overrides of a date do to the rules' windows at a location. An open override tells where the resource
// is that day, so it replaces the windows at every location; a closed one closes its location, or all.
struct OverrideEffect {
    bool replaced = false;
    std::optional<Source> closed;
};

OverrideEffect override_effect(const std::vector<const DateOverride *> &on_date, const Id &location) {
    OverrideEffect effect;
    for (const DateOverride *o : on_date) {
        if (o->open)
            effect.replaced = true;
        else if ((!o->location || o->location == location) && !effect.closed)
            effect.closed = Source{Source::Table::date_overrides, o->id};
    }
    return effect;
}

class HoursExpansion {
  public:
    HoursExpansion(const HoursBook &book, const Interval &range, Work &work) : book_(book), range_(range), work_(work) {
        for (const DateOverride &o : book.overrides)
            overrides_.push_back(&o);
        std::sort(overrides_.begin(), overrides_.end(), [](const DateOverride *a, const DateOverride *b) {
            return std::tie(a->on, a->id) < std::tie(b->on, b->id);
        });
    }

    std::vector<Window> run() {
        for (const HoursRule &rule : book_.rules)
            add_rule(rule);
        for (const DateOverride *o : overrides_)
            if (o->open && first_date(range_) <= o->on && o->on <= last_date(range_))
                add_override(*o);
        const auto earlier = [](const Window &a, const Window &b) {
            return std::tie(a.span, a.location, a.made_by.id) < std::tie(b.span, b.location, b.made_by.id);
        };
        if (!std::is_sorted(windows_.begin(), windows_.end(), earlier)) // one rule alone yields them in order
            std::sort(windows_.begin(), windows_.end(), earlier);
        return std::move(windows_);
    }

  private:
    void add_rule(const HoursRule &rule) {
        const Day begin = std::max(first_date(range_), rule.valid_from);
        const Day end = std::min(last_date(range_), rule.valid_until.value_or(last_date(range_)));
        if (begin > end)
            return;
        const std::vector<Day> dates = rule_dates(rule.rule, rule.dtstart, begin, end, work_);
        windows_.reserve(windows_.size() + dates.size());
        for (const Day date : dates) {
            const OverrideEffect effect = override_effect(overrides_on(date), rule.location);
            if (effect.replaced)
                continue;
            Window window = make(date, rule.window, rule.zone, rule.location);
            window.made_by = {Source::Table::availability_rules, rule.id};
            window.services = rule.services;
            window.max_appointments = rule.max_appointments;
            window.closed_by = holiday_on(book_, rule.location, date);
            if (!window.closed_by)
                window.closed_by = effect.closed;
            keep(std::move(window));
        }
    }

    void add_override(const DateOverride &o) {
        Window window = make(o.on, o.window, o.zone, o.location);
        window.made_by = {Source::Table::date_overrides, o.id};
        window.services = o.services;
        window.max_appointments = o.max_appointments;
        if (!o.works_on_holidays)
            window.closed_by = holiday_on(book_, o.location, o.on);
        keep(std::move(window));
    }

    Window make(Day date, const WallWindow &wall, const Zone *home, const Id &location) {
        Window window;
        window.zone = zone_on(book_, date, home);
        window.span = wall_span(*window.zone, date, wall);
        window.location = location;
        window.date = date;
        return window;
    }

    void keep(Window &&window) {
        work_.step();
        if (!window.span.empty() && window.span.overlaps(range_))
            windows_.push_back(std::move(window));
    }

    std::vector<const DateOverride *> overrides_on(Day date) const {
        const auto low = std::partition_point(overrides_.begin(), overrides_.end(),
                                              [date](const DateOverride *o) { return o->on < date; });
        const auto high =
            std::partition_point(low, overrides_.end(), [date](const DateOverride *o) { return o->on == date; });
        return {low, high};
    }

    const HoursBook &book_;
    const Interval range_;
    Work &work_;
    std::vector<const DateOverride *> overrides_;
    std::vector<Window> windows_;
};

void add_recurring(const Block &block, const Interval &range, Work &work, std::vector<Blocked> &out) {
    const Day begin = std::max(first_date(range), block.from);
    const Day end = std::min(last_date(range), block.until.value_or(last_date(range)));
    if (begin > end)
        return;
    for (const Day date : rule_dates(*block.rule, block.from, begin, end, work)) {
        work.step();
        out.push_back({wall_span(*block.zone, date, block.window), &block});
    }
}

} // namespace

bool concerns(const ServiceFilter &services, const Id &service) noexcept {
    return services.empty() || std::find(services.begin(), services.end(), service) != services.end();
}

const Zone *zone_on(const HoursBook &book, Day date, const Zone *home) noexcept {
    for (const Stay &stay : book.stays)
        if (stay.from <= date && date <= stay.until)
            return stay.zone;
    return home;
}

const char *name_of(Source::Table table) noexcept {
    switch (table) {
    case Source::Table::none:
        return "";
    case Source::Table::tenants:
        return "tenants";
    case Source::Table::locations:
        return "locations";
    case Source::Table::services:
        return "services";
    case Source::Table::service_providers:
        return "service_providers";
    case Source::Table::resources:
        return "resources";
    case Source::Table::patients:
        return "patients";
    case Source::Table::availability_rules:
        return "availability_rules";
    case Source::Table::date_overrides:
        return "date_overrides";
    case Source::Table::holidays:
        return "holidays";
    case Source::Table::blocks:
        return "blocks";
    case Source::Table::claims:
        return "claims";
    case Source::Table::appointments:
        return "appointments";
    case Source::Table::travel_times:
        return "travel_times";
    }
    return "";
}

std::vector<Window> expand_hours(const HoursBook &book, const Interval &range, Work &work) {
    return HoursExpansion(book, range, work).run();
}

std::vector<Blocked> expand_blocks(const std::vector<Block> &blocks, const Interval &range, Work &work) {
    std::vector<Blocked> out;
    for (const Block &block : blocks) {
        switch (block.form) {
        case Block::Form::span:
            out.push_back({block.span, &block});
            break;
        case Block::Form::dates:
            out.push_back({{day_span(*block.zone, block.from).begin, day_span(*block.zone, *block.until).end}, &block});
            break;
        case Block::Form::recurring:
            add_recurring(block, range, work, out);
            break;
        }
    }
    std::erase_if(out, [&range](const Blocked &b) { return b.span.empty() || !b.span.overlaps(range); });
    std::sort(out.begin(), out.end(), [](const Blocked &a, const Blocked &b) {
        return std::tie(a.span, a.block->id) < std::tie(b.span, b.block->id);
    });
    return out;
}

Interval wall_span(const Zone &zone, Day date, const WallWindow &window) {
    const bool next_day = window.end <= window.start;
    return {bound_instant(zone, at(date, window.start)),
            bound_instant(zone, at(next_day ? date + 1 : date, window.end))};
}

Interval day_span(const Zone &zone, Day date) {
    return {bound_instant(zone, at(date)), bound_instant(zone, at(date + 1))};
}

} // namespace pg_clinic::core
