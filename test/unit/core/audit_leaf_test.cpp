// The leaf of an audit record: its canonical form byte for byte. The hashes beside are of those bytes, computed by another program
// (Python's struct and hashlib) from the description in docs/audit.md; the server's tests hold its SHA-256 against them.
#include <gtest/gtest.h>

#include "core/audit_leaf.hpp"

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
    append_canonical_form(out, leaf);
    return out;
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

// SHA-256 of the form:   3f90ffcec43cb860e5071a98f9fb1a6728c84d3905a31ba6d4136d698b381d62
// SHA-256 of 0x00, form: 4d25395cc7d72eb24526915f0164b5027fac497644a28149936ce9a50ceb231a
TEST(AuditLeaf, FormOfTheLeastRecord) {
    EXPECT_EQ(hex(form(least())), "01"
                                  "010000001000000000000000000000000000000000"
                                  "01000000100197a0000000700080000000000000a2"
                                  "01000000080000000000000001"
                                  "01000000080000000000000000"
                                  "0100000006616363657373"
                                  "010000000476696577"
                                  "0000000000"
                                  "01000000046465736b"
                                  "00000000000000000000000000"
                                  "010000001000000000000000000000000000000000");
}

TEST(AuditLeaf, FormOfAFullRecord) {
    const std::string bytes = form(full());
    EXPECT_EQ(bytes.size(), 408U);
    EXPECT_EQ(hex(bytes).substr(2 * (1 + 21 + 21), 2 * 26), "01000000080000000100000002"
                                                            "0100000008ffffffffffffffff");
    // Two ids: their count, and each of them.
    EXPECT_NE(hex(bytes).find("0100000024"
                              "00000002"
                              "0197a0000000700080000000000000a2"
                              "0197a0000000700080000000000000a3"
                              "01000000080000000000000002"
                              "0100000008fffffffffffffffb"),
              std::string::npos);
}

TEST(AuditLeaf, HashIsOfZeroAndTheForm) {
    const auto seen = [](std::string_view bytes) { return std::string(bytes); };
    EXPECT_EQ(leaf_hash(full(), seen), std::string(1, '\0') + form(full()));
}

// A record changed in any one column has another form, and so has one whose text moved into the column beside it.
TEST(AuditLeaf, EveryColumnCounts) {
    std::set<std::string> forms{form(full())};
    std::size_t changes = 1;
    const auto expect_other = [&](auto change) {
        AuditLeaf leaf = full();
        change(leaf);
        forms.insert(form(leaf));
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
