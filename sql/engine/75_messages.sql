-- What messages are made of, and acting as somebody else while they are planned, written and answered.

CREATE FUNCTION clinic_private.act_as_system(tenant_id uuid)
    RETURNS void
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'clinic_act_as_system';
COMMENT ON FUNCTION clinic_private.act_as_system(uuid) IS
    'Acts as the system in a tenant, with every permission there, until clinic_private.restore_context: for what follows from a change whoever made it, such as
writing to a patient whom the caller may not see. Never around anything that a caller has a hand in.';

CREATE FUNCTION clinic_private.act_as_patient(patient_id uuid)
    RETURNS void
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'clinic_act_as_patient';
COMMENT ON FUNCTION clinic_private.act_as_patient(uuid) IS
    'Acts as a patient of the caller''s tenant, with no permission beyond, until clinic_private.restore_context: for what a patient answers by message. Errors: no_context.';

CREATE FUNCTION clinic_private.is_system()
    RETURNS boolean
    LANGUAGE c STABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'clinic_is_system';
COMMENT ON FUNCTION clinic_private.is_system() IS 'Whether the caller is the system itself, such as a job.';

CREATE FUNCTION clinic_private.is_own_patient(patient_id uuid)
    RETURNS boolean
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'clinic_is_own_patient';
COMMENT ON FUNCTION clinic_private.is_own_patient(uuid) IS 'Whether the caller is the patient, or a patient who acts for them.';

CREATE FUNCTION clinic_private.date_text(locale text, on_date date)
    RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'clinic_date_text';
COMMENT ON FUNCTION clinic_private.date_text(text, date) IS
    'A date with its weekday as people of a locale (en-US, en-GB, en-IN, hi-IN) write it; ISO 8601 for every other. Errors: 22008.';

CREATE FUNCTION clinic_private.weekday_text(locale text, on_date date)
    RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'clinic_weekday_text';
COMMENT ON FUNCTION clinic_private.weekday_text(text, date) IS 'The weekday in the locale''s language; empty where that is not known. Errors: 22008.';

CREATE FUNCTION clinic_private.time_text(locale text, at time)
    RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'clinic_time_text';
COMMENT ON FUNCTION clinic_private.time_text(text, time) IS 'A time of day to the minute as people of a locale write it; 24 hours for every other.';

CREATE FUNCTION clinic_private.money_text(locale text, amount text, currency text)
    RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'clinic_money_text';
COMMENT ON FUNCTION clinic_private.money_text(text, text, text) IS
    'An amount of money as people of a locale write it, rounded to the currency''s digits; null for what is no decimal number or no code of ISO 4217.';

CREATE FUNCTION clinic_private.language_chain(tag text)
    RETURNS text[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'clinic_language_chain';
COMMENT ON FUNCTION clinic_private.language_chain(text) IS 'A language tag (BCP 47) and what it falls back on, the nearest first: hi-IN, hi; empty for what is no tag.';

CREATE FUNCTION clinic_private.message_names(template text)
    RETURNS text[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'clinic_message_names';
COMMENT ON FUNCTION clinic_private.message_names(text) IS 'The variables in a template, {{name}}, each once; null for a template with stray or open braces.';

CREATE FUNCTION clinic_private.message_text(template text, names text[], texts text[])
    RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'clinic_message_text';
COMMENT ON FUNCTION clinic_private.message_text(text, text[], text[]) IS
    'A template with the texts put in for the names; what a text holds is never read as a template. A name without a text is left out.';

REVOKE ALL ON FUNCTION clinic_private.act_as_system(uuid), clinic_private.act_as_patient(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.act_as_system(uuid), clinic_private.act_as_patient(uuid) TO clinic_owner;

-- ----------------------------------------------------------------------------------------------------------------------
-- What is to be told when, and how a patient is reached. These read past row security, so nobody but the engine may call them.

CREATE FUNCTION clinic_private.message_channels()
    RETURNS text[]
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'clinic_message_channels';
COMMENT ON FUNCTION clinic_private.message_channels() IS 'The channels by which people are reached, in the order that counts where nobody has chosen.';

CREATE FUNCTION clinic_private.outside_quiet_hours(at timestamptz, before timestamptz, time_zone text, quiet_from time, quiet_until time)
    RETURNS timestamptz
    LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'clinic_outside_quiet_hours';
COMMENT ON FUNCTION clinic_private.outside_quiet_hours(timestamptz, timestamptz, text, time, time) IS
    'When something due at a time goes out: at that time, or when the quiet hours around it end; or a minute before they begin, when it would come too late by their end.
before: what it must not come after, such as the start of the visit; null: there is nothing. Null where anything else is null.';

CREATE FUNCTION clinic_private.quiet_hours_of(tenant_id uuid, patient_id uuid, visit_zone text,
    OUT time_zone text, OUT quiet_from time, OUT quiet_until time)
    LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'clinic_quiet_hours_of';
COMMENT ON FUNCTION clinic_private.quiet_hours_of(uuid, uuid, text) IS
    'The zone and quiet hours of a patient, else of the tenant, else the zone of the visit (null: UTC). Errors: 22004.';

CREATE FUNCTION clinic_private.contact_of(tenant_id uuid, patient_id uuid, kind text, wanted_channel text,
    OUT channel text, OUT contact_id uuid, OUT owner_patient_id uuid, OUT destination bytea, OUT reason text)
    LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'clinic_contact_of';
COMMENT ON FUNCTION clinic_private.contact_of(uuid, uuid, text, text) IS
    'By which contact a patient is reached for a kind of message, without asking for consent: by the wanted channel if there is a contact, else by the preferences of patient or
tenant; verified contacts before others, newer before older; without any fit one by a contact of those who act for the patient. destination is encrypted, for owner_patient_id.
A null channel with the reason: unwanted or no_contact. Errors: 22004.';

CREATE FUNCTION clinic_private.planned_reminders(tenant_id uuid, service_id uuid, patient_id uuid, starts_at timestamptz, local_starts_at timestamp,
    time_zone text)
    RETURNS TABLE (planned_at timestamptz, due_at timestamptz, wanted_channel text, channel text, skipped text)
    LANGUAGE c STABLE STRICT PARALLEL SAFE ROWS 3
    AS 'MODULE_PATHNAME', 'clinic_planned_reminders';
COMMENT ON FUNCTION clinic_private.planned_reminders(uuid, uuid, uuid, timestamptz, timestamp, text) IS
    'The reminders of a visit as a booking plans them, by the plan that counts: of patient and service, of the patient, of the service, of the tenant, else 72, 24 and 2 hours before;
planned_at in order, each once and before the visit. skipped: overdue, coincides (a later one goes out at the same moment) or unwanted; null: it is to be sent.';

CREATE FUNCTION clinic_private.follow_new_appointment()
    RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'clinic_follow_new_appointment';
COMMENT ON FUNCTION clinic_private.follow_new_appointment() IS
    'Trigger: plans the confirmation and the reminders of a new booking, whoever writes it; in transactions of a higher isolation than READ COMMITTED the job, or whoever claims
messages next, does so.';

REVOKE ALL ON FUNCTION clinic_private.quiet_hours_of, clinic_private.contact_of, clinic_private.planned_reminders, clinic_private.follow_new_appointment
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.quiet_hours_of, clinic_private.contact_of, clinic_private.planned_reminders, clinic_private.follow_new_appointment
    TO clinic_owner;
