-- The waitlist's queue: who is next for time that is free, offering it, and passing on what nobody took.
--
-- Offered time is a row of waitlist_slots; its claims (kind offer) keep it from everybody else until their deadline. Whatever
-- makes offers holds the locks of the provider and of the rooms, and an entry's row, before it looks; an entry whose row
-- somebody else holds is being dealt with right now and is passed over, so that two queues never wait for each other. All of it runs
-- as the engine itself (clinic_private.become_system): who frees time sees nothing of those to whom it is offered.

CREATE FUNCTION clinic_private.lockable_for_offers(provider_id uuid, location_id uuid)
    RETURNS SETOF uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF NOT clinic_private.anybody_waits() THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT DISTINCT r.resource_id
    FROM clinic_data.service_providers AS sp
    JOIN clinic_data.service_resources AS sr ON sr.tenant_id = sp.tenant_id AND sr.service_id = sp.service_id
    JOIN clinic_data.resources AS r ON r.tenant_id = sr.tenant_id AND r.resource_class = sr.resource_class
    WHERE sp.tenant_id = clinic.current_tenant_id()
      AND sp.provider_id = lockable_for_offers.provider_id
      AND r.location_id = lockable_for_offers.location_id
      AND r.kind IN ('room', 'device');
END
$$;
COMMENT ON FUNCTION clinic_private.lockable_for_offers(uuid, uuid) IS
    'Which resources an offer of freed time may claim: the engine locks them together with those of the appointment that frees it.
The rooms and devices that the provider''s services use at the location; none while nobody waits.';
REVOKE ALL ON FUNCTION clinic_private.lockable_for_offers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lockable_for_offers TO clinic_owner;

CREATE FUNCTION clinic_private.is_wanted_time(weekdays integer[], times_of_day text[], local_date date, local_time time)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN (is_wanted_time.weekdays IS NULL OR extract(isodow FROM is_wanted_time.local_date)::integer = ANY (is_wanted_time.weekdays))
   AND (is_wanted_time.times_of_day IS NULL OR EXISTS (
        SELECT FROM unnest(is_wanted_time.times_of_day) AS w (span)
        CROSS JOIN LATERAL (SELECT split_part(w.span, '-', 1)::time AS from_time, split_part(w.span, '-', 2)::time AS until_time) AS t
        WHERE CASE WHEN t.from_time < t.until_time
                   THEN is_wanted_time.local_time >= t.from_time AND is_wanted_time.local_time < t.until_time
                   -- Across midnight.
                   ELSE is_wanted_time.local_time >= t.from_time OR is_wanted_time.local_time < t.until_time END));
COMMENT ON FUNCTION clinic_private.is_wanted_time(integer[], text[], date, time) IS
    'Whether a start is on one of the weekdays and within one of the times of day of an entry; null: any.';
REVOKE ALL ON FUNCTION clinic_private.is_wanted_time FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.is_wanted_time TO clinic_owner;

CREATE FUNCTION clinic_private.offer_deadline(service_id uuid, starts_at timestamptz, time_zone text, minutes integer DEFAULT NULL)
    RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT least(clinic.now() + make_interval(mins => coalesce(offer_deadline.minutes, t.offer_minutes)),
                 offer_deadline.starts_at - make_interval(mins => s.lead_time_minutes),
                 CASE WHEN NOT s.same_day
                      THEN (offer_deadline.starts_at AT TIME ZONE offer_deadline.time_zone)::date::timestamp
                           AT TIME ZONE offer_deadline.time_zone END)
    FROM clinic_data.services AS s
    JOIN clinic_data.tenants AS t ON t.tenant_id = s.tenant_id
    WHERE s.tenant_id = clinic.current_tenant_id() AND s.service_id = offer_deadline.service_id
$$;
COMMENT ON FUNCTION clinic_private.offer_deadline(uuid, timestamptz, text, integer) IS
    'When an offer made now ends: after the tenant''s offer_minutes (or minutes), or when the lead time of its start begins. Not after now: none
can be made any more.';
REVOKE ALL ON FUNCTION clinic_private.offer_deadline FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.offer_deadline TO clinic_owner;

