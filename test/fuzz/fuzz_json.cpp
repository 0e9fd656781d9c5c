// Fuzzes the reader of JSON: it reads or throws core::Error, and what it reads, written again, reads the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/error.hpp"
#include "core/json.hpp"

namespace {

using namespace pg_clinic::core;

void require(bool promise) {
    if (!promise)
        std::abort();
}

std::string written(const std::string &text) {
    constexpr char digits[] = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20)
            out += std::string("\\u00") + digits[byte >> 4] + digits[byte & 15];
        else
            out += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    }
    return out + "\"";
}

std::string written(const JsonValue &value) {
    using Kind = JsonValue::Kind;
    if (value.kind == Kind::null)
        return "null";
    if (value.kind == Kind::boolean)
        return value.truth ? "true" : "false";
    if (value.kind == Kind::number)
        return value.text;
    if (value.kind == Kind::string)
        return written(value.text);
    const bool object = value.is_object();
    require(!object || value.names.size() == value.items.size());
    std::string out = object ? "{" : "[";
    for (std::size_t i = 0; i < value.items.size(); ++i) {
        if (i > 0)
            out += ",";
        if (object) {
            require(value.member(value.names[i]) == &value.items[i]);
            out += written(value.names[i]) + ":";
        }
        out += written(value.items[i]);
    }
    return out + (object ? "}" : "]");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    try {
        const JsonValue value = parse_json(std::string_view(reinterpret_cast<const char *>(data), size));
        const std::string text = written(value);
        require(written(parse_json(text)) == text);
    } catch (const Error &error) {
        require(error.code() != ErrorCode::internal);
    }
    return 0;
}
