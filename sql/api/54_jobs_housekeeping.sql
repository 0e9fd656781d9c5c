-- Jobs of housekeeping: what has expired, what is kept no longer, what is counted for reports. Each deals with the tenant of the context,
-- whose actor is the system, a bounded number of rows at a time.

CREATE FUNCTION clinic_private.sweep_claims_job()
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    dead uuid[];
    swept record;
    deleted bigint;
    done bigint := 0;
BEGIN
    -- As a change of an appointment does: the rows first, then their resources, all at once. Rows that somebody is changing are passed over.
    SELECT array_agg(e.appointment_id) INTO dead
    FROM (SELECT a.appointment_id
          FROM clinic_data.appointments AS a
          WHERE a.tenant_id = tenant AND a.expires_at <= clinic.now()
          ORDER BY a.expires_at, a.appointment_id
          LIMIT 500
          FOR UPDATE SKIP LOCKED) AS e;
    IF dead IS NOT NULL THEN
        PERFORM clinic_private.lock_resources(tenant, array_agg(u.resource_id))
        FROM (SELECT c.resource_id
              FROM clinic_data.claims AS c
              WHERE c.tenant_id = tenant AND c.appointment_id = ANY (dead)
              UNION
              SELECT a.session_id
              FROM clinic_data.appointments AS a
              WHERE a.tenant_id = tenant AND a.appointment_id = ANY (dead) AND a.session_id IS NOT NULL
              UNION
              SELECT o.resource_id
              FROM (SELECT DISTINCT a.provider_id, a.location_id
                    FROM clinic_data.appointments AS a
                    WHERE a.tenant_id = tenant AND a.appointment_id = ANY (dead) AND a.ends_at > clinic.now()) AS p
              CROSS JOIN LATERAL clinic_private.lockable_for_offers(p.provider_id, p.location_id) AS o (resource_id)) AS u
        HAVING count(*) > 0;
        FOR swept IN
            UPDATE clinic_data.appointments AS a
            SET status = 'cancelled',
                status_before = a.status,
                status_reason = CASE a.status WHEN 'held' THEN 'hold_expired' ELSE 'approval_expired' END,
                cancel_reason = CASE a.status WHEN 'held' THEN 'hold_expired' ELSE 'approval_expired' END,
                cancelled_at = clinic.now(),
                expires_at = NULL
            WHERE a.tenant_id = tenant AND a.appointment_id = ANY (dead)
            RETURNING a.appointment_id, a.service_id, a.provider_id, a.location_id, a.starts_at, a.ends_at, a.session_id
        LOOP
            DELETE FROM clinic_data.claims AS c
            WHERE c.tenant_id = tenant AND c.appointment_id = swept.appointment_id;
            -- Of a seat the time is the session's still.
            IF swept.ends_at > clinic.now() AND swept.session_id IS NULL THEN
                PERFORM clinic_private.time_freed(swept.appointment_id, swept.service_id, swept.provider_id, swept.location_id,
                    swept.starts_at, swept.ends_at);
            END IF;
            done := done + 1;
        END LOOP;
    END IF;

    -- Materialized: a plan made before there are statistics would look for the old ones again for each claim.
    WITH old AS MATERIALIZED (
        SELECT o.claim_id
        FROM clinic_data.claims AS o
        JOIN clinic_data.tenants AS t ON t.tenant_id = o.tenant_id
        WHERE o.tenant_id = tenant
          AND (o.expires_at <= clinic.now() OR o.ends_at <= clinic.now() - make_interval(days => t.keep_claims_days)
                                               AND upper(o.during) <= clinic.now() - make_interval(days => t.keep_claims_days))
        LIMIT 10000
        FOR UPDATE OF o SKIP LOCKED)
    DELETE FROM clinic_data.claims AS c
    USING old
    WHERE c.tenant_id = tenant AND c.claim_id = old.claim_id;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN done + deleted;
END
$$;
COMMENT ON FUNCTION clinic_private.sweep_claims_job() IS
    'Job: cancels holds (hold_expired) and requests (approval_expired) that are dead, up to 500, tells the waitlist of their time, and deletes claims
that are dead or of visits long past, up to 10000. What it does not get to is dead all the same.';
REVOKE ALL ON FUNCTION clinic_private.sweep_claims_job FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.sweep_claims_job TO clinic_owner;

CREATE FUNCTION clinic_private.retention_job()
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    v_now timestamptz := clinic.now();
    keep record;
    batch constant integer := 10000;
    deleted bigint;
    done bigint := 0;
