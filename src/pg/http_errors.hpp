// Errors in the form that PostgREST turns into HTTP: a status, headers, and a body of code, message, details and hint.
//
// Only while the transaction serves an HTTP request, and only an error that leaves the outermost statement, takes that
// form: what a caller's own function catches keeps the form that SQL clients know. Statements are those that are planned:
// inside DO and CALL, which PostgREST never sends, each counts as outermost.
#pragma once

#include "pg/boundary.hpp"

namespace pg_clinic::pg {

// Marks the transaction as one that serves an HTTP request, until it ends. anonymous: the request proved no identity.
void begin_http_request(bool anonymous);

// True from begin_http_request to the end of the transaction.
bool in_http_request() noexcept;

namespace detail {
void run_outermost(Thunk thunk, void *argument);
}

// Runs the body as if it were the outermost statement: its errors leave in HTTP form, once begin_http_request was called.
// For what PostgREST calls first, which may load this library in the midst of a statement that no hook saw begin. The
// same rules as for cpp_boundary; to be called where C++ objects may be alive.
template <class Body> void as_outermost_statement(Body body) {
    static_assert(std::is_trivially_destructible_v<Body>, "the body captures by reference or plain values");
    pg_call([&body] {
        detail::run_outermost([](void *argument) { cpp_boundary([argument] { (*static_cast<Body *>(argument))(); }); },
                              &body);
    });
}

// Installs the hooks; for _PG_init.
void install_http_errors();

} // namespace pg_clinic::pg
