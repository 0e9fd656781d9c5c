// Reassignment: branch and bound over the matching; see matching.hpp.
#include <algorithm>
#include <map>
#include <memory>
#include <queue>
#include <tuple>
#include <utility>

#include "core/matching.hpp"

namespace pg_clinic::core {

namespace {

using Choice = std::vector<std::optional<std::size_t>>; // an option for each item, or none

// A use and whose it is.
struct OwnedUse {
    const Use *use = nullptr;
    std::size_t item = 0;
};
constexpr std::size_t nobody = static_cast<std::size_t>(-1);

// How many uses of one resource, ordered by begin, are there at the begin of the i-th; those that share count once.
std::int32_t present_at(const std::vector<OwnedUse> &uses, std::size_t i, std::vector<std::size_t> &items) {
    const Instant t = uses[i].use->during.begin;
    std::int32_t count = 0;
    std::vector<std::size_t> shares;
    items.clear();
    for (std::size_t k = 0; k < uses.size() && uses[k].use->during.begin <= t; ++k) {
        if (!uses[k].use->during.contains(t))
            continue;
        if (uses[k].item != nobody)
            items.push_back(uses[k].item);
        const std::size_t share = uses[k].use->share;
        if (share != 0 && std::find(shares.begin(), shares.end(), share) != shares.end())
            continue;
        if (share != 0)
            shares.push_back(share);
        ++count;
    }
    return count;
}

// The items at the first instant and resource where the uses exceed a capacity; nothing when they fit.
std::optional<std::vector<std::size_t>> overload(std::vector<OwnedUse> uses,
                                                 const std::vector<std::int32_t> &capacities) {
    std::stable_sort(uses.begin(), uses.end(), [](const OwnedUse &a, const OwnedUse &b) {
        return std::tie(a.use->resource, a.use->during.begin) < std::tie(b.use->resource, b.use->during.begin);
    });
    for (std::size_t from = 0; from < uses.size();) {
        std::size_t to = from;
        while (to < uses.size() && uses[to].use->resource == uses[from].use->resource)
            ++to;
        const std::vector<OwnedUse> here(uses.begin() + static_cast<std::ptrdiff_t>(from),
                                         uses.begin() + static_cast<std::ptrdiff_t>(to));
        std::vector<std::size_t> items;
        for (std::size_t i = 0; i < here.size(); ++i)
            if (present_at(here, i, items) > capacities[here[i].use->resource] && !items.empty()) {
                std::sort(items.begin(), items.end());
                items.erase(std::unique(items.begin(), items.end()), items.end());
                return items;
            }
        from = to;
    }
    return std::nullopt;
}

// What is decided at a place of the search, and the best that the matching promises for what is left.
struct Node {
    std::vector<char> fixed;               // by item
    std::vector<std::vector<char>> banned; // by item and option
    Choice choice;
    std::size_t placed = 0;
    std::int64_t cost = 0;
    std::uint64_t number = 0;
};

class Search {
  public:
    Search(const Reassignment &problem, Work &work, std::uint64_t most_steps)
        : problem_(problem), work_(work), last_step_(work.used() + most_steps) {
        lay_columns();
    }

    Reassigned run() {
        Node root;
        root.fixed.assign(problem_.items.size(), 0);
        for (const auto &options : problem_.items)
            root.banned.emplace_back(options.size(), 0);
        push(std::move(root));
        while (!open_.empty()) {
            const std::shared_ptr<Node> node = open_.top();
            open_.pop();
            if (!promises_more(*node))
                break; // nor does any other
            if (work_.used() > last_step_)
                return best_;
            branch(*node);
        }
        best_.proven = true;
        return best_;
    }

