// The two gates: see boundary.hpp. Only here does the project touch sigsetjmp and the error stack.
#include "pg/boundary.hpp"

#include "pg/errors.hpp"

namespace pg_clinic::pg {

namespace {

// Where errors are kept while C++ unwinds: the context that was current when the server called us. An inner
// context (SPI's, a subtransaction's) may be gone before the error is raised again.
constinit MemoryContext error_home = nullptr;

// What the server keeps in globals and an error leaves behind.
struct ServerState {
    sigjmp_buf *exception_stack = PG_exception_stack;
    ErrorContextCallback *context_stack = error_context_stack;
    MemoryContext memory = CurrentMemoryContext;
    MemoryContext home = error_home;

    void restore() const {
        PG_exception_stack = exception_stack;
        error_context_stack = context_stack;
        error_home = home;
        MemoryContextSwitchTo(memory);
    }
};

// Where errors of ours say they were raised: the file, and as the function the catalogue's word. No other code has such
// a file, SQL has no way to name one, and the text survives the way from a parallel worker to its leader.
constexpr const char *error_origin = "pg_clinic";

// Everything an ereport needs, without a destructor.
struct Failure {
    ErrorData *data;
    int sqlstate;
    const char *word;
    const char *message;
    const char *detail;
    const char *hint;
    const char *argument;
};

Failure out_of_memory() {
    return {nullptr, ERRCODE_OUT_OF_MEMORY, nullptr, "out of memory", nullptr, nullptr, nullptr};
}

// Copies the raised error out of the server's error context; null when there is no memory for it.
ErrorData *take_error(const ServerState &state) {
    ErrorData *volatile copy = nullptr;
    sigjmp_buf buffer;
    state.restore();
    if (state.home != nullptr)
        MemoryContextSwitchTo(state.home);
    if (sigsetjmp(buffer, 0) == 0) {
        PG_exception_stack = &buffer;
        copy = CopyErrorData();
    }
    state.restore();
    FlushErrorState();
    return copy;
}

// Copies text for an ereport, clipped to a length no reader misses; null for empty text, and without memory.
const char *keep(std::string_view text) {
    constexpr int longest = 16 * 1024;
    if (text.empty())
        return nullptr;
    const int given = static_cast<int>(std::min<std::size_t>(text.size(), 2 * longest));
    const auto length = static_cast<std::size_t>(pg_mbcliplen(text.data(), given, longest));
    auto *copy = static_cast<char *>(MemoryContextAllocExtended(CurrentMemoryContext, length + 1, MCXT_ALLOC_NO_OOM));
    if (copy != nullptr) {
        std::memcpy(copy, text.data(), length);
        copy[length] = '\0';
    }
    return copy;
}

Failure describe(const SqlError &error) {
    return {nullptr,
            error.sqlstate(),
            error.word(),
            keep(error.what()),
            keep(error.detail()),
            keep(error.hint()),
            keep(error.argument())};
}

// Says what the exception in flight means to PostgreSQL. Called inside a catch block only.
Failure describe_current_exception() {
    try {
        throw;
    } catch (const PgError &error) {
        Failure passed_on = out_of_memory();
        passed_on.data = error.data;
        return passed_on;
    } catch (const SqlError &error) {
        return describe(error);
    } catch (const core::Error &error) {
        try {
            return describe(to_sql_error(error));
        } catch (...) {
            return out_of_memory();
        }
    } catch (const std::bad_alloc &) {
        return out_of_memory();
    } catch (const std::exception &error) {
        return {nullptr, ERRCODE_INTERNAL_ERROR, nullptr, keep(error.what()), nullptr, nullptr, nullptr};
    } catch (...) {
        return {nullptr, ERRCODE_INTERNAL_ERROR, nullptr, "unknown C++ exception", nullptr, nullptr, nullptr};
    }
}

// Raises a failure; the frames it jumps over hold only plain data.
[[noreturn]] void raise_failure(const Failure &failure) {
    if (failure.data != nullptr)
        ReThrowError(failure.data);
    if (errstart(ERROR, TEXTDOMAIN)) {
        errcode(failure.sqlstate);
        errmsg_internal("%s", failure.message != nullptr ? failure.message : "out of memory");
        if (failure.detail != nullptr)
            errdetail_internal("%s", failure.detail);
        if (failure.hint != nullptr)
            errhint("%s", failure.hint);
        if (failure.argument != nullptr)
            err_generic_string(PG_DIAG_COLUMN_NAME, failure.argument);
        errfinish(error_origin, __LINE__, failure.word != nullptr ? failure.word : __func__);
    }
    pg_unreachable();
}

// Runs the body of a boundary; true when it threw. Separate, so that every C++ frame is gone when the error is raised.
bool try_body(detail::Thunk thunk, void *argument, const ServerState &state, Failure *failure) noexcept {
    try {
        thunk(argument);
        return false;
    } catch (...) {
        state.restore();
        *failure = describe_current_exception();
        return true;
    }
}

// Runs the body of pg_call; if C++ throws in it the server's stacks are put back before the exception flies on.
void run_restoring(detail::Thunk thunk, void *argument, const ServerState &state) {
    try {
        thunk(argument);
    } catch (...) {
        state.restore();
        throw;
    }
}

} // namespace

namespace detail {

void guarded(Thunk thunk, void *argument) {
    const ServerState state;
    sigjmp_buf buffer;
    if (sigsetjmp(buffer, 0) == 0) {
        PG_exception_stack = &buffer;
        run_restoring(thunk, argument, state);
        PG_exception_stack = state.exception_stack;
        error_context_stack = state.context_stack;
        return;
    }
    throw PgError{take_error(state)};
}

void bounded(Thunk thunk, void *argument) {
    const ServerState state;
    Failure failure{};
    error_home = state.memory;
    const bool failed = try_body(thunk, argument, state, &failure);
    error_home = state.home;
    if (failed)
        raise_failure(failure);
}

void changing(Thunk thunk, void *argument, bool (*wanted)(), void (*change)(ErrorData &)) {
    const ServerState state;
    sigjmp_buf buffer;
    if (sigsetjmp(buffer, 0) == 0) {
        PG_exception_stack = &buffer;
        thunk(argument);
        PG_exception_stack = state.exception_stack;
        error_context_stack = state.context_stack;
        return;
    }
    if (!wanted()) {
        PG_exception_stack = state.exception_stack;
        error_context_stack = state.context_stack;
        PG_RE_THROW();
    }
    ErrorData *error = take_error(state);
    if (error == nullptr)
        raise_failure(out_of_memory());
    cpp_boundary([error, change] { change(*error); });
    ReThrowError(error);
}

} // namespace detail

const char *engine_word(const ErrorData &error) noexcept {
    return error.filename != nullptr && std::strcmp(error.filename, error_origin) == 0 ? error.funcname : nullptr;
}

Datum run_function(PGFunction body, FunctionCallInfo fcinfo) {
    return cpp_boundary([body, fcinfo] { return body(fcinfo); });
}

void rethrow(ErrorData *error) { throw PgError{error}; }

ErrorData *run_subtransaction(detail::Thunk thunk, void *argument) {
    MemoryContext memory = CurrentMemoryContext;
    ResourceOwner owner = CurrentResourceOwner;
    auto finish = [memory, owner](auto end) {
        pg_call(end);
        MemoryContextSwitchTo(memory);
        CurrentResourceOwner = owner;
    };
    pg_call([] { BeginInternalSubTransaction(nullptr); });
    MemoryContextSwitchTo(memory);
    ErrorData *failure = nullptr;
    try {
        thunk(argument);
        finish([] { ReleaseCurrentSubTransaction(); });
        return nullptr;
    } catch (const PgError &error) {
        failure = error.data;
        finish([] { RollbackAndReleaseCurrentSubTransaction(); });
        if (failure == nullptr)
            throw;
    } catch (...) {
        finish([] { RollbackAndReleaseCurrentSubTransaction(); });
        throw;
    }
    return failure;
}

void poll_interrupts() {
    if (INTERRUPTS_PENDING_CONDITION())
        pg_call([] { ProcessInterrupts(); });
}

core::Work interruptible_work(std::uint64_t budget) { return core::Work(budget, &poll_interrupts); }

} // namespace pg_clinic::pg
