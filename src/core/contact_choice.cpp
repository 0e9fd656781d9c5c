// Which contact: see contact_choice.hpp.
#include "core/contact_choice.hpp"

#include <algorithm>
#include <tuple>

#include "core/json.hpp"

namespace pg_clinic::core {

namespace {

std::ptrdiff_t place_of(const std::string &channel, const std::vector<std::string> &channels) {
    return std::find(channels.begin(), channels.end(), channel) - channels.begin();
}

} // namespace

std::vector<std::string> channels_for(std::string_view kind, std::span<const std::string> sources) {
    for (const std::string &source : sources) {
        if (source.empty() || source == "{}")
            continue;
        const JsonValue by_kind = parse_json(source);
        const JsonValue *list = by_kind.member(kind);
        if (list == nullptr)
            list = by_kind.member("*");
        if (list == nullptr)
            continue;
        std::vector<std::string> channels;
        for (const JsonValue &channel : list->items)
            channels.push_back(channel.text);
        return channels;
    }
    return {std::begin(message_channels), std::end(message_channels)};
}

bool is_better_contact(const Contact &a, const Contact &b, const std::vector<std::string> &channels,
                       const std::optional<std::string> &wanted) {
    const auto key = [&](const Contact &c) {
        return std::make_tuple(wanted != c.channel, place_of(c.channel, channels), !c.verified);
    };
    const auto first = key(a), second = key(b);
    return first != second ? first < second : std::tie(b.created, b.id) < std::tie(a.created, a.id);
}

bool is_fit_contact(const Contact &contact, const std::vector<std::string> &channels,
                    const std::optional<std::string> &wanted) {
    return wanted == contact.channel ||
           place_of(contact.channel, channels) < static_cast<std::ptrdiff_t>(channels.size());
}

} // namespace pg_clinic::core
