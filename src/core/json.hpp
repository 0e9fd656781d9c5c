// A strict reader of JSON (RFC 8259): the whole text is one value in valid UTF-8, or an error.
//
// Stricter than PostgreSQL's own where two readers could understand a text differently: a repeated member name, an
// escaped half of a surrogate pair and bytes that are no UTF-8 are refused, and so is what is nested too deeply.
// Numbers stay as they were written: what they mean is the caller's business.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace pg_clinic::core {

struct JsonValue {
    enum class Kind { null, boolean, number, string, array, object };

    Kind kind = Kind::null;
    bool truth = false;             // of a boolean
    std::string text;               // of a string, decoded, in UTF-8; of a number, as written
    std::vector<JsonValue> items;   // of an array; of an object the values, in the order of names
    std::vector<std::string> names; // of an object: each different from all others

    bool is_string() const noexcept { return kind == Kind::string; }
    bool is_object() const noexcept { return kind == Kind::object; }

    // The member of an object with that name, or null.
    const JsonValue *member(std::string_view name) const noexcept;
};

// Reads a JSON text. Throws Error: invalid_text, which tells the byte where it goes wrong and never the text itself;
// limit_exceeded for arrays and objects nested deeper than `deepest`.
JsonValue parse_json(std::string_view text, std::size_t deepest = 32);

} // namespace pg_clinic::core
