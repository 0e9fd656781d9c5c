-- Events of sessions, series and queue tickets: triggers, so that it does not matter who makes a change.
-- sql/schema/repeatable/41_events_triggers.sql attaches them, to rows that are new or differ. They run with the rights of whoever writes the row.
-- The sequence of an event is the version of its row, so that those of one subject are in order, without gaps. All say ids and times only.

CREATE FUNCTION clinic_private.write_session_event()
    RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    event text := 'session.updated';
BEGIN
    IF TG_OP = 'INSERT' THEN
        event := 'session.created';
    ELSIF OLD.status <> NEW.status THEN
        event := 'session.cancelled';
    ELSIF (OLD.starts_at, OLD.ends_at, OLD.provider_id, OLD.location_id)
          IS DISTINCT FROM (NEW.starts_at, NEW.ends_at, NEW.provider_id, NEW.location_id) THEN
        event := 'session.rescheduled';
    END IF;
    PERFORM clinic_private.write_event(NEW.tenant_id, event, NEW.session_id, NEW.version, jsonb_build_object('service_id', NEW.service_id,
        'provider_id', NEW.provider_id, 'location_id', NEW.location_id, 'starts_at', NEW.starts_at, 'ends_at', NEW.ends_at), NULL);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clinic_private.write_session_event() IS
    'Trigger: each change of a group session is an event: created, rescheduled, updated or cancelled.';
REVOKE ALL ON FUNCTION clinic_private.write_session_event FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.write_session_event TO clinic_owner;

CREATE FUNCTION clinic_private.write_series_event()
    RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    event text := 'series.updated';
BEGIN
    IF TG_OP = 'INSERT' THEN
        event := 'series.created';
    ELSIF OLD.status <> NEW.status AND NEW.status IN ('ended', 'cancelled') THEN
        event := 'series.' || NEW.status;
    ELSIF OLD.local_materialised_until < NEW.local_materialised_until THEN
        event := 'series.extended';
    END IF;
    PERFORM clinic_private.write_event(NEW.tenant_id, event, NEW.series_id, NEW.version, jsonb_strip_nulls(jsonb_build_object(
        'service_id', NEW.service_id, 'provider_id', NEW.provider_id, 'location_id', NEW.location_id,
        'previous_series_id', NEW.previous_series_id)), NEW.patient_id);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clinic_private.write_series_event() IS
    'Trigger: each change of a series is an event: created, updated, extended, ended or cancelled. What becomes of its appointments are events of theirs.';
REVOKE ALL ON FUNCTION clinic_private.write_series_event FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.write_series_event TO clinic_owner;

CREATE FUNCTION clinic_private.write_ticket_event()
    RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    event text := 'ticket.updated';
BEGIN
    IF TG_OP = 'INSERT' THEN
        event := 'ticket.issued';
    ELSIF OLD.state <> NEW.state THEN
        event := CASE NEW.state WHEN 'called' THEN 'ticket.called' WHEN 'waiting' THEN 'ticket.returned' WHEN 'serving' THEN 'ticket.served'
                                WHEN 'done' THEN 'ticket.done' ELSE 'ticket.left' END;
    ELSIF OLD.calls < NEW.calls THEN
        event := 'ticket.called';
    END IF;
    PERFORM clinic_private.write_event(NEW.tenant_id, event, NEW.ticket_id, NEW.version, jsonb_strip_nulls(jsonb_build_object(
        'appointment_id', NEW.appointment_id, 'service_id', NEW.service_id, 'provider_id', NEW.provider_id, 'location_id', NEW.location_id,
        'room_id', NEW.room_id)), NEW.patient_id);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clinic_private.write_ticket_event() IS
    'Trigger: each change of a queue ticket is an event: issued, called, returned, served, done, left or updated.';
REVOKE ALL ON FUNCTION clinic_private.write_ticket_event FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.write_ticket_event TO clinic_owner;
