// Idempotent calls: see idempotency.hpp.
#include "pg/idempotency.hpp"

#include "core/json.hpp"
#include "pg/aead.hpp"
#include "pg/appointments.hpp"
#include "pg/clock.hpp"
#include "pg/context.hpp"
#include "pg/crypto.hpp"
#include "pg/errors.hpp"
#include "pg/result.hpp"
#include "pg/scan.hpp"
#include "pg/table_writer.hpp"

namespace pg_clinic::pg {

namespace {

constexpr const char *table = "idempotency_keys";

constexpr std::size_t longest_key = 255;

constinit const std::string *request_key = nullptr; // in the memory of the transaction, until taken

// The key that the present call took from the request, for functions in SQL that end what they began.
struct Taken {
    std::string call, key;
};
constinit const Taken *taken = nullptr; // in the memory of the transaction

// One key of one caller.
struct Once {
    Uuid tenant;
    Uuid caller;
    std::string key_hash;
    std::string answer_key; // seals the answer: only who has the key, of which there is but a hash, can read it
};

Uuid first_bytes(const std::string &hash) {
    Uuid id;
    std::memcpy(id.bytes.data(), hash.data(), id.bytes.size());
    return id;
}

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// The key of a call: the argument, or that of the request.
std::optional<std::string> key_of(const std::string &call, std::optional<std::string> given) {
    const bool from_request = !given && request_key != nullptr;
    if (from_request) {
        given = *request_key;
        request_key = nullptr;
        taken = make_in_context<Taken>(TopTransactionContext, Taken{call, *given});
    } else if (given) {
        request_key = nullptr; // the outermost call has its own; what it calls has none
    }
    if (given && (given->empty() || characters(*given) > longest_key))
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "an idempotency key has 1 to 255 characters",
             "It has " + std::to_string(characters(*given)) + ".", "Use a random uuid for each new request.",
             "idempotency_key");
    return given;
}

Once once_of(const Context &context, const std::string &key) {
    Once once{context.tenant_id, caller_id(context), crypto::sha256(key), std::string(crypto::aead_key_bytes, '\0')};
    crypto::hkdf_sha256(key, {}, "pg_clinic answer", reinterpret_cast<unsigned char *>(once.answer_key.data()));
    return once;
}

crypto::AeadKey sealing_key(const Once &key) {
    return {reinterpret_cast<const unsigned char *>(key.answer_key.data()), 0};
}

Bytes sealed(const Once &key, const std::string &answer) {
    return {crypto::sealed_text(sealing_key(key), key.key_hash, answer)};
}

std::string opened(const Once &key, std::string_view bytes) {
    auto answer = crypto::opened_text(sealing_key(key), key.key_hash, bytes);
    if (!answer)
        raise(Code::decryption_failed);
    return std::move(*answer);
}

// The row of a key as it is now.
void find(IndexScan &scan, const Once &key) {
    scan.where("tenant_id", BTEqualStrategyNumber, key.tenant);
    scan.where("caller_id", BTEqualStrategyNumber, key.caller);
    scan.where("key_hash", BTEqualStrategyNumber, Bytes{key.key_hash});
    scan.start(Sight::truth);
}

struct Terms {
    core::Duration kept;
    bool held; // the tenant's row is locked against being deleted
};

Terms terms_of(const Uuid &tenant) {
    IndexScan scan("tenants", "tenants_pkey");
    scan.where("tenant_id", BTEqualStrategyNumber, tenant);
    scan.start(Sight::truth);
    if (!scan.next())
        raise(Code::not_found, "the tenant does not exist");
    const std::int64_t hours = scan.get(scan.column<std::int32_t>("idempotency_hours"));
    return {core::minutes(60 * hours), hold_row("tenants", scan.place())};
}

// What is on record of a call, and since when.
struct Call {
    std::string_view name;
    Bytes payload_hash;
    core::Instant begun;
};

// The keys whose calls are under way in this backend, innermost first. They are on record only when they are over, so that a
// call that is refused has written nothing.
class Running {
  public:
    explicit Running(const Once &key) : key_(key), outer_(innermost) { innermost = this; }
    ~Running() { innermost = outer_; }
    Running(const Running &) = delete;
    Running &operator=(const Running &) = delete;

    // When a transaction is over no call is under way, whatever way it ended.
    static void forget() { innermost = nullptr; }

    static bool is(const Once &key) {
        for (const Running *one = innermost; one != nullptr; one = one->outer_)
            if (one->key_.tenant == key.tenant && one->key_.caller == key.caller && one->key_.key_hash == key.key_hash)
                return true;
        return false;
    }

