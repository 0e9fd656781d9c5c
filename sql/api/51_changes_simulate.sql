-- What a change of hours would do to the slots that are free.

CREATE FUNCTION clinic_private.slots_now(
    service_id uuid,
    range_start timestamptz,
    range_end timestamptz,
    provider_id uuid,
    location_id uuid,
    patient_id uuid,
    duration interval)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    RETURN (
        SELECT coalesce(jsonb_agg(to_jsonb(s.*)), '[]')
        FROM clinic_private.free_slots(
            service_id => slots_now.service_id,
            range_start => slots_now.range_start,
            range_end => slots_now.range_end,
            provider_id => slots_now.provider_id,
            location_id => slots_now.location_id,
            patient_id => slots_now.patient_id,
            duration => slots_now.duration) AS s);
END
$$;
COMMENT ON FUNCTION clinic_private.slots_now(uuid, timestamptz, timestamptz, uuid, uuid, uuid, interval) IS
    'Returns the free slots of clinic.available_slots as an array, by what the transaction itself has just written too.';
REVOKE ALL ON FUNCTION clinic_private.slots_now FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.slots_now TO clinic_owner;

CREATE FUNCTION clinic_private.simulate(
    change jsonb,
    of_service uuid,
    range_start timestamptz,
    range_end timestamptz,
    of_provider uuid,
    of_location uuid,
    of_patient uuid,
    duration interval)
    RETURNS TABLE (
        effect text,
        provider_id uuid,
        location_id uuid,
        starts_at timestamptz,
        ends_at timestamptz,
        local_date date,
        local_time time,
        utc_offset text,
        time_zone text,
        remaining_before integer,
        remaining_after integer)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    changes jsonb := clinic_private.checked_schedule_changes(simulate.change);
    slots_before jsonb;
    slots_after jsonb;
BEGIN
    PERFORM clinic_private.require_diary_reader();
    slots_before := clinic_private.slots_now(simulate.of_service, simulate.range_start, simulate.range_end, simulate.of_provider,
                                             simulate.of_location, simulate.of_patient, simulate.duration);
    BEGIN
        PERFORM clinic_private.run_schedule_change(e.value)
        FROM jsonb_array_elements(changes) WITH ORDINALITY AS e (value, place)
        ORDER BY e.place;
        slots_after := clinic_private.slots_now(simulate.of_service, simulate.range_start, simulate.range_end, simulate.of_provider,
                                                simulate.of_location, simulate.of_patient, simulate.duration);
        RAISE EXCEPTION USING ERRCODE = 'CLZ00', MESSAGE = 'the change is taken back';
    EXCEPTION WHEN SQLSTATE 'CLZ00' THEN
        NULL;
    END;
    RETURN QUERY
    SELECT CASE WHEN b.starts_at IS NULL THEN 'gained'
                WHEN a.starts_at IS NULL THEN 'lost'
                ELSE 'changed' END,
           coalesce(a.provider_id, b.provider_id), coalesce(a.location_id, b.location_id), coalesce(a.starts_at, b.starts_at),
           coalesce(a.ends_at, b.ends_at), coalesce(a.local_date, b.local_date), coalesce(a.local_time, b.local_time),
           coalesce(a.utc_offset, b.utc_offset), coalesce(a.time_zone, b.time_zone), b.remaining, a.remaining
    FROM jsonb_to_recordset(slots_before) AS b (
        provider_id uuid, location_id uuid, starts_at timestamptz, ends_at timestamptz, local_date date, local_time time,
        utc_offset text, time_zone text, remaining integer)
    FULL JOIN jsonb_to_recordset(slots_after) AS a (
        provider_id uuid, location_id uuid, starts_at timestamptz, ends_at timestamptz, local_date date, local_time time,
        utc_offset text, time_zone text, remaining integer)
      ON a.provider_id = b.provider_id AND a.location_id = b.location_id AND a.starts_at = b.starts_at AND a.ends_at = b.ends_at
    WHERE a.remaining IS DISTINCT FROM b.remaining
    ORDER BY 4, 2, 3, 5;
END
$$;
COMMENT ON FUNCTION clinic_private.simulate(jsonb, uuid, timestamptz, timestamptz, uuid, uuid, uuid, interval) IS
    'What clinic.simulate returns; PL/pgSQL takes no argument named like a column of the result.';
REVOKE ALL ON FUNCTION clinic_private.simulate FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.simulate TO clinic_owner;

CREATE FUNCTION clinic.simulate(
    change jsonb,
    service_id uuid,
    range_start timestamptz,
    range_end timestamptz,
    provider_id uuid DEFAULT NULL,
    location_id uuid DEFAULT NULL,
    patient_id uuid DEFAULT NULL,
    duration interval DEFAULT NULL)
    RETURNS TABLE (
        effect text,
        provider_id uuid,
        location_id uuid,
        starts_at timestamptz,
        ends_at timestamptz,
        local_date date,
        local_time time,
        utc_offset text,
        time_zone text,
        remaining_before integer,
        remaining_after integer)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    SELECT s.* FROM clinic_private.simulate($1, $2, $3, $4, $5, $6, $7, $8) AS s
$$;
ALTER FUNCTION clinic.simulate OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.simulate FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.simulate TO clinic_user;
COMMENT ON FUNCTION clinic.simulate IS
    'Returns the slots that a change of hours would give and take; nothing is written. Needs what the change itself needs.
change: as in clinic.preview_schedule_change; the others: as in clinic.available_slots. effect: gained, lost, or changed, where the start stays and the number of bookings that fit does not (remaining_before, remaining_after). Ordered by start, provider, location.
Errors: those of the change and of clinic.available_slots, no_context, forbidden; 25006 in a read-only transaction.';
