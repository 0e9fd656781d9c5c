-- Lists in pages: appointments and patients by keyset cursors, forwards and backwards, and single rows.

-- A cursor is 30 bytes in base64url: an id, an instant, and the first bytes of a hash over both and the list's order. The hash
-- is no secret; it tells a cursor of this list and order from every other text. What a cursor names is only a place: whose rows
-- are shown there, row security decides.
CREATE FUNCTION clinic_private.page_cursor(list text, id uuid, starts_at timestamptz)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT translate(encode(place.bytes || substr(sha256(convert_to('pg_clinic ' || page_cursor.list, 'UTF8') || place.bytes), 1, 6), 'base64'),
                     '+/', '-_')
    FROM (SELECT uuid_send(page_cursor.id) || coalesce(timestamptz_send(page_cursor.starts_at), '\x0000000000000000') AS bytes) AS place
$$;
COMMENT ON FUNCTION clinic_private.page_cursor(text, uuid, timestamptz) IS
    'Returns the cursor of a row: 40 characters of base64url.
list: the list and its order; id: the row''s; starts_at: null where the order does not go by it.';
REVOKE ALL ON FUNCTION clinic_private.page_cursor FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.page_cursor TO clinic_owner;

CREATE FUNCTION clinic_private.cursor_place(list text, argument text, value text, OUT id uuid, OUT starts_at timestamptz)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    bytes bytea;
    micros bigint; -- since 2000-01-01 00:00 UTC
BEGIN
    IF length(cursor_place.value) = 40 AND cursor_place.value ~ '^[A-Za-z0-9_-]*$' THEN
        bytes := decode(translate(cursor_place.value, '-_', '+/'), 'base64');
        IF substr(bytes, 25) = substr(sha256(convert_to('pg_clinic ' || cursor_place.list, 'UTF8') || substr(bytes, 1, 24)), 1, 6) THEN
            micros := ('x' || encode(substr(bytes, 17, 8), 'hex'))::bit(64)::bigint;
            IF micros BETWEEN -211813488000000000 AND 9223371331199999999 THEN
                cursor_place.id := encode(substr(bytes, 1, 16), 'hex')::uuid;
                cursor_place.starts_at := (timestamp '2000-01-01' + make_interval(days => (micros / 86400000000)::integer)
                                           + make_interval(secs => (micros % 86400000000) / 1000000.0)) AT TIME ZONE 'UTC';
                RETURN;
            END IF;
        END IF;
    END IF;
    PERFORM clinic_private.refuse_argument(cursor_place.argument, format('"%s" is not a cursor of this list in this order', cursor_place.argument),
        hint => format('Pass the page_cursor of a row of the same list with the same sort, or begin again without "%s".', cursor_place.argument));
END
$$;
COMMENT ON FUNCTION clinic_private.cursor_place(text, text, text) IS
    'Returns what a cursor says.
list: as in clinic_private.page_cursor; argument: its name in errors. Errors: 22023.';
REVOKE ALL ON FUNCTION clinic_private.cursor_place FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.cursor_place TO clinic_owner;

CREATE FUNCTION clinic_private.check_page(sorts text[], sort text, page_size integer, after text, before text)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('sort', check_page.sort, 'page_size', check_page.page_size));
    IF regexp_replace(check_page.sort, '^-', '') <> ALL (check_page.sorts) THEN
        PERFORM clinic_private.refuse_argument('sort', 'sort must be ' || array_to_string(check_page.sorts[1:cardinality(check_page.sorts) - 1], ', ')
            || ' or ' || check_page.sorts[cardinality(check_page.sorts)], hint => format('Write -%s for the opposite order.', check_page.sorts[1]));
    END IF;
    IF check_page.page_size NOT BETWEEN 1 AND 100 THEN
        PERFORM clinic_private.refuse_argument('page_size', 'page_size must be between 1 and 100');
    END IF;
    IF check_page.after IS NOT NULL AND check_page.before IS NOT NULL THEN
        PERFORM clinic_private.refuse_argument('after, before', 'a page begins after a row or ends before one, not both');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.check_page(text[], text, integer, text, text) IS
    'Refuses an unknown order, a page too large, and two cursors.
