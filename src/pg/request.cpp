// What came with the request: see request.hpp.
#include "pg/request.hpp"

#include "pg/datum.hpp"

extern "C" {
#include "utils/fmgrprotos.h"
}

namespace pg_clinic::pg {

namespace {

constinit const RequestFacts *kept = nullptr; // in the memory of the transaction

void forget(XactEvent, void *) { kept = nullptr; }

} // namespace

void keep_request(const RequestFacts &facts) { kept = make_in_context<RequestFacts>(TopTransactionContext, facts); }

RequestFacts present_request() {
    if (kept != nullptr)
        return *kept;
    const Context *context = current_context();
    RequestFacts facts = context == nullptr ? RequestFacts{} : copy_of(*context).request;
    if (facts.peer_address.empty())
        facts.peer_address = peer_address();
    return facts;
}

const RequestFacts *kept_request() noexcept { return kept; }

std::string peer_address() {
    return pg_call([]() -> const char * {
        LOCAL_FCINFO(call, 0);
        InitFunctionCallInfoData(*call, nullptr, 0, InvalidOid, nullptr, nullptr);
        const Datum address = inet_client_addr(call);
        return call->isnull ? "" : TextDatumGetCString(DirectFunctionCall1(network_host, address));
    });
}

void define_request() { RegisterXactCallback(forget, nullptr); }

// clinic_private.request_facts()
CLINIC_FUNCTION(clinic_request_facts) {
    const RequestFacts request = present_request();
    Detail facts;
    const auto add = [&facts](const char *key, const std::string &value) {
        if (!value.empty())
            facts.add(key, value);
    };
    add("request_id", request.request_id);
    add("client_address", request.client_address);
    add("peer_address", request.peer_address);
    add("user_agent", request.user_agent);
    return returning(fcinfo, Json{"{" + facts.members() + "}"});
}

} // namespace pg_clinic::pg
