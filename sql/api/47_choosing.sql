-- Choosing the provider: what patients look for, the search over it, and slots of all who match, with what they leave of the day.

CREATE FUNCTION clinic.describe_provider(
    provider_id uuid,
    gender text DEFAULT NULL,
    languages text[] DEFAULT NULL,
    insurers text[] DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('setup:write');
    v_state text;
    v_table text;
    v_column text;
    v_constraint text;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('provider_id', describe_provider.provider_id));
    PERFORM clinic_private.require_row('provider', describe_provider.provider_id);
    IF describe_provider.gender IS NOT NULL THEN
        UPDATE clinic_data.providers AS p SET gender = describe_provider.gender
        WHERE p.tenant_id = tenant AND p.provider_id = describe_provider.provider_id;
    END IF;
    IF describe_provider.languages IS NOT NULL THEN
        PERFORM clinic_private.require_language('languages', n.language) FROM unnest(describe_provider.languages) AS n (language);
        DELETE FROM clinic_data.provider_languages AS l WHERE l.tenant_id = tenant AND l.provider_id = describe_provider.provider_id;
        INSERT INTO clinic_data.provider_languages (tenant_id, provider_id, language)
        SELECT DISTINCT tenant, describe_provider.provider_id, n.language FROM unnest(describe_provider.languages) AS n (language);
    END IF;
    IF describe_provider.insurers IS NOT NULL THEN
        DELETE FROM clinic_data.provider_insurers AS i WHERE i.tenant_id = tenant AND i.provider_id = describe_provider.provider_id;
        INSERT INTO clinic_data.provider_insurers (tenant_id, provider_id, insurer)
        SELECT DISTINCT tenant, describe_provider.provider_id, btrim(n.insurer) FROM unnest(describe_provider.insurers) AS n (insurer);
    END IF;
EXCEPTION
    WHEN integrity_constraint_violation THEN
        GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_table = TABLE_NAME, v_column = COLUMN_NAME, v_constraint = CONSTRAINT_NAME;
        PERFORM clinic_private.raise_violation(v_state, v_table, v_column, v_constraint);
END
$$;
ALTER FUNCTION clinic.describe_provider OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.describe_provider FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.describe_provider TO clinic_user;
COMMENT ON FUNCTION clinic.describe_provider IS
    'Says of a provider what patients look for. Needs setup:write.
gender: female, male, other or unknown; languages: BCP 47 tags such as hi-IN, beside those of the staff profile; insurers: names of those whose patients the provider treats. Null leaves as it is, an empty array clears.
Errors: no_context, forbidden, not_found, 22004, 22023.';

