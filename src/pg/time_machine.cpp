// Hours and blocks as they were known at an instant.
#include <algorithm>

#include "pg/diary_reader.hpp"
#include "pg/result.hpp"
#include "pg/search.hpp"

using namespace pg_clinic;
using namespace pg_clinic::pg;

// clinic_private.hours_as_of(resource_id, range_start, range_end, as_of)
CLINIC_FUNCTION(clinic_hours_as_of) {
    const Args args(fcinfo);
    const Context &context = require_context();
    const auto resource = args.required<Uuid>(0, "resource_id");
    const core::Interval range = search_range(args, 1, 2);
    const core::Instant as_of = finite(args.required<core::Instant>(3, "as_of"), "as_of");
    ResultSet rows(fcinfo);
    core::Work work = interruptible_work();
    for (const ResourceHours &r : read_hours(context.tenant_id, {resource}, range, as_of)) {
        const std::vector<core::Window> windows = core::expand_hours(r.hours, range, work);
        for (const core::Window &w : windows)
            if (!w.closed_by)
                rows.add(std::string("hours"), w.span.begin, w.span.end, std::optional<Uuid>(w.location), w.made_by.id);
        for (const core::Blocked &b : core::expand_blocks(r.blocks, range, work)) {
            // A block of a whole location concerns who is there then.
            const auto is_there = [&b](const core::Window &w) {
                return !w.closed_by && w.location == b.block->location && w.span.overlaps(b.span);
            };
            if (b.block->resource || std::any_of(windows.begin(), windows.end(), is_there))
                rows.add(std::string("block"), b.span.begin, b.span.end,
                         b.block->location ? std::optional<Uuid>(b.block->location) : std::nullopt, b.block->id);
        }
    }
    return rows.done();
}
