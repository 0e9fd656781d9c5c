-- Deliveries: programs claim what is due, send it, and say how it was answered. A claim is a lease: a program that dies in between
-- leaves its deliveries to the next one, so a subscriber may get a request twice, never none. Of one subject, a subscriber gets no later
-- event before an earlier one is done: delivered, or given up.
--
-- A request is a POST of the body as given, byte by byte, with the headers as given; redirects are not followed, and the address that
-- the name resolves to is asked of clinic.is_public_address() before connecting. The receiver takes t and the v1 of X-Clinic-Signature,
-- computes HMAC-SHA256 with the secret over t, a dot and the body, in hexadecimal, and compares; and refuses a t of long ago.

CREATE FUNCTION clinic_private.max_delivery_attempts()
    RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN 12;
COMMENT ON FUNCTION clinic_private.max_delivery_attempts() IS 'How often a delivery is claimed before it is given up.';
REVOKE ALL ON FUNCTION clinic_private.max_delivery_attempts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.max_delivery_attempts TO clinic_owner;

CREATE FUNCTION clinic_private.delivery_pause(attempts integer)
    RETURNS interval
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN make_interval(secs => least(21600, 30 * 2 ^ least(attempts - 1, 20)));
COMMENT ON FUNCTION clinic_private.delivery_pause(integer) IS
    'How long after so many failed attempts the next one waits: half a minute, doubled with each, six hours at most. Twelve attempts take fourteen and a half hours.';
REVOKE ALL ON FUNCTION clinic_private.delivery_pause FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.delivery_pause TO clinic_owner;

