#include "core/assignment.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace pg_clinic::core {

namespace {

// Augmenting paths: who is asked for by two is given to the later one when the earlier finds somebody else.
class Assignment {
  public:
    explicit Assignment(const std::vector<Demand> &demands) : demands_(demands) {}

    // Gives the demand one more, if that can be.
    bool add_one(std::size_t demand) {
        asked_.clear();
        return find(demand);
    }

    std::vector<std::vector<Id>> result() const {
        std::vector<std::vector<Id>> chosen(demands_.size());
        for (const auto &[id, demand] : taken_)
            chosen[demand].push_back(id);
        return chosen;
    }

  private:
    // Whoever is free comes first; only then is somebody asked to change.
    bool find(std::size_t demand) {
        const std::vector<Id> &candidates = demands_[demand].candidates;
        for (const Id &id : candidates)
            if (taken_.try_emplace(id, demand).second)
                return true;
        for (const Id &id : candidates) {
            std::size_t &holder = taken_.find(id)->second;
            if (holder == demand || !asked_.insert(id).second || !find(holder))
                continue;
            holder = demand;
            return true;
        }
        return false;
    }

    const std::vector<Demand> &demands_;
    std::map<Id, std::size_t> taken_; // by which demand
    std::set<Id> asked_;              // in the present search
};

} // namespace

std::vector<std::vector<Id>> assign(const std::vector<Demand> &demands) {
    Assignment assignment(demands);
    for (std::size_t d = 0; d < demands.size(); ++d)
        for (std::int32_t n = 0; n < demands[d].needed && assignment.add_one(d); ++n)
            continue;
    return assignment.result();
}

} // namespace pg_clinic::core
