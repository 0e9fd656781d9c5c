-- Events: what they are called, how they are written, and how they come to those who are told: subscribers outside
-- (53_events_deliveries.sql) and one consumer inside, for tenants that want one.

CREATE FUNCTION clinic.event_names()
    RETURNS TABLE (name text, meaning text, written boolean)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 50
    SET search_path = pg_catalog, pg_temp
AS $$
    VALUES
        ('appointment.held', 'Somebody holds a time for a patient, until it expires.', true),
        ('appointment.requested', 'A booking waits for approval.', true),
        ('appointment.scheduled', 'An appointment is booked.', true),
        ('appointment.rescheduled', 'An appointment has another time, provider or place.', true),
        ('appointment.updated', 'Something else of an appointment has changed.', true),
        ('appointment.confirmed', 'The patient has confirmed.', true),
        ('appointment.checked_in', 'The patient has arrived.', true),
        ('appointment.started', 'The visit has begun.', true),
        ('appointment.completed', 'The visit is over.', true),
        ('appointment.cancelled', 'An appointment is cancelled, declined or released.', true),
        ('appointment.expired', 'A hold, or a booking that waited for approval, has died.', true),
        ('appointment.no_show', 'The patient did not come.', true),
        ('appointment.reinstated', 'A cancellation is taken back.', true),
        ('waitlist.joined', 'A patient waits for time.', true),
        ('waitlist.updated', 'What a patient waits for has changed.', true),
        ('waitlist.left', 'A patient waits no longer.', true),
        ('waitlist.removed', 'A patient waits no longer, because another entry for the same was served.', true),
        ('waitlist.offered', 'Time is offered to a waiting patient.', true),
        ('waitlist.accepted', 'An offer is accepted.', true),
        ('waitlist.declined', 'An offer is declined.', true),
        ('waitlist.expired', 'An offer was not answered in time.', true),
        ('waitlist.taken', 'Somebody else who was offered the same time was faster.', true),
        ('waitlist.withdrawn', 'An offer is over, because the patient waits no longer.', true),
        ('session.created', 'A group session is planned.', true),
        ('session.rescheduled', 'A session has another time, provider or place.', true),
        ('session.updated', 'Something else of a session has changed, such as its capacity.', true),
        ('session.cancelled', 'A session is cancelled.', true),
        ('series.created', 'A series of appointments is booked, or the later part of one goes on in another way.', true),
        ('series.updated', 'All that is to come of a series has changed.', true),
        ('series.extended', 'Further dates of a series without end are booked.', true),
        ('series.ended', 'The later part of a series is cancelled, or goes on as another series.', true),
        ('series.cancelled', 'No date of a series is to come.', true),
        ('ticket.issued', 'Somebody waits at the front desk.', true),
        ('ticket.called', 'A ticket is called, perhaps once more.', true),
        ('ticket.returned', 'Who was called waits again.', true),
        ('ticket.served', 'It is the turn of a ticket.', true),
        ('ticket.done', 'A ticket has been served.', true),
        ('ticket.left', 'Somebody has left the queue without having been served.', true),
        ('ticket.updated', 'Something else of a ticket has changed.', true),
        ('patient.created', 'A patient is registered.', true),
        ('patient.updated', 'Something of a patient has changed.', true),
        ('audit.sealed', 'The audit has a new sealed head; written for subscriptions that name it.', true),
        ('medical_record.created', 'A record is added to a patient''s file.', false),
        ('medical_record.shared', 'A record is shared with somebody.', false),
        ('prescription.created', 'A prescription is written.', false),
        ('prescription.refill_requested', 'A patient asks for a prescription again.', false),
        ('digital_program.enrollment_completed', 'A patient is enrolled in a digital program.', false)
$$;
COMMENT ON FUNCTION clinic.event_names() IS
    'Lists the names of events.
written: whether this version writes such events; the other names are reserved, and can be subscribed to already.';

-- Writes with the rights of the caller, for any tenant that the caller may write for: triggers of a superuser who loads rows
-- have no context.
CREATE FUNCTION clinic_private.write_event(tenant_id uuid, name text, subject_id uuid, sequence integer, data jsonb, patient_id uuid)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    new_id uuid := clinic.new_id();
BEGIN
    INSERT INTO clinic_data.events (tenant_id, event_id, name, subject_id, sequence, occurred_at, actor_id, request_id, patient_id, data)
    VALUES (write_event.tenant_id, new_id, write_event.name, write_event.subject_id, write_event.sequence, clinic.now(),
            clinic.current_user_id(), clinic_private.request_facts() ->> 'request_id', write_event.patient_id, write_event.data);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION clinic_private.write_event(uuid, text, uuid, integer, jsonb, uuid) IS
    'Writes an event of a tenant, stamped with time, user and request of the context, and returns its id.';