CREATE FUNCTION clinic.search_providers(
    service_id uuid DEFAULT NULL,
    specialty text DEFAULT NULL,
    language text DEFAULT NULL,
    insurer text DEFAULT NULL,
    gender text DEFAULT NULL,
    location_id uuid DEFAULT NULL,
    name text DEFAULT NULL)
    RETURNS TABLE (
        provider_id uuid,
        name text,
        specialty text,
        specialisations text[],
        gender text,
        languages text[],
        insurers text[],
        location_ids uuid[])
    LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER
    ROWS 20
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
AS $$
    WITH tenant AS MATERIALIZED (SELECT clinic_private.require_tenant() AS id),
    described AS (
        SELECT p.provider_id, r.name, p.specialty, coalesce(f.specialisations, '{}') AS specialisations, p.gender,
               ARRAY(SELECT l.language FROM clinic_data.provider_languages AS l
                     WHERE l.tenant_id = p.tenant_id AND l.provider_id = p.provider_id
                     UNION
                     SELECT s.language FROM unnest(f.languages) AS s (language)
                     ORDER BY 1) AS languages,
               ARRAY(SELECT i.insurer FROM clinic_data.provider_insurers AS i
                     WHERE i.tenant_id = p.tenant_id AND i.provider_id = p.provider_id ORDER BY i.insurer) AS insurers,
               ARRAY(SELECT a.location_id FROM clinic_data.availability_rules AS a
                     WHERE a.tenant_id = p.tenant_id AND a.resource_id = p.provider_id AND a.retired_at IS NULL
                       AND (a.valid_until IS NULL OR a.valid_until >= clinic_private.today_in(p.time_zone))
                     UNION
                     SELECT o.location_id FROM clinic_data.date_overrides AS o
                     WHERE o.tenant_id = p.tenant_id AND o.resource_id = p.provider_id AND o.retired_at IS NULL
                       AND o.kind = 'open' AND o.on_date >= clinic_private.today_in(p.time_zone)
                     ORDER BY 1) AS location_ids
        FROM tenant AS t
        JOIN clinic_data.providers AS p ON p.tenant_id = t.id
        JOIN clinic_data.resources AS r ON r.tenant_id = p.tenant_id AND r.resource_id = p.provider_id AND r.status = 'active'
        LEFT JOIN clinic_data.users AS u ON u.tenant_id = p.tenant_id AND u.provider_id = p.provider_id AND u.status = 'active'
        LEFT JOIN clinic_data.staff_profiles AS f ON f.tenant_id = u.tenant_id AND f.user_id = u.user_id
        WHERE search_providers.service_id IS NULL
           OR EXISTS (SELECT FROM clinic_data.service_providers AS o
                      JOIN clinic_data.services AS s ON s.tenant_id = o.tenant_id AND s.service_id = o.service_id AND s.status = 'active'
                      WHERE o.tenant_id = p.tenant_id AND o.service_id = search_providers.service_id AND o.provider_id = p.provider_id)
    )
    SELECT d.provider_id, d.name, d.specialty, d.specialisations, d.gender, d.languages, d.insurers, d.location_ids
    FROM described AS d
    WHERE (search_providers.specialty IS NULL
           OR EXISTS (SELECT FROM unnest(d.specialisations || d.specialty) AS s (name)
                      WHERE strpos(lower(s.name), lower(btrim(search_providers.specialty))) > 0))
      AND (search_providers.language IS NULL
           OR EXISTS (SELECT FROM unnest(d.languages) AS l (tag)
                      WHERE lower(l.tag) = lower(search_providers.language)
                         OR starts_with(lower(l.tag), lower(search_providers.language) || '-')))
      AND (search_providers.insurer IS NULL
           OR EXISTS (SELECT FROM unnest(d.insurers) AS i (name) WHERE lower(i.name) = lower(btrim(search_providers.insurer))))
      AND (search_providers.gender IS NULL OR d.gender = search_providers.gender)
      AND (search_providers.location_id IS NULL OR search_providers.location_id = ANY (d.location_ids))
      AND (search_providers.name IS NULL OR strpos(lower(d.name), lower(btrim(search_providers.name))) > 0)
    ORDER BY lower(d.name) COLLATE "C", d.provider_id
$$;
ALTER FUNCTION clinic.search_providers OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.search_providers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.search_providers TO clinic_user, clinic_anon;
COMMENT ON FUNCTION clinic.search_providers IS
    'Active providers by what patients look for, in the order of their names, then ids; arguments that are null do not count. Visitors find those who are published.
service_id: offers it; specialty, name: contain the text, in whatever case; language: speaks it (hi finds hi-IN too); insurer: treats its patients; gender: is; location_id: has hours there now or later.
Columns: languages, with those of the staff profile; location_ids: where the provider has hours.
Errors: no_context.';

CREATE FUNCTION clinic_private.matching_providers(
    service_id uuid,
    specialty text,
    language text,
    insurer text,
    gender text,
    location_id uuid,
    provider_ids uuid[])
    RETURNS uuid[]
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF num_nonnulls(matching_providers.specialty, matching_providers.language, matching_providers.insurer, matching_providers.gender) = 0 THEN
        RETURN matching_providers.provider_ids;
    END IF;
    RETURN ARRAY(
        SELECT s.provider_id
        FROM clinic.search_providers(matching_providers.service_id, matching_providers.specialty, matching_providers.language,
                                     matching_providers.insurer, matching_providers.gender, matching_providers.location_id) AS s
        WHERE matching_providers.provider_ids IS NULL OR s.provider_id = ANY (matching_providers.provider_ids)
        ORDER BY s.provider_id);
