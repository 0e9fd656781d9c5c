#include "core/waiting_line.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace pg_clinic::core {

namespace {

// Who is here or still expected stands in one order.
int group_of(const Waiting &w) {
    switch (w.stage) {
    case Waiting::Stage::served:
        return 0;
    case Waiting::Stage::called:
        return 1;
    default:
        return 2;
    }
}

bool comes_before(const Waiting &a, const Waiting &b) {
    const int group = group_of(a);
    if (group != group_of(b))
        return group < group_of(b);
    if (group == 0)
        return std::tie(a.started, a.number, a.id) < std::tie(b.started, b.number, b.id);
    return std::tie(b.urgency, a.due, a.number, a.id) < std::tie(a.urgency, b.due, b.number, b.id);
}

} // namespace

std::vector<Turn> turns_of(Instant now, std::vector<Waiting> line) {
    std::sort(line.begin(), line.end(), comes_before);
    std::vector<Turn> turns;
    std::map<Id, Turn> sessions;
    Instant free = now; // when the next turn can begin
    std::int32_t place = 0;
    for (const Waiting &w : line) {
        Turn turn{w.id, {}, {}, w.stage == Waiting::Stage::here ? ++place : 0};
        const auto shared = w.session ? sessions.find(w.session) : sessions.end();
        if (shared != sessions.end()) {
            turn.begin = shared->second.begin;
            turn.end = shared->second.end;
        } else if (w.stage == Waiting::Stage::served) {
            turn.begin = w.started;
            turn.end = std::max(w.started + w.length, now);
        } else {
            const bool at_once = w.stage == Waiting::Stage::called || w.urgency > 0;
            turn.begin = at_once ? free : std::max(free, w.due);
            turn.end = turn.begin + w.length;
        }
        free = std::max(free, turn.end);
        if (w.session)
            sessions.emplace(w.session, turn);
        turns.push_back(turn);
    }
    return turns;
}

} // namespace pg_clinic::core
