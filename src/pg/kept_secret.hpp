// Secrets that the engine itself works with: private keys and shared secrets of tokens, secrets of webhooks. Tables keep each of
// them as one text: as it is where no master key is configured, else sealed by the current one and bound to its place, so that
// a dump holds nothing to sign with, and no row's secret works in another row.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pg_clinic::pg {

// The text to store. place: table, column and key of the row, whatever open_kept_secret will be given. Raises key_unavailable.
std::string keep_secret(std::string_view secret, std::string_view place);

// The secret of such a text. Raises key_unavailable, and decryption_failed for what was not sealed for this place.
std::string open_kept_secret(std::string_view kept, std::string_view place);

// The same; nothing for what was not sealed for this place. Raises key_unavailable.
std::optional<std::string> opened_kept_secret(std::string_view kept, std::string_view place);

} // namespace pg_clinic::pg
