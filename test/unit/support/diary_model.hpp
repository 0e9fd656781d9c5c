// Tests only: the policies once more, naively. Time is cut into ticks of five minutes, hours and blocks are
// booleans for each tick, and a start is judged by looking at each of its ticks. Shares with the kernel the
// values and the zones, nothing else.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/diary.hpp"
#include "core/kernel.hpp"

namespace pg_clinic::core::test {

inline constexpr std::int64_t tick = 5 * micros_per_minute;

// What the model says of a start: the names of all reasons, in order.
struct ModelVerdict {
    std::vector<std::string> reasons;
    std::vector<Id> resources;
    std::int32_t remaining = 0;
    bool patient_overlaps = false;
};

class DiaryModel {
  public:
    // Starts within range will be asked for. Keeps references.
    DiaryModel(const Diary &diary, const Request &request, const Interval &range);
    ~DiaryModel();
    DiaryModel(const DiaryModel &) = delete;
    DiaryModel &operator=(const DiaryModel &) = delete;

    ModelVerdict judge(std::size_t provider, const Location &location, Instant start);

  private:
    class Model;
    std::unique_ptr<Model> model_;
};

} // namespace pg_clinic::core::test
