// The text form of a context: what the setting clinic.context holds.
#pragma once

#include "pg/context.hpp"

namespace pg_clinic::pg {

// "v2 tenant=<uuid> actor=staff door=token user=<uuid> locations=<uuid>,<uuid> permissions=a:b,c:* ...". Values that are
// free text are percent-encoded and cut to a sane length. Raises for values that do not fit the form.
std::string context_text(const NewContext &context);

// Reads the form into one block of plain memory from `allocate`; null for any other text, and without memory.
// Throws nothing, so that a check hook can call it.
Context *parse_context(std::string_view text, void *(*allocate)(std::size_t)) noexcept;

} // namespace pg_clinic::pg