sorts: the orders there are. Errors: 22004, 22023.';
REVOKE ALL ON FUNCTION clinic_private.check_page FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.check_page TO clinic_owner;

CREATE FUNCTION clinic_private.check_filter(argument text, length integer)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF check_filter.length = 0 THEN
        PERFORM clinic_private.refuse_argument(check_filter.argument, format('%s is empty', check_filter.argument),
            hint => format('Leave %s out to list all.', check_filter.argument));
    END IF;
    IF check_filter.length > 500 THEN
        PERFORM clinic_private.refuse_argument(check_filter.argument, format('%s has more than 500 elements', check_filter.argument));
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.check_filter(text, integer) IS
    'Refuses a filter that names nothing, or more than 500 things. Errors: 22023.';
REVOKE ALL ON FUNCTION clinic_private.check_filter FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.check_filter TO clinic_owner;

CREATE FUNCTION clinic_private.checked_ids(kind text, ids uuid[])
    RETURNS uuid[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.check_filter(checked_ids.kind || '_ids', cardinality(checked_ids.ids));
    PERFORM clinic_private.require_arguments(jsonb_build_object(checked_ids.kind || '_ids', i.id)),
            clinic_private.require_row(checked_ids.kind, i.id)
    FROM unnest(checked_ids.ids) AS i (id);
    RETURN CASE WHEN checked_ids.ids IS NOT NULL THEN ARRAY(SELECT DISTINCT i.id FROM unnest(checked_ids.ids) AS i (id)) END;
END
$$;
COMMENT ON FUNCTION clinic_private.checked_ids(text, uuid[]) IS
    'Returns the ids of a filter, each once and each the id of a row; null, which filters nothing, for null.
kind: as in clinic_private.require_row. Errors: not_found, 22004, 22023.';
REVOKE ALL ON FUNCTION clinic_private.checked_ids FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.checked_ids TO clinic_owner;

CREATE FUNCTION clinic_private.checked_words(argument text, words text[], allowed text[])
    RETURNS text[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.check_filter(checked_words.argument, cardinality(checked_words.words));
    PERFORM clinic_private.require_arguments(jsonb_build_object(checked_words.argument, w.word))
    FROM unnest(checked_words.words) AS w (word);
    IF NOT checked_words.words <@ checked_words.allowed THEN
        PERFORM clinic_private.refuse_argument(checked_words.argument, format('%s names a status that does not exist', checked_words.argument),
            hint => format('There are %s.', array_to_string(checked_words.allowed, ', ')));
    END IF;
    RETURN ARRAY(SELECT w.word FROM unnest(checked_words.words) AS w (word) WHERE checked_words.words IS NOT NULL);
END
$$;
COMMENT ON FUNCTION clinic_private.checked_words(text, text[], text[]) IS
    'Returns the words of a filter as one dimension; empty, which filters nothing, for null. Errors: 22004, 22023.';
REVOKE ALL ON FUNCTION clinic_private.checked_words FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.checked_words TO clinic_owner;

CREATE FUNCTION clinic_private.list_range(
    range_start timestamptz,
    range_end timestamptz,
    limited boolean,
    OUT from_start timestamptz,
    OUT until_start timestamptz)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    days constant integer := current_setting('clinic.max_list_days')::integer;
    week constant interval := make_interval(hours => 24 * least(7, days));
BEGIN
    IF NOT (coalesce(isfinite(list_range.range_start), true) AND coalesce(isfinite(list_range.range_end), true)) THEN
        PERFORM clinic_private.refuse_argument('range_start, range_end', 'a range needs finite ends');
    END IF;
    IF list_range.range_start < '0002-01-01 00:00Z' OR list_range.range_start > '9999-01-01 00:00Z'
       OR list_range.range_end < '0002-01-01 00:00Z' OR list_range.range_end > '9999-01-01 00:00Z' THEN
        PERFORM clinic_private.refuse_argument('range_start, range_end', 'a range must lie in the years 2 to 9998');
    END IF;
    list_range.from_start := list_range.range_start;
    list_range.until_start := list_range.range_end;
    IF list_range.limited THEN
        IF list_range.range_end IS NULL THEN
            list_range.from_start := coalesce(list_range.range_start, clinic.now());
            list_range.until_start := list_range.from_start + week;
        ELSIF list_range.range_start IS NULL THEN
            list_range.from_start := list_range.range_end - week;
        END IF;
    END IF;
    IF list_range.until_start <= list_range.from_start THEN
        PERFORM clinic_private.refuse_argument('range_end', 'the end of the range is not after its start');
    END IF;
    -- Local days, one of which may have 25 hours.
    IF list_range.limited AND list_range.until_start - list_range.from_start > make_interval(hours => 24 * days + 1) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'program_limit_exceeded',
            MESSAGE = format('the range from range_start to range_end is longer than %s days', days),
            DETAIL = format('It is %s days long.',
                            ceil(extract(epoch FROM list_range.until_start - list_range.from_start) / 86400)),
            HINT = 'Ask for a shorter range, several times if need be, or for one patient.';
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.list_range(timestamptz, timestamptz, boolean) IS
    'Returns the range of a list: without limit as given, limited with the missing ends filled in so that a week is listed.
Errors: 22023, 54000 for a limited range longer than clinic.max_list_days.';
REVOKE ALL ON FUNCTION clinic_private.list_range FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.list_range TO clinic_owner;

-- The statement that finds a page. It reads an index by the ids of one column (provider, location or patient) and by the start:
-- in the order of the start one page for each id at most, in other orders the range. Its text is made of the fixed pieces here.
-- Parameters: 1 tenant, 2 ids of the column, 3 and 4 range, 5 providers, 6 locations, 7 services, 8 statuses, 9 rows wanted,
-- 10 to 12 start, id and patient's name of the cursor's row.
CREATE FUNCTION clinic_private.appointment_page_query(
    id_column text,
    sort text,
    ascending boolean,
    filters text[],
    cursor_form text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $query$
    SELECT format(CASE appointment_page_query.sort
        WHEN 'start' THEN $$
            SELECT f.appointment_id
            FROM unnest($2) AS d (id)
            CROSS JOIN LATERAL (
                SELECT a.appointment_id, a.starts_at
                FROM clinic_data.appointments AS a
                WHERE a.tenant_id = $1 AND a.%1$I = d.id%2$s
                ORDER BY a.starts_at %3$s, a.appointment_id %3$s
                LIMIT $9) AS f
            ORDER BY f.starts_at %3$s, f.appointment_id %3$s
            LIMIT $9 $$
        ELSE $$
            SELECT f.appointment_id
            FROM unnest($2) AS d (id)
            CROSS JOIN LATERAL (
                SELECT a.appointment_id, a.patient_id
                FROM clinic_data.appointments AS a
                WHERE a.tenant_id = $1 AND a.%1$I = d.id%2$s
                OFFSET 0) AS f
            $$ || CASE appointment_page_query.sort
                WHEN 'created' THEN $$ ORDER BY f.appointment_id %3$s LIMIT $9 $$
                ELSE $$
            LEFT JOIN clinic_data.patients AS p ON p.tenant_id = $1 AND p.patient_id = f.patient_id
            %4$s
            ORDER BY p.name %3$s, f.appointment_id %3$s
            LIMIT $9 $$ END
        END,
        appointment_page_query.id_column,
        (SELECT string_agg(' AND ' || known.condition, '' ORDER BY known.name)
         FROM (VALUES ('from', 'a.starts_at >= $3'), ('until', 'a.starts_at < $4'), ('providers', 'a.provider_id = ANY ($5)'),
                      ('locations', 'a.location_id = ANY ($6)'), ('services', 'a.service_id = ANY ($7)'),
                      ('statuses', 'CASE WHEN a.expires_at <= clinic.now() THEN ''expired'' ELSE a.status END = ANY ($8)'),
                      ('start_cursor', CASE WHEN appointment_page_query.ascending
                                            THEN 'a.starts_at >= $10 AND (a.starts_at, a.appointment_id) > ($10, $11)'
                                            ELSE 'a.starts_at <= $10 AND (a.starts_at, a.appointment_id) < ($10, $11)' END),
                      ('created_cursor', 'a.appointment_id ' || CASE WHEN appointment_page_query.ascending THEN '>' ELSE '<' END || ' $11'))
              AS known (name, condition)
         WHERE known.name = ANY (appointment_page_query.filters || appointment_page_query.cursor_form)),
        CASE WHEN appointment_page_query.ascending THEN 'ASC' ELSE 'DESC' END,
        -- A patient the caller may not see has no name here: last in the order, first in the opposite one.
        CASE WHEN appointment_page_query.cursor_form = 'name_cursor' THEN
            CASE WHEN appointment_page_query.ascending
                 THEN 'WHERE p.name > $12 OR (p.name IS NULL AND $12 IS NOT NULL)
                          OR (p.name IS NOT DISTINCT FROM $12 AND f.appointment_id > $11)'
                 ELSE 'WHERE p.name < $12 OR (p.name IS NOT NULL AND $12 IS NULL)
                          OR (p.name IS NOT DISTINCT FROM $12 AND f.appointment_id < $11)' END END)
$query$;
COMMENT ON FUNCTION clinic_private.appointment_page_query(text, text, boolean, text[], text) IS
    'Returns the statement that finds the ids of a page of clinic.list_appointments.
id_column: provider_id, location_id or patient_id; ascending: which way to read; filters: from, until, providers, locations,
services, statuses; cursor_form: start_cursor, created_cursor, name_cursor or null.';
REVOKE ALL ON FUNCTION clinic_private.appointment_page_query FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.appointment_page_query TO clinic_owner;

CREATE FUNCTION clinic_private.list_appointments(
    tenant uuid,
    range_start timestamptz,
    range_end timestamptz,
    provider_ids uuid[],
    location_ids uuid[],
    service_ids uuid[],
    statuses text[],
    for_patient uuid,
    sort text,
    page_size integer,
    after text,
    before text,
    OUT ids uuid[],
    OUT has_more boolean)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    key constant text := ltrim(list_appointments.sort, '-');
    forwards constant boolean := list_appointments.before IS NULL;
    providers uuid[];
    locations uuid[];
    services uuid[];
    words text[];
    -- A patient without a permission to read sees their own and their dependants'.
    of_patients uuid[];
    id_column text;
    driving uuid[];
    range record;
    place record;
    name_there text;
BEGIN
    PERFORM clinic_private.check_page('{start,created,patient_name}', list_appointments.sort, list_appointments.page_size,
                                      list_appointments.after, list_appointments.before);
    providers := clinic_private.checked_ids('provider', list_appointments.provider_ids);
    locations := clinic_private.checked_ids('location', list_appointments.location_ids);
    services := clinic_private.checked_ids('service', list_appointments.service_ids);
    words := clinic_private.checked_words('statuses', list_appointments.statuses,
        '{held,pending,booked,confirmed,arrived,in_progress,completed,cancelled,no_show,expired}');
    IF for_patient IS NOT NULL THEN
        PERFORM clinic_private.require_row('patient', for_patient);
        of_patients := ARRAY[for_patient];
    ELSIF clinic.current_patient_id() IS NOT NULL
          AND NOT (clinic.has_permission('appointments:read') OR clinic.has_permission('appointments:read:branch')
                   OR clinic.has_permission('appointments:read:own')) THEN
        of_patients := ARRAY(
            SELECT clinic.current_patient_id()
            UNION
            SELECT d.patient_id
            FROM clinic_data.dependants AS d
            WHERE d.tenant_id = list_appointments.tenant AND d.guardian_patient_id = clinic.current_patient_id());
    END IF;
    SELECT r.* INTO range
    FROM clinic_private.list_range(list_appointments.range_start, list_appointments.range_end, of_patients IS NULL) AS r;

    IF of_patients IS NOT NULL THEN
        id_column := 'patient_id';
        driving := of_patients;
    ELSIF providers IS NOT NULL THEN
        id_column := 'provider_id';
        driving := providers;
    ELSIF clinic_private.least_provider_id() = clinic_private.greatest_provider_id() THEN
        id_column := 'provider_id';
        driving := ARRAY[clinic_private.least_provider_id()];
    ELSE
        id_column := 'location_id';
        driving := coalesce(locations, ARRAY(
            SELECT l.location_id FROM clinic_data.locations AS l
            WHERE l.tenant_id = list_appointments.tenant
              -- Who is neither provider nor patient sees nothing but the branches.
              AND (clinic.sees_location(l.location_id) OR clinic.current_provider_id() IS NOT NULL
                   OR clinic.current_patient_id() IS NOT NULL)));
    END IF;

    IF list_appointments.after IS NOT NULL OR list_appointments.before IS NOT NULL THEN
        SELECT c.* INTO place
        FROM clinic_private.cursor_place('appointments ' || list_appointments.sort, CASE WHEN forwards THEN 'after' ELSE 'before' END,
                                         coalesce(list_appointments.after, list_appointments.before)) AS c;
        IF key = 'patient_name' THEN
            SELECT p.name INTO name_there
            FROM clinic_data.appointments AS a
            LEFT JOIN clinic_data.patients AS p ON p.tenant_id = a.tenant_id AND p.patient_id = a.patient_id
            WHERE a.tenant_id = list_appointments.tenant AND a.appointment_id = place.id;
            IF NOT FOUND THEN
                PERFORM clinic_private.refuse_cursor(CASE WHEN forwards THEN 'after' ELSE 'before' END);
            END IF;
        END IF;
    ELSE
        SELECT NULL::uuid AS id, NULL::timestamptz AS starts_at INTO place;
    END IF;

    EXECUTE format('SELECT ARRAY(%s)', clinic_private.appointment_page_query(
            id_column, key, starts_with(list_appointments.sort, '-') <> forwards,
            ARRAY(SELECT f.name
                  FROM (VALUES ('from', range.from_start IS NOT NULL), ('until', range.until_start IS NOT NULL),
                               ('providers', providers IS NOT NULL AND id_column <> 'provider_id'),
                               ('locations', locations IS NOT NULL AND id_column <> 'location_id'), ('services', services IS NOT NULL),
                               ('statuses', cardinality(words) > 0)) AS f (name, present)
                  WHERE f.present),
            CASE WHEN place.id IS NOT NULL THEN
                CASE key WHEN 'start' THEN 'start_cursor' WHEN 'created' THEN 'created_cursor' ELSE 'name_cursor' END END))
        INTO list_appointments.ids
        USING list_appointments.tenant, driving, range.from_start, range.until_start, providers, locations, services, words,
              list_appointments.page_size + 1, place.starts_at, place.id, name_there;

    list_appointments.has_more := cardinality(list_appointments.ids) > list_appointments.page_size;
    list_appointments.ids := list_appointments.ids[1:list_appointments.page_size];
    IF NOT forwards THEN
        list_appointments.ids := ARRAY(SELECT u.id FROM unnest(list_appointments.ids) WITH ORDINALITY AS u (id, place)
                                       ORDER BY u.place DESC);
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.list_appointments(uuid, timestamptz, timestamptz, uuid[], uuid[], uuid[], text[], uuid, text, integer,
                                                     text, text) IS
    'Returns the ids of a page of clinic.list_appointments, in the order of the list, and whether more follow in its direction.';
REVOKE ALL ON FUNCTION clinic_private.list_appointments FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.list_appointments TO clinic_owner;

CREATE FUNCTION clinic_private.refuse_cursor(argument text)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.refuse_argument(refuse_cursor.argument, format('the row of the cursor "%s" does not exist', refuse_cursor.argument),
        hint => format('This order looks the row up again: begin again without "%s".', refuse_cursor.argument));
END
$$;
COMMENT ON FUNCTION clinic_private.refuse_cursor(text) IS
    'Raises 22023 for a cursor whose row is gone, or was never the caller''s to see.';
REVOKE ALL ON FUNCTION clinic_private.refuse_cursor FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.refuse_cursor TO clinic_owner;

CREATE FUNCTION clinic.list_appointments(
    range_start timestamptz DEFAULT NULL,
    range_end timestamptz DEFAULT NULL,
    provider_ids uuid[] DEFAULT NULL,
    location_ids uuid[] DEFAULT NULL,
    service_ids uuid[] DEFAULT NULL,
    statuses text[] DEFAULT NULL,
    patient_id uuid DEFAULT NULL,
    sort text DEFAULT 'start',
    page_size integer DEFAULT 20,
    after text DEFAULT NULL,
    before text DEFAULT NULL)
    RETURNS TABLE (
        appointment_id uuid,
        confirmation_code text,
        status text,
        starts_at timestamptz,
        ends_at timestamptz,
        local_starts_at timestamp,
        time_zone text,
        service_id uuid,
        service_name text,
        provider_id uuid,
        provider_name text,
        location_id uuid,
        location_name text,
        patient_id uuid,
        patient_name text,
        resource_ids uuid[],
        overbooked boolean,
        warnings text[],
        cancelled_at timestamptz,
        late_cancellation boolean,
        version integer,
        created_at timestamptz,
        updated_at timestamptz,
        page_cursor text,
        has_more boolean)
    LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER
    ROWS 20
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    -- The page comes first, with its checks; its ids are an array, so that the view, a barrier to joins, reads its rows by them.
    WITH page AS MATERIALIZED (
        SELECT p.ids, p.has_more
        FROM clinic_private.list_appointments(clinic_private.require_tenant(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS p
    )
    SELECT v.appointment_id, v.confirmation_code, v.status, v.starts_at, v.ends_at, v.local_starts_at, v.time_zone,
           v.service_id, v.service_name, v.provider_id, v.provider_name, v.location_id, v.location_name,
           v.patient_id, v.patient_name, v.resource_ids, v.overbooked, v.warnings, v.cancelled_at, v.late_cancellation,
           v.version, v.created_at, v.updated_at,
           clinic_private.page_cursor('appointments ' || $8, v.appointment_id, CASE WHEN ltrim($8, '-') = 'start' THEN v.starts_at END),
           page.has_more
    FROM page
    CROSS JOIN LATERAL (SELECT r.* FROM clinic.appointments AS r WHERE r.appointment_id = ANY (page.ids) OFFSET 0) AS v
    ORDER BY array_position(page.ids, v.appointment_id)
$$;
ALTER FUNCTION clinic.list_appointments OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.list_appointments FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.list_appointments TO clinic_user;
COMMENT ON FUNCTION clinic.list_appointments IS
    'Lists appointments in pages: those of clinic.appointments that start in a range, filtered and sorted.
range_start, range_end: half-open; at most 90 days (setting clinic.max_list_days). Without both the next 7 days from clinic.now(),
without one of them 7 days from the other. With patient_id, and for a patient who sees their own visits only, no limit: the whole history.
provider_ids, location_ids, service_ids, statuses: any of them, null for all. patient_id: one patient.
sort: start, created (by appointment_id, which grows with time) or patient_name; a leading - turns the order round. Equals are in the
order of appointment_id; patients without a visible name come last. page_size: 1 to 100.
after: the page_cursor of a row: the page behind it. before: the page ahead of it, in the same order. One of them at most.
Rows that come and go elsewhere do not shift pages. In the order of patient_name the row of a cursor must still exist.
has_more, the same in every row: whether more rows lie in the direction of the page, behind its last row or, with before, ahead of its
first. Without a row there is nothing more. A page_cursor holds ids and times, no names, and is good for the same sort only.
Errors: no_context, not_found for unknown ids, 22004, 22023 (naming the argument), 54000 for a longer range.';

-- ---------------------------------------------------------------------------------------------------------------------
-- Patients.

CREATE FUNCTION clinic_private.list_patients(
    tenant uuid,
    statuses text[],
    sort text,
    page_size integer,
    after text,
    before text,
    OUT ids uuid[],
    OUT has_more boolean)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    by_name constant boolean := ltrim(list_patients.sort, '-') = 'name';
    forwards constant boolean := list_patients.before IS NULL;
    ascending constant boolean := starts_with(list_patients.sort, '-') <> forwards;
    words text[];
    place uuid;
    name_there text;
BEGIN
    PERFORM clinic_private.check_page('{name,created}', list_patients.sort, list_patients.page_size, list_patients.after,
                                      list_patients.before);
    words := clinic_private.checked_words('statuses', list_patients.statuses, '{active,inactive,deceased,merged}');
    IF list_patients.after IS NOT NULL OR list_patients.before IS NOT NULL THEN
        SELECT c.id INTO place
        FROM clinic_private.cursor_place('patients ' || list_patients.sort, CASE WHEN forwards THEN 'after' ELSE 'before' END,
                                         coalesce(list_patients.after, list_patients.before)) AS c;
        IF by_name THEN
            SELECT p.name INTO name_there
            FROM clinic_data.patients AS p
            WHERE p.tenant_id = list_patients.tenant AND p.patient_id = place;
            IF NOT FOUND THEN
                PERFORM clinic_private.refuse_cursor(CASE WHEN forwards THEN 'after' ELSE 'before' END);
            END IF;
        END IF;
    END IF;

    -- Of fixed pieces; both orders have an index.
    EXECUTE format('SELECT ARRAY(SELECT p.patient_id FROM clinic_data.patients AS p WHERE p.tenant_id = $1 AND p.deleted_at IS NULL%s%s ORDER BY %s LIMIT $2)',
            CASE WHEN cardinality(words) > 0 THEN ' AND p.status = ANY ($3)' END,
            CASE WHEN place IS NOT NULL THEN
                format(CASE WHEN by_name THEN ' AND (p.name, p.patient_id) %s ($5, $4)' ELSE ' AND p.patient_id %s $4' END,
                       CASE WHEN ascending THEN '>' ELSE '<' END) END,
            format(CASE WHEN by_name THEN 'p.name %1$s, p.patient_id %1$s' ELSE 'p.patient_id %1$s' END,
                   CASE WHEN ascending THEN 'ASC' ELSE 'DESC' END))
        INTO list_patients.ids
        USING list_patients.tenant, list_patients.page_size + 1, words, place, name_there;

    list_patients.has_more := cardinality(list_patients.ids) > list_patients.page_size;
    list_patients.ids := list_patients.ids[1:list_patients.page_size];
    IF NOT forwards THEN
        list_patients.ids := ARRAY(SELECT u.id FROM unnest(list_patients.ids) WITH ORDINALITY AS u (id, place) ORDER BY u.place DESC);
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.list_patients(uuid, text[], text, integer, text, text) IS
    'Returns the ids of a page of clinic.list_patients, in the order of the list, and whether more follow in its direction.';
REVOKE ALL ON FUNCTION clinic_private.list_patients FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.list_patients TO clinic_owner;

CREATE FUNCTION clinic.list_patients(
    statuses text[] DEFAULT NULL,
    sort text DEFAULT 'name',
    page_size integer DEFAULT 20,
    after text DEFAULT NULL,
    before text DEFAULT NULL)
    RETURNS TABLE (
        patient_id uuid,
        mrn text,
        name text,
        date_of_birth date,
        sex text,
        status text,
        version integer,
        created_at timestamptz,
        updated_at timestamptz,
        page_cursor text,
        has_more boolean)
    LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER
    ROWS 20
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    WITH page AS MATERIALIZED (
        SELECT p.ids, p.has_more
        FROM clinic_private.list_patients(clinic_private.require_tenant(), $1, $2, $3, $4, $5) AS p
    )
    SELECT v.patient_id, v.mrn, v.name, v.date_of_birth, v.sex, v.status, v.version, v.created_at, v.updated_at,
           clinic_private.page_cursor('patients ' || $2, v.patient_id, NULL), page.has_more
    FROM page
    CROSS JOIN LATERAL (SELECT r.* FROM clinic.patients AS r WHERE r.patient_id = ANY (page.ids) OFFSET 0) AS v
    ORDER BY array_position(page.ids, v.patient_id)
$$;
ALTER FUNCTION clinic.list_patients OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.list_patients FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.list_patients TO clinic_user;
COMMENT ON FUNCTION clinic.list_patients IS
    'Lists the patients of clinic.patients in pages.
statuses: any of active, inactive, deceased, merged; null for all. sort: name, or created (by patient_id, which grows with time); a leading -
turns the order round; equals are in the order of patient_id. page_size: 1 to 100. after, before, page_cursor, has_more: as in
clinic.list_appointments; in the order of name the row of a cursor must still exist. No argument holds personal data, so none gets
into an address.
Errors: no_context, 22004, 22023 (naming the argument).';

-- ---------------------------------------------------------------------------------------------------------------------
-- Single rows.

CREATE FUNCTION clinic.get_appointment(appointment_id uuid)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    found_row jsonb;
BEGIN
    PERFORM clinic_private.require_tenant();
    PERFORM clinic_private.require_arguments(jsonb_build_object('appointment_id', get_appointment.appointment_id));
    SELECT to_jsonb(v.*) INTO found_row FROM clinic.appointments AS v WHERE v.appointment_id = get_appointment.appointment_id;
    IF found_row IS NULL THEN
        PERFORM clinic_private.raise_error('not_found', format('appointment "%s" does not exist', get_appointment.appointment_id),
            jsonb_build_object('appointment_id', get_appointment.appointment_id), NULL);
    END IF;
    RETURN found_row;
END
$$;
ALTER FUNCTION clinic.get_appointment OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.get_appointment FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.get_appointment TO clinic_user;
COMMENT ON FUNCTION clinic.get_appointment IS
    'Returns one appointment, as an object with the columns of clinic.appointments.
Errors: no_context, not_found (also for one that the caller may not see), 22004.';

CREATE FUNCTION clinic.get_patient(patient_id uuid)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    place uuid;
    found_row jsonb;
BEGIN
    PERFORM clinic_private.require_tenant();
    PERFORM clinic_private.require_arguments(jsonb_build_object('patient_id', get_patient.patient_id));
    place := clinic_private.surviving_patient(get_patient.patient_id);
    SELECT to_jsonb(v.*) INTO found_row FROM clinic.patients AS v WHERE v.patient_id = place;
    IF found_row IS NULL THEN
        PERFORM clinic_private.raise_error('not_found', format('patient "%s" does not exist', get_patient.patient_id),
            jsonb_build_object('patient_id', get_patient.patient_id), NULL);
    END IF;
    PERFORM clinic_private.record_reads('patients', ARRAY[place], ARRAY[place]);
    RETURN found_row;
END
$$;
ALTER FUNCTION clinic.get_patient OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.get_patient FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.get_patient TO clinic_user;
COMMENT ON FUNCTION clinic.get_patient IS
    'Returns one patient, as an object with the columns of clinic.patients; of a record that was merged the one that counts.
Errors: no_context, not_found (also for one that the caller may not see), 22004.';
