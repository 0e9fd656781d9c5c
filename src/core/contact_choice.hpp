// By which of their contacts a patient is reached.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/civil.hpp"
#include "core/id.hpp"

namespace pg_clinic::core {

// The channels by which people are reached, in the order that counts where nobody has chosen.
inline constexpr std::string_view message_channels[] = {"sms", "whatsapp", "email", "push", "voice"};

// The channels for a kind of message, the dearest first. Of each source, the nearest first, the list of the kind or else the one of "*"
// counts; without any, all channels do. An empty list: such messages are not wanted. A source is a JSON object of lists.
std::vector<std::string> channels_for(std::string_view kind, std::span<const std::string> sources);

struct Contact {
    Id id;
    std::string channel;
    bool verified = false;
    Instant created;
};

// Whether `a` is the better one: of the wanted channel, then of the channel that comes first, then verified, then the newer. Contacts whose
// channel is neither wanted nor in the list do not count at all.
bool is_better_contact(const Contact &a, const Contact &b, const std::vector<std::string> &channels,
                       const std::optional<std::string> &wanted);
bool is_fit_contact(const Contact &contact, const std::vector<std::string> &channels,
                    const std::optional<std::string> &wanted);

} // namespace pg_clinic::core
