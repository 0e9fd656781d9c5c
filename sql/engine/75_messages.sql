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
