// The two gates between C++ exceptions and PostgreSQL's ereport.
//
// cpp_boundary stands around every function the server calls: what C++ throws leaves it as an ereport, raised
// after the catch block is left and every destructor has run. pg_call stands around every PostgreSQL function
// called while a C++ object with a destructor is alive: what PostgreSQL raises comes out of it as a PgError.
// A PgError is only for passing on; the server's state is whole again only after the boundary, or after
// subtransaction() has rolled back. So: nothing else catches it, and PG_TRY is never used.
#pragma once

#include "core/work.hpp"
#include "pg/postgres.hpp"

namespace pg_clinic::pg {

// An error raised by PostgreSQL, on its way to the boundary. The data lives as long as the outermost SQL function
// of ours that is running; null means that memory ran out while it was copied.
struct PgError {
    ErrorData *data;
};

namespace detail {

using Thunk = void (*)(void *);

// Runs thunk(argument); throws PgError when PostgreSQL raises an error in it.
void guarded(Thunk thunk, void *argument);

// Runs thunk(argument); raises as an ereport whatever C++ throws in it.
void bounded(Thunk thunk, void *argument);

// Runs thunk(argument), a call of the server from a hook of ours, with no C++ object in the way. An error that leaves it
// is raised again: as it is, or, when wanted() says so, as change() makes it. change may throw; wanted may not raise.
void changing(Thunk thunk, void *argument, bool (*wanted)(), void (*change)(ErrorData &));

template <class Body> using ResultOf = std::invoke_result_t<Body &>;

template <class Result>
inline constexpr bool may_cross = std::is_void_v<Result> || std::is_trivially_copyable_v<Result>;

// Carries body's result through one of the two functions above.
template <class Body> ResultOf<Body> through(void (*gate)(Thunk, void *), Body &body) {
    using Result = ResultOf<Body>;
    if constexpr (std::is_void_v<Result>) {
        gate([](void *argument) { (*static_cast<Body *>(argument))(); }, &body);
    } else {
        struct Slot {
            Body *body;
            alignas(Result) std::byte value[sizeof(Result)];
        } slot{&body, {}};
        gate(
            [](void *argument) {
                auto *s = static_cast<Slot *>(argument);
                ::new (static_cast<void *>(s->value)) Result((*s->body)());
            },
            &slot);
        return *std::launder(reinterpret_cast<Result *>(slot.value));
    }
}

} // namespace detail

// Calls PostgreSQL. The body is left by longjmp when an error is raised: it and what it captures by value, and every
// local of it, must have no destructor.
template <class Body> detail::ResultOf<Body> pg_call(Body body) {
    static_assert(detail::may_cross<detail::ResultOf<Body>>, "pg_call returns void or a trivially copyable value");
    static_assert(std::is_trivially_destructible_v<Body>, "pg_call's body captures by reference or plain values");
    return detail::through(&detail::guarded, body);
}

// Lets C++ be called by the server where no CLINIC_FUNCTION stands: hooks and callbacks that may raise errors.
template <class Body> detail::ResultOf<Body> cpp_boundary(Body body) {
    static_assert(detail::may_cross<detail::ResultOf<Body>>, "a boundary returns void or a trivially copyable value");
    static_assert(std::is_trivially_destructible_v<Body>, "a boundary's body captures by reference or plain values");
    return detail::through(&detail::bounded, body);
}

// Runs body inside a subtransaction. Success releases it and returns nullptr; a PostgreSQL error rolls it back and is
// returned, to be inspected (sqlerrcode) and either dealt with or passed on with rethrow(). Any other C++
// exception rolls back and flies on.
ErrorData *run_subtransaction(detail::Thunk thunk, void *argument);

template <class Body> [[nodiscard]] ErrorData *subtransaction(Body body) {
    return run_subtransaction([](void *argument) { (*static_cast<Body *>(argument))(); }, &body);
}

[[noreturn]] void rethrow(ErrorData *error);

// The catalogue's word of an error that a boundary raised; another text, not null, for one of ours that is in no
// catalogue; null for every error of the server, of other extensions, and of SQL, whatever state and texts it has.
const char *engine_word(const ErrorData &error) noexcept;

// Gives a pending cancel, timeout or shutdown its chance; throws PgError when there is one. For core::Work.
void poll_interrupts();

// A computation budget that polls the server's interrupts.
core::Work interruptible_work(std::uint64_t budget = 200'000'000);

// Makes a C++ object that is destroyed when its memory context is reset or deleted.
template <class T, class... Arguments> T *make_in_context(MemoryContext context, Arguments &&...arguments) {
    auto *callback = pg_call([&] {
        return static_cast<MemoryContextCallback *>(MemoryContextAllocZero(context, sizeof(MemoryContextCallback)));
    });
    auto object = std::make_unique<T>(std::forward<Arguments>(arguments)...);
    callback->func = [](void *argument) { delete static_cast<T *>(argument); };
    callback->arg = object.get();
    MemoryContextRegisterResetCallback(context, callback);
    return object.release();
}

Datum run_function(PGFunction body, FunctionCallInfo fcinfo);

} // namespace pg_clinic::pg

// Defines the SQL-callable C function `name`: CLINIC_FUNCTION(clinic_now) { ... use fcinfo, return a Datum ... }
#define CLINIC_FUNCTION(name)                                                                                          \
    static Datum name##_body(FunctionCallInfo fcinfo);                                                                 \
    extern "C" {                                                                                                       \
    PGDLLEXPORT Datum name(PG_FUNCTION_ARGS);                                                                          \
    PG_FUNCTION_INFO_V1(name);                                                                                         \
    Datum name(PG_FUNCTION_ARGS) { return ::pg_clinic::pg::run_function(name##_body, fcinfo); }                        \
    }                                                                                                                  \
    static Datum name##_body([[maybe_unused]] FunctionCallInfo fcinfo)
