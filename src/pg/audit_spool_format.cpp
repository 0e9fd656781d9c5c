// Records of the spool as bytes: see audit_spool_format.hpp. Numbers are in the machine's order: a spool never leaves its machine.
#include "pg/audit_spool_format.hpp"

extern "C" {
#include "port/pg_crc32c.h"
}

namespace pg_clinic::pg {

namespace {

constexpr std::uint8_t format_version = 1;
constexpr std::size_t head_bytes = 8;
constexpr std::uint32_t most_bytes = 64 * 1024 * 1024;

std::uint32_t sum_of(std::string_view bytes) {
    pg_crc32c sum{};
    INIT_CRC32C(sum);
    COMP_CRC32C(sum, bytes.data(), bytes.size());
    FIN_CRC32C(sum);
    return sum;
}

class Writer {
  public:
    explicit Writer(std::string &out) : out_(out) {}

    template <class T> void put(const T &value) {
        static_assert(std::is_trivially_copyable_v<T>);
        out_.append(reinterpret_cast<const char *>(&value), sizeof value);
    }
    void text(std::string_view value) {
        put(static_cast<std::uint32_t>(value.size()));
        out_ += value;
    }
    void maybe_text(const std::optional<std::string> &value) {
        put(static_cast<std::uint8_t>(value.has_value()));
        if (value)
            text(*value);
    }
    template <class T> void maybe(const std::optional<T> &value) {
        put(static_cast<std::uint8_t>(value.has_value()));
        if (value)
            put(*value);
    }
    void ids(const std::vector<Uuid> &list) {
        put(static_cast<std::uint32_t>(list.size()));
        for (const Uuid &id : list)
            put(id);
    }

  private:
    std::string &out_;
};

class Reader {
  public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}

    bool good() const { return good_; }
    bool at_end() const { return rest_.empty(); }

    template <class T> void get(T &value) {
        if (!has(sizeof value))
            return;
        std::memcpy(&value, rest_.data(), sizeof value);
        rest_.remove_prefix(sizeof value);
    }
    void text(std::string &value) {
        std::uint32_t length = 0;
        get(length);
        if (!has(length))
            return;
        value.assign(rest_.substr(0, length));
        rest_.remove_prefix(length);
    }
    void maybe_text(std::optional<std::string> &value) {
        if (present())
            text(value.emplace());
    }
    template <class T> void maybe(std::optional<T> &value) {
        if (present())
            get(value.emplace());
    }
    void ids(std::vector<Uuid> &list) {
        std::uint32_t count = 0;
        get(count);
        if (!has(std::size_t{count} * sizeof(Uuid)))
            return;
        list.resize(count);
        for (Uuid &id : list)
            get(id);
    }

  private:
    bool has(std::size_t bytes) { return good_ = good_ && rest_.size() >= bytes; }
    bool present() {
        std::uint8_t flag = 0;
        get(flag);
        return flag != 0;
    }

    std::string_view rest_;
    bool good_ = true;
};

// The fields in their order, for both ways.
template <class Way, class Record> void each_field(Way &way, Record &record) {
    auto &origin = record.origin;
    if constexpr (std::is_same_v<Way, Writer>) {
        way.put(record.audit_id);
        way.put(record.recorded_at.micros);
        way.put(origin.tenant_id);
        way.text(origin.login);
        way.text(record.audit_class);
        way.text(record.action);
    } else {
        way.get(record.audit_id);
        way.get(record.recorded_at.micros);
        way.get(origin.tenant_id);
        way.text(origin.login);
        way.text(record.audit_class);
        way.text(record.action);
    }
    way.maybe(origin.user_id);
    way.maybe(origin.session_id);
    for (auto *field :
         {&origin.actor, &origin.purpose, &origin.reason, &origin.request_id, &origin.client_address,
          &origin.peer_address, &origin.user_agent, &origin.application_name, &record.table_name, &record.row_id})
        way.maybe_text(*field);
    way.ids(record.row_ids);
    way.ids(record.patient_ids);
    way.maybe(record.row_count);
    way.maybe(record.statement_id);
}

} // namespace

void append_record(std::string &out, const SpoolRecord &record) {
    const std::size_t start = out.size();
    out.append(head_bytes, '\0');
    Writer writer(out);
    writer.put(format_version);
    each_field(writer, record);
    const std::string_view body = std::string_view(out).substr(start + head_bytes);
    const auto length = static_cast<std::uint32_t>(body.size());
    const std::uint32_t sum = sum_of(body);
    std::memcpy(out.data() + start, &length, sizeof length);
    std::memcpy(out.data() + start + sizeof length, &sum, sizeof sum);
}

RecordState take_record(std::string_view &bytes, SpoolRecord &record) {
    std::uint32_t length = 0, sum = 0;
    if (bytes.size() < head_bytes)
        return RecordState::unfinished;
    std::memcpy(&length, bytes.data(), sizeof length);
    std::memcpy(&sum, bytes.data() + sizeof length, sizeof sum);
    // A machine that lost its power may leave zeros where nothing was written yet.
    if (length == 0 && bytes.find_first_not_of('\0') == std::string_view::npos)
        return RecordState::unfinished;
    if (length == 0 || length > most_bytes)
        return RecordState::damaged;
    if (bytes.size() - head_bytes < length)
        return RecordState::unfinished;
    const std::string_view body = bytes.substr(head_bytes, length);
    if (sum_of(body) != sum)
        return RecordState::damaged;
    Reader reader(body);
    std::uint8_t version = 0;
    reader.get(version);
    each_field(reader, record);
    if (version != format_version || !reader.good() || !reader.at_end())
        return RecordState::damaged;
    bytes.remove_prefix(head_bytes + length);
    return RecordState::whole;
}

} // namespace pg_clinic::pg
