-- The outbox: programs claim the messages that are due, send them, and say how it went. A claim is a lease: a program that dies
-- in between leaves its messages to the next one, so a message may be sent twice, never none. Whatever is done, given up or
-- expired keeps neither destination nor payload.

CREATE FUNCTION clinic_private.max_message_attempts()
    RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN 10;
COMMENT ON FUNCTION clinic_private.max_message_attempts() IS 'How often a message is claimed before it is given up.';
REVOKE ALL ON FUNCTION clinic_private.max_message_attempts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.max_message_attempts TO clinic_owner;

CREATE FUNCTION clinic_private.require_claim(max_argument text, at_most integer, lease_seconds integer)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(require_claim.max_argument, require_claim.at_most,
        'lease_seconds', require_claim.lease_seconds));
    IF require_claim.at_most NOT BETWEEN 1 AND 1000 THEN
        PERFORM clinic_private.refuse_argument(require_claim.max_argument, format('%s must be between 1 and 1000', require_claim.max_argument));
    END IF;
    IF require_claim.lease_seconds NOT BETWEEN 1 AND 3600 THEN
        PERFORM clinic_private.refuse_argument('lease_seconds', 'lease_seconds must be between 1 and 3600 (an hour)');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_claim(text, integer, integer) IS
    'Refuses to claim less than one or more than 1000, and leases other than of a second to an hour. Errors: 22004, 22023.';
REVOKE ALL ON FUNCTION clinic_private.require_claim FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_claim TO clinic_owner;

CREATE FUNCTION clinic_private.require_message_claim(max_messages integer, lease_seconds integer, channels text[])
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.require_claim('max_messages', require_message_claim.max_messages, require_message_claim.lease_seconds);
    IF NOT require_message_claim.channels <@ '{sms,email,push,voice,whatsapp,webhook}' THEN
        PERFORM clinic_private.refuse_argument('channels', 'channels must be of sms, email, push, voice, whatsapp and webhook',
            hint => 'Leave it null for all.');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_message_claim(integer, integer, text[]) IS
    'Refuses arguments of a claim of messages that are out of bounds. Errors: 22004, 22023.';
REVOKE ALL ON FUNCTION clinic_private.require_message_claim FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_message_claim TO clinic_owner;

CREATE FUNCTION clinic_private.claim_outbox(tenant_id uuid, max_messages integer, lease_seconds integer, channels text[], topics text)
    RETURNS TABLE (message_id uuid, topic text, channel text, destination text, payload jsonb, created_at timestamptz,
                   expires_at timestamptz, claimed_until timestamptz, attempts integer)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 10
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    chosen uuid[];
BEGIN
    -- What nobody may send any more, and what every program that claimed it has failed at.
    WITH dead AS MATERIALIZED (
        SELECT d.message_id
        FROM clinic_data.outbox AS d
        WHERE d.tenant_id = claim_outbox.tenant_id AND d.status = 'waiting' AND d.due_at <= clinic.now()
          AND coalesce(d.claimed_until <= clinic.now(), true)
          AND (d.expires_at <= clinic.now() OR d.attempts >= clinic_private.max_message_attempts())
        ORDER BY d.due_at
        LIMIT 1000
        FOR UPDATE SKIP LOCKED)
    UPDATE clinic_data.outbox AS o
    SET status = CASE WHEN o.expires_at <= clinic.now() THEN 'expired' ELSE 'failed' END,
        done_at = clinic.now(), claimed_until = NULL, destination = NULL, payload = NULL
    FROM dead
    WHERE o.tenant_id = claim_outbox.tenant_id AND o.message_id = dead.message_id;

    -- Until there is something to send, or nothing left.
    LOOP
        chosen := ARRAY(
            SELECT d.message_id
            FROM clinic_data.outbox AS d
            WHERE d.tenant_id = claim_outbox.tenant_id AND d.status = 'waiting' AND d.due_at <= clinic.now()
              AND coalesce(d.claimed_until <= clinic.now(), true)
              AND coalesce(d.expires_at > clinic.now(), true)
              AND d.attempts < clinic_private.max_message_attempts()
              AND coalesce(d.channel = ANY (claim_outbox.channels), true)
              AND d.topic LIKE claim_outbox.topics
            ORDER BY d.due_at, d.message_id
            LIMIT claim_outbox.max_messages
            FOR UPDATE SKIP LOCKED);
        EXIT WHEN chosen = '{}';
        UPDATE clinic_data.outbox AS o
        SET status = 'failed', last_error = 'decryption_failed', done_at = clinic.now(), claimed_until = NULL, destination = NULL, payload = NULL
        WHERE o.tenant_id = claim_outbox.tenant_id AND o.message_id = ANY (chosen)
          AND (o.destination IS NOT NULL
                   AND clinic_private.opened_kept_secret(o.destination, clinic_private.secret_place('outbox', o.message_id::text, 'destination')) IS NULL
               OR o.payload IS NOT NULL
                   AND clinic_private.opened_kept_secret(o.payload, clinic_private.secret_place('outbox', o.message_id::text, 'payload')) IS NULL);
        RETURN QUERY
        WITH claimed AS (
            UPDATE clinic_data.outbox AS o
            SET claimed_until = clinic.now() + make_interval(secs => claim_outbox.lease_seconds), attempts = o.attempts + 1
            WHERE o.tenant_id = claim_outbox.tenant_id AND o.message_id = ANY (chosen) AND o.status = 'waiting'
            RETURNING o.message_id, o.topic, o.channel, o.destination, o.payload, o.created_at, o.expires_at, o.claimed_until, o.attempts,
                      o.due_at)
        SELECT c.message_id, c.topic, c.channel,
               clinic_private.open_kept_secret(c.destination, clinic_private.secret_place('outbox', c.message_id::text, 'destination')),
               clinic_private.open_kept_secret(c.payload, clinic_private.secret_place('outbox', c.message_id::text, 'payload'))::jsonb,
               c.created_at, c.expires_at, c.claimed_until, c.attempts
        FROM claimed AS c
        ORDER BY c.due_at, c.message_id;
        EXIT WHEN FOUND;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clinic_private.claim_outbox(uuid, integer, integer, text[], text) IS
    'Claims messages of the outbox that are due, as clinic.claim_messages says. topics: a pattern of LIKE. One that does not open fails, and keeps