BEGIN
    SELECT v_now - make_interval(days => t.keep_deliveries_days) AS deliveries_before,
           v_now - make_interval(days => t.keep_messages_days) AS messages_before,
           v_now - make_interval(days => t.keep_sign_in_events_days) AS sign_ins_before,
           v_now - make_interval(days => t.keep_holds_days) AS holds_before,
           t.consumes_events
    INTO keep
    FROM clinic_data.tenants AS t
    WHERE t.tenant_id = tenant;

    DELETE FROM clinic_data.idempotency_keys AS k
    WHERE k.tenant_id = tenant AND (k.caller_id, k.key_hash) IN (
        SELECT o.caller_id, o.key_hash FROM clinic_data.idempotency_keys AS o
        WHERE o.tenant_id = tenant AND o.expires_at <= v_now
        ORDER BY o.expires_at
        LIMIT batch);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    done := done + deleted;

    -- Arrays, so that the rows are found by their keys: a join would be by hashing all there are, of every tenant.
    DELETE FROM clinic_data.holds AS h
    WHERE h.tenant_id = tenant AND h.appointment_id = ANY (ARRAY(
        SELECT o.appointment_id FROM clinic_data.holds AS o
        JOIN clinic_data.appointments AS a ON a.tenant_id = o.tenant_id AND a.appointment_id = o.appointment_id
        WHERE o.tenant_id = tenant AND o.first_held_at <= keep.holds_before AND a.status <> 'held'
        LIMIT batch));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    done := done + deleted;

    DELETE FROM clinic_data.outbox AS m
    WHERE m.tenant_id = tenant AND m.message_id = ANY (ARRAY(
        SELECT o.message_id FROM clinic_data.outbox AS o
        WHERE o.tenant_id = tenant AND o.status <> 'waiting' AND o.done_at <= keep.messages_before
        ORDER BY o.done_at
        LIMIT batch));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    done := done + deleted;

    -- The ids of both are times.
    DELETE FROM clinic_data.sign_in_events AS e
    WHERE e.tenant_id = tenant AND e.event_id = ANY (ARRAY(
        SELECT o.event_id FROM clinic_data.sign_in_events AS o
        WHERE o.tenant_id = tenant AND o.event_id < clinic.uuid_floor(keep.sign_ins_before) AND o.occurred_at <= keep.sign_ins_before
        ORDER BY o.event_id
        LIMIT batch));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    done := done + deleted;

    DELETE FROM clinic_data.deliveries AS d
    WHERE d.tenant_id = tenant AND d.delivery_id = ANY (ARRAY(
        SELECT o.delivery_id FROM clinic_data.deliveries AS o
        WHERE o.tenant_id = tenant AND o.delivery_id < clinic.uuid_floor(keep.deliveries_before)
          AND coalesce(o.done_at, o.created_at) <= keep.deliveries_before AND coalesce(o.claimed_until <= v_now, true)
        ORDER BY o.delivery_id
        LIMIT batch));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    done := done + deleted;

    DELETE FROM clinic_data.one_time_codes AS c
    WHERE c.tenant_id = tenant AND c.code_id IN (
        SELECT o.code_id FROM clinic_data.one_time_codes AS o
        WHERE o.tenant_id = tenant AND o.expires_at <= v_now - interval '1 day'
        LIMIT batch);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    done := done + deleted;

    -- Clocks may differ by a minute.
    DELETE FROM clinic_data.revoked_tokens AS r
    WHERE r.tenant_id = tenant AND r.jti IN (
        SELECT o.jti FROM clinic_data.revoked_tokens AS o
        WHERE o.tenant_id = tenant AND o.expires_at <= v_now - interval '1 day'
        LIMIT batch);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    done := done + deleted;

    IF NOT keep.consumes_events THEN
        DELETE FROM clinic_data.queued_events AS q
        WHERE q.tenant_id = tenant AND q.event_id IN (
            SELECT o.event_id FROM clinic_data.queued_events AS o WHERE o.tenant_id = tenant LIMIT batch);
        GET DIAGNOSTICS deleted = ROW_COUNT;
        done := done + deleted;
    END IF;
    RETURN done;
END
$$;
COMMENT ON FUNCTION clinic_private.retention_job() IS
    'Job: deletes what the tenant keeps no longer, up to 10000 rows of each kind: idempotency keys that have expired, tokens of holds (keep_holds_days),
messages of the outbox that are done (keep_messages_days), the record of signing in (keep_sign_in_events_days), deliveries (keep_deliveries_days), codes and revoked
tokens a day after they expire, queued events of a tenant without consumer. Events themselves stay.';
REVOKE ALL ON FUNCTION clinic_private.retention_job FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.retention_job TO clinic_owner;

