-- Series without end: their dates are made as the horizon moves on.

CREATE FUNCTION clinic_private.due_series(series_ids uuid[] DEFAULT NULL)
    RETURNS TABLE (series_id uuid, due jsonb, bound timestamp)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    RETURN QUERY
    SELECT s.series_id, to_jsonb(s.*), h.bound
    FROM clinic_data.series AS s
    CROSS JOIN LATERAL (SELECT clinic_private.series_horizon(s.service_id, s.time_zone) - s.shift AS bound) AS h
    WHERE s.tenant_id = clinic.current_tenant_id() AND s.status = 'active' AND s.endless AND s.local_until IS NULL AND s.local_materialised_until < h.bound
      AND (due_series.series_ids IS NULL OR s.series_id = ANY (due_series.series_ids))
    ORDER BY s.local_materialised_until, s.series_id
    LIMIT 20;
END
$$;
COMMENT ON FUNCTION clinic_private.due_series(uuid[]) IS
    'Series without end that have dates to make, those that wait longest first, at most twenty: their rows, and the local time of their rule up to which. series_ids: only of these.';
REVOKE ALL ON FUNCTION clinic_private.due_series FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.due_series TO clinic_owner;

CREATE FUNCTION clinic_private.extend_series(series_id uuid, due jsonb, bound timestamp)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    most constant integer := clinic_private.series_limit();
    made_until timestamp := extend_series.bound;
    locals timestamp[];
    lines jsonb;
BEGIN
    locals := ARRAY(
        SELECT i
        FROM clinic_private.series_instances(
            extend_series.due ->> 'rule', (extend_series.due ->> 'local_first_starts_at')::timestamp, NULL, extend_series.due ->> 'time_zone',
            greatest((extend_series.due ->> 'local_materialised_until')::timestamp, (extend_series.due ->> 'local_from')::timestamp), made_until, most + 1) AS i);
    IF cardinality(locals) > most THEN
        made_until := locals[most + 1];
        locals := locals[:most];
    END IF;
    SELECT clinic_private.book_dates(
               clinic_private.series_template(extend_series.due), extend_series.due ->> 'time_zone', extend_series.due ->> 'gap',
               coalesce(jsonb_agg(jsonb_build_object('local_original_start', l.local_time, 'local_starts_at', l.local_time + (extend_series.due ->> 'shift')::interval)
                                  ORDER BY l.local_time), '[]'))
    INTO lines
    FROM unnest(locals) AS l (local_time)
    WHERE NOT extend_series.due -> 'excluded_dates' @> to_jsonb(l.local_time::date);
    PERFORM clinic_private.add_series_dates(extend_series.series_id, lines);
    UPDATE clinic_data.series AS s
    SET local_materialised_until = made_until
    WHERE s.tenant_id = clinic.current_tenant_id() AND s.series_id = extend_series.series_id;
    RETURN jsonb_array_length(lines);
END
$$;
COMMENT ON FUNCTION clinic_private.extend_series(uuid, jsonb, timestamp) IS
    'Makes the dates of a series up to a bound, and returns how many; those that cannot be booked are kept as skipped. The caller holds the locks.';
REVOKE ALL ON FUNCTION clinic_private.extend_series FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.extend_series TO clinic_owner;

CREATE FUNCTION clinic_private.extend_series_job()
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    chosen uuid[];
    locks uuid[];
    one record;
    made bigint := 0;
    state text;
BEGIN
    PERFORM clinic_private.require_tenant();
    SELECT array_agg(d.series_id) INTO chosen FROM clinic_private.due_series() AS d;
    IF chosen IS NULL THEN
        RETURN 0;
    END IF;
    -- Series before what they claim, as whoever changes one of them.
    PERFORM clinic_private.lock_resources(clinic.current_tenant_id(), chosen);
    SELECT array_agg(DISTINCT u.id) INTO locks
    FROM clinic_data.series AS s
    CROSS JOIN LATERAL unnest(clinic_private.series_lockable(to_jsonb(s.*))) AS u (id)
    WHERE s.tenant_id = clinic.current_tenant_id() AND s.series_id = ANY (chosen);
    PERFORM clinic_private.lock_resources(clinic.current_tenant_id(), locks);
    -- Looked at again under the locks: another run, or a change, may have come first.
    FOR one IN SELECT d.series_id, d.due, d.bound FROM clinic_private.due_series(chosen) AS d LOOP
        BEGIN
            made := made + clinic_private.extend_series(one.series_id, one.due, one.bound);
        EXCEPTION WHEN OTHERS THEN
            -- One series that cannot go on holds up no other; it is tried again at the next run.
            GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE;
            RAISE WARNING 'series "%" could not be extended', one.series_id USING DETAIL = format('The error has SQLSTATE %s.', state);
        END;
    END LOOP;
    RETURN made;
END
$$;
COMMENT ON FUNCTION clinic_private.extend_series_job() IS
    'Books further dates of the tenant''s series without end, up to their horizons, and returns how many dates it made, the skipped ones included. At most twenty series a run; safe to run twice and at once.';
REVOKE ALL ON FUNCTION clinic_private.extend_series_job FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.extend_series_job TO clinic_owner;
