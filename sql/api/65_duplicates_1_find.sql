-- Records that may be of one person: found by what they have in common, scored, and worked off from a list. docs/patients.md says how.

CREATE FUNCTION clinic_private.require_weights(weights jsonb)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF jsonb_typeof(require_weights.weights) IS DISTINCT FROM 'object' THEN
        RETURN; -- nothing, or the table's constraint says it
    END IF;
    IF EXISTS (SELECT FROM jsonb_each(require_weights.weights) AS w
               WHERE w.key NOT IN ('name', 'date_of_birth', 'email', 'phone', 'identifier', 'evidence', 'high', 'medium')
                  OR jsonb_typeof(w.value) <> 'number' OR (w.value)::numeric NOT BETWEEN 0 AND 10) THEN
        PERFORM clinic_private.refuse_argument('duplicate_weights',
            'duplicate_weights must hold numbers from 0 to 10 under name, date_of_birth, email, phone, identifier, evidence, high and medium');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_weights(jsonb) IS 'Refuses weights that are none. Errors: 22023.';

CREATE FUNCTION clinic_private.match_weights(tenant_id uuid, OUT weights double precision[], OUT high double precision, OUT medium double precision)
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ARRAY[coalesce(w.name, 0.25), coalesce(w.date_of_birth, 0.20), coalesce(w.email, 0.30), coalesce(w.phone, 0.25), coalesce(w.identifier, 0.50),
                 coalesce(w.evidence, 0.70)],
           coalesce(w.high, 0.95), coalesce(w.medium, 0.85)
    FROM clinic_data.tenants AS t
    CROSS JOIN LATERAL jsonb_to_record(t.duplicate_weights) AS w (name double precision, date_of_birth double precision, email double precision,
        phone double precision, identifier double precision, evidence double precision, high double precision, medium double precision)
    WHERE t.tenant_id = match_weights.tenant_id
$$;
COMMENT ON FUNCTION clinic_private.match_weights(uuid) IS 'What counts how much, as the tenant has it, else as shipped; and from which scores on the confidence is high and medium.';

