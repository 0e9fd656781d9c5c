// The leaf of an audit record: see audit_leaf.hpp.
#include "core/audit_leaf.hpp"

#include "core/error.hpp"

#include <array>
#include <limits>

namespace pg_clinic::core {

namespace {

constexpr char leaf_prefix = 0x00; // RFC 6962 §2.1

class Writer {
  public:
    explicit Writer(std::string &out) : out_(out) {}

    void add(std::string_view bytes) {
        begin(bytes.size());
        out_ += bytes;
    }
    void add(const Id &id) {
        begin(id.bytes.size());
        put(id);
    }
    void add(std::uint64_t number) {
        begin(8);
        put(number, 8);
    }
    void add(std::int64_t number) { add(static_cast<std::uint64_t>(number)); }
    void add(Instant at) { add(at.micros); }
    void add(std::span<const Id> ids) {
        begin(4 + 16 * ids.size());
        put(ids.size(), 4);
        for (const Id &id : ids)
            put(id);
    }
    template <class T> void add(const std::optional<T> &value) {
        if (value)
            add(*value);
        else
            out_ += '\0';
    }

  private:
    void begin(std::size_t length) {
        if (length > std::numeric_limits<std::uint32_t>::max())
            throw Error(ErrorCode::limit_exceeded, "a value of an audit record is too long");
        std::array<char, 5> head{'\1'};
        write(head.data() + 1, length, 4);
        out_.append(head.data(), head.size());
    }
    static void write(char *out, std::uint64_t number, int bytes) {
        for (int i = bytes; i-- > 0;)
            *out++ = static_cast<char>(number >> (8 * i) & 0xFF);
    }
    void put(std::uint64_t number, int bytes) {
        std::array<char, 8> buffer;
        write(buffer.data(), number, bytes);
        out_.append(buffer.data(), static_cast<std::size_t>(bytes));
    }
    void put(const Id &id) { out_.append(reinterpret_cast<const char *>(id.bytes.data()), id.bytes.size()); }

    std::string &out_;
};

} // namespace

void append_content_form(std::string &out, const AuditLeaf &leaf) {
    out += audit_leaf_version;
    Writer form(out);
    form.add(leaf.action);
    form.add(leaf.table_name);
    form.add(leaf.row_id);
    form.add(leaf.patient_id);
    form.add(leaf.user_id);
    form.add(leaf.actor);
    form.add(leaf.login);
    form.add(leaf.session_id);
    form.add(leaf.purpose);
    form.add(leaf.reason);
    form.add(leaf.request_id);
    form.add(leaf.client_address);
    form.add(leaf.peer_address);
    form.add(leaf.user_agent);
    form.add(leaf.application_name);
    form.add(leaf.before);
    form.add(leaf.after);
    form.add(leaf.row_ids);
    form.add(leaf.row_count);
    form.add(leaf.statement_id);
    form.add(leaf.salt);
}

void append_stub_form(std::string &out, const AuditStub &stub) {
    out += audit_leaf_version;
    Writer form(out);
    form.add(stub.tenant_id);
    form.add(stub.audit_id);
    form.add(stub.transaction_id);
    form.add(stub.recorded_at);
    form.add(stub.audit_class);
    form.add(stub.content_digest);
}

std::string content_digest(const AuditLeaf &leaf, Sha256 sha256) {
    std::string bytes;
    bytes.reserve(1024);
    append_content_form(bytes, leaf);
    return sha256(bytes);
}

std::string leaf_hash(const AuditStub &stub, Sha256 sha256) {
    std::string bytes;
    bytes.reserve(160);
    bytes += leaf_prefix;
    append_stub_form(bytes, stub);
    return sha256(bytes);
}

std::string leaf_hash(const AuditLeaf &leaf, Sha256 sha256) {
    const std::string content = content_digest(leaf, sha256);
    return leaf_hash(AuditStub{.tenant_id = leaf.tenant_id,
                               .audit_id = leaf.audit_id,
                               .transaction_id = leaf.transaction_id,
                               .recorded_at = leaf.recorded_at,
                               .audit_class = leaf.audit_class,
                               .content_digest = content},
                     sha256);
}

} // namespace pg_clinic::core