REVOKE ALL ON FUNCTION clinic_private.write_event FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.write_event TO clinic_owner;

CREATE FUNCTION clinic_private.record_event(
    name text,
    subject_id uuid,
    sequence integer,
    data jsonb DEFAULT NULL,
    patient_id uuid DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('name', record_event.name, 'subject_id', record_event.subject_id,
        'sequence', record_event.sequence));
    RETURN clinic_private.write_event(tenant, record_event.name, record_event.subject_id, record_event.sequence, record_event.data,
        record_event.patient_id);
END
$$;
COMMENT ON FUNCTION clinic_private.record_event(text, uuid, integer, jsonb, uuid) IS
    'Writes an event of the tenant of the context in the caller''s transaction, and returns its id.
name: subject.verb, one of clinic.event_names(); subject_id: to what it happened; sequence: order among the events of the subject, such as
the version of its row; data: ids and times; patient_id: the patient concerned. Errors: no_context, 22004.';
REVOKE ALL ON FUNCTION clinic_private.record_event FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.record_event TO clinic_owner;

-- ---------------------------------------------------------------------------------------------------------------------
-- Triggers; sql/schema/repeatable/41_events_triggers.sql attaches them. They run with the rights of whoever writes the row.

CREATE FUNCTION clinic_private.write_patient_event()
    RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM clinic_private.write_event(NEW.tenant_id, CASE TG_OP WHEN 'INSERT' THEN 'patient.created' ELSE 'patient.updated' END,
        NEW.patient_id, NEW.version, NULL, NEW.patient_id);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clinic_private.write_patient_event() IS
    'Trigger: a new patient makes an event patient.created, a changed one patient.updated; neither says more than the id.';
REVOKE ALL ON FUNCTION clinic_private.write_patient_event FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.write_patient_event TO clinic_owner;

-- The trigger clinic_private.distribute_event() calls it where a tenant has any of these.
CREATE FUNCTION clinic_private.distribute_event_to(tenant_id uuid, event_id uuid, name text, subject_id uuid, sequence integer)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    listeners record;
BEGIN
    SELECT t.consumes_events, t.notifies_events,
           ARRAY(SELECT s.subscription_id
                 FROM clinic_data.subscriptions AS s
                 WHERE s.tenant_id = distribute_event_to.tenant_id AND s.status <> 'deleted'
                   AND s.events && ARRAY['*', distribute_event_to.name, split_part(distribute_event_to.name, '.', 1) || '.*']
                 ORDER BY s.subscription_id) AS subscription_ids
    INTO listeners
    FROM clinic_data.tenants AS t
    WHERE t.tenant_id = distribute_event_to.tenant_id;

    IF cardinality(listeners.subscription_ids) > 0 THEN
        INSERT INTO clinic_data.deliveries (tenant_id, delivery_id, subscription_id, event_id, subject_id, sequence, due_at, created_at)
        SELECT distribute_event_to.tenant_id, clinic.new_id(), u.subscription_id, distribute_event_to.event_id, distribute_event_to.subject_id,
               distribute_event_to.sequence, clinic.now(), clinic.now()
        FROM unnest(listeners.subscription_ids) AS u (subscription_id);
    END IF;
    IF listeners.consumes_events THEN
        INSERT INTO clinic_data.queued_events (tenant_id, event_id, subject_id, sequence)
        VALUES (distribute_event_to.tenant_id, distribute_event_to.event_id, distribute_event_to.subject_id, distribute_event_to.sequence);
    END IF;
    IF listeners.notifies_events THEN
        PERFORM pg_notify('clinic_events', distribute_event_to.tenant_id::text);
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.distribute_event_to(uuid, uuid, text, uuid, integer) IS
    'Gives a new event a delivery for each subscription that wants it, a place in the queue of the tenant''s consumer, and wakes listeners
of the channel clinic_events with the tenant''s id; each only where the tenant has asked for it. Waking has a price: commits of transactions that
notify wait for one another, in the whole server, so it is off until a tenant sets notifies_events.';
REVOKE ALL ON FUNCTION clinic_private.distribute_event_to FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.distribute_event_to TO clinic_owner;