END
$$;
COMMENT ON FUNCTION clinic_private.matching_providers(uuid, text, text, text, text, uuid, uuid[]) IS
    'The ids of the providers that match, for the slots'' search; null for all.';
REVOKE ALL ON FUNCTION clinic_private.matching_providers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.matching_providers TO clinic_owner;

CREATE FUNCTION clinic_private.is_by_score(sort text, max_rows integer)
    RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.require_tenant();
    IF is_by_score.sort IS DISTINCT FROM 'start' AND is_by_score.sort IS DISTINCT FROM 'score' THEN
        PERFORM clinic_private.refuse_argument('sort', 'sort must be start or score',
            hint => 'score puts first what leaves no unusable gaps.');
    END IF;
    IF is_by_score.max_rows < 0 THEN
        PERFORM clinic_private.refuse_argument('max_rows', 'max_rows must not be negative', hint => 'Leave max_rows out for all slots.');
    END IF;
    RETURN is_by_score.sort = 'score';
END
$$;
COMMENT ON FUNCTION clinic_private.is_by_score(text, integer) IS 'Whether clinic.search_slots orders by score, its arguments checked. Errors: no_context, 22023.';
REVOKE ALL ON FUNCTION clinic_private.is_by_score FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.is_by_score TO clinic_owner;

CREATE FUNCTION clinic.search_slots(
    service_id uuid,
    range_start timestamptz,
    range_end timestamptz,
    specialty text DEFAULT NULL,
    language text DEFAULT NULL,
    insurer text DEFAULT NULL,
    gender text DEFAULT NULL,
    location_id uuid DEFAULT NULL,
    provider_ids uuid[] DEFAULT NULL,
    patient_id uuid DEFAULT NULL,
    duration interval DEFAULT NULL,
    sort text DEFAULT 'start',
    max_rows integer DEFAULT NULL)
    RETURNS TABLE (
        provider_id uuid,
        location_id uuid,
        starts_at timestamptz,
        ends_at timestamptz,
        local_date date,
        local_time time,
        utc_offset text,
        time_zone text,
        remaining integer,
        score integer,
        unusable_minutes integer,
        missing_participants text[])
    LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER
    COST 10000 ROWS 200
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
AS $$
    WITH asked AS MATERIALIZED (
        SELECT clinic_private.is_by_score(search_slots.sort, search_slots.max_rows) AS by_score,
               clinic_private.matching_providers(search_slots.service_id, search_slots.specialty, search_slots.language,
                   search_slots.insurer, search_slots.gender, search_slots.location_id, search_slots.provider_ids) AS providers
    )
    SELECT s.*
    FROM asked AS a
    CROSS JOIN LATERAL clinic_private.scored_slots(search_slots.service_id, search_slots.range_start, search_slots.range_end,
        a.providers, search_slots.location_id, search_slots.patient_id, search_slots.duration,
        CASE WHEN NOT a.by_score THEN search_slots.max_rows END) AS s
    ORDER BY CASE WHEN a.by_score THEN -s.score END, s.starts_at, s.provider_id, s.location_id
    LIMIT CASE WHEN search_slots.max_rows >= 0 THEN search_slots.max_rows END
$$;
ALTER FUNCTION clinic.search_slots OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.search_slots FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.search_slots TO clinic_user, clinic_anon;
COMMENT ON FUNCTION clinic.search_slots IS
    'Free slots of a service at all providers who match, as clinic.available_slots finds them, with two columns more for choosing well.
specialty, language, insurer, gender: as in clinic.search_providers; provider_ids: of these only; the other arguments as in clinic.available_slots. sort: start (then provider, then location) or score (highest first, then by start). max_rows: the first so many of that order.
Columns: score, 0 to 100: how little the slot breaks up the provider''s free time; each side of it gives 50 where no free time is left, 40 where another visit still fits, and from 19 down to 0 where time becomes too short for any visit of the provider. unusable_minutes: that time. missing_participants: roles of optional participants that nobody can fill then. No slot is left out for its score.
Errors: as clinic.available_slots.';