CREATE FUNCTION clinic_private.duplicates_of(
    tenant_id uuid,
    patient_id uuid,
    name text,
    date_of_birth date,
    emails bytea[],
    phones bytea[],
    systems text[],
    identifiers bytea[],
    threshold double precision)
    RETURNS TABLE (other_patient_id uuid, score numeric, confidence text, matched text[])
    LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 5
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH wanted AS MATERIALIZED (
        SELECT k.search_key, left(k.search_key, 2) AS kind, count(*) OVER (PARTITION BY left(k.search_key, 2)) AS number
        FROM clinic_private.search_keys(duplicates_of.name) AS k (search_key)
    ), candidates AS MATERIALIZED (
        -- Two words that sound alike, or begin alike, in common; of a name of one word that one.
        SELECT k.patient_id
        FROM wanted AS w
        JOIN clinic_data.patient_search_keys AS k ON k.tenant_id = duplicates_of.tenant_id AND k.search_key = w.search_key
        GROUP BY k.patient_id, w.kind
        HAVING count(*) >= least(2, min(w.number))
        UNION
        SELECT p.patient_id FROM clinic_data.patients AS p
        WHERE p.tenant_id = duplicates_of.tenant_id AND p.date_of_birth = duplicates_of.date_of_birth
        UNION
        SELECT c.patient_id FROM clinic_data.patient_contacts AS c
        WHERE c.tenant_id = duplicates_of.tenant_id AND c.destination_index = ANY (duplicates_of.emails || duplicates_of.phones)
        UNION
        SELECT i.patient_id FROM unnest(duplicates_of.systems, duplicates_of.identifiers) AS g (system, value_index)
        JOIN clinic_data.patient_identifiers AS i
          ON i.tenant_id = duplicates_of.tenant_id AND i.system = g.system AND i.value_index = g.value_index
    ), compared AS (
        SELECT p.patient_id, p.date_of_birth,
               clinic_private.name_similarity(duplicates_of.name, p.name) AS name_fit,
               CASE WHEN cardinality(duplicates_of.emails) > 0 THEN c.email END AS email,
               CASE WHEN cardinality(duplicates_of.phones) > 0 THEN c.phone END AS phone,
               i.identifier,
               clinic_private.match_score(duplicates_of.name, p.name, duplicates_of.date_of_birth, p.date_of_birth,
                   CASE WHEN cardinality(duplicates_of.emails) > 0 THEN c.email END, CASE WHEN cardinality(duplicates_of.phones) > 0 THEN c.phone END,
                   i.identifier, w.weights) AS score,
               w.high, w.medium
        FROM candidates AS k
        JOIN clinic_data.patients AS p ON p.tenant_id = duplicates_of.tenant_id AND p.patient_id = k.patient_id
        CROSS JOIN clinic_private.match_weights(duplicates_of.tenant_id) AS w
        CROSS JOIN LATERAL (
            SELECT bool_or(c.destination_index = ANY (duplicates_of.emails)) FILTER (WHERE c.channel = 'email') AS email,
                   bool_or(c.destination_index = ANY (duplicates_of.phones)) FILTER (WHERE c.channel IN ('sms', 'voice', 'whatsapp')) AS phone
            FROM clinic_data.patient_contacts AS c
            WHERE c.tenant_id = p.tenant_id AND c.patient_id = p.patient_id AND c.destination_index IS NOT NULL) AS c
        CROSS JOIN LATERAL (
            SELECT bool_or(i.value_index = g.value_index) AS identifier
            FROM unnest(duplicates_of.systems, duplicates_of.identifiers) AS g (system, value_index)
            JOIN clinic_data.patient_identifiers AS i
              ON i.tenant_id = p.tenant_id AND i.patient_id = p.patient_id AND i.system = g.system AND i.is_unique AND i.value_index IS NOT NULL) AS i
        WHERE p.patient_id IS DISTINCT FROM duplicates_of.patient_id AND p.status <> 'merged' AND p.deleted_at IS NULL
          AND NOT EXISTS (SELECT FROM clinic_data.distinct_patients AS d
                          WHERE d.tenant_id = p.tenant_id AND d.patient_id = least(p.patient_id, duplicates_of.patient_id)
                            AND d.other_patient_id = greatest(p.patient_id, duplicates_of.patient_id) AND duplicates_of.patient_id IS NOT NULL)
    )
    SELECT c.patient_id, round(c.score::numeric, 4),
           CASE WHEN c.score >= c.high THEN 'high' WHEN c.score >= c.medium THEN 'medium' ELSE 'low' END,
           array_remove(ARRAY[CASE WHEN c.name_fit > 0.9 THEN 'name' END,
                              CASE WHEN c.date_of_birth = duplicates_of.date_of_birth THEN 'date_of_birth' END,
                              CASE WHEN c.email THEN 'email' END, CASE WHEN c.phone THEN 'phone' END, CASE WHEN c.identifier THEN 'identifier' END], NULL)
    FROM compared AS c
    WHERE c.score >= duplicates_of.threshold
    ORDER BY c.score DESC, c.patient_id
$$;
COMMENT ON FUNCTION clinic_private.duplicates_of(uuid, uuid, text, date, bytea[], bytea[], text[], bytea[], double precision) IS
    'Records, among those that the caller sees, that may be of the person with these demographics, the likeliest first. Contacts and identifiers come as blind indexes.';