CREATE FUNCTION clinic_private.is_offered_meanwhile(patient_id uuid, starts_at timestamptz, ends_at timestamptz)
    RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    RETURN EXISTS (
        SELECT FROM clinic_data.waitlist_offers AS o
        WHERE o.tenant_id = clinic.current_tenant_id() AND o.patient_id = is_offered_meanwhile.patient_id
          AND o.status = 'open' AND o.expires_at > clinic.now()
          AND o.starts_at < is_offered_meanwhile.ends_at AND o.ends_at > is_offered_meanwhile.starts_at);
END
$$;
COMMENT ON FUNCTION clinic_private.is_offered_meanwhile(uuid, timestamptz, timestamptz) IS
    'Whether a patient has a standing offer that overlaps a time: nobody is offered two at once.';
REVOKE ALL ON FUNCTION clinic_private.is_offered_meanwhile FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.is_offered_meanwhile TO clinic_owner;

CREATE FUNCTION clinic_private.waitlist_queue(
    slot_id uuid,
    first_service_id uuid,
    provider_id uuid,
    location_id uuid,
    opened tstzmultirange,
    not_for uuid)
    RETURNS TABLE (
        entry_id uuid,
        service_id uuid,
        patient_id uuid,
        provider_id uuid,
        location_id uuid,
        from_on date,
        until_on date,
        weekdays integer[],
        times_of_day text[],
        party_size integer,
        releases_appointment_id uuid,
        releases_before timestamptz)
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT w.entry_id, w.service_id, w.patient_id, w.provider_id, w.location_id, w.from_on, w.until_on, w.weekdays, w.times_of_day,
           w.party_size, a.appointment_id, a.starts_at
    FROM clinic_data.waitlist_entries AS w
    LEFT JOIN clinic_data.appointments AS a
      ON a.tenant_id = w.tenant_id AND a.appointment_id = w.releases_appointment_id
         AND a.status IN ('held', 'pending', 'booked', 'confirmed') AND (a.expires_at IS NULL OR a.expires_at > clinic.now())
    WHERE w.tenant_id = clinic.current_tenant_id()
      AND w.status = 'waiting'
      AND w.lapses_at > clinic.now()
      AND w.session_id IS NULL
      AND ($3 IS NULL OR w.provider_id IS NULL OR w.provider_id = $3)
      AND ($4 IS NULL OR w.location_id IS NULL OR w.location_id = $4)
      AND ($3 IS NULL OR EXISTS (
          SELECT FROM clinic_data.service_providers AS sp
          WHERE sp.tenant_id = w.tenant_id AND sp.service_id = w.service_id AND sp.provider_id = $3))
      AND w.patient_id IS DISTINCT FROM $6
      -- A day more on either side holds for every zone; the exact dates are those of the start.
      AND w.from_on <= (upper($5) AT TIME ZONE 'Etc/UTC')::date + 1
      AND w.until_on >= (lower($5) AT TIME ZONE 'Etc/UTC')::date - 1
      -- What is given up lies later than what is offered.
      AND (a.starts_at IS NULL OR a.starts_at > lower($5))
      AND NOT EXISTS (
          SELECT FROM clinic_data.waitlist_offers AS o
          WHERE o.tenant_id = w.tenant_id AND o.entry_id = w.entry_id
            AND (o.slot_id = $1 OR o.status = 'open' AND o.expires_at > clinic.now()))
      -- Who may not book could not accept.
      AND clinic_private.may_not_book_online(w.patient_id) IS NOT TRUE
    ORDER BY w.service_id IS NOT DISTINCT FROM $2 DESC, w.urgency DESC, w.joined_at, w.entry_id
$$;
COMMENT ON FUNCTION clinic_private.waitlist_queue(uuid, uuid, uuid, uuid, tstzmultirange, uuid) IS
    'Who may come into question for free time, in order: those who wait for the first service, then by urgency, then by when they joined.
Left out are entries that have a standing offer, that were offered the slot before or want seats of a session, and patients whom the policy on
no-shows keeps from booking. releases_before: start of the appointment that
would be given up, while it stands.';
REVOKE ALL ON FUNCTION clinic_private.waitlist_queue FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.waitlist_queue TO clinic_owner;