  private:
    static constinit const Running *innermost;
    const Once &key_;
    const Running *outer_;
};

constinit const Running *Running::innermost = nullptr;

void forget(XactEvent, void *) {
    request_key = nullptr;
    taken = nullptr;
    Running::forget();
}

[[noreturn]] void in_use() {
    raise(Code::idempotency_conflict, "the idempotency key is in use by a call that is not over");
}

// The result of an earlier call; nothing when this is the first. Nobody else can begin one until this transaction ends.
std::optional<std::string> look_for(const Once &key, const Call &call) {
    lock_resources(key.tenant, {first_bytes(key.key_hash)});
    if (Running::is(key))
        in_use();
    IndexScan scan(table, "idempotency_keys_pkey");
    for (find(scan, key); scan.next();) {
        if (scan.get(scan.column<core::Instant>("expires_at")) <= call.begun)
            continue;
        if (scan.get(scan.column<std::string_view>("call")) != call.name ||
            scan.get(scan.column<Bytes>("payload_hash")).bytes != call.payload_hash.bytes)
            raise(Code::idempotency_conflict);
        const auto result = scan.optional(scan.column<Bytes>("result"));
        if (!result)
            in_use();
        return opened(key, result->bytes);
    }
    return std::nullopt;
}

// Puts a call on record, in the place of one that expired.
void record(const Once &key, const Call &call, const std::optional<std::string> &result) {
    const Terms terms = terms_of(key.tenant);
    TableWriter writer(table, terms.held ? std::vector{"tenants"} : std::vector<const char *>{});
    {
        IndexScan scan(table, "idempotency_keys_pkey");
        // Housekeeping may take away what is over.
        for (find(scan, key); scan.next();)
            if (writer.lock(scan.place()))
                writer.remove();
    }
    writer.insert({column_value("tenant_id", key.tenant), column_value("caller_id", key.caller),
                   column_value("key_hash", Bytes{key.key_hash}), column_value("call", call.name),
                   column_value("payload_hash", call.payload_hash),
                   column_value("result", result ? std::optional(sealed(key, *result)) : std::nullopt),
                   column_value("created_at", call.begun), column_value("expires_at", call.begun + terms.kept)});
    writer.finish();
}

// Of a call that is on record: its result.
void complete(const Once &key, const std::string &result) {
    TableWriter writer(table);
    {
        IndexScan scan(table, "idempotency_keys_pkey");
        find(scan, key);
        // Written by this transaction, so nobody else can have changed it.
        if (scan.next() && writer.lock(scan.place()))
            writer.update({column_value("result", sealed(key, result))});
    }
    writer.finish();
}

// A value in the form its type prints.
std::string printed(Oid type, Datum value) {
    return pg_call([type, value]() -> const char * {
        Oid output = InvalidOid;
        bool varlena = false;
        getTypeOutputInfo(type, &output, &varlena);
        return OidOutputFunctionCall(output, value);
    });
}

// The arguments but the key, each with its length before it, so that no two lists look alike.
std::string payload_of(FunctionCallInfo fcinfo, int key_argument) {
    std::string payload;
    for (int i = 0; i < fcinfo->nargs; ++i) {
        if (i == key_argument)
            continue;
        if (fcinfo->args[i].isnull) {
            payload += "-;";
            continue;
        }
        const Oid type = pg_call([fcinfo, i] { return get_fn_expr_argtype(fcinfo->flinfo, i); });
        const std::string text = printed(type, fcinfo->args[i].value);
        payload += std::to_string(text.size()) + ":" + text;
    }
    return payload;
}

ReturnSetInfo &result_of(FunctionCallInfo fcinfo) { return *reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo); }

// Prints and reads times and intervals alike whoever asks: what is stored must be read back by any session. The settings are
// changed where they are kept, for no longer than this lives: telling the server three times a call was dearer than printing.
class NeutralForm {
  public:
    NeutralForm() {
        pg_tz *utc = pg_call([] { return pg_tzset("GMT"); }); // built in, whatever files of zones there are
        DateStyle = USE_ISO_DATES;
        DateOrder = DATEORDER_YMD;
        IntervalStyle = INTSTYLE_POSTGRES;
        session_timezone = utc;
    }
    ~NeutralForm() {
        DateStyle = style_;
        DateOrder = order_;
        IntervalStyle = interval_;
        session_timezone = zone_;
    }
    NeutralForm(const NeutralForm &) = delete;
    NeutralForm &operator=(const NeutralForm &) = delete;

  private:
    const int style_ = DateStyle, order_ = DateOrder, interval_ = IntervalStyle;
    pg_tz *const zone_ = session_timezone;
};

