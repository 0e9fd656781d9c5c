// Calls that may come twice: the result of a call that succeeded is kept under the key its caller gave, and the same call
// with the same key and arguments returns it again and writes nothing.
//
// A key belongs to a tenant and a caller, is 1 to 255 characters long, and is kept as its SHA-256. Without an argument the
// header Idempotency-Key of an HTTP request counts, for the first call in the request that asks: the outermost one.
// Two calls at once wait for each other on a lock of the key. Only what succeeds is remembered: a failure rolls it back.
#pragma once

#include <optional>
#include <string>

#include "pg/context.hpp"
#include "pg/postgres.hpp"

namespace pg_clinic::pg {

// Keeps the header of the request until a call takes it or the transaction ends.
void keep_idempotency_key(const std::string &key);

// Runs body once for its key, the argument `key_argument` of a function that returns rows whose last column is the boolean
// "replayed". All other arguments are the payload. Raises idempotency_conflict for a key that was used for something else.
Datum once(FunctionCallInfo fcinfo, const char *call, int key_argument, Datum (*body)(FunctionCallInfo));

// Whose keys and holds: the user, or the login where there is none.
Uuid caller_id(const Context &context);

// Forgets the key of a request when the transaction ends; for _PG_init.
void define_idempotency();

} // namespace pg_clinic::pg
