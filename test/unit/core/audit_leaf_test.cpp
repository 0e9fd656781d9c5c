// The leaf of an audit record: its canonical form byte for byte, and its hashes, which another program (Python's struct and hashlib) has
// computed from the description in docs/audit.md.
#include <gtest/gtest.h>

#include "core/audit_leaf.hpp"
#include "support/sha256.hpp"

#include <array>
#include <set>

namespace pg_clinic::core::test {

namespace {

Id id(const char *text) { return *parse_id(text); }

const Id tenant = id("0197a000-0000-7000-8000-0000000000a1");
const Id record = id("0197a000-0000-7000-8000-0000000000a2");
const Id person = id("0197a000-0000-7000-8000-0000000000a3");

std::string hex(std::string_view bytes) {
    std::string out;
    for (const char c : bytes)
        for (const int digit : {static_cast<unsigned char>(c) >> 4, static_cast<unsigned char>(c) & 15})
            out += "0123456789abcdef"[digit];
    return out;
}

std::string form(const AuditLeaf &leaf) {
    std::string out;
    append_content_form(out, leaf);
    return out;
}

std::string form(const AuditStub &stub) {
    std::string out;
    append_stub_form(out, stub);
    return out;
}

std::string as_is(std::string_view bytes) { return std::string(bytes); }

std::string sha256(std::string_view bytes) {
    const Digest digest = pg_clinic::test::sha256(bytes);
    return std::string(reinterpret_cast<const char *>(digest.data()), digest.size());
}

const std::string no_salt(16, '\0');

AuditLeaf least() {
    AuditLeaf leaf;
    leaf.audit_id = record;
    leaf.transaction_id = 1;
    leaf.audit_class = "access";
    leaf.action = "view";
    leaf.login = "desk";
    leaf.salt = no_salt;
    return leaf;
}

const std::array<Id, 2> rows{record, person};
const std::string counting("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f", 16);

AuditLeaf full() {
    AuditLeaf leaf;
    leaf.tenant_id = tenant;
    leaf.audit_id = record;
    leaf.transaction_id = 0x100000002;
    leaf.recorded_at = {-1};
    leaf.audit_class = "medical";
    leaf.action = "update";
    leaf.table_name = "patients";
    leaf.row_id = "0197a0000000700080000000000000a1";
    leaf.patient_id = person;
    leaf.user_id = person;
    leaf.actor = "staff";
    leaf.login = "app";
    leaf.session_id = tenant;
    leaf.purpose = "TREAT";
    leaf.reason = "why";
    leaf.request_id = "r-1";
    leaf.client_address = "10.0.0.1";
    leaf.peer_address = "10.0.0.2";
    leaf.user_agent = "ua";
    leaf.application_name = "psql";
    leaf.before = R"({"a": 1})";
    leaf.after = "{\"a\": \"\xc3\xa9\"}";
    leaf.row_ids = rows;
    leaf.row_count = 2;
    leaf.statement_id = -5;
    leaf.salt = counting;
    return leaf;
}

} // namespace

TEST(AuditLeaf, FormsOfTheLeastRecord) {
    EXPECT_EQ(hex(form(least())), "01"
                                  "010000000476696577"
                                  "0000000000"
                                  "01000000046465736b"
                                  "00000000000000000000000000"
                                  "010000001000000000000000000000000000000000");
    EXPECT_EQ(hex(content_digest(least(), sha256)), "d5c0c7eedc60eff169f5ea7f70be001e3bcc334c4f6c405fee856c0357bc097b");
    const std::string content = content_digest(least(), sha256);
    const AuditStub stub{.audit_id = record, .transaction_id = 1, .audit_class = "access", .content_digest = content};
    EXPECT_EQ(hex(form(stub)), "01"
                               "010000001000000000000000000000000000000000"
                               "01000000100197a0000000700080000000000000a2"
                               "01000000080000000000000001"
                               "01000000080000000000000000"
                               "0100000006616363657373"
                               "0100000020d5c0c7eedc60eff169f5ea7f70be001e3bcc334c4f6c405fee856c0357bc097b");
    EXPECT_EQ(hex(leaf_hash(stub, sha256)), "7db3e004c3dbb49401f29c51881793bc13286a9325d3dc05e9f15a88dcb766b6");
    EXPECT_EQ(leaf_hash(least(), sha256), leaf_hash(stub, sha256));
}

TEST(AuditLeaf, FormsOfAFullRecord) {
    const std::string bytes = form(full());
    EXPECT_EQ(bytes.size(), 328U);
    // Two ids: their count, and each of them.
    EXPECT_NE(hex(bytes).find("0100000024"
                              "00000002"
                              "0197a0000000700080000000000000a2"
                              "0197a0000000700080000000000000a3"
                              "01000000080000000000000002"
                              "0100000008fffffffffffffffb"),
              std::string::npos);
    const std::string stub = leaf_hash(full(), as_is).substr(1);
    EXPECT_EQ(hex(stub).substr(2 * (1 + 21 + 21), 2 * 26), "01000000080000000100000002"
                                                           "0100000008ffffffffffffffff");
    EXPECT_EQ(hex(leaf_hash(full(), sha256)), "0fa2c60dbb6b93c8e14b45d73e1ead146ba60cfed9bbf64c18951cc1d35374cd");
}

TEST(AuditLeaf, HashIsOfZeroAndTheStubThatHoldsTheContent) {
    const AuditLeaf leaf = full();
    const std::string content = form(leaf);
    const AuditStub stub{leaf.tenant_id,   leaf.audit_id,    leaf.transaction_id,
                         leaf.recorded_at, leaf.audit_class, content};
    EXPECT_EQ(leaf_hash(leaf, as_is), std::string(1, '\0') + form(stub));
}

// A record changed in any one column has another form, and so has one whose text moved into the column beside it.
TEST(AuditLeaf, EveryColumnCounts) {
    const auto leaf_form = [](const AuditLeaf &leaf) { return leaf_hash(leaf, as_is); };
    std::set<std::string> forms{leaf_form(full())};
    std::size_t changes = 1;
    const auto expect_other = [&](auto change) {
        AuditLeaf leaf = full();
        change(leaf);
        forms.insert(leaf_form(leaf));
        EXPECT_EQ(forms.size(), ++changes);
    };
    for (const auto column :
         {&AuditLeaf::table_name, &AuditLeaf::row_id, &AuditLeaf::actor, &AuditLeaf::purpose, &AuditLeaf::reason,
          &AuditLeaf::request_id, &AuditLeaf::client_address, &AuditLeaf::peer_address, &AuditLeaf::user_agent,
          &AuditLeaf::application_name, &AuditLeaf::before, &AuditLeaf::after}) {
        expect_other([column](AuditLeaf &leaf) { leaf.*column = "x"; });
        expect_other([column](AuditLeaf &leaf) { leaf.*column = ""; });
        expect_other([column](AuditLeaf &leaf) { leaf.*column = std::nullopt; });
    }
    for (const auto column : {&AuditLeaf::audit_class, &AuditLeaf::action, &AuditLeaf::login, &AuditLeaf::salt})
        expect_other([column](AuditLeaf &leaf) { leaf.*column = "x"; });
    for (const auto column : {&AuditLeaf::tenant_id, &AuditLeaf::audit_id})
        expect_other([column](AuditLeaf &leaf) { leaf.*column = Id{}; });
    for (const auto column : {&AuditLeaf::patient_id, &AuditLeaf::user_id, &AuditLeaf::session_id}) {
        expect_other([column](AuditLeaf &leaf) { leaf.*column = record; });
        expect_other([column](AuditLeaf &leaf) { leaf.*column = std::nullopt; });
    }
    for (const auto column : {&AuditLeaf::row_count, &AuditLeaf::statement_id}) {
        expect_other([column](AuditLeaf &leaf) { leaf.*column = 7; });
        expect_other([column](AuditLeaf &leaf) { leaf.*column = std::nullopt; });
    }
    expect_other([](AuditLeaf &leaf) { leaf.transaction_id = 2; });
    expect_other([](AuditLeaf &leaf) { leaf.recorded_at = {0}; });
    expect_other([](AuditLeaf &leaf) { leaf.row_ids = std::nullopt; });
    expect_other([](AuditLeaf &leaf) { leaf.row_ids = std::span<const Id>(); });
    expect_other([](AuditLeaf &leaf) { leaf.row_ids = std::span(rows).first(1); });
    expect_other([](AuditLeaf &leaf) {
        leaf.purpose = "TREATwhy";
        leaf.reason = "";
    });
}

} // namespace pg_clinic::core::test
