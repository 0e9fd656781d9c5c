// Stored jsonb: see jsonb_bytes.hpp.
#include "pg/jsonb_bytes.hpp"

#include "pg/boundary.hpp"
#include "pg/errors.hpp"

namespace pg_clinic::pg {

namespace {

// Numbers and containers begin at such a place, counted from the beginning of the varlena.
constexpr std::size_t alignment = sizeof(std::int32_t);

void put(std::string &out, std::size_t at, std::uint32_t number) {
    std::memcpy(out.data() + at, &number, sizeof number);
}

[[noreturn]] void too_long() {
    fail(ERRCODE_PROGRAM_LIMIT_EXCEEDED, "a row is too long for its record in the audit",
         "Values of a record have " + std::to_string(JENTRY_OFFLENMASK) + " bytes at most.");
}

} // namespace

JsonbBytes::JsonbBytes(std::size_t members) {
    if (members > JB_CMASK / 2)
        too_long();
    out_.reserve(512);
    out_.assign(VARHDRSZ, '\0');
    open(JB_FOBJECT | static_cast<std::uint32_t>(members), 2 * members);
}

void JsonbBytes::open(std::uint32_t header, std::size_t entries) {
    const std::size_t start = out_.size();
    out_.append(sizeof(std::uint32_t) * (1 + entries), '\0');
    put(out_, start, header);
    present_ = {start + sizeof(std::uint32_t), 0, 0};
}

void JsonbBytes::pad() { out_.append((alignment - out_.size() % alignment) % alignment, '\0'); }

// The entry of a value that has been written. Now and then one tells where its value ends instead of how long it is.
void JsonbBytes::add(std::uint32_t type, std::size_t length) {
    present_.total += length;
    if (length > JENTRY_OFFLENMASK || present_.total > JENTRY_OFFLENMASK)
        too_long();
    const bool tells_end = present_.index % JB_OFFSET_STRIDE == 0;
    put(out_, present_.entries + sizeof(JEntry) * present_.index++,
        type | static_cast<std::uint32_t>(tells_end ? JENTRY_HAS_OFF | present_.total : length));
}

void JsonbBytes::string(std::string_view text) {
    out_ += text;
    add(JENTRY_ISSTRING, text.size());
}

void JsonbBytes::number(Datum numeric) {
    const std::size_t start = out_.size();
    pad();
    const auto *stored =
        pg_call([numeric] { return pg_detoast_datum(reinterpret_cast<struct varlena *>(DatumGetPointer(numeric))); });
    out_.append(reinterpret_cast<const char *>(stored), VARSIZE(stored));
    add(JENTRY_ISNUMERIC, out_.size() - start);
}

void JsonbBytes::jsonb(Datum value) {
    const std::size_t start = out_.size();
    const Jsonb *stored = pg_call([value] { return DatumGetJsonbP(value); });
    if (!JB_ROOT_IS_SCALAR(stored)) {
        pad();
        out_.append(reinterpret_cast<const char *>(&stored->root), VARSIZE(stored) - VARHDRSZ);
        add(JENTRY_ISCONTAINER, out_.size() - start);
        return;
    }
    // A scalar stands alone in an array of its own.
    const JEntry entry = stored->root.children[0];
    if (JBE_ISNUMERIC(entry))
        pad();
    out_.append(reinterpret_cast<const char *>(&stored->root.children[1]), JBE_OFFLENFLD(entry));
    add(entry & JENTRY_TYPEMASK, out_.size() - start);
}

void JsonbBytes::begin_array(std::size_t elements) {
    if (elements > JB_CMASK)
        too_long();
    array_start_ = out_.size();
    outer_ = present_;
    pad();
    open(JB_FARRAY | static_cast<std::uint32_t>(elements), elements);
}

void JsonbBytes::end_array() {
    present_ = outer_;
    add(JENTRY_ISCONTAINER, out_.size() - array_start_);
}

std::string JsonbBytes::finish() {
    SET_VARSIZE(out_.data(), out_.size());
    return std::move(out_);
}

} // namespace pg_clinic::pg