CREATE FUNCTION clinic_private.duplicates_of_patient(tenant_id uuid, patient_id uuid, threshold double precision)
    RETURNS TABLE (other_patient_id uuid, score numeric, confidence text, matched text[])
    LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 5
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT d.*
    FROM clinic_data.patients AS p
    CROSS JOIN LATERAL clinic_private.duplicates_of(p.tenant_id, p.patient_id, p.name, p.date_of_birth,
        ARRAY(SELECT c.destination_index FROM clinic_data.patient_contacts AS c
              WHERE c.tenant_id = p.tenant_id AND c.patient_id = p.patient_id AND c.channel = 'email' AND c.destination_index IS NOT NULL),
        ARRAY(SELECT DISTINCT c.destination_index FROM clinic_data.patient_contacts AS c
              WHERE c.tenant_id = p.tenant_id AND c.patient_id = p.patient_id AND c.channel IN ('sms', 'voice', 'whatsapp') AND c.destination_index IS NOT NULL),
        ARRAY(SELECT i.system FROM clinic_data.patient_identifiers AS i
              WHERE i.tenant_id = p.tenant_id AND i.patient_id = p.patient_id AND i.value_index IS NOT NULL ORDER BY i.identifier_id),
        ARRAY(SELECT i.value_index FROM clinic_data.patient_identifiers AS i
              WHERE i.tenant_id = p.tenant_id AND i.patient_id = p.patient_id AND i.value_index IS NOT NULL ORDER BY i.identifier_id),
        duplicates_of_patient.threshold) AS d
    WHERE p.tenant_id = duplicates_of_patient.tenant_id AND p.patient_id = duplicates_of_patient.patient_id
$$;
COMMENT ON FUNCTION clinic_private.duplicates_of_patient(uuid, uuid, double precision) IS 'The same for a patient there is.';
REVOKE ALL ON FUNCTION clinic_private.require_weights, clinic_private.match_weights, clinic_private.duplicates_of, clinic_private.duplicates_of_patient FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_weights, clinic_private.match_weights, clinic_private.duplicates_of, clinic_private.duplicates_of_patient
    TO clinic_owner;

CREATE FUNCTION clinic.find_duplicates(patient_id uuid DEFAULT NULL, demographics jsonb DEFAULT NULL, threshold double precision DEFAULT 0.85)
    RETURNS TABLE (other_patient_id uuid, score numeric, confidence text, matched text[])
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 5 SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict use_column
DECLARE
    tenant constant uuid := clinic_private.require_permission('patients:read');
    given jsonb;
    country text;
    phone bytea;
    email bytea;
    systems text[] := '{}';
    indexes bytea[] := '{}';
    part record;
    normal jsonb;
BEGIN
    IF find_duplicates.threshold NOT BETWEEN 0 AND 1 OR find_duplicates.threshold IS NULL THEN
        PERFORM clinic_private.refuse_argument('threshold', 'threshold must lie between 0 and 1');
    END IF;
    IF (find_duplicates.patient_id IS NULL) = (find_duplicates.demographics IS NULL) THEN
        PERFORM clinic_private.refuse_argument('patient_id, demographics', 'either patient_id or demographics is needed');
    END IF;
    IF find_duplicates.patient_id IS NOT NULL THEN
        PERFORM clinic_private.require_row('patient', find_duplicates.patient_id);
        RETURN QUERY
        WITH found AS MATERIALIZED (
            SELECT d.* FROM clinic_private.duplicates_of_patient(tenant, find_duplicates.patient_id, find_duplicates.threshold) AS d
        ), ids AS (
            SELECT CASE WHEN count(*) > 0 THEN array_agg(f.other_patient_id) || find_duplicates.patient_id ELSE '{}' END AS told FROM found AS f
        ), recorded AS MATERIALIZED (
            SELECT clinic_private.record_reads('patients', i.told, i.told) FROM ids AS i
        )
        SELECT f.* FROM found AS f CROSS JOIN recorded ORDER BY f.score DESC, f.other_patient_id;
        RETURN;
    END IF;
    given := clinic_private.checked_object('demographics', find_duplicates.demographics,
        '{name text 200 !,date_of_birth date,phone text 40,email text 254,identifiers array}');
    PERFORM clinic_private.require_birth_date((given ->> 'date_of_birth')::date);
    country := clinic_private.country_for_patient(tenant, NULL);
    IF given ? 'phone' THEN
        phone := clinic_private.contact_index(tenant, clinic_private.normal_identifier('phone', clinic_private.international_phone(given ->> 'phone', country), 'demographics.phone'));
    END IF;
    IF given ? 'email' THEN
        email := clinic_private.contact_index(tenant, clinic_private.normal_identifier('email', given ->> 'email', 'demographics.email'));
    END IF;
    FOR part IN SELECT e.item FROM jsonb_array_elements(coalesce(given -> 'identifiers', '[]')) AS e (item) LOOP
        normal := clinic_private.checked_object('identifiers', part.item, '{system text 100 !,value text 100 !}');
        systems := systems || (normal ->> 'system');
        indexes := indexes || clinic_private.identifier_index(tenant, normal ->> 'system',
            (SELECT c.normal FROM clinic_private.checked_identifier(normal ->> 'system', normal ->> 'value') AS c));
    END LOOP;
    RETURN QUERY
    WITH found AS MATERIALIZED (
        SELECT d.* FROM clinic_private.duplicates_of(tenant, NULL, given ->> 'name', (given ->> 'date_of_birth')::date,
            array_remove(ARRAY[email], NULL), array_remove(ARRAY[phone], NULL), systems, indexes, find_duplicates.threshold) AS d
    ), recorded AS MATERIALIZED (
        SELECT clinic_private.record_reads('patients', i.told, i.told) FROM (SELECT ARRAY(SELECT f.other_patient_id FROM found AS f) AS told) AS i
    )
    SELECT f.* FROM found AS f CROSS JOIN recorded ORDER BY f.score DESC, f.other_patient_id;