CREATE FUNCTION clinic_private.utc_text(at timestamptz)
    RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN to_char(utc_text.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"');
COMMENT ON FUNCTION clinic_private.utc_text(timestamptz) IS 'An instant in the form of RFC 3339, in UTC, whole seconds.';
REVOKE ALL ON FUNCTION clinic_private.utc_text FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.utc_text TO clinic_owner;

CREATE FUNCTION clinic_private.only_ids_and_times(data jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(jsonb_object_agg(m.key, m.value), '{}')
    FROM jsonb_each(CASE jsonb_typeof(only_ids_and_times.data) WHEN 'object' THEN only_ids_and_times.data ELSE '{}' END) AS m
    WHERE m.key ~ '^[a-z][a-z0-9_]{0,62}$'
      AND NOT EXISTS (
          SELECT
          FROM jsonb_array_elements(CASE jsonb_typeof(m.value) WHEN 'array' THEN m.value ELSE jsonb_build_array(m.value) END) AS e (value)
          WHERE jsonb_typeof(e.value) <> 'string'
             OR e.value #>> '{}' !~ '^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d(:?\d\d)?)?)?)$')
$$;
COMMENT ON FUNCTION clinic_private.only_ids_and_times(jsonb) IS
    'Those members of an object that are ids, dates or times, or lists of them: nothing else leaves the database with an event.';
REVOKE ALL ON FUNCTION clinic_private.only_ids_and_times FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.only_ids_and_times TO clinic_owner;

CREATE FUNCTION clinic_private.event_body(
    name text,
    occurred_at timestamptz,
    subject_id uuid,
    patient_id uuid,
    provider_id uuid,
    location_id uuid,
    service_id uuid,
    starts_at timestamptz,
    ends_at timestamptz,
    data jsonb)
    RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN json_build_object(
    'event', event_body.name,
    'timestamp', clinic_private.utc_text(event_body.occurred_at),
    'data', jsonb_strip_nulls(clinic_private.only_ids_and_times(event_body.data) || jsonb_build_object(
        'patient_id', event_body.patient_id,
        'provider_id', event_body.provider_id,
        'location_id', event_body.location_id,
        'service_id', event_body.service_id,
        'scheduled_time', clinic_private.utc_text(event_body.starts_at),
        'end_time', clinic_private.utc_text(event_body.ends_at),
        split_part(event_body.name, '.', 1) || '_id', event_body.subject_id)))::text;
COMMENT ON FUNCTION clinic_private.event_body IS
    'What a subscriber is told: an object of event, timestamp and data; data holds ids and times only, with the id of the subject as
appointment_id, patient_id and so on, and the start of an appointment as scheduled_time.';
REVOKE ALL ON FUNCTION clinic_private.event_body FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.event_body TO clinic_owner;

CREATE FUNCTION clinic_private.signature(signed_at timestamptz, body text, secret text, other_secret text)
    RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN format('t=%s', floor(extract(epoch FROM signature.signed_at))::bigint)
    || ',v1=' || encode(clinic_private.hmac_sha256(signature.secret,
                            format('%s.%s', floor(extract(epoch FROM signature.signed_at))::bigint, signature.body)), 'hex')
    || coalesce(',v1=' || encode(clinic_private.hmac_sha256(signature.other_secret,
                            format('%s.%s', floor(extract(epoch FROM signature.signed_at))::bigint, signature.body)), 'hex'), '');
COMMENT ON FUNCTION clinic_private.signature(timestamptz, text, text, text) IS
    'The value of X-Clinic-Signature: t=seconds since 1970, and v1=HMAC-SHA256 over t, a dot and the body in hexadecimal, by each secret.';
REVOKE ALL ON FUNCTION clinic_private.signature FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.signature TO clinic_owner;

CREATE FUNCTION clinic.claim_deliveries(max_deliveries integer DEFAULT 10, lease_seconds integer DEFAULT 60)
    RETURNS TABLE (
        delivery_id uuid,
        subscription_id uuid,
        event text,
        url text,
        headers jsonb,
        body text,
        claimed_until timestamptz,
        attempts integer)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 10 SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('outbox:deliver');
    chosen uuid[];
BEGIN
    PERFORM clinic_private.require_claim('max_deliveries', claim_deliveries.max_deliveries, claim_deliveries.lease_seconds);

    -- What every program that claimed it has died of.
    WITH lost AS MATERIALIZED (
        SELECT o.delivery_id
        FROM clinic_data.deliveries AS o
        WHERE o.tenant_id = tenant AND o.status = 'waiting' AND o.due_at <= clinic.now()
          AND coalesce(o.claimed_until <= clinic.now(), true) AND o.attempts >= clinic_private.max_delivery_attempts()
        ORDER BY o.due_at
        LIMIT 1000
        FOR UPDATE SKIP LOCKED)
    UPDATE clinic_data.deliveries AS d
    SET status = 'dead', done_at = clinic.now(), claimed_until = NULL, last_error = coalesce(d.last_error, 'nobody said how it went')
    FROM lost
    WHERE d.tenant_id = tenant AND d.delivery_id = lost.delivery_id;

    -- Until there is something to send, or nothing left.
    LOOP
        chosen := ARRAY(
            SELECT d.delivery_id
            FROM clinic_data.deliveries AS d
            WHERE d.tenant_id = tenant AND d.status = 'waiting' AND d.due_at <= clinic.now()
              AND coalesce(d.claimed_until <= clinic.now(), true)
              AND EXISTS (
                  SELECT FROM clinic_data.subscriptions AS s
                  WHERE s.tenant_id = d.tenant_id AND s.subscription_id = d.subscription_id AND s.status = 'active')
              -- Earlier ones of the subject, claimed or not.
              AND NOT EXISTS (
                  SELECT FROM clinic_data.deliveries AS e
                  WHERE e.tenant_id = d.tenant_id AND e.subscription_id = d.subscription_id AND e.subject_id = d.subject_id
                    AND e.status = 'waiting' AND (e.sequence, e.event_id) < (d.sequence, d.event_id))
            ORDER BY d.due_at, d.delivery_id
            LIMIT claim_deliveries.max_deliveries
            FOR UPDATE SKIP LOCKED);
        EXIT WHEN chosen = '{}';
        -- What nobody can sign.
        UPDATE clinic_data.deliveries AS d
        SET status = 'dead', done_at = clinic.now(), claimed_until = NULL, last_error = 'decryption_failed'
        FROM clinic_data.subscriptions AS s
        WHERE d.tenant_id = tenant AND d.delivery_id = ANY (chosen) AND s.tenant_id = tenant AND s.subscription_id = d.subscription_id
          AND clinic_private.opened_kept_secret(s.secret, clinic_private.secret_place('subscriptions', s.subscription_id::text, 'secret')) IS NULL;
        RETURN QUERY
        WITH claimed AS (
            UPDATE clinic_data.deliveries AS d
            SET claimed_until = clinic.now() + make_interval(secs => claim_deliveries.lease_seconds), attempts = d.attempts + 1
            WHERE d.tenant_id = tenant AND d.delivery_id = ANY (chosen) AND d.status = 'waiting'
            RETURNING d.delivery_id, d.subscription_id, d.event_id, d.sequence, d.claimed_until, d.attempts, d.due_at)
        SELECT c.delivery_id, c.subscription_id, e.name, s.url,
               jsonb_build_object(
                   'Content-Type', 'application/json',
                   'User-Agent', 'pg_clinic',
                   'X-Clinic-Event', e.name,
                   'X-Clinic-Event-Id', e.event_id,
                   'X-Clinic-Sequence', c.sequence::text,
                   'X-Clinic-Delivery', c.delivery_id,
                   'X-Clinic-Signature', clinic_private.signature(clinic.now(), b.body,
                       clinic_private.open_kept_secret(s.secret, p.place),
                       CASE WHEN s.previous_secret_until > clinic.now() THEN clinic_private.opened_kept_secret(s.previous_secret, p.place) END)),
               b.body, c.claimed_until, c.attempts
        FROM claimed AS c
        JOIN clinic_data.subscriptions AS s ON s.tenant_id = tenant AND s.subscription_id = c.subscription_id
        JOIN clinic_data.events AS e ON e.tenant_id = tenant AND e.event_id = c.event_id
        CROSS JOIN LATERAL (SELECT clinic_private.secret_place('subscriptions', s.subscription_id::text, 'secret') AS place) AS p
        CROSS JOIN LATERAL (
            SELECT clinic_private.event_body(e.name, e.occurred_at, e.subject_id, e.patient_id, e.provider_id, e.location_id, e.service_id,
                                             e.starts_at, e.ends_at, e.data) AS body) AS b
        ORDER BY c.due_at, c.delivery_id;
        EXIT WHEN FOUND;
    END LOOP;
END
$$;
ALTER FUNCTION clinic.claim_deliveries OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.claim_deliveries FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.claim_deliveries TO clinic_user;
COMMENT ON FUNCTION clinic.claim_deliveries IS
    'Claims requests to subscribers that are due, the oldest first, for sending; commit before sending. Needs outbox:deliver.
max_deliveries: 1 to 1000; lease_seconds: how long nobody else gets them, 1 to 3600. Send body as it is, by POST to url, with headers, an object of
names and values; follow no redirect, and connect to no address of which clinic.is_public_address says false. Say with clinic.finish_delivery how
it was answered. X-Clinic-Signature is t=..,v1=..: seconds since 1970 and HMAC-SHA256 by the subscription''s secret over t, a dot and the body, in
hexadecimal; after a rotation two v1. A subscriber gets no later event of a subject before an earlier one is done. attempts: how often it was claimed, this
time included; after twelve it is given up. One of a subscription whose secret does not open is dead at once, with the last_error decryption_failed:
clinic.rotate_subscription_secret mends that, and clinic.retry_delivery sends it. Errors: no_context, forbidden, key_unavailable, 22004, 22023.';

CREATE FUNCTION clinic.finish_delivery(
    delivery_id uuid,
    http_status integer DEFAULT NULL,
    error text DEFAULT NULL,
    attempt integer DEFAULT NULL)
    RETURNS text
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict use_column -- "error" would be read as the argument of that name
DECLARE
    tenant uuid := clinic_private.require_permission('outbox:deliver');
    present record;
    new_status text;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('delivery_id', finish_delivery.delivery_id));
    IF finish_delivery.http_status NOT BETWEEN 100 AND 599 THEN
        PERFORM clinic_private.refuse_argument('http_status', 'http_status must be between 100 and 599',
            hint => 'Leave it null when there was no answer.');
    END IF;
    IF finish_delivery.http_status IS NULL AND finish_delivery.error IS NULL THEN
        PERFORM clinic_private.refuse_argument('http_status, error', 'either http_status or error is needed');
    END IF;
    SELECT d.status, d.claimed_until, d.attempts INTO present
    FROM clinic_data.deliveries AS d
    WHERE d.tenant_id = tenant AND d.delivery_id = finish_delivery.delivery_id
    FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found', format('delivery "%s" does not exist', finish_delivery.delivery_id),
            jsonb_build_object('delivery_id', finish_delivery.delivery_id));
    END IF;
    IF present.status <> 'waiting' OR present.claimed_until IS NULL
       OR coalesce(finish_delivery.attempt <> present.attempts, false)
    THEN
        PERFORM clinic_private.raise_error('bad_transition', format('delivery "%s" is not claimed', finish_delivery.delivery_id),
            jsonb_build_object('delivery_id', finish_delivery.delivery_id, 'status', present.status, 'attempts', present.attempts),
            'Claim it with clinic.claim_deliveries; a lease that is over may be somebody else''s.');
    END IF;

    new_status := CASE WHEN finish_delivery.error IS NULL AND finish_delivery.http_status BETWEEN 200 AND 299 THEN 'delivered'
                       -- 410: the receiver wants none of it any more.
                       WHEN finish_delivery.http_status = 410 OR present.attempts >= clinic_private.max_delivery_attempts() THEN 'dead'
                       ELSE 'waiting' END;
    UPDATE clinic_data.deliveries AS d
    SET status = new_status,
        claimed_until = NULL,
        http_status = finish_delivery.http_status,
        last_error = CASE new_status WHEN 'delivered' THEN NULL
                                     ELSE left(coalesce(finish_delivery.error, 'status ' || finish_delivery.http_status), 500) END,
        due_at = CASE new_status WHEN 'waiting' THEN clinic.now() + clinic_private.delivery_pause(present.attempts) ELSE d.due_at END,
        done_at = CASE new_status WHEN 'waiting' THEN NULL ELSE clinic.now() END
    WHERE d.tenant_id = tenant AND d.delivery_id = finish_delivery.delivery_id;
    RETURN new_status;
END
$$;
ALTER FUNCTION clinic.finish_delivery OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.finish_delivery FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.finish_delivery TO clinic_user;
COMMENT ON FUNCTION clinic.finish_delivery IS
    'Says how a claimed request was answered, and returns its status: delivered (200 to 299), waiting (for the next attempt: after half a minute, then
twice as long each time, six hours at most) or dead (410, or twelve attempts made; clinic.retry_delivery tries again). Needs outbox:deliver.
http_status: of the answer, null for none; error: what went wrong, null for nothing; the first 500 characters are kept; attempt: attempts as claimed,
to be refused when the lease was over and somebody else has claimed it since.
Errors: no_context, forbidden, not_found, bad_transition for one that is not claimed, 22004, 22023.';