-- ---------------------------------------------------------------------------------------------------------------------
-- The consumer inside: a program of the tenant that is told everything, once at least, in order.

CREATE FUNCTION clinic.claim_events(max_events integer DEFAULT 100, lease_seconds integer DEFAULT 60)
    RETURNS TABLE (
        event_id uuid,
        name text,
        subject_id uuid,
        sequence integer,
        occurred_at timestamptz,
        actor_id uuid,
        request_id text,
        status text,
        status_before text,
        service_id uuid,
        provider_id uuid,
        location_id uuid,
        patient_id uuid,
        starts_at timestamptz,
        ends_at timestamptz,
        data jsonb,
        claimed_until timestamptz,
        attempts integer)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 100 SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('outbox:deliver');
BEGIN
    PERFORM clinic_private.require_claim('max_events', claim_events.max_events, claim_events.lease_seconds);
    RETURN QUERY
    -- The first waiting event of a subject stands for all of them: whoever locks it, and nobody else, takes those behind it.
    WITH heads AS MATERIALIZED (
        SELECT q.event_id, q.subject_id
        FROM clinic_data.queued_events AS q
        WHERE q.tenant_id = tenant AND coalesce(q.claimed_until <= clinic.now(), true)
          AND NOT EXISTS (
              SELECT FROM clinic_data.queued_events AS e
              WHERE e.tenant_id = q.tenant_id AND e.subject_id = q.subject_id AND (e.sequence, e.event_id) < (q.sequence, q.event_id))
        ORDER BY q.event_id
        LIMIT claim_events.max_events
        FOR UPDATE SKIP LOCKED),
    chosen AS MATERIALIZED (
        SELECT q.event_id
        FROM heads AS h
        JOIN clinic_data.queued_events AS q ON q.tenant_id = tenant AND q.subject_id = h.subject_id
        ORDER BY h.event_id, q.sequence, q.event_id
        LIMIT claim_events.max_events),
    claimed AS (
        UPDATE clinic_data.queued_events AS q
        SET claimed_until = clinic.now() + make_interval(secs => claim_events.lease_seconds), attempts = q.attempts + 1
        FROM chosen AS c
        WHERE q.tenant_id = tenant AND q.event_id = c.event_id
        RETURNING q.event_id, q.subject_id, q.sequence, q.claimed_until, q.attempts)
    SELECT e.event_id, e.name, e.subject_id, e.sequence, e.occurred_at, e.actor_id, e.request_id, e.status, e.status_before, e.service_id,
           e.provider_id, e.location_id, e.patient_id, e.starts_at, e.ends_at, e.data, c.claimed_until, c.attempts
    FROM claimed AS c
    JOIN clinic_data.events AS e ON e.tenant_id = tenant AND e.event_id = c.event_id
    ORDER BY first_value(e.event_id) OVER (PARTITION BY e.subject_id ORDER BY e.event_id), e.subject_id, e.sequence, e.event_id;
END
$$;
ALTER FUNCTION clinic.claim_events OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.claim_events FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.claim_events TO clinic_user;
COMMENT ON FUNCTION clinic.claim_events IS
    'Claims events for the consumer inside, for a tenant with consumes_events; commit before dealing with them. Needs outbox:deliver.
max_events: 1 to 1000; lease_seconds: how long nobody else gets them, 1 to 3600. Events of one subject come in their order, and none while an
earlier one of the subject is claimed by somebody else. Say with clinic.finish_events what is dealt with; what is not comes again when the lease
is over, so an event may come twice, never none. attempts: how often it was claimed, this time included. Programs that listen to the channel
clinic_events are woken where the tenant has set notifies_events. Errors: no_context, forbidden, 22004, 22023.';

CREATE FUNCTION clinic.finish_events(event_ids uuid[])
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('outbox:deliver');
    finished integer;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('event_ids', finish_events.event_ids));
    DELETE FROM clinic_data.queued_events AS q
    WHERE q.tenant_id = tenant AND q.event_id = ANY (finish_events.event_ids) AND q.claimed_until IS NOT NULL;
    GET DIAGNOSTICS finished = ROW_COUNT;
    RETURN finished;
END
$$;
ALTER FUNCTION clinic.finish_events OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.finish_events FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.finish_events TO clinic_user;
COMMENT ON FUNCTION clinic.finish_events IS
    'Says that claimed events are dealt with, and returns how many were waiting for that. Needs outbox:deliver.
event_ids: those that are finished already, or were never claimed, are passed over. Errors: no_context, forbidden, 22004.';
