// Texts with variables: see message_text.hpp.
#include "core/message_text.hpp"

#include <algorithm>

namespace pg_clinic::core {

namespace {

constexpr std::string_view opening = "{{", closing = "}}";
constexpr std::size_t longest_name = 60;

bool is_name(std::string_view text) {
    const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
    return !text.empty() && text.size() <= longest_name && letter(text.front()) &&
           std::all_of(text.begin(), text.end(),
                       [letter](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_'; });
}

std::string_view without_blanks(std::string_view text) {
    const std::size_t first = text.find_first_not_of(' ');
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// Goes through a template: hands over the text between variables, and the names. Stops, and returns false, at what is no variable
// when `strict`; else that is text.
template <class Text, class Name> bool walk(std::string_view rest, bool strict, Text on_text, Name on_name) {
    while (true) {
        const std::size_t begin = rest.find(opening);
        on_text(rest.substr(0, begin));
        if (begin == std::string_view::npos)
            return true;
        rest.remove_prefix(begin + opening.size());
        const std::size_t end = rest.find(closing);
        const std::string_view name =
            end == std::string_view::npos ? std::string_view() : without_blanks(rest.substr(0, end));
        if (is_name(name)) {
            on_name(name);
            rest.remove_prefix(end + closing.size());
        } else if (strict) {
            return false;
        } else {
            on_text(opening);
        }
    }
}

} // namespace

std::optional<std::vector<std::string>> message_names(std::string_view text) {
    std::vector<std::string> names;
    bool stray = false;
    const auto note = [&names](std::string_view name) {
        if (std::find(names.begin(), names.end(), name) == names.end())
            names.emplace_back(name);
    };
    const auto look = [&stray](std::string_view plain) { stray |= plain.find(closing) != std::string_view::npos; };
    if (!walk(text, true, look, note) || stray)
        return std::nullopt;
    return names;
}

std::string message_text(std::string_view text, std::span<const MessageValue> values) {
    std::string out;
    walk(
        text, false, [&out](std::string_view plain) { out += plain; },
        [&out, values](std::string_view name) {
            const auto value =
                std::find_if(values.begin(), values.end(), [name](const MessageValue &v) { return v.name == name; });
            if (value != values.end())
                out += value->text;
        });
    return out;
}

} // namespace pg_clinic::core