// The rows a function has made, as a JSON array of arrays of texts and nulls.
std::string rows_as_json(FunctionCallInfo fcinfo) {
    const ReturnSetInfo &info = result_of(fcinfo);
    TupleTableSlot *slot = pg_call([&info] { return MakeSingleTupleTableSlot(info.setDesc, &TTSOpsMinimalTuple); });
    std::string rows = "[";
    while (pg_call([&info, slot] { return tuplestore_gettupleslot(info.setResult, true, false, slot); })) {
        pg_call([slot] { slot_getallattrs(slot); });
        rows += rows.size() > 1 ? ",[" : "[";
        for (int i = 0; i < info.setDesc->natts; ++i) {
            rows += i > 0 ? "," : "";
            rows += slot->tts_isnull[i]
                        ? "null"
                        : json_quoted(printed(TupleDescAttr(info.setDesc, i)->atttypid, slot->tts_values[i]));
        }
        rows += "]";
    }
    pg_call([&info, slot] {
        ExecDropSingleTupleTableSlot(slot);
        tuplestore_rescan(info.setResult);
    });
    return rows + "]";
}

// Makes the rows again; the last column says that they are not new.
Datum replay(FunctionCallInfo fcinfo, const std::string &stored) {
    ResultSet rows(fcinfo);
    TupleDesc shape = result_of(fcinfo).setDesc;
    const core::JsonValue all = core::parse_json(stored);
    for (const core::JsonValue &row : all.items) {
        std::vector<NullableValue> values;
        for (int i = 0; i < shape->natts && i < static_cast<int>(row.items.size()); ++i) {
            const core::JsonValue &cell = row.items[static_cast<std::size_t>(i)];
            NullableValue value;
            value.is_null = !cell.is_string();
            if (cell.is_string()) {
                const Oid type = TupleDescAttr(shape, i)->atttypid;
                const char *text = cell.text.c_str();
                value.value = pg_call([type, text] {
                    Oid input = InvalidOid, parameter = InvalidOid;
                    getTypeInputInfo(type, &input, &parameter);
                    return OidInputFunctionCall(input, const_cast<char *>(text), parameter, -1);
                });
            }
            values.push_back(value);
        }
        if (!values.empty())
            values.back() = nullable(true);
        rows.add_datums(values);
    }
    return rows.done();
}

} // namespace

void keep_idempotency_key(const std::string &key) {
    request_key = make_in_context<std::string>(TopTransactionContext, key);
}

void define_idempotency() { RegisterXactCallback(forget, nullptr); }

Uuid caller_id(const Context &context) {
    if (context.has_user)
        return context.user_id;
    // A login without a user: named by the database, so that two of them are two callers.
    const std::string login = pg_call([] { return GetUserNameFromId(GetSessionUserId(), false); });
    return first_bytes(
        crypto::sha256("login " + login + "\n" + (context.has_patient ? to_text(context.patient_id) : "")));
}

Datum once(FunctionCallInfo fcinfo, const char *call, int key_argument, Datum (*body)(FunctionCallInfo)) {
    const Args args(fcinfo);
    const auto key = key_of(call, args.optional<std::string>(key_argument));
    if (!key)
        return body(fcinfo);
    require_writable();
    const Once one = once_of(require_context(), *key);
    Call begun{call, {}, now()};
    {
        const NeutralForm form;
        begun.payload_hash = {crypto::sha256(payload_of(fcinfo, key_argument))};
    }
    if (const auto stored = look_for(one, begun)) {
        const NeutralForm form;
        return replay(fcinfo, *stored);
    }
    const Datum result = [&] {
        const Running running(one);
        return body(fcinfo);
    }();
    std::string rows;
    {
        const NeutralForm form;
        rows = rows_as_json(fcinfo);
    }
    record(one, begun, rows);
    return result;
}

} // namespace pg_clinic::pg

using namespace pg_clinic;
using namespace pg_clinic::pg;

// clinic_private.begin_once(call, idempotency_key, payload)
CLINIC_FUNCTION(clinic_begin_once) {
    const Args args(fcinfo);
    const auto call = args.required<std::string>(0, "call");
    const auto key = key_of(call, args.optional<std::string>(1));
    if (!key)
        return returning_null(fcinfo);
    require_writable();
    const Once one = once_of(require_context(), *key);
    const Call begun{call, {crypto::sha256(args.required<Json>(2, "payload").text)}, now()};
    if (const auto stored = look_for(one, begun))
        return returning(fcinfo, Json{*stored});
    record(one, begun, std::nullopt); // what ends it is another call
    return returning_null(fcinfo);
}

// clinic_private.end_once(call, idempotency_key, result)
CLINIC_FUNCTION(clinic_end_once) {
    const Args args(fcinfo);
    const auto call = args.required<std::string>(0, "call");
    auto key = args.optional<std::string>(1);
    if (!key && taken != nullptr && taken->call == call)
        key = taken->key;
    if (key)
        complete(once_of(require_context(), *key), args.required<Json>(2, "result").text);
    return returning_null(fcinfo);
}
