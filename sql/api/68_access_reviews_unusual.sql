-- Accesses worth a look. Each kind is one plain query; what it cannot see is said in docs/compliance.md.

CREATE FUNCTION clinic_private.plain_name(name text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN btrim(regexp_replace(regexp_replace(lower(normalize(plain_name.name, NFKC)), '\m(dr|prof|mr|mrs|ms|med|phd|md|jr|sr)\M\.?', ' ', 'g'), '[^[:alnum:],'']+', ' ', 'g'), ' ,');
COMMENT ON FUNCTION clinic_private.plain_name(text) IS 'A name in lower case without titles and punctuation.';

CREATE FUNCTION clinic_private.family_name(name text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN nullif(CASE WHEN strpos(clinic_private.plain_name(name), ',') > 0 THEN btrim(split_part(clinic_private.plain_name(name), ',', 1))
                   ELSE substring(clinic_private.plain_name(name) FROM '\s(\S+)$') END, '');
COMMENT ON FUNCTION clinic_private.family_name(text) IS
    'What is taken for the family name: what stands before a comma, else the last word of several; null for a single word. It is no more than a guess where family names come first.';

REVOKE ALL ON FUNCTION clinic_private.plain_name, clinic_private.family_name FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.plain_name, clinic_private.family_name TO clinic_owner;

CREATE FUNCTION clinic.unusual_accesses(
    from_at timestamptz,
    until_at timestamptz,
    many_patients integer DEFAULT 30,
    within interval DEFAULT '1 hour',
    grace interval DEFAULT '1 hour')
    RETURNS TABLE (kind text, user_id uuid, patient_id uuid, first_recorded_at timestamptz, last_recorded_at timestamptz, records bigint, patients bigint, access_id uuid)
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_window(unusual_accesses.from_at, unusual_accesses.until_at);
    saved constant text := clinic_private.saved_context();
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('many_patients', unusual_accesses.many_patients, 'within', unusual_accesses.within,
        'grace', unusual_accesses.grace));
    IF unusual_accesses.many_patients < 2 OR unusual_accesses.within NOT BETWEEN interval '1 minute' AND interval '1 day'
       OR unusual_accesses.grace NOT BETWEEN interval '0' AND interval '1 day' OR unusual_accesses.until_at - unusual_accesses.from_at > interval '92 days' THEN
        PERFORM clinic_private.refuse_argument('from_at, until_at, many_patients, within, grace',
            'many_patients must be 2 or more, within 1 minute to 1 day, grace up to 1 day, and the window at most 92 days');
    END IF;
    -- Names and hours are compared here, and leave no trace in what is returned.
    PERFORM clinic_private.act_as_system(tenant);
    RETURN QUERY
    WITH accesses AS MATERIALIZED (
        SELECT a.user_id, a.recorded_at, p.id AS patient_id, a.audit_id
        FROM clinic_private.records_between(tenant, unusual_accesses.from_at, unusual_accesses.until_at) AS a
        JOIN clinic_data.users AS u ON u.tenant_id = tenant AND u.user_id = a.user_id AND u.kind = 'staff'
        CROSS JOIN LATERAL clinic_private.patients_of_record(a.table_name, a.patient_id, a.row_ids, a.after) AS p (id)
        WHERE a.action IN ('view', 'export', 'print', 'create', 'update', 'delete', 'disclose') AND a.table_name IS DISTINCT FROM 'emergency_accesses'),
    -- The widest moment of each user: how many different patients in the time before it.
    crowds AS (
        SELECT DISTINCT ON (m.user_id) m.user_id, m.recorded_at, c.patients, c.records, c.first_at
        FROM (SELECT DISTINCT e.user_id, e.recorded_at FROM accesses AS e) AS m
        CROSS JOIN LATERAL (SELECT count(DISTINCT b.patient_id) AS patients, count(DISTINCT b.audit_id) AS records, min(b.recorded_at) AS first_at
                            FROM accesses AS b
                            WHERE b.user_id = m.user_id AND b.recorded_at <= m.recorded_at AND b.recorded_at > m.recorded_at - unusual_accesses.within) AS c
        WHERE c.patients >= unusual_accesses.many_patients
        ORDER BY m.user_id, c.patients DESC, m.recorded_at),
    -- A branch is open while anybody has hours there. Who belongs to no branch is measured by all of them.
    branches AS (
        SELECT u.user_id, l.location_id
        FROM (SELECT DISTINCT e.user_id FROM accesses AS e) AS u
        JOIN clinic_data.locations AS l ON l.tenant_id = tenant
        WHERE EXISTS (SELECT FROM clinic_data.user_locations AS m WHERE m.tenant_id = tenant AND m.user_id = u.user_id AND m.location_id = l.location_id)
           OR NOT EXISTS (SELECT FROM clinic_data.user_locations AS m WHERE m.tenant_id = tenant AND m.user_id = u.user_id)),
    hours AS MATERIALIZED (
        SELECT o.location_id, range_agg(tstzrange(o.starts_at - unusual_accesses.grace, o.ends_at + unusual_accesses.grace)) AS open_during
        FROM clinic.open_hours(ARRAY(SELECT v.provider_id FROM clinic_data.providers AS v WHERE v.tenant_id = tenant ORDER BY v.provider_id),
                               unusual_accesses.from_at - unusual_accesses.grace, unusual_accesses.until_at + unusual_accesses.grace) AS o
        GROUP BY o.location_id)
    SELECT 'many_patients', c.user_id, NULL::uuid, c.first_at, c.recorded_at, c.records, c.patients, NULL::uuid
    FROM crowds AS c
    UNION ALL
    SELECT 'after_hours', a.user_id, NULL, min(a.recorded_at), max(a.recorded_at), count(DISTINCT a.audit_id), count(DISTINCT a.patient_id), NULL
    FROM accesses AS a
    WHERE NOT EXISTS (SELECT FROM branches AS b JOIN hours AS h ON h.location_id = b.location_id
                      WHERE b.user_id = a.user_id AND h.open_during @> a.recorded_at)
    GROUP BY a.user_id
    UNION ALL
    SELECT CASE WHEN clinic_private.plain_name(u.name) = clinic_private.plain_name(p.name) THEN 'own_record' ELSE 'same_family_name' END, a.user_id, a.patient_id,
           min(a.recorded_at), max(a.recorded_at), count(DISTINCT a.audit_id), 1, NULL
    FROM accesses AS a
    JOIN clinic_data.users AS u ON u.tenant_id = tenant AND u.user_id = a.user_id
    JOIN clinic_data.patients AS p ON p.tenant_id = tenant AND p.patient_id = a.patient_id
    WHERE clinic_private.family_name(u.name) = clinic_private.family_name(p.name) OR clinic_private.plain_name(u.name) = clinic_private.plain_name(p.name)
    GROUP BY 1, a.user_id, a.patient_id
    UNION ALL
    SELECT 'unreviewed_emergency', e.user_id, e.patient_id, e.starts_at, least(e.ended_at, e.expires_at),
           (SELECT count(DISTINCT a.audit_id) FROM accesses AS a
            WHERE a.user_id = e.user_id AND a.patient_id = e.patient_id AND a.recorded_at >= e.starts_at AND a.recorded_at < least(e.ended_at, e.expires_at)),
           1, e.access_id
    FROM clinic_data.emergency_accesses AS e
    WHERE e.tenant_id = tenant AND e.starts_at >= unusual_accesses.from_at AND e.starts_at < unusual_accesses.until_at AND e.reviewed_at IS NULL
    ORDER BY 1, 2, 3, 4;
    PERFORM clinic_private.restore_context(saved);
END
$$;
ALTER FUNCTION clinic.unusual_accesses OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.unusual_accesses FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.unusual_accesses TO clinic_user;
COMMENT ON FUNCTION clinic.unusual_accesses IS
    'Accesses of staff to patients'' data in a window (until_at exclusive, at most 92 days) that are worth a look; none of them is wrong by itself. Needs audit:read, shows no name.
kind: many_patients: a user met many_patients (30) different ones or more within (1 hour), the widest moment; after_hours: while none of the user''s branches was open by the hours of
its providers, in its time zone, with grace (1 hour) around them, one row a user; same_family_name: the last word of user''s and patient''s names is the same; own_record: the names
are; unreviewed_emergency: the glass was broken and nobody has looked at it. first_recorded_at, last_recorded_at, records, patients: of what the row is about. access_id: the emergency access.
Errors: no_context, forbidden, 22004, 22023.';