END
$$;
ALTER FUNCTION clinic.find_duplicates OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.find_duplicates FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.find_duplicates TO clinic_user;
COMMENT ON FUNCTION clinic.find_duplicates IS
    'Records that may be of the same person as a patient, or as somebody who is about to be added, the likeliest first, among those whom the caller may see. Needs patients:read.
patient_id, or demographics: an object of name, and where known date_of_birth, phone, email, identifiers (a list of system and value). threshold: least score, 0 to 1.
score: 0 to 1, as the tenant''s duplicate_weights have it; confidence: high (from 0.95), medium (from 0.85) or low; matched: what agrees, of name, date_of_birth, email,
phone, identifier. Pairs that clinic.set_distinct_patients() parted do not come again.
Errors: no_context, forbidden, not_found, 22004, 22023, key_unavailable; none shows a value.';

CREATE FUNCTION clinic.list_duplicates(confidence text DEFAULT 'medium', page_size integer DEFAULT 20, after text DEFAULT NULL)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := clinic_private.require_permission('patients:merge');
    list constant text := 'duplicates ' || coalesce(list_duplicates.confidence, '');
    looked_at integer := 0;
    least_score double precision;
    place uuid;
    pairs jsonb := '[]';
    patient record;
    told uuid[];
    next_cursor text;
BEGIN
    PERFORM clinic_private.require_permission('patients:read');
    PERFORM clinic_private.require_arguments(jsonb_build_object('confidence', list_duplicates.confidence));
    PERFORM clinic_private.check_page('{id}', 'id', list_duplicates.page_size, list_duplicates.after, NULL);
    SELECT CASE list_duplicates.confidence WHEN 'high' THEN w.high WHEN 'medium' THEN w.medium WHEN 'low' THEN 0.6 END INTO least_score
    FROM clinic_private.match_weights(tenant) AS w;
    IF least_score IS NULL THEN
        PERFORM clinic_private.refuse_argument('confidence', 'confidence must be high, medium or low');
    END IF;
    IF list_duplicates.after IS NOT NULL THEN
        SELECT c.id INTO place FROM clinic_private.cursor_place(list, 'after', list_duplicates.after) AS c;
    END IF;
    FOR patient IN
        SELECT p.patient_id FROM clinic_data.patients AS p
        WHERE p.tenant_id = tenant AND p.patient_id > coalesce(place, '00000000-0000-0000-0000-000000000000') AND p.status <> 'merged' AND p.deleted_at IS NULL
        ORDER BY p.patient_id
        LIMIT 501
    LOOP
        IF looked_at = 500 OR jsonb_array_length(pairs) >= list_duplicates.page_size THEN
            next_cursor := clinic_private.page_cursor(list, place, NULL);
            EXIT;
        END IF;
        looked_at := looked_at + 1;
        place := patient.patient_id;
        -- Each pair once, with the smaller id.
        pairs := pairs || (SELECT coalesce(jsonb_agg(jsonb_build_object('patient_id', patient.patient_id, 'other_patient_id', d.other_patient_id, 'score', d.score,
                                      'confidence', d.confidence, 'matched', d.matched) ORDER BY d.score DESC, d.other_patient_id), '[]')
                           FROM clinic_private.duplicates_of_patient(tenant, patient.patient_id, least_score) AS d
                           WHERE d.other_patient_id > patient.patient_id);
    END LOOP;
    told := ARRAY(SELECT DISTINCT u.id::uuid FROM jsonb_array_elements(pairs) AS e (pair)
                  CROSS JOIN LATERAL (VALUES (e.pair ->> 'patient_id'), (e.pair ->> 'other_patient_id')) AS u (id));
    PERFORM clinic_private.record_reads('patients', told, told);
    RETURN jsonb_build_object('pairs', pairs, 'patients', looked_at, 'after', next_cursor);