nobody from the others. Errors: key_unavailable.';
REVOKE ALL ON FUNCTION clinic_private.claim_outbox FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.claim_outbox TO clinic_owner;

CREATE FUNCTION clinic.claim_messages(max_messages integer DEFAULT 10, lease_seconds integer DEFAULT 60, channels text[] DEFAULT NULL)
    RETURNS TABLE (message_id uuid, topic text, channel text, destination text, payload jsonb, created_at timestamptz,
                   expires_at timestamptz, claimed_until timestamptz, attempts integer)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 10 SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('outbox:deliver');
BEGIN
    PERFORM clinic_private.require_message_claim(claim_messages.max_messages, claim_messages.lease_seconds, claim_messages.channels);
    PERFORM clinic_private.queue_due_notifications(tenant, claim_messages.max_messages, claim_messages.channels);
    RETURN QUERY
    SELECT c.message_id, c.topic, c.channel, c.destination, c.payload, c.created_at, c.expires_at, c.claimed_until, c.attempts
    FROM clinic_private.claim_outbox(tenant, claim_messages.max_messages, claim_messages.lease_seconds, claim_messages.channels, '%') AS c;
END
$$;
ALTER FUNCTION clinic.claim_messages OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.claim_messages FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.claim_messages TO clinic_user;
COMMENT ON FUNCTION clinic.claim_messages IS
    'Claims messages that are due, the oldest first, for sending; commit before sending. Needs outbox:deliver.
Reminders and other notifications that are due are among them. max_messages: 1 to 1000; lease_seconds: how long nobody else gets them, 1 to
3600; channels: of sms, email, push, voice, whatsapp and webhook, by default all. Say with clinic.finish_message how it went. attempts: how often the message was claimed, this time included; after ten it is
given up. Programs that claim at once get different messages. Call it again until it returns nothing. A message that does not open, since somebody damaged or
moved it, is none of them: it has failed, with the last_error decryption_failed.
Errors: no_context, forbidden, key_unavailable, 22004, 22023.';

CREATE FUNCTION clinic.finish_message(message_id uuid, error text DEFAULT NULL, retry_in_seconds integer DEFAULT NULL)
    RETURNS text
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict use_column -- "error" would be read as the argument of that name
DECLARE
    tenant uuid := clinic_private.require_permission('outbox:deliver');
    message record;
    new_status text := 'sent';
    next_at timestamptz;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('message_id', finish_message.message_id));
    IF finish_message.retry_in_seconds NOT BETWEEN 0 AND 86400 THEN
        PERFORM clinic_private.refuse_argument('retry_in_seconds', 'retry_in_seconds must be between 0 and 86400 (a day)');
    END IF;
    SELECT o.status, o.claimed_until, o.attempts, o.expires_at INTO message
    FROM clinic_data.outbox AS o
    WHERE o.tenant_id = tenant AND o.message_id = finish_message.message_id
    FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found', format('message "%s" does not exist', finish_message.message_id),
            jsonb_build_object('message_id', finish_message.message_id));
    END IF;
    IF message.status <> 'waiting' OR message.claimed_until IS NULL THEN
        PERFORM clinic_private.raise_error('bad_transition', format('message "%s" is not claimed', finish_message.message_id),
            jsonb_build_object('message_id', finish_message.message_id, 'status', message.status), 'Claim it with clinic.claim_messages.');
    END IF;

    IF finish_message.error IS NOT NULL THEN
        -- Half a minute, doubled with each attempt, at most an hour.
        next_at := clinic.now() + make_interval(secs => coalesce(finish_message.retry_in_seconds,
            least(3600, 30 * 2 ^ (message.attempts - 1))));
        new_status := CASE WHEN message.attempts >= clinic_private.max_message_attempts() THEN 'failed'
                           WHEN message.expires_at <= next_at THEN 'expired'
                           ELSE 'waiting' END;
    END IF;
    UPDATE clinic_data.outbox AS o
    SET status = new_status,
        claimed_until = NULL,
        last_error = left(finish_message.error, 500),
        due_at = CASE new_status WHEN 'waiting' THEN next_at ELSE o.due_at END,
        done_at = CASE new_status WHEN 'waiting' THEN NULL ELSE clinic.now() END,
        destination = CASE new_status WHEN 'waiting' THEN o.destination END,
        payload = CASE new_status WHEN 'waiting' THEN o.payload END
    WHERE o.tenant_id = tenant AND o.message_id = finish_message.message_id;
    RETURN new_status;
END
$$;
ALTER FUNCTION clinic.finish_message OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.finish_message FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.finish_message TO clinic_user;
COMMENT ON FUNCTION clinic.finish_message IS
    'Says how sending a claimed message went, and returns its status: sent, waiting (for the next attempt), failed (ten attempts made) or
expired (the next attempt would come too late). All but waiting erase destination and payload. Needs outbox:deliver.
error: null for a message that was sent, else what went wrong, without the destination; the first 500 characters are kept;
retry_in_seconds: when to try again, 0 to 86400, by default half a minute, doubled with each attempt up to an hour.
Errors: no_context, forbidden, not_found, bad_transition for a message that is not claimed, 22004, 22023.';
