-- The search for patients. What is looked for is personal, so the function is VOLATILE: over HTTP it takes POST, and nothing of it gets
-- into an address.

CREATE FUNCTION clinic_private.search_terms(query text, name text, phone text, email text, mrn text, date_of_birth date, identifier text)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := clinic_private.require_tenant();
    free text := btrim(search_terms.query);
    terms jsonb := jsonb_strip_nulls(jsonb_build_object('name', nullif(btrim(search_terms.name), ''), 'phone', nullif(btrim(search_terms.phone), ''),
        'email', nullif(btrim(search_terms.email), ''), 'mrn', nullif(btrim(search_terms.mrn), ''), 'date_of_birth', search_terms.date_of_birth,
        'identifier', nullif(btrim(search_terms.identifier), '')));
    form text;
    meant text;
BEGIN
    IF length(free) > 200 OR length(terms ->> 'name') > 200 THEN
        PERFORM clinic_private.refuse_argument(CASE WHEN length(free) > 200 THEN 'query' ELSE 'name' END, 'at most 200 characters can be looked for');
    END IF;
    IF free <> '' THEN
        SELECT t.mrn_format INTO form FROM clinic_data.tenants AS t WHERE t.tenant_id = tenant;
        meant := CASE
            WHEN strpos(free, '@') > 1 THEN 'email'
            WHEN free ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' AND clinic_private.is_plain_date(free) THEN 'date_of_birth'
            WHEN free ~ clinic_private.mrn_pattern(form) OR EXISTS (SELECT FROM clinic_data.patients AS p WHERE p.tenant_id = tenant AND p.mrn = free) THEN 'mrn'
            WHEN free ~ '^\+?[0-9 ()./-]{7,}$' THEN 'phone'
            ELSE 'name' END;
        IF terms ? meant THEN
            PERFORM clinic_private.refuse_argument('query', format('query is taken for %s, which is given too', meant));
        END IF;
        terms := terms || jsonb_build_object(meant, free);
    END IF;
    IF terms = '{}' THEN
        PERFORM clinic_private.refuse_argument('query', 'there is nothing to look for', hint => 'Give query, or one of name, phone, email, mrn, date_of_birth and identifier.');
    END IF;
    IF terms ? 'name' AND clinic_private.fold_name(terms ->> 'name') = '' THEN
        PERFORM clinic_private.refuse_argument(CASE WHEN search_terms.name IS NULL THEN 'query' ELSE 'name' END, 'there is no letter in the name');
    END IF;
    RETURN terms;
END
$$;
COMMENT ON FUNCTION clinic_private.search_terms(text, text, text, text, text, date, text) IS
    'What is looked for, by its kind: a free query counts as what it looks like. Errors: 22023; none shows a value.';

CREATE FUNCTION clinic_private.matching_patients(tenant_id uuid, terms jsonb, identifier_system text)
    RETURNS TABLE (patient_id uuid, fit numeric)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 20
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := matching_patients.tenant_id;
    wanted constant jsonb := matching_patients.terms;
    phone_index bytea;
    email_index bytea;
    id_index bytea;
    ids uuid[];
