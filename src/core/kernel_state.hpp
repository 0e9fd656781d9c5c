// What the kernel prepared for a request. Internal to the kernel: kernel.cpp makes it, judge.cpp reads it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/kernel.hpp"
#include "core/site.hpp"

namespace pg_clinic::core {

// A room or device, ready to be judged.
struct ResourcePlan {
    const Resource *resource = nullptr;
    Buffers buffers;
    IntervalSet open; // meaningful when it has hours
    IntervalSet blocked;
    // For others than the request's service: all of them.
    std::vector<Window> windows;
    std::vector<Blocked> blocks;
};

struct Kernel::State {
    State(const Diary &d, const Request &q, Interval r, Work &w);

    const Diary &diary;
    const Request &request;
    const Interval range;
    Work &work;
    std::vector<ProviderPlan> providers;  // as diary.providers
    std::vector<ResourcePlan> resources;  // as diary.resources
    std::vector<ProviderPlan> assistants; // as diary.assistants
    Duration longest_travel;

    Duration duration_at(const Provider &provider) const;
    Buffers provider_buffers(const Provider &provider) const;
    Buffers resource_buffers(const Resource &resource) const;
    bool is_ignored(const Id &appointment) const;

    // Whether the class is restricted to the resources that the request names.
    bool names_class(const std::string &resource_class) const;
    bool is_named(const Id &resource) const;
};

// See Kernel::gaps_around.
Gaps gaps_of(const Kernel::State &state, std::size_t provider, const Id &location, Instant start);

// How many visits a limit leaves on a day or in a week that the counts are by; without a limit the greatest number.
std::int32_t visits_left(const std::map<Day, std::int32_t> &counts, Day key, std::optional<std::int32_t> most);

// Judges one start; see Kernel::judge.
Verdict judge_start(const Kernel::State &state, std::size_t provider, const Id &location, Instant start, bool all);

} // namespace pg_clinic::core