CREATE FUNCTION clinic_private.daily_snapshot_job()
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    place record;
    from_on date;
    until_on date;
    changed bigint;
    done bigint := 0;
BEGIN
    FOR place IN
        SELECT l.location_id, l.time_zone::text AS time_zone, clinic_private.today_in(l.time_zone) - 1 AS yesterday
        FROM clinic_data.locations AS l
        WHERE l.tenant_id = tenant
        ORDER BY l.location_id
    LOOP
        -- The last week again; and from where the last snapshot ended, or from the first visit on, a season at a time.
        SELECT max(d.on_date) + 1 INTO from_on
        FROM clinic_data.daily_counts AS d
        WHERE d.tenant_id = tenant AND d.location_id = place.location_id;
        IF from_on IS NULL THEN
            SELECT (min(a.starts_at) AT TIME ZONE place.time_zone)::date INTO from_on
            FROM clinic_data.appointments AS a
            WHERE a.tenant_id = tenant AND a.location_id = place.location_id;
        END IF;
        CONTINUE WHEN from_on IS NULL;
        -- A stretch without visits leaves no row: the next visit tells where to go on.
        SELECT greatest(from_on, (min(a.starts_at) AT TIME ZONE place.time_zone)::date) INTO from_on
        FROM clinic_data.appointments AS a
        WHERE a.tenant_id = tenant AND a.location_id = place.location_id AND a.starts_at >= from_on::timestamp AT TIME ZONE place.time_zone;
        from_on := least(coalesce(from_on, place.yesterday), place.yesterday - 6);
        until_on := least(place.yesterday, from_on + 91);

        WITH wanted AS MATERIALIZED (
            SELECT (a.starts_at AT TIME ZONE place.time_zone)::date AS on_date, a.provider_id, a.service_id, a.status,
                   count(*)::integer AS appointments,
                   (sum(extract(epoch FROM a.ends_at - a.starts_at)) / 60)::integer AS minutes,
                   count(*) FILTER (WHERE a.late_cancellation)::integer AS late_cancellations,
                   count(*) FILTER (WHERE a.overbooked)::integer AS overbooked
            FROM clinic_data.appointments AS a
            WHERE a.tenant_id = tenant AND a.location_id = place.location_id
              AND a.starts_at >= from_on::timestamp AT TIME ZONE place.time_zone
              AND a.starts_at < (until_on + 1)::timestamp AT TIME ZONE place.time_zone
            GROUP BY 1, 2, 3, 4),
        gone AS (
            DELETE FROM clinic_data.daily_counts AS d
            WHERE d.tenant_id = tenant AND d.location_id = place.location_id AND d.on_date BETWEEN from_on AND until_on
              AND NOT EXISTS (
                  SELECT FROM wanted AS w
                  WHERE w.on_date = d.on_date AND w.provider_id = d.provider_id AND w.service_id = d.service_id AND w.status = d.status)
            RETURNING 1),
        written AS (
            INSERT INTO clinic_data.daily_counts AS d (tenant_id, on_date, location_id, provider_id, service_id, status, appointments, minutes,
                                                       late_cancellations, overbooked, taken_at)
            SELECT tenant, w.on_date, place.location_id, w.provider_id, w.service_id, w.status, w.appointments, w.minutes, w.late_cancellations,
                   w.overbooked, clinic.now()
            FROM wanted AS w
            ON CONFLICT ON CONSTRAINT daily_counts_pkey DO UPDATE
            SET appointments = excluded.appointments,
                minutes = excluded.minutes,
                late_cancellations = excluded.late_cancellations,
                overbooked = excluded.overbooked,
                taken_at = excluded.taken_at
            WHERE (d.appointments, d.minutes, d.late_cancellations, d.overbooked)
                  <> (excluded.appointments, excluded.minutes, excluded.late_cancellations, excluded.overbooked)
            RETURNING 1)
        SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM written) INTO changed;
        done := done + changed;
    END LOOP;
    RETURN done;
END
$$;
COMMENT ON FUNCTION clinic_private.daily_snapshot_job() IS
    'Job: counts the visits of each local day that is over, by location, provider, service and status, and returns how many counts were new or
other than before. The last seven days are counted anew each time; days that were never counted, 92 at a time.';
REVOKE ALL ON FUNCTION clinic_private.daily_snapshot_job FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.daily_snapshot_job TO clinic_owner;
