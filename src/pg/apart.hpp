// A transaction of its own: what must be written even when the caller's transaction is rolled back, such as a sign-in
// that failed.
//
// A background worker does it, a process that lives for this one task: it takes the task's argument from shared memory,
// becomes clinic_system, runs the task's function and commits. It needs no preloading. What to know:
//
// - Tasks are a fixed list; the function of a task is clinic_private.apart_<task>(jsonb).
// - The caller waits. It must hold no lock on the rows that the task writes: a worker that waits for its own caller
//   gives up after two seconds, and after five in any case.
// - The caller sees what was written in its next statement, if it is READ COMMITTED, and never in a snapshot it has.
// - A cancel ends the waiting, not the task: once the worker has its argument it goes on. Until then, for two seconds
//   at most, the caller cannot be cancelled: else who cancels in time would try passwords that nobody counts.
// - Workers share max_worker_processes with all other workers of the server. Whoever can make tasks run (by failing
//   to sign in) can use them up; then tasks fail, and callers must refuse what they would have recorded. Rate limits
//   are for that.
// - Frozen time (clinic.clock) travels along.
#pragma once

#include "pg/postgres.hpp"

namespace pg_clinic::pg {

// Runs a task and tells whether it has committed. False: not done, or (when the worker was stopped in between) perhaps
// done; the caller then refuses what it was about. False too without workers: in recovery, in a single-user server,
// without a free worker process for two seconds. Raises 22023 for an unknown task or an argument that is too long, and
// 25000 in a parallel operation. The argument is the text of a JSON object; it appears in no log.
bool run_apart(std::string_view task, std::string_view argument_json);

} // namespace pg_clinic::pg
