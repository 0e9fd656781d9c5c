// A transaction of its own: see apart.hpp. The caller's half, then the worker's.
#include "pg/apart.hpp"

#include "pg/datum.hpp"
#include "pg/settings.hpp"
#include "pg/spi.hpp"

extern "C" {
#include "access/xlog.h"
#include "catalog/pg_authid.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/dsm.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/timeout.h"
#include "utils/wait_event.h"
}

namespace pg_clinic::pg {

namespace {

constexpr const char *entry_point = "clinic_apart_main";
constexpr const char *clock_setting = "clinic.clock";

constexpr std::size_t longest_argument = 64 * 1024;
constexpr std::size_t longest_clock = 64;
constexpr std::int64_t patience_micros = 2 * core::micros_per_second; // for a free worker, and for its start
constexpr long poll_millis = 5;
constexpr int statement_timeout_millis = 5000;

struct Task {
    const char *name;
    KeptPlan plan;
};

constinit Task tasks[] = {
    {"sign_in_failed", {"SELECT clinic_private.apart_sign_in_failed($1)"}},
    {"session_stolen", {"SELECT clinic_private.apart_session_stolen($1)"}},
    {"code_tried", {"SELECT clinic_private.apart_code_tried($1)"}},
};

enum class Progress : std::uint32_t { waiting, taken, committed };

// What caller and worker share.
struct Order {
    std::uint32_t progress; // a Progress; written by the worker
    Oid database;
    std::uint32_t task;
    std::uint32_t argument_length;
    char clock[longest_clock];
    char argument[FLEXIBLE_ARRAY_MEMBER];