CREATE FUNCTION clinic.retry_delivery(delivery_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('setup:write');
    present record;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('delivery_id', retry_delivery.delivery_id));
    SELECT d.status, d.claimed_until, s.status AS subscription_status INTO present
    FROM clinic_data.deliveries AS d
    JOIN clinic_data.subscriptions AS s ON s.tenant_id = d.tenant_id AND s.subscription_id = d.subscription_id
    WHERE d.tenant_id = tenant AND d.delivery_id = retry_delivery.delivery_id
    FOR UPDATE OF d FOR SHARE OF s;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found', format('delivery "%s" does not exist', retry_delivery.delivery_id),
            jsonb_build_object('delivery_id', retry_delivery.delivery_id));
    END IF;
    IF present.status = 'delivered' OR present.subscription_status = 'deleted'
       OR present.status = 'waiting' AND coalesce(present.claimed_until > clinic.now(), false)
    THEN
        PERFORM clinic_private.raise_error('bad_transition',
            CASE WHEN present.subscription_status = 'deleted' THEN format('the subscription of delivery "%s" is deleted', retry_delivery.delivery_id)
                 WHEN present.status = 'delivered' THEN format('delivery "%s" is delivered', retry_delivery.delivery_id)
                 ELSE format('delivery "%s" is being sent', retry_delivery.delivery_id) END,
            jsonb_build_object('delivery_id', retry_delivery.delivery_id, 'status', present.status));
    END IF;
    UPDATE clinic_data.deliveries AS d
    SET status = 'waiting', attempts = 0, due_at = clinic.now(), claimed_until = NULL, done_at = NULL
    WHERE d.tenant_id = tenant AND d.delivery_id = retry_delivery.delivery_id;
END
$$;
ALTER FUNCTION clinic.retry_delivery OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.retry_delivery FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.retry_delivery TO clinic_user;
COMMENT ON FUNCTION clinic.retry_delivery IS
    'Lets a delivery that was given up, or waits for its next attempt, be sent now, with all attempts before it. Needs setup:write.
Later events of its subject that were sent meanwhile are not sent again: receivers tell the order by X-Clinic-Sequence.
Errors: no_context, forbidden, not_found, bad_transition for one that is delivered, being sent, or of a deleted subscription, 22004.';
