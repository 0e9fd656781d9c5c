-- The waitlist: what happens with time that is freed.

CREATE FUNCTION clinic_private.time_freed(
    appointment_id uuid,
    service_id uuid,
    provider_id uuid,
    location_id uuid,
    starts_at timestamptz,
    ends_at timestamptz)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
END
$$;
COMMENT ON FUNCTION clinic_private.time_freed(uuid, uuid, uuid, uuid, timestamptz, timestamptz) IS
    'Called by the engine in the transaction that frees time, with the locks of its resources held.';
REVOKE ALL ON FUNCTION clinic_private.time_freed FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.time_freed TO clinic_owner;

CREATE FUNCTION clinic_private.lockable_for_offers(provider_id uuid, location_id uuid)
    RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
END
$$;
COMMENT ON FUNCTION clinic_private.lockable_for_offers(uuid, uuid) IS
    'Which resources an offer of freed time may claim: the engine locks them together with those of the appointment that frees it.';
REVOKE ALL ON FUNCTION clinic_private.lockable_for_offers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lockable_for_offers TO clinic_owner;