    Progress reached() { return static_cast<Progress>(std::atomic_ref(progress).load(std::memory_order_acquire)); }
    void reach(Progress p) {
        std::atomic_ref(progress).store(static_cast<std::uint32_t>(p), std::memory_order_release);
    }
};

// ---------------------------------------------------------------------------------------------------------------------
// The caller

std::uint32_t task_named(std::string_view name) {
    for (std::uint32_t i = 0; i < std::size(tasks); ++i)
        if (name == tasks[i].name)
            return i;
    fail(ERRCODE_INVALID_PARAMETER_VALUE, "unknown task \"" + shown(name) + "\"");
}

void wait_a_little(long millis) {
    (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, millis, PG_WAIT_EXTENSION);
    ResetLatch(MyLatch);
}

// Finds a free worker process and waits until it has taken the order; null when there is none in time. Runs with
// interrupts held.
BackgroundWorkerHandle *start_worker(dsm_segment *segment, Order *order) {
    BackgroundWorker worker{};
    worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
    worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
    worker.bgw_restart_time = BGW_NEVER_RESTART;
    worker.bgw_main_arg = UInt32GetDatum(dsm_segment_handle(segment));
    worker.bgw_notify_pid = MyProcPid;
    strlcpy(worker.bgw_library_name, "pg_clinic", sizeof(worker.bgw_library_name));
    strlcpy(worker.bgw_function_name, entry_point, sizeof(worker.bgw_function_name));
    strlcpy(worker.bgw_name, "pg_clinic transaction apart", sizeof(worker.bgw_name));
    strlcpy(worker.bgw_type, "pg_clinic", sizeof(worker.bgw_type));

    const TimestampTz give_up = GetCurrentTimestamp() + patience_micros;
    BackgroundWorkerHandle *handle = nullptr;
    while (!RegisterDynamicBackgroundWorker(&worker, &handle)) {
        if (GetCurrentTimestamp() >= give_up)
            return nullptr;
        wait_a_little(poll_millis);
    }
    // The postmaster wakes us when the worker starts and when it ends.
    pid_t pid = 0;
    while (order->reached() == Progress::waiting && GetBackgroundWorkerPid(handle, &pid) != BGWH_STOPPED &&
           GetCurrentTimestamp() < give_up)
        wait_a_little(poll_millis);
    return handle;
}

// The whole errand, in plain C: nothing here has a destructor.
bool run_errand(std::uint32_t task, const char *argument, std::size_t length) {
    const char *clock = GetConfigOption(clock_setting, false, false);
    dsm_segment *segment = dsm_create(offsetof(Order, argument) + length, DSM_CREATE_NULL_IF_MAXSEGMENTS);
    if (segment == nullptr)
        return false;
    auto *order = static_cast<Order *>(dsm_segment_address(segment));
    std::memset(order, 0, offsetof(Order, argument));
    order->database = MyDatabaseId;
    order->task = task;
    order->argument_length = static_cast<std::uint32_t>(length);
    strlcpy(order->clock, clock, sizeof(order->clock));
    std::memcpy(order->argument, argument, length);

    HOLD_INTERRUPTS();
    BackgroundWorkerHandle *handle = start_worker(segment, order);
    RESUME_INTERRUPTS();
    bool committed = false;
    if (handle != nullptr) {
        // One that has not begun in time must not begin any more.
        if (order->reached() == Progress::waiting)
            TerminateBackgroundWorker(handle);
        (void)WaitForBackgroundWorkerShutdown(handle);
        committed = order->reached() == Progress::committed;
        pfree(handle);
    }
    dsm_detach(segment);
    return committed;
}

// ---------------------------------------------------------------------------------------------------------------------
// The worker

// Its own settings, whatever the database or the role have: a worker that waits for ever would keep its place.
void settle_down(const Order *order) {
    const struct {
        const char *name;
        const char *value;
    } wanted[] = {{"search_path", "pg_catalog, pg_temp"},
                  {"lock_timeout", "2s"},
                  {"default_transaction_isolation", "read committed"},
                  {"session_replication_role", "origin"},
                  {"row_security", "on"},
                  {clock_setting, order->clock}};
    for (const auto &setting : wanted)
        SetConfigOption(setting.name, setting.value, PGC_SUSET, PGC_S_SESSION);
}

// Runs the task's function as clinic_system, who owns nothing and cannot become anybody else: a trigger that somebody
// has put on a table finds no superuser here.
void run_task(Task &task, std::string_view argument) {
    pg_call([] {
        SetUserIdAndSecContext(get_role_oid("clinic_system", false),
                               SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
    });
    Spi spi;
    (void)spi.query(task.plan, Json{std::string(argument)});
}

void perform(Order *order) {
    pg_call([order] {
        BackgroundWorkerInitializeConnectionByOid(order->database, BOOTSTRAP_SUPERUSERID, 0);
        settle_down(order);
        SetCurrentStatementStartTimestamp();
        pgstat_report_activity(STATE_RUNNING, "pg_clinic transaction apart");
        enable_timeout_after(STATEMENT_TIMEOUT, statement_timeout_millis);
        StartTransactionCommand();
        PushActiveSnapshot(GetTransactionSnapshot());
    });
    run_task(tasks[order->task], {order->argument, order->argument_length});
    pg_call([] {
        PopActiveSnapshot();
        CommitTransactionCommand();
        disable_timeout(STATEMENT_TIMEOUT, false);
    });
    order->reach(Progress::committed);
}

void work(dsm_handle handle) {
    Order *order = pg_call([handle]() -> Order * {
        pqsignal(SIGTERM, die);
        BackgroundWorkerUnblockSignals();
        // The caller is gone, and what it wanted with it.
        dsm_segment *segment = dsm_attach(handle);
        return segment == nullptr ? nullptr : static_cast<Order *>(dsm_segment_address(segment));
    });
    if (order == nullptr)
        return;
    order->reach(Progress::taken);
    perform(order);
}

} // namespace

bool run_apart(std::string_view task, std::string_view argument_json) {
    const std::uint32_t number = task_named(task);
    if (argument_json.size() > longest_argument)
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "the argument of a task must not be longer than 64 kB");
    if (IsInParallelMode())
        fail(ERRCODE_INVALID_TRANSACTION_STATE, "a transaction apart cannot start during a parallel operation");
    if (!IsUnderPostmaster || RecoveryInProgress())
        return false;
    return pg_call([=] { return run_errand(number, argument_json.data(), argument_json.size()); });
}

// clinic_private.run_apart(text, jsonb)
CLINIC_FUNCTION(clinic_run_apart) {
    const Args args(fcinfo);
    const auto task = args.required<std::string>(0, "task");
    const auto argument = args.required<Json>(1, "argument");
    return BoolGetDatum(run_apart(task, argument.text));
}

extern "C" {
PGDLLEXPORT void clinic_apart_main(Datum argument);

// Where a worker begins.
void clinic_apart_main(Datum argument) {
    const dsm_handle handle = DatumGetUInt32(argument);
    cpp_boundary([handle] { work(handle); });
}
}

} // namespace pg_clinic::pg