  private:
    // Places for the matching. A visit as long as the shortest on its resource contains a point of a lattice of that
    // length, and no two visits contain the same one: its first point is the column of an option. So a resource never
    // gets more visits than it can hold, though what overlaps in part is left to the branching. A session is one column.
    void lay_columns() {
        std::map<std::size_t, std::pair<Instant, Duration>> lattice; // by resource
        each_option([&](const Option &o, std::size_t, std::size_t) {
            const Use &u = o.uses.front();
            auto [it, fresh] = lattice.try_emplace(u.resource, u.during.begin, u.during.length());
            it->second.first = std::min(it->second.first, u.during.begin);
            it->second.second = std::min(it->second.second, u.during.length());
        });
        std::map<std::tuple<std::size_t, std::size_t, std::int64_t>, std::size_t> columns;
        columns_.resize(problem_.items.size());
        each_option([&](const Option &o, std::size_t item, std::size_t) {
            const Use &u = o.uses.front();
            const auto &[anchor, length] = lattice.at(u.resource);
            const std::int64_t point =
                u.share != 0 ? 0 : ((u.during.begin - anchor).micros + length.micros - 1) / length.micros;
            const auto [it, fresh] = columns.try_emplace({u.resource, u.share, point}, columns.size());
            if (fresh)
                capacities_.push_back(u.share != 0 ? static_cast<std::int32_t>(problem_.items.size())
                                                   : problem_.capacities.at(u.resource));
            columns_[item].push_back(it->second);
        });
    }

    template <class Visit> void each_option(Visit visit) const {
        for (std::size_t i = 0; i < problem_.items.size(); ++i)
            for (std::size_t o = 0; o < problem_.items[i].size(); ++o)
                visit(problem_.items[i][o], i, o);
    }

    // Solves the matching of what is left, and keeps the node if it may lead to something better.
    void push(Node node) {
        std::vector<MatchingEdge> edges;
        std::map<std::pair<std::size_t, std::size_t>, std::size_t>
            option_at; // by item and column: the cheapest, then first
        each_option([&](const Option &o, std::size_t item, std::size_t option) {
            work_.step();
            if (node.banned[item][option])
                return;
            const std::size_t column = columns_[item][option];
            const auto [it, fresh] = option_at.try_emplace({item, column}, option);
            if (!fresh && problem_.items[item][it->second].cost > o.cost)
                it->second = option;
            edges.push_back({item, column, o.cost});
        });
        const Matching found = min_cost_matching(problem_.items.size(), capacities_, edges, work_);
        node.placed = found.size;
        node.cost = found.cost;
        node.choice.assign(problem_.items.size(), std::nullopt);
        for (std::size_t i = 0; i < found.column_of.size(); ++i)
            if (found.column_of[i])
                node.choice[i] = option_at.at({i, *found.column_of[i]});
        node.number = ++nodes_;
        repair(node);
        if (promises_more(node))
            open_.push(std::make_shared<Node>(std::move(node)));
    }

    bool promises_more(const Node &node) const {
        return !found_any_ || node.placed > best_.placed || (node.placed == best_.placed && node.cost < best_.cost);
    }

    std::vector<OwnedUse> uses_of(const Choice &choice) const {
        std::vector<OwnedUse> uses;
        for (const Use &u : problem_.present)
            uses.push_back({&u, nobody});
        for (std::size_t i = 0; i < choice.size(); ++i)
            if (choice[i])
                for (const Use &u : problem_.items[i][*choice[i]].uses)
                    uses.push_back({&u, i});
        return uses;
    }

    static bool touch(const Use &a, const Use &b) { return a.resource == b.resource && a.during.overlaps(b.during); }

    // Whether an option fits beside what the others have chosen and what is there already.
    bool fits_beside(const Choice &choice, std::size_t item, const Option &option) const {
        std::vector<OwnedUse> uses;
        const auto add_touching = [&](const Use &other, std::size_t whose) {
            work_.step();
            if (std::any_of(option.uses.begin(), option.uses.end(), [&](const Use &u) { return touch(u, other); }))
                uses.push_back({&other, whose});
        };
        for (const Use &u : problem_.present)
            add_touching(u, nobody);
        for (std::size_t i = 0; i < choice.size(); ++i)
            if (choice[i] && i != item)
                for (const Use &u : problem_.items[i][*choice[i]].uses)
                    add_touching(u, i);
        if (uses.empty())
            return true;
        for (const Use &u : option.uses)
            uses.push_back({&u, item});
        return !overload(std::move(uses), problem_.capacities);
    }

    // Makes a real answer of a promise: keeps what fits, in order, and gives the others the cheapest that is left.
    void repair(const Node &node) {
        Choice choice(node.choice.size());
        for (const bool again : {false, true})
            for (std::size_t i = 0; i < choice.size(); ++i) {
                if (choice[i])
                    continue;
                for (const std::size_t option : again ? by_cost(i) : promised(node, i))
                    if (fits_beside(choice, i, problem_.items[i][option])) {
                        choice[i] = option;
                        break;
                    }
            }
        std::size_t placed = 0;
        std::int64_t cost = 0;
        for (std::size_t i = 0; i < choice.size(); ++i)
            if (choice[i]) {
                ++placed;
                cost += problem_.items[i][*choice[i]].cost;
            }
        if (!found_any_ || placed > best_.placed || (placed == best_.placed && cost < best_.cost)) {
            found_any_ = true;
            best_ = {std::move(choice), placed, cost, false};
        }
    }

