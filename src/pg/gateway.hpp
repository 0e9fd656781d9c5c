// The doors of identity: see gateway.cpp.
#pragma once

namespace pg_clinic::pg {

// Defines the setting clinic.trusted_proxies; for _PG_init.
void define_gateway_settings();

} // namespace pg_clinic::pg
