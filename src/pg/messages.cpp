// What messages to patients are made of: texts with variables, dates, times and money in words; and acting as a
// patient in between, for functions that write or answer on somebody's behalf.
#include "core/locale_text.hpp"
#include "core/message_text.hpp"
#include "pg/context.hpp"
#include "pg/datum.hpp"
#include "pg/visibility.hpp"

using namespace pg_clinic::pg;
namespace core = pg_clinic::core;

// clinic_private.act_as_system(uuid)
CLINIC_FUNCTION(clinic_act_as_system) {
    act_as_system(Args(fcinfo).required<Uuid>(0, "tenant_id"));
    return 0;
}

// clinic_private.act_as_patient(uuid)
CLINIC_FUNCTION(clinic_act_as_patient) {
    const NewContext present = copy_of(require_context());
    NewContext context{.tenant_id = present.tenant_id, .actor = Actor::patient, .door = present.door};
    context.patient_id = Args(fcinfo).required<Uuid>(0, "patient_id");
    context.request = present.request;
    enter_context(context);
    return 0;
}

// clinic_private.is_system()
CLINIC_FUNCTION(clinic_is_system) {
    const Context *context = current_context();
    return BoolGetDatum(context != nullptr && context->actor == Actor::system);
}

// clinic_private.is_own_patient(uuid)
CLINIC_FUNCTION(clinic_is_own_patient) {
    const Context *context = current_context();
    return BoolGetDatum(context != nullptr && is_own_patient(*context, Args(fcinfo).get<Uuid>(0)));
}

// clinic_private.date_text(locale, date)
CLINIC_FUNCTION(clinic_date_text) {
    const Args args(fcinfo);
    return returning(fcinfo, core::date_text(args.get<std::string_view>(0), finite(args.get<core::Day>(1), "on_date")));
}

// clinic_private.weekday_text(locale, date)
CLINIC_FUNCTION(clinic_weekday_text) {
    const Args args(fcinfo);
    return returning(fcinfo,
                     core::weekday_text(args.get<std::string_view>(0), finite(args.get<core::Day>(1), "on_date")));
}

// clinic_private.time_text(locale, time)
CLINIC_FUNCTION(clinic_time_text) {
    const Args args(fcinfo);
    const std::int64_t micros = args.get<TimeOfDay>(1).micros % core::micros_per_day;
    return returning(fcinfo, core::time_text(args.get<std::string_view>(0), core::Duration{micros}));
}

// clinic_private.money_text(locale, amount, currency)
CLINIC_FUNCTION(clinic_money_text) {
    const Args args(fcinfo);
    return returning(fcinfo, core::money_text(args.get<std::string_view>(0), args.get<std::string_view>(1),
                                              args.get<std::string_view>(2)));
}

// clinic_private.language_chain(text)
CLINIC_FUNCTION(clinic_language_chain) {
    return returning(fcinfo, core::language_chain(Args(fcinfo).get<std::string_view>(0)));
}

// clinic_private.message_names(text)
CLINIC_FUNCTION(clinic_message_names) {
    return returning(fcinfo, core::message_names(Args(fcinfo).get<std::string_view>(0)));
}

// clinic_private.message_text(template, names, texts)
CLINIC_FUNCTION(clinic_message_text) {
    const Args args(fcinfo);
    const auto names = args.get<std::vector<std::string>>(1), texts = args.get<std::vector<std::string>>(2);
    std::vector<core::MessageValue> values;
    for (std::size_t i = 0; i < std::min(names.size(), texts.size()); ++i)
        values.push_back({names[i], texts[i]});
    return returning(fcinfo, core::message_text(args.get<std::string_view>(0), values));
}