    static std::vector<std::size_t> promised(const Node &node, std::size_t item) {
        return node.choice[item] ? std::vector<std::size_t>{*node.choice[item]} : std::vector<std::size_t>{};
    }

    std::vector<std::size_t> by_cost(std::size_t item) const {
        const std::vector<Option> &options = problem_.items[item];
        std::vector<std::size_t> order(options.size());
        for (std::size_t o = 0; o < order.size(); ++o)
            order[o] = o;
        std::stable_sort(order.begin(), order.end(),
                         [&options](std::size_t a, std::size_t b) { return options[a].cost < options[b].cost; });
        return order;
    }

    // Where the promise is overloaded: either the first item there has its option, and the others nothing that excludes it,
    // or it has another one.
    void branch(const Node &node) {
        const auto items = overload(uses_of(node.choice), problem_.capacities);
        if (!items)
            return; // repair() has taken it as it is
        const auto free = std::find_if(items->begin(), items->end(), [&node](std::size_t i) { return !node.fixed[i]; });
        if (free == items->end())
            return;
        const std::size_t item = *free;
        const std::size_t option = *node.choice[item];

        Node without = node;
        without.banned[item][option] = 1;
        push(std::move(without));

        Node with = node;
        with.fixed[item] = 1;
        for (std::size_t o = 0; o < with.banned[item].size(); ++o)
            with.banned[item][o] = o != option;
        Choice settled(problem_.items.size());
        for (std::size_t i = 0; i < settled.size(); ++i)
            if (with.fixed[i] && i != item)
                settled[i] = only_option(with, i);
        const Option &taken = problem_.items[item][option];
        if (!fits_beside(settled, item, taken))
            return;
        settled[item] = option;
        const auto touches_taken = [&taken](const Use &u) {
            return std::any_of(taken.uses.begin(), taken.uses.end(), [&u](const Use &t) { return touch(u, t); });
        };
        each_option([&](const Option &o, std::size_t i, std::size_t number) {
            if (!with.fixed[i] && !with.banned[i][number] && std::any_of(o.uses.begin(), o.uses.end(), touches_taken) &&
                !fits_beside(settled, i, o))
                with.banned[i][number] = 1;
        });
        push(std::move(with));
    }

    static std::optional<std::size_t> only_option(const Node &node, std::size_t item) {
        const auto it = std::find(node.banned[item].begin(), node.banned[item].end(), char{0});
        return it == node.banned[item].end() ? std::nullopt
                                             : std::optional(static_cast<std::size_t>(it - node.banned[item].begin()));
    }

    struct Later {
        bool operator()(const std::shared_ptr<Node> &a, const std::shared_ptr<Node> &b) const {
            // More placed first, then the cheaper, then the later made: it is deeper.
            return std::make_tuple(b->placed, a->cost, b->number) > std::make_tuple(a->placed, b->cost, a->number);
        }
    };

    const Reassignment &problem_;
    Work &work_;
    const std::uint64_t last_step_;
    std::vector<std::vector<std::size_t>> columns_; // by item and option
    std::vector<std::int32_t> capacities_;          // of the columns
    std::priority_queue<std::shared_ptr<Node>, std::vector<std::shared_ptr<Node>>, Later> open_;
    std::uint64_t nodes_ = 0;
    bool found_any_ = false;
    Reassigned best_;
};

} // namespace

bool fit_together(const std::vector<Use> &uses, const std::vector<std::int32_t> &capacities) {
    std::vector<OwnedUse> owned;
    for (const Use &u : uses)
        owned.push_back({&u, 0});
    return !overload(std::move(owned), capacities);
}

Reassigned best_reassignment(const Reassignment &problem, Work &work, std::uint64_t most_steps) {
    for (const auto &options : problem.items)
        for (const Option &o : options)
            if (o.uses.empty())
                throw Error(ErrorCode::invalid_parameter, "an option takes no place");
    return Search(problem, work, most_steps).run();
}

} // namespace pg_clinic::core