BEGIN
    -- By numbers first: few rows. Contacts and identifiers are under row security too, and shown to nobody who is not to see them.
    IF wanted ? 'phone' THEN
        phone_index := clinic_private.contact_index(tenant, clinic_private.normal_identifier('phone',
            clinic_private.international_phone(wanted ->> 'phone', clinic_private.country_for_patient(tenant, NULL)), 'phone'));
        ids := ARRAY(SELECT DISTINCT c.patient_id FROM clinic_data.patient_contacts AS c
                     WHERE c.tenant_id = tenant AND c.destination_index = phone_index AND c.channel <> 'email');
    END IF;
    IF wanted ? 'email' THEN
        email_index := clinic_private.contact_index(tenant, clinic_private.normal_identifier('email', wanted ->> 'email', 'email'));
        ids := ARRAY(SELECT DISTINCT c.patient_id FROM clinic_data.patient_contacts AS c
                     WHERE c.tenant_id = tenant AND c.destination_index = email_index AND c.channel = 'email'
                       AND coalesce(c.patient_id = ANY (ids), true));
    END IF;
    IF wanted ? 'identifier' THEN
        id_index := clinic_private.identifier_index(tenant, matching_patients.identifier_system,
            (SELECT c.normal FROM clinic_private.checked_identifier(matching_patients.identifier_system, wanted ->> 'identifier', 'identifier_system', 'identifier') AS c));
        ids := ARRAY(SELECT DISTINCT i.patient_id FROM clinic_data.patient_identifiers AS i
                     WHERE i.tenant_id = tenant AND i.system = matching_patients.identifier_system AND i.value_index = id_index
                       AND coalesce(i.patient_id = ANY (ids), true));
    END IF;
    IF ids IS NULL AND NOT wanted ? 'mrn' AND NOT wanted ? 'date_of_birth' THEN
        -- What has trigrams in common, and what sounds or begins alike in all words but one.
        ids := ARRAY(
            WITH keys AS (
                SELECT k.search_key, left(k.search_key, 2) AS kind, count(*) OVER (PARTITION BY left(k.search_key, 2)) AS number
                FROM clinic_private.search_keys(wanted ->> 'name') AS k (search_key))
            SELECT n.id FROM clinic_private.name_candidates(tenant, wanted ->> 'name', 10000) AS n (id)
            UNION
            SELECT s.patient_id
            FROM keys AS k
            JOIN clinic_data.patient_search_keys AS s ON s.tenant_id = tenant AND s.search_key = k.search_key
            GROUP BY s.patient_id, k.kind
            HAVING count(*) >= greatest(1, min(k.number) - 1));
    END IF;
    -- Of pieces that are fixed, so that each search has the plan of its own kind.
    RETURN QUERY EXECUTE 'SELECT f.patient_id, max(f.fit) FROM (SELECT CASE WHEN p.merged_into_id IS NULL THEN p.patient_id ELSE clinic_private.surviving_patient(p.patient_id) END AS patient_id, '
        || CASE WHEN wanted ? 'name' THEN 'round(clinic_private.query_similarity($2, p.name_key)::numeric, 6)' ELSE '1.0' END || ' AS fit '
        || 'FROM clinic_data.patients AS p WHERE p.tenant_id = $1'
        || CASE WHEN ids IS NOT NULL THEN ' AND p.patient_id = ANY ($3)' ELSE '' END
        || CASE WHEN wanted ? 'mrn' THEN ' AND p.mrn = $4' ELSE '' END
        || CASE WHEN wanted ? 'date_of_birth' THEN ' AND p.date_of_birth = $5 AND clinic_private.sees_whole_patient(p.patient_id)' ELSE '' END
        || ') AS f WHERE f.fit >= 0.75 GROUP BY f.patient_id'
        USING tenant, wanted ->> 'name', ids, wanted ->> 'mrn', (wanted ->> 'date_of_birth')::date;
END
$$;
COMMENT ON FUNCTION clinic_private.matching_patients(uuid, jsonb, text) IS
    'Patients whom the caller may see and who match all terms, with how well the name fits; of a merged record the one that counts. Errors: 22023, key_unavailable.';
REVOKE ALL ON FUNCTION clinic_private.search_terms, clinic_private.matching_patients FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.search_terms, clinic_private.matching_patients TO clinic_owner;

CREATE FUNCTION clinic_private.search_page(
    terms jsonb,
    identifier_system text,
    statuses text[],
    page_size integer,
    after text)
    RETURNS TABLE (found_id uuid, found_fit numeric, found_cursor text, more boolean)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 20
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := clinic_private.require_tenant();
    words text[];
    list text;
    place uuid;
    fit_there numeric;
    shown record;
    ids uuid[] := '{}';
    fits numeric[] := '{}';