CREATE FUNCTION clinic_private.tell_waitlist(event text, subject_id uuid, sequence integer, data jsonb, patient_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.record_event(tell_waitlist.event, tell_waitlist.subject_id, tell_waitlist.sequence, tell_waitlist.data,
                                        tell_waitlist.patient_id);
END
$$;
COMMENT ON FUNCTION clinic_private.tell_waitlist(text, uuid, integer, jsonb, uuid) IS
    'Records what happened to an entry or an offer.';
REVOKE ALL ON FUNCTION clinic_private.tell_waitlist FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.tell_waitlist TO clinic_owner;

CREATE FUNCTION clinic_private.end_offer(offer_id uuid, status text)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    ended record;
BEGIN
    UPDATE clinic_data.waitlist_offers AS o
    SET status = end_offer.status, answered_at = clinic.now()
    WHERE o.tenant_id = clinic.current_tenant_id() AND o.offer_id = end_offer.offer_id AND o.status = 'open'
    RETURNING o.* INTO ended;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM clinic_private.tell_waitlist('waitlist.' || end_offer.status, ended.offer_id, ended.version,
        jsonb_build_object('entry_id', ended.entry_id, 'service_id', ended.service_id, 'provider_id', ended.provider_id,
                           'location_id', ended.location_id, 'starts_at', ended.starts_at), ended.patient_id);
    RETURN true;
END
$$;
COMMENT ON FUNCTION clinic_private.end_offer(uuid, text) IS
    'Ends an open offer as accepted, declined, expired, taken or withdrawn, and records it. False when it was over already.';
REVOKE ALL ON FUNCTION clinic_private.end_offer FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.end_offer TO clinic_owner;

CREATE FUNCTION clinic_private.take_entry(entry_id uuid, slot_id uuid, time_zone text, limited boolean DEFAULT true)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic.current_tenant_id();
    today timestamptz := clinic_private.today_in(take_entry.time_zone)::timestamp AT TIME ZONE take_entry.time_zone;
    entry record;
    settings record;
BEGIN
    SELECT w.patient_id, w.status, w.lapses_at INTO entry
    FROM clinic_data.waitlist_entries AS w
    WHERE w.tenant_id = tenant AND w.entry_id = take_entry.entry_id
    FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND OR entry.status <> 'waiting' OR entry.lapses_at <= clinic.now() THEN
        RETURN false;
    END IF;
    -- What has expired makes room, whether somebody has found it or not; its slot is passed on when its turn comes.
    PERFORM clinic_private.end_offer(o.offer_id, 'expired')
    FROM clinic_data.waitlist_offers AS o
    WHERE o.tenant_id = tenant AND o.entry_id = take_entry.entry_id AND o.status = 'open' AND o.expires_at <= clinic.now();
    IF EXISTS (SELECT FROM clinic_data.waitlist_offers AS o
               WHERE o.tenant_id = tenant AND o.entry_id = take_entry.entry_id
                 AND (o.status = 'open' OR o.slot_id = take_entry.slot_id)) THEN
        RETURN false;
    END IF;
    IF NOT take_entry.limited THEN
        RETURN true;
    END IF;
    SELECT t.offers_per_entry_day, t.offers_per_patient_day INTO settings
    FROM clinic_data.tenants AS t WHERE t.tenant_id = tenant;
    RETURN settings.offers_per_entry_day > (
               SELECT count(*) FROM clinic_data.waitlist_offers AS o
               WHERE o.tenant_id = tenant AND o.entry_id = take_entry.entry_id AND o.offered_at >= today)
       AND settings.offers_per_patient_day > (
               SELECT count(*) FROM clinic_data.waitlist_offers AS o
               WHERE o.tenant_id = tenant AND o.patient_id = entry.patient_id AND o.offered_at >= today);
END
$$;
COMMENT ON FUNCTION clinic_private.take_entry(uuid, uuid, text, boolean) IS
    'Takes the lock of an entry that is to get an offer. False when it cannot: somebody else deals with it, it waits no more, it has an offer, or it
(or its patient) has had as many today as the tenant allows. time_zone: of the day; limited: whether the day''s limits count.';
REVOKE ALL ON FUNCTION clinic_private.take_entry FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.take_entry TO clinic_owner;

CREATE FUNCTION clinic_private.claim_offer(
    slot_id uuid,
    entry_id uuid,
    provider_id uuid,
    location_id uuid,
    starts_at timestamptz,
    expires_at timestamptz,
    keep boolean)
    RETURNS timestamptz
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    entry record;
    until timestamptz;
BEGIN
    SELECT w.service_id, w.patient_id, w.party_size, w.releases_appointment_id INTO entry
    FROM clinic_data.waitlist_entries AS w
    WHERE w.tenant_id = clinic.current_tenant_id() AND w.entry_id = claim_offer.entry_id;
    SELECT c.ends_at INTO until
    FROM clinic_private.claim_for_owner(
        owner_id => claim_offer.slot_id, kind => 'offer', service_id => entry.service_id, patient_id => entry.patient_id,
        provider_id => claim_offer.provider_id, location_id => claim_offer.location_id, starts_at => claim_offer.starts_at,
        expires_at => claim_offer.expires_at, ignored => array_remove(ARRAY[entry.releases_appointment_id], NULL),
        seats => entry.party_size) AS c;
    IF NOT claim_offer.keep THEN
        -- Only asked: what was claimed is undone with this block.
        RAISE EXCEPTION SQLSTATE 'CLW01';
    END IF;
    RETURN until;
EXCEPTION
    WHEN SQLSTATE 'CLW01' THEN
        RETURN until;
    WHEN OTHERS THEN
        -- One of the engine's reasons: this patient cannot have it.
        IF SQLSTATE NOT LIKE 'CL%' THEN
            RAISE;
        END IF;
        RETURN NULL;
END
$$;
COMMENT ON FUNCTION clinic_private.claim_offer(uuid, uuid, uuid, uuid, timestamptz, timestamptz, boolean) IS
    'Claims a start for an entry''s patient, judged exactly as a booking, and returns the visit''s end; null when the patient cannot have it.
keep: false only asks.';
REVOKE ALL ON FUNCTION clinic_private.claim_offer FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.claim_offer TO clinic_owner;

CREATE FUNCTION clinic_private.write_offer(
    slot_id uuid,
    entry_id uuid,
    provider_id uuid,
    location_id uuid,
    starts_at timestamptz,
    ends_at timestamptz,
    expires_at timestamptz,
    session_id uuid DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic.current_tenant_id();
    new_id uuid := clinic.new_id();
    entry record;
    facts jsonb;
BEGIN
    SELECT w.service_id, w.patient_id INTO entry
    FROM clinic_data.waitlist_entries AS w WHERE w.tenant_id = tenant AND w.entry_id = write_offer.entry_id;
    INSERT INTO clinic_data.waitlist_offers AS o
        (tenant_id, offer_id, slot_id, entry_id, service_id, patient_id, provider_id, location_id, starts_at, ends_at, expires_at, offered_at,
         session_id)
    VALUES (tenant, new_id, write_offer.slot_id, write_offer.entry_id, entry.service_id, entry.patient_id, write_offer.provider_id,
            write_offer.location_id, write_offer.starts_at, write_offer.ends_at, write_offer.expires_at, clinic.now(), write_offer.session_id);
    facts := jsonb_build_object('service_id', entry.service_id, 'provider_id', write_offer.provider_id,
        'location_id', write_offer.location_id, 'starts_at', write_offer.starts_at, 'expires_at', write_offer.expires_at);
    PERFORM clinic_private.tell_waitlist('waitlist.offered', new_id, 1, facts || jsonb_strip_nulls(jsonb_build_object('entry_id', write_offer.entry_id, 'session_id', write_offer.session_id)),
                                         entry.patient_id);
    PERFORM clinic_private.queue_notification('waitlist_offer', entry.patient_id, NULL, facts || jsonb_build_object('offer_id', new_id,
        'time_zone', clinic_private.time_zone_of_location(write_offer.location_id)));
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION clinic_private.write_offer(uuid, uuid, uuid, uuid, timestamptz, timestamptz, timestamptz, uuid) IS
    'Writes an offer whose time, or whose seats of a session, are claimed, records it and tells the patient.';
REVOKE ALL ON FUNCTION clinic_private.write_offer FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.write_offer TO clinic_owner;

CREATE FUNCTION clinic_private.write_slot(
    slot_id uuid,
    cause text,
    mode text,
    freed_appointment_id uuid,
    service_id uuid,
    provider_id uuid,
    location_id uuid,
    range_start timestamptz,
    range_end timestamptz,
    expires_at timestamptz,
    session_id uuid DEFAULT NULL,
    opened_at timestamptz DEFAULT NULL)
    RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO clinic_data.waitlist_slots AS s
        (tenant_id, slot_id, cause, mode, freed_appointment_id, service_id, provider_id, location_id, opens_at, closes_at, expires_at,
         opened_at, session_id)
    VALUES (clinic.current_tenant_id(), write_slot.slot_id, write_slot.cause, write_slot.mode, write_slot.freed_appointment_id,
            write_slot.service_id, write_slot.provider_id, write_slot.location_id, write_slot.range_start, write_slot.range_end,
            write_slot.expires_at, coalesce(write_slot.opened_at, clinic.now()), write_slot.session_id)
    -- Offered further.
    ON CONFLICT ON CONSTRAINT waitlist_slots_pkey DO UPDATE SET mode = excluded.mode, expires_at = excluded.expires_at
$$;
COMMENT ON FUNCTION clinic_private.write_slot(uuid, text, text, uuid, uuid, uuid, uuid, timestamptz, timestamptz, timestamptz, uuid, timestamptz) IS
    'Writes time that is offered, or its new deadline and mode when it is offered further. session_id: seats of it; opened_at: by default now.';
REVOKE ALL ON FUNCTION clinic_private.write_slot FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.write_slot TO clinic_owner;

CREATE FUNCTION clinic_private.make_offers(
    slot_id uuid,
    cause text,
    freed_appointment_id uuid,
    service_id uuid,
    provider_id uuid,
    location_id uuid,
    opened tstzmultirange,
    not_for uuid,
    most integer)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic.current_tenant_id();
    settings record;
    service record;
    entry record;
    start record;
    other record;
    range_start timestamptz;
    range_end timestamptz;
    deadline timestamptz;
    until timestamptz;
    slot uuid;
    shared integer;
    made integer := 0;
    seen uuid[] := '{}';
    full_services uuid[] := '{}';
BEGIN
    SELECT t.waitlist_mode, t.broadcast_size, t.offers_per_slot,
           t.offers_per_slot - (SELECT count(*) FROM clinic_data.waitlist_offers AS o
                                WHERE o.tenant_id = tenant AND o.slot_id = make_offers.slot_id) AS left_for_slot
    INTO settings
    FROM clinic_data.tenants AS t WHERE t.tenant_id = tenant;
    IF make_offers.slot_id IS NOT NULL AND settings.left_for_slot <= 0 THEN
        RETURN 0;
    END IF;

    <<entries>>
    FOR entry IN
        SELECT q.* FROM clinic_private.waitlist_queue(make_offers.slot_id, make_offers.service_id, make_offers.provider_id,
                                                      make_offers.location_id, make_offers.opened, make_offers.not_for) AS q
    LOOP
        EXIT WHEN made >= make_offers.most;
        CONTINUE WHEN entry.service_id = ANY (full_services) AND entry.releases_before IS NULL;
        SELECT coalesce(s.waitlist_mode, settings.waitlist_mode) AS mode, make_interval(mins => s.duration_minutes) AS duration INTO service
        FROM clinic_data.services AS s
        WHERE s.tenant_id = tenant AND s.service_id = entry.service_id AND s.status = 'active';
        CONTINUE WHEN NOT FOUND OR service.mode = 'off';
        -- A longer visit may begin before what has become free, and need it all the same.
        range_start := greatest(lower(make_offers.opened) - service.duration, clinic.now(),
                                (entry.from_on - 1)::timestamp AT TIME ZONE 'Etc/UTC');
        range_end := least(upper(make_offers.opened), (entry.until_on + 2)::timestamp AT TIME ZONE 'Etc/UTC',
                           range_start + interval '366 days', entry.releases_before);
        CONTINUE WHEN range_start >= range_end;
        -- Where nothing is free for anybody, nobody is looked at one by one.
        IF NOT entry.service_id = ANY (seen) THEN
            seen := seen || entry.service_id;
            IF upper(make_offers.opened) - lower(make_offers.opened) < interval '300 days' AND NOT EXISTS (
                SELECT FROM clinic_private.free_slots(entry.service_id, lower(make_offers.opened) - service.duration,
                    upper(make_offers.opened), make_offers.provider_id, make_offers.location_id) AS a
                WHERE make_offers.opened && tstzrange(a.starts_at, a.ends_at)) THEN
                full_services := full_services || entry.service_id;
                CONTINUE WHEN entry.releases_before IS NULL;
            END IF;
        END IF;

        FOR start IN
            SELECT a.provider_id, a.location_id, a.starts_at, a.ends_at, a.local_date, a.local_time, a.time_zone
            FROM (
                SELECT s.provider_id, s.location_id, s.starts_at, s.ends_at, s.local_date, s.local_time, s.time_zone, s.remaining
                FROM clinic_private.free_slots(entry.service_id, range_start, range_end,
                         coalesce(make_offers.provider_id, entry.provider_id), coalesce(make_offers.location_id, entry.location_id),
                         CASE WHEN entry.releases_before IS NULL THEN entry.patient_id END) AS s
                -- What would be given up must not stand in its own way, in no limit either: the freed start is judged without it below.
                UNION
                SELECT make_offers.provider_id, l.location_id, lower(make_offers.opened), lower(make_offers.opened) + service.duration,
                       (lower(make_offers.opened) AT TIME ZONE l.time_zone)::date, (lower(make_offers.opened) AT TIME ZONE l.time_zone)::time,
                       l.time_zone::text, entry.party_size
                FROM clinic_data.locations AS l
                WHERE l.tenant_id = tenant AND l.location_id = make_offers.location_id AND entry.releases_before > lower(make_offers.opened)
                  AND make_offers.cause = 'freed' AND entry.service_id = make_offers.service_id
            ) AS a
            WHERE make_offers.opened && tstzrange(a.starts_at, a.ends_at)
              AND a.local_date BETWEEN entry.from_on AND entry.until_on
              AND clinic_private.is_wanted_time(entry.weekdays, entry.times_of_day, a.local_date, a.local_time)
              AND a.remaining >= entry.party_size
              AND NOT clinic_private.is_offered_meanwhile(entry.patient_id, a.starts_at, a.ends_at)
            ORDER BY a.starts_at >= lower(make_offers.opened) DESC, a.starts_at, a.provider_id, a.location_id
            LIMIT 50
        LOOP
            deadline := clinic_private.offer_deadline(entry.service_id, start.starts_at, start.time_zone);
            CONTINUE WHEN deadline <= clinic.now();
            slot := coalesce(make_offers.slot_id, clinic.new_id());
            CONTINUE entries WHEN NOT clinic_private.take_entry(entry.entry_id, slot, start.time_zone);
            until := clinic_private.claim_offer(slot, entry.entry_id, start.provider_id, start.location_id, start.starts_at, deadline,
                                                keep => true);
            CONTINUE WHEN until IS NULL;
            -- What was freed first is offered further as a whole; what else is made of it, as it was offered.
            PERFORM clinic_private.write_slot(slot, make_offers.cause, service.mode, make_offers.freed_appointment_id,
                make_offers.service_id, start.provider_id, start.location_id,
                CASE WHEN made = 0 AND make_offers.cause = 'freed' THEN lower(make_offers.opened) ELSE start.starts_at END,
                CASE WHEN made = 0 AND make_offers.cause = 'freed' THEN upper(make_offers.opened) ELSE until END, deadline);
            PERFORM clinic_private.write_offer(slot, entry.entry_id, start.provider_id, start.location_id, start.starts_at, until, deadline);
            made := made + 1;
            IF service.mode = 'broadcast' THEN
                shared := least(settings.broadcast_size,
                                CASE WHEN make_offers.slot_id IS NULL THEN settings.offers_per_slot ELSE settings.left_for_slot END) - 1;
                FOR other IN
                    SELECT q.entry_id
                    FROM clinic_private.waitlist_queue(slot, make_offers.service_id, start.provider_id, start.location_id,
                             tstzmultirange(tstzrange(start.starts_at, until)), make_offers.not_for) AS q
                    WHERE q.service_id = entry.service_id AND q.party_size = entry.party_size
                      AND (q.releases_before IS NULL OR q.releases_before > start.starts_at)
                      AND start.local_date BETWEEN q.from_on AND q.until_on
                      AND clinic_private.is_wanted_time(q.weekdays, q.times_of_day, start.local_date, start.local_time)
                      AND NOT clinic_private.is_offered_meanwhile(q.patient_id, start.starts_at, until)
                LOOP
                    EXIT WHEN shared <= 0;
                    CONTINUE WHEN NOT clinic_private.take_entry(other.entry_id, slot, start.time_zone);
                    CONTINUE WHEN clinic_private.claim_offer(slot, other.entry_id, start.provider_id, start.location_id, start.starts_at,
                                                             deadline, keep => false) IS NULL;
                    PERFORM clinic_private.write_offer(slot, other.entry_id, start.provider_id, start.location_id, start.starts_at, until,
                                                       deadline);
                    shared := shared - 1;
                END LOOP;
            END IF;
            EXIT;
        END LOOP;
    END LOOP;
    RETURN made;
END
$$;
COMMENT ON FUNCTION clinic_private.make_offers(uuid, text, uuid, uuid, uuid, uuid, tstzmultirange, uuid, integer) IS
    'Offers free time to those who wait, in the order of clinic_private.waitlist_queue, and returns how many slots were offered. Runs as the engine,
with the locks of the provider and the rooms held.
slot_id: an open slot without claims that is offered further, with most => 1; null: new slots. cause, freed_appointment_id: as in
clinic_data.waitlist_slots; service_id: whose queue comes first; provider_id, location_id: where, null for anywhere; opened: the time that has
become free, which every offered visit needs; not_for: a patient who is passed over; most: how many slots.';
REVOKE ALL ON FUNCTION clinic_private.make_offers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.make_offers TO clinic_owner;

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
#variable_conflict error
DECLARE
    saved text;
    freed record;
BEGIN
    IF time_freed.starts_at <= clinic.now() OR NOT clinic_private.anybody_waits() THEN
        RETURN;
    END IF;
    saved := clinic_private.become_system();
    SELECT a.patient_id, a.seats, s.capacity INTO freed
    FROM clinic_data.appointments AS a
    JOIN clinic_data.services AS s ON s.tenant_id = a.tenant_id AND s.service_id = a.service_id
    WHERE a.tenant_id = clinic.current_tenant_id() AND a.appointment_id = time_freed.appointment_id;
    PERFORM clinic_private.make_offers(NULL, 'freed', time_freed.appointment_id, time_freed.service_id, time_freed.provider_id,
        time_freed.location_id, tstzmultirange(tstzrange(time_freed.starts_at, time_freed.ends_at)), freed.patient_id,
        -- One offer for each seat; a whole visit's time may be made of several shorter ones.
        most => CASE WHEN freed.capacity > 1 THEN freed.seats ELSE 20 END);
    PERFORM clinic_private.restore_context(saved);
END
$$;
COMMENT ON FUNCTION clinic_private.time_freed(uuid, uuid, uuid, uuid, timestamptz, timestamptz) IS
    'Called by the engine in the transaction that frees time, with the locks of its resources held: offers it to those who wait, so that it is
public at no time in between.';
REVOKE ALL ON FUNCTION clinic_private.time_freed FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.time_freed TO clinic_owner;

CREATE FUNCTION clinic_private.lock_slots(slot_ids uuid[], further uuid[] DEFAULT '{}')
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic.current_tenant_id();
BEGIN
    PERFORM clinic_private.lock_resources(tenant, array_agg(l.id))
    FROM (
        SELECT unnest(lock_slots.slot_ids || lock_slots.further) AS id
        UNION
        SELECT v.id
        FROM clinic_data.waitlist_slots AS s
        CROSS JOIN LATERAL (VALUES (s.provider_id), (s.session_id)) AS v (id)
        WHERE s.tenant_id = tenant AND s.slot_id = ANY (lock_slots.slot_ids)
        UNION
        SELECT r.id
        FROM (SELECT DISTINCT s.provider_id, s.location_id FROM clinic_data.waitlist_slots AS s
              WHERE s.tenant_id = tenant AND s.slot_id = ANY (lock_slots.slot_ids)) AS place
        CROSS JOIN LATERAL clinic_private.lockable_for_offers(place.provider_id, place.location_id) AS r (id)
        UNION
        SELECT c.resource_id FROM clinic_data.claims AS c WHERE c.tenant_id = tenant AND c.owner_id = ANY (lock_slots.slot_ids)
    ) AS l
    WHERE l.id IS NOT NULL;
END
$$;
COMMENT ON FUNCTION clinic_private.lock_slots(uuid[], uuid[]) IS
    'Takes the locks of slots and of all that is claimed for them or may be, in one step. further: what else is to be locked with them.
Errors: busy.';
REVOKE ALL ON FUNCTION clinic_private.lock_slots FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lock_slots TO clinic_owner;

CREATE FUNCTION clinic_private.pass_on(slot_id uuid)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic.current_tenant_id();
    slot record;
    freed_for uuid;
BEGIN
    SELECT s.* INTO slot
    FROM clinic_data.waitlist_slots AS s
    WHERE s.tenant_id = tenant AND s.slot_id = pass_on.slot_id AND s.status = 'open'
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM clinic_private.end_offer(o.offer_id, 'expired')
    FROM clinic_data.waitlist_offers AS o
    WHERE o.tenant_id = tenant AND o.slot_id = pass_on.slot_id AND o.status = 'open' AND o.expires_at <= clinic.now();
    IF EXISTS (SELECT FROM clinic_data.waitlist_offers AS o
               WHERE o.tenant_id = tenant AND o.slot_id = pass_on.slot_id AND o.status = 'open') THEN
        RETURN false; -- somebody else of a broadcast has not answered yet
    END IF;

    PERFORM clinic_private.release_owner(pass_on.slot_id);
    DELETE FROM clinic_data.session_seats AS s WHERE s.tenant_id = tenant AND s.slot_id = pass_on.slot_id;
    IF slot.cause <> 'staff' AND slot.session_id IS NOT NULL THEN
        IF clinic_private.make_seat_offers(pass_on.slot_id, slot.session_id, slot.cause, slot.freed_appointment_id, slot.opened_at) > 0 THEN
            RETURN true;
        END IF;
    ELSIF slot.cause <> 'staff' THEN
        SELECT a.patient_id INTO freed_for
        FROM clinic_data.appointments AS a WHERE a.tenant_id = tenant AND a.appointment_id = slot.freed_appointment_id;
        IF clinic_private.make_offers(pass_on.slot_id, slot.cause, slot.freed_appointment_id, slot.service_id, slot.provider_id,
               slot.location_id, tstzmultirange(tstzrange(slot.opens_at, slot.closes_at)), freed_for, most => 1) > 0 THEN
            RETURN true;
        END IF;
    END IF;
    UPDATE clinic_data.waitlist_slots AS s
    SET status = 'closed', closed_at = clinic.now()
    WHERE s.tenant_id = tenant AND s.slot_id = pass_on.slot_id;
    RETURN true;
END
$$;
COMMENT ON FUNCTION clinic_private.pass_on(uuid) IS
    'Offers a slot whose offers are over to the next, in the same step in which its claims are given up, or closes it: then it is everybody''s. Runs as
the engine, with clinic_private.lock_slots done. False when there was nothing to do.';
REVOKE ALL ON FUNCTION clinic_private.pass_on FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.pass_on TO clinic_owner;

CREATE FUNCTION clinic_private.expire_offers_job()
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    slots uuid[];
    slot uuid;
    dealt bigint := 0;
BEGIN
    slots := ARRAY(
        SELECT s.slot_id FROM clinic_data.waitlist_slots AS s
        WHERE s.tenant_id = tenant AND s.status = 'open' AND s.expires_at <= clinic.now()
        ORDER BY s.expires_at, s.slot_id LIMIT 50);
    IF slots = '{}' THEN
        RETURN 0;
    END IF;
    PERFORM clinic_private.lock_slots(slots);
    FOREACH slot IN ARRAY slots LOOP
        IF clinic_private.pass_on(slot) THEN
            dealt := dealt + 1;
        END IF;
    END LOOP;
    RETURN dealt;
END
$$;
COMMENT ON FUNCTION clinic_private.expire_offers_job() IS
    'Records offers that have expired and passes their time on to the next who waits; at most 50 slots at a time. Returns how many it dealt with.
For the engine itself. Offers are over at their deadline whether it runs or not.';
REVOKE ALL ON FUNCTION clinic_private.expire_offers_job FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.expire_offers_job TO clinic_owner;
