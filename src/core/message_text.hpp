// Texts with variables: "Dear {{patient_name}}, ...". A name has up to 60 lower-case letters, digits and underscores, begins with a
// letter, and may have blanks around it. Values are put in as they are: what looks like a variable in them is none.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pg_clinic::core {

struct MessageValue {
    std::string_view name;
    std::string_view text;
};

// The names in a template, in order, each once; nothing when braces are left open or hold what is no name.
std::optional<std::vector<std::string>> message_names(std::string_view text);

// The text with the values put in. A name without a value is left out; braces that hold no name stay as they are.
std::string message_text(std::string_view text, std::span<const MessageValue> values);

} // namespace pg_clinic::core