BEGIN
    PERFORM clinic_private.check_page('{name}', 'name', search_page.page_size, search_page.after, NULL);
    words := clinic_private.checked_words('statuses', search_page.statuses, '{active,inactive,deceased}');
    IF (search_page.terms ? 'identifier') <> (search_page.identifier_system IS NOT NULL) THEN
        PERFORM clinic_private.refuse_argument('identifier_system, identifier', 'identifier_system and identifier belong together');
    END IF;
    -- A cursor is of one search: the hash in it covers what was looked for. In place of an instant it holds how well the name fits.
    list := format('search %s %s %s', search_page.terms, search_page.identifier_system, words);
    IF search_page.after IS NOT NULL THEN
        SELECT c.id, extract(epoch FROM c.starts_at - timestamptz '2000-01-01 00:00+00')::numeric INTO place, fit_there
        FROM clinic_private.cursor_place(list, 'after', search_page.after) AS c;
    END IF;
    search_page.more := false;
    FOR shown IN
        SELECT m.patient_id, m.fit
        FROM clinic_private.matching_patients(tenant, search_page.terms, search_page.identifier_system) AS m
        JOIN clinic_data.patients AS p ON p.tenant_id = tenant AND p.patient_id = m.patient_id
        WHERE p.deleted_at IS NULL AND (coalesce(cardinality(words), 0) = 0 OR p.status = ANY (words))
          AND (place IS NULL OR m.fit < fit_there OR m.fit = fit_there AND m.patient_id > place)
        ORDER BY m.fit DESC, m.patient_id
        LIMIT search_page.page_size + 1
    LOOP
        IF cardinality(ids) = search_page.page_size THEN
            search_page.more := true;
            EXIT;
        END IF;
        ids := ids || shown.patient_id;
        fits := fits || shown.fit;
    END LOOP;
    PERFORM clinic_private.record_reads('patients', ids, ids, 'view');
    RETURN QUERY
        SELECT u.id, u.fit, clinic_private.page_cursor(list, u.id, timestamptz '2000-01-01 00:00+00' + u.fit::double precision * interval '00:00:01'), search_page.more
        FROM unnest(ids, fits) AS u (id, fit);
END
$$;
COMMENT ON FUNCTION clinic_private.search_page(jsonb, text, text[], integer, text) IS
    'A page of clinic.search_patients: ids, how well the names fit, cursors, and whether there is more. Errors: 22004, 22023, key_unavailable.';
REVOKE ALL ON FUNCTION clinic_private.search_page FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.search_page TO clinic_owner;

CREATE FUNCTION clinic.search_patients(
    query text DEFAULT NULL,
    name text DEFAULT NULL,
    phone text DEFAULT NULL,
    email text DEFAULT NULL,
    mrn text DEFAULT NULL,
    date_of_birth date DEFAULT NULL,
    identifier_system text DEFAULT NULL,
    identifier text DEFAULT NULL,
    statuses text[] DEFAULT NULL,
    page_size integer DEFAULT 20,
    after text DEFAULT NULL)
    RETURNS TABLE (
        patient_id uuid,
        mrn text,
        name text,
        preferred_name text,
        date_of_birth date,
        sex text,
        status text,
        fit numeric,
        page_cursor text,
        has_more boolean)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    ROWS 20
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    WITH page AS MATERIALIZED (
        SELECT s.*
        FROM clinic_private.search_page(clinic_private.search_terms($1, $2, $3, $4, $5, $6, $8), $7, $9, $10, $11) AS s
    )
    SELECT v.patient_id, v.mrn, v.name, v.preferred_name, v.date_of_birth, v.sex, v.status, page.found_fit, page.found_cursor, page.more
    FROM page
    CROSS JOIN LATERAL (SELECT r.* FROM clinic.patients AS r WHERE r.patient_id = page.found_id OFFSET 0) AS v
    ORDER BY page.found_fit DESC, page.found_id
$$;
ALTER FUNCTION clinic.search_patients OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.search_patients FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.search_patients TO clinic_user;
COMMENT ON FUNCTION clinic.search_patients IS
    'Finds patients among those whom the caller may see, the best first, in pages. Over HTTP by POST only: what is looked for is personal.
query: anything, taken for an e-mail address, a date of birth, a medical record number, a phone number or else a name, as it looks; name: accents, typos, the order of words
and other ways to write the same sound do not matter, and the beginning of a word is enough; phone (without country code: of the country of all locations), email, mrn,
date_of_birth, identifier with its identifier_system: exactly. All that is given must match. statuses: any of active, inactive, deceased; null for all. A merged record is
found as the one that counts. fit: how well the name fits, 1 for a search without one. page_size: 1 to 100; after: page_cursor of the last row, for the same search.
With patients:read:limited neither contacts and identifiers nor dates of birth find anybody.
Errors: no_context, 22004, 22023 (naming the argument), key_unavailable; none shows what was looked for.';
