// What came with the request that this transaction serves, for the record: kept also where nobody is identified yet, since whoever
// signs in has no context.
#pragma once

#include "pg/context.hpp"

namespace pg_clinic::pg {

// Keeps the facts until the transaction ends.
void keep_request(const RequestFacts &facts);

// The facts kept, or those of the context; without either, what the connection tells.
RequestFacts present_request();

// The facts kept, as an address that is another one after every keep_request; null for none.
const RequestFacts *kept_request() noexcept;

// Who is connected; empty for a local socket.
std::string peer_address();

// Forgets the facts when a transaction ends; for _PG_init.
void define_request();

} // namespace pg_clinic::pg