END
$$;
ALTER FUNCTION clinic.list_duplicates OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.list_duplicates FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.list_duplicates TO clinic_user;
COMMENT ON FUNCTION clinic.list_duplicates IS
    'A work list of pairs of records that may be of one person. Needs patients:merge and patients:read. It goes through the patients by their ids, five hundred at most in one call.
Returns an object: pairs (patient_id, other_patient_id, score, confidence, matched), patients (how many were looked at), after (cursor for the rest; null: that was all; pairs
may be empty before). confidence: least one, high, medium or low; low ones have a score of 0.6 at least, where what resembles each other less is noise, and clinic.find_duplicates
with a threshold tells of one patient what lies below. page_size: 1 to 100; a patient''s pairs stay together.
Errors: no_context, forbidden, 22004, 22023.';

CREATE FUNCTION clinic.set_distinct_patients(patient_id uuid, other_patient_id uuid, reason text, remove boolean DEFAULT false)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := clinic_private.require_permission('patients:merge');
    readable constant uuid := clinic_private.require_permission('patients:read');
    first_id constant uuid := least(set_distinct_patients.patient_id, set_distinct_patients.other_patient_id);
    second_id constant uuid := greatest(set_distinct_patients.patient_id, set_distinct_patients.other_patient_id);
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('patient_id', set_distinct_patients.patient_id, 'other_patient_id', set_distinct_patients.other_patient_id,
        'reason', set_distinct_patients.reason, 'remove', set_distinct_patients.remove));
    PERFORM clinic_private.require_row('patient', first_id);
    PERFORM clinic_private.require_row('patient', second_id);
    IF first_id = second_id OR length(btrim(set_distinct_patients.reason)) NOT BETWEEN 1 AND 1000 THEN
        PERFORM clinic_private.refuse_argument(CASE WHEN first_id = second_id THEN 'other_patient_id' ELSE 'reason' END,
            CASE WHEN first_id = second_id THEN 'two different patients are needed' ELSE 'reason must have 1 to 1000 characters' END);
    END IF;
    IF set_distinct_patients.remove THEN
        DELETE FROM clinic_data.distinct_patients AS d WHERE d.tenant_id = tenant AND d.patient_id = first_id AND d.other_patient_id = second_id;
        RETURN FOUND;
    END IF;
    INSERT INTO clinic_data.distinct_patients AS d (tenant_id, patient_id, other_patient_id, reason, decided_at, decided_by)
    VALUES (tenant, first_id, second_id, btrim(set_distinct_patients.reason), clinic.now(), clinic.current_user_id())
    ON CONFLICT ON CONSTRAINT distinct_patients_pkey DO NOTHING;
    RETURN FOUND;
END
$$;
ALTER FUNCTION clinic.set_distinct_patients OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.set_distinct_patients FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.set_distinct_patients TO clinic_user;
COMMENT ON FUNCTION clinic.set_distinct_patients IS
    'Says that two records that look alike are of two people, so that they are in no list of duplicates any more; with remove takes that back. Returns whether that changed
anything. Needs patients:merge and patients:read. reason: 1 to 1000 characters that name nobody. Errors: no_context, forbidden, not_found, 22004, 22023.';
