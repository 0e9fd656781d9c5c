// Time that has become free: see freed_time.hpp.
#include "pg/freed_time.hpp"

#include "pg/boundary.hpp"
#include "pg/datum.hpp"
#include "pg/spi.hpp"

namespace pg_clinic::pg {

namespace {

KeptPlan freed_statement{"SELECT clinic_private.time_freed($1, $2, $3, $4, $5, $6)"};

// What a call keeps, in memory of the transaction.
struct Kept {
    struct Item {
        FreedTime freed;
        int level; // of the subtransaction that freed it
    };
    int level; // of the call that keeps
    std::vector<Item> items;
};
constinit Kept *kept = nullptr;

void tell(const FreedTime &f) {
    Spi spi;
    (void)spi.query(freed_statement, f.appointment, f.service, f.provider, f.location, f.visit.begin, f.visit.end);
}

void at_transaction_end(XactEvent, void *) { kept = nullptr; }

// Called by the server: nothing in it allocates.
void at_subtransaction_end(SubXactEvent event, SubTransactionId, SubTransactionId, void *) {
    if (kept == nullptr)
        return;
    const int level = GetCurrentTransactionNestLevel();
    if (event == SUBXACT_EVENT_ABORT_SUB) {
        std::erase_if(kept->items, [level](const Kept::Item &i) { return i.level >= level; });
        if (kept->level >= level)
            kept = nullptr;
    } else if (event == SUBXACT_EVENT_COMMIT_SUB) {
        for (Kept::Item &i : kept->items)
            i.level = std::min(i.level, level - 1);
        kept->level = std::min(kept->level, level - 1);
    }
}

} // namespace

void tell_freed(const FreedTime &freed) {
    if (kept == nullptr)
        tell(freed);
    else
        kept->items.push_back({freed, GetCurrentTransactionNestLevel()});
}

void define_freed_time() {
    RegisterXactCallback(at_transaction_end, nullptr);
    RegisterSubXactCallback(at_subtransaction_end, nullptr);
}

} // namespace pg_clinic::pg

using namespace pg_clinic;
using namespace pg_clinic::pg;

// clinic_private.keep_freed_time()
CLINIC_FUNCTION(clinic_keep_freed_time) {
    if (kept != nullptr)
        return returning(fcinfo, false);
    kept = make_in_context<Kept>(TopTransactionContext, Kept{GetCurrentTransactionNestLevel(), {}});
    return returning(fcinfo, true);
}

// clinic_private.tell_kept_time()
CLINIC_FUNCTION(clinic_tell_kept_time) {
    if (kept != nullptr) {
        const std::vector<Kept::Item> items = std::move(kept->items);
        kept = nullptr;
        for (const Kept::Item &i : items)
            tell(i.freed);
    }
    return returning_null(fcinfo);
}
