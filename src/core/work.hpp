// A budget for computation: bounds the steps of one request and lets the caller interrupt it.
#pragma once

#include <cstdint>

#include "core/error.hpp"

namespace pg_clinic::core {

class Work {
  public:
    using Poll = void (*)(); // called every poll_every steps; may throw to stop the computation

    static constexpr std::uint64_t poll_every = 4096;

    explicit Work(std::uint64_t budget = 200'000'000, Poll poll = nullptr) : budget_(budget), poll_(poll) {}

    // Counts n steps. Throws Error limit_exceeded when the budget is used up; never returns a shorter answer.
    void step(std::uint64_t n = 1) {
        used_ += n;
        until_poll_ += n;
        if (until_poll_ >= poll_every)
            check();
    }

    std::uint64_t used() const noexcept { return used_; }

  private:
    void check() {
        until_poll_ = 0;
        if (poll_ != nullptr)
            poll_();
        if (used_ > budget_)
            throw Error(ErrorCode::limit_exceeded, "the computation exceeds its budget",
                        "The request takes more than " + std::to_string(budget_) + " steps.",
                        "Ask for a narrower range, or use a rule with fewer candidates.");
    }

    std::uint64_t budget_;
    Poll poll_;
    std::uint64_t used_ = 0;
    std::uint64_t until_poll_ = 0;
};

} // namespace pg_clinic::core
