-- Seats of planned sessions for those who wait: kept, offered and passed on as time is (45_waitlist.sql), but by the seat. A slot has as many
-- seats as the party it is offered to needs; what keeps them from everybody else is rows of clinic_data.session_seats with the offers' deadline.
-- Whatever deals with the seats of a session holds the session's lock.

CREATE FUNCTION clinic_private.session_queue(slot_id uuid, session_id uuid, asked_since timestamptz, not_for uuid)
    RETURNS TABLE (entry_id uuid, patient_id uuid, party_size integer, releases_appointment_id uuid)
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT w.entry_id, w.patient_id, w.party_size, a.appointment_id
    FROM clinic_data.group_sessions AS g
    JOIN clinic_data.waitlist_entries AS w ON w.tenant_id = g.tenant_id AND w.service_id = g.service_id AND w.status = 'waiting'
    LEFT JOIN clinic_data.appointments AS a
      ON a.tenant_id = w.tenant_id AND a.appointment_id = w.releases_appointment_id
         AND a.status IN ('held', 'pending', 'booked', 'confirmed') AND (a.expires_at IS NULL OR a.expires_at > clinic.now())
    WHERE g.tenant_id = clinic.current_tenant_id() AND g.session_id = $2
      AND w.lapses_at > clinic.now()
      AND (w.session_id = g.session_id
           OR w.session_id IS NULL
              AND (w.provider_id IS NULL OR w.provider_id = g.provider_id)
              AND (w.location_id IS NULL OR w.location_id = g.location_id)
              AND g.local_starts_at::date BETWEEN w.from_on AND w.until_on
              AND clinic_private.is_wanted_time(w.weekdays, w.times_of_day, g.local_starts_at::date, g.local_starts_at::time))
      AND w.patient_id IS DISTINCT FROM $4
      -- What is given up lies later than what is offered.
      AND (a.starts_at IS NULL OR a.starts_at > g.starts_at)
      -- Seats of a session are all alike: who has answered since they became free is not asked again, whichever they are.
      AND NOT EXISTS (
          SELECT FROM clinic_data.waitlist_offers AS o
          WHERE o.tenant_id = w.tenant_id AND o.entry_id = w.entry_id
            AND (o.slot_id = $1 OR o.status = 'open' AND o.expires_at > clinic.now()
                 OR o.session_id = g.session_id AND o.status <> 'taken' AND o.offered_at >= $3))
      AND NOT clinic_private.is_offered_meanwhile(w.patient_id, g.starts_at, g.ends_at)
      AND clinic_private.may_not_book_online(w.patient_id) IS NOT TRUE
    ORDER BY w.urgency DESC, w.joined_at, w.entry_id
$$;
COMMENT ON FUNCTION clinic_private.session_queue(uuid, uuid, timestamptz, uuid) IS
    'Who may come into question for seats of a session, in order: by urgency, then by when they joined; those who named the session, and those
whose service, provider, place, dates and times it fits. slot_id: not who was offered it before; asked_since: nor who was offered seats of the session
since then, null for none; not_for: a patient who is passed over.';
REVOKE ALL ON FUNCTION clinic_private.session_queue FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.session_queue TO clinic_owner;

CREATE FUNCTION clinic_private.claim_seats(
    slot_id uuid,
    session_id uuid,
    cause text,
    mode text,
    freed_appointment_id uuid,
    entry_id uuid,
    releases_appointment_id uuid,
    opened_at timestamptz,
    expires_at timestamptz,
    keep boolean)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic.current_tenant_id();
    session record;
    entry record;
BEGIN
    SELECT g.service_id, g.provider_id, g.location_id, g.starts_at, g.ends_at INTO session
    FROM clinic_data.group_sessions AS g WHERE g.tenant_id = tenant AND g.session_id = claim_seats.session_id;
    SELECT w.patient_id, w.party_size INTO entry
    FROM clinic_data.waitlist_entries AS w WHERE w.tenant_id = tenant AND w.entry_id = claim_seats.entry_id;
    IF NOT claim_seats.keep THEN
        -- The seats that the slot has are those of whoever accepts: they do not stand in the way.
        DELETE FROM clinic_data.session_seats AS s WHERE s.tenant_id = tenant AND s.slot_id = claim_seats.slot_id;
    END IF;
    PERFORM clinic_private.write_slot(claim_seats.slot_id, claim_seats.cause, claim_seats.mode, claim_seats.freed_appointment_id, session.service_id,
        session.provider_id, session.location_id, session.starts_at, session.ends_at, claim_seats.expires_at, claim_seats.session_id,
        claim_seats.opened_at);
    PERFORM clinic_private.offer_seats(claim_seats.slot_id, claim_seats.session_id, entry.patient_id, entry.party_size, claim_seats.expires_at,
        array_remove(ARRAY[claim_seats.releases_appointment_id], NULL));
    IF NOT claim_seats.keep THEN
        -- Only asked: what was claimed is undone with this block.
        RAISE EXCEPTION SQLSTATE 'CLW01';
    END IF;
    RETURN true;
EXCEPTION
    WHEN SQLSTATE 'CLW01' THEN
        RETURN true;
    WHEN OTHERS THEN
        -- One of the engine's reasons: this patient cannot have them.
        IF SQLSTATE NOT LIKE 'CL%' THEN
            RAISE;
        END IF;
        RETURN false;
END
$$;
COMMENT ON FUNCTION clinic_private.claim_seats(uuid, uuid, text, text, uuid, uuid, uuid, timestamptz, timestamptz, boolean) IS
    'Keeps seats of a session for an entry''s whole party, judged exactly as clinic.book_seat; false when the patient cannot have them. The slot is
written with them. keep: false only asks.';
REVOKE ALL ON FUNCTION clinic_private.claim_seats FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.claim_seats TO clinic_owner;

CREATE FUNCTION clinic_private.make_seat_offers(slot_id uuid, session_id uuid, cause text, freed_appointment_id uuid, opened_at timestamptz)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic.current_tenant_id();
    session record;
    entry record;
    other record;
    slot uuid;
    freed_for uuid;
    deadline timestamptz;
    opened timestamptz := coalesce(make_seat_offers.opened_at, clinic.now());
    free integer;
    shared integer;
    asked integer;
    made integer := 0;
BEGIN
    SELECT g.service_id, g.provider_id, g.location_id, g.starts_at, g.ends_at, g.time_zone::text AS time_zone, g.capacity,
           coalesce(s.waitlist_mode, t.waitlist_mode) AS mode, t.broadcast_size, t.offers_per_slot
    INTO session
    FROM clinic_data.group_sessions AS g
    JOIN clinic_data.services AS s ON s.tenant_id = g.tenant_id AND s.service_id = g.service_id
    JOIN clinic_data.tenants AS t ON t.tenant_id = g.tenant_id
    WHERE g.tenant_id = tenant AND g.session_id = make_seat_offers.session_id AND g.status = 'scheduled' AND s.status = 'active';
    IF NOT FOUND OR session.mode = 'off' THEN
        RETURN 0;
    END IF;
    free := session.capacity - clinic_private.taken_seats(make_seat_offers.session_id);
    deadline := clinic_private.offer_deadline(session.service_id, session.starts_at, session.time_zone);
    SELECT count(*) INTO asked
    FROM clinic_data.waitlist_offers AS o WHERE o.tenant_id = tenant AND o.slot_id = make_seat_offers.slot_id;
    IF free <= 0 OR deadline <= clinic.now() OR asked >= session.offers_per_slot THEN
        RETURN 0;
    END IF;
    SELECT a.patient_id INTO freed_for
    FROM clinic_data.appointments AS a WHERE a.tenant_id = tenant AND a.appointment_id = make_seat_offers.freed_appointment_id;

    FOR entry IN
        SELECT q.* FROM clinic_private.session_queue(make_seat_offers.slot_id, make_seat_offers.session_id, make_seat_offers.opened_at, freed_for) AS q
    LOOP
        EXIT WHEN free <= 0;
        CONTINUE WHEN entry.party_size > free;
        slot := CASE WHEN made = 0 THEN coalesce(make_seat_offers.slot_id, clinic.new_id()) ELSE clinic.new_id() END;
        CONTINUE WHEN NOT clinic_private.take_entry(entry.entry_id, slot, session.time_zone);
        CONTINUE WHEN NOT clinic_private.claim_seats(slot, make_seat_offers.session_id, make_seat_offers.cause, session.mode,
            make_seat_offers.freed_appointment_id, entry.entry_id, entry.releases_appointment_id, opened, deadline, keep => true);
        PERFORM clinic_private.write_offer(slot, entry.entry_id, session.provider_id, session.location_id, session.starts_at, session.ends_at,
                                           deadline, make_seat_offers.session_id);
        free := free - entry.party_size;
        made := made + 1;
        CONTINUE WHEN session.mode <> 'broadcast';
        shared := least(session.broadcast_size, session.offers_per_slot - CASE WHEN made = 1 THEN asked ELSE 0 END) - 1;
        FOR other IN
            SELECT q.* FROM clinic_private.session_queue(slot, make_seat_offers.session_id, make_seat_offers.opened_at, freed_for) AS q
            WHERE q.party_size = entry.party_size
        LOOP
            EXIT WHEN shared <= 0;
            CONTINUE WHEN NOT clinic_private.take_entry(other.entry_id, slot, session.time_zone);
            CONTINUE WHEN NOT clinic_private.claim_seats(slot, make_seat_offers.session_id, make_seat_offers.cause, session.mode,
                make_seat_offers.freed_appointment_id, other.entry_id, other.releases_appointment_id, opened, deadline, keep => false);
            PERFORM clinic_private.write_offer(slot, other.entry_id, session.provider_id, session.location_id, session.starts_at, session.ends_at,
                                               deadline, make_seat_offers.session_id);
            shared := shared - 1;
        END LOOP;
    END LOOP;
    RETURN made;
END
$$;
COMMENT ON FUNCTION clinic_private.make_seat_offers(uuid, uuid, text, uuid, timestamptz) IS
    'Offers the free seats of a session to those who wait, in the order of clinic_private.session_queue, and returns to how many parties. A party
that does not fit whole is passed over. Runs as the engine, with the lock of the session held.
slot_id: an open slot without seats that is offered further; null: new slots. cause, freed_appointment_id: as in clinic_data.waitlist_slots;
opened_at: when the slot that is offered further was first offered; null: now.';
REVOKE ALL ON FUNCTION clinic_private.make_seat_offers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.make_seat_offers TO clinic_owner;

CREATE FUNCTION clinic_private.offer_session_seats(session_id uuid, cause text DEFAULT 'freed', freed_appointment_id uuid DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    saved text;
BEGIN
    -- Who loads rows without a context loads a diary that nobody waits for yet.
    IF clinic.current_tenant_id() IS NULL OR NOT clinic_private.anybody_waits() THEN
        RETURN;
    END IF;
    saved := clinic_private.become_system();
    PERFORM clinic_private.make_seat_offers(NULL, offer_session_seats.session_id, offer_session_seats.cause,
                                            offer_session_seats.freed_appointment_id, NULL);
    PERFORM clinic_private.restore_context(saved);
END
$$;
COMMENT ON FUNCTION clinic_private.offer_session_seats(uuid, text, uuid) IS
    'Called in the transaction that frees seats of a session or opens more, with the lock of the session held: offers them to those who wait, so that
they are public at no time in between. freed_appointment_id: whose seats they were.';
REVOKE ALL ON FUNCTION clinic_private.offer_session_seats FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.offer_session_seats TO clinic_owner;

CREATE FUNCTION clinic_private.follow_session(session_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic.current_tenant_id();
    saved text;
    session record;
    entry record;
    day date;
BEGIN
    saved := clinic_private.become_system();
    SELECT g.status, g.provider_id, g.location_id, g.local_starts_at::date AS local_date INTO session
    FROM clinic_data.group_sessions AS g WHERE g.tenant_id = tenant AND g.session_id = follow_session.session_id;
    day := session.local_date;
    -- What was offered was for another time, or is not to be had any more.
    PERFORM clinic_private.end_offer(o.offer_id, 'withdrawn')
    FROM clinic_data.waitlist_offers AS o
    WHERE o.tenant_id = tenant AND o.session_id = follow_session.session_id AND o.status = 'open';
    UPDATE clinic_data.waitlist_slots AS s
    SET status = 'closed', closed_at = clinic.now()
    WHERE s.tenant_id = tenant AND s.session_id = follow_session.session_id AND s.status = 'open';
    DELETE FROM clinic_data.session_seats AS s
    WHERE s.tenant_id = tenant AND s.session_id = follow_session.session_id AND s.slot_id IS NOT NULL;

    -- An entry whose row somebody else holds is being dealt with right now, and finds its offer withdrawn.
    FOR entry IN
        SELECT w.entry_id, w.patient_id, w.service_id
        FROM clinic_data.waitlist_entries AS w
        WHERE w.tenant_id = tenant AND w.session_id = follow_session.session_id AND w.status = 'waiting'
        ORDER BY w.entry_id
        FOR NO KEY UPDATE SKIP LOCKED
    LOOP
        IF session.status = 'cancelled' OR EXISTS (
            -- Waits for the same service on that date in another way already.
            SELECT FROM clinic_data.waitlist_entries AS w
            WHERE w.tenant_id = tenant AND w.patient_id = entry.patient_id AND w.service_id = entry.service_id AND w.status = 'waiting'
              AND w.entry_id <> entry.entry_id AND day BETWEEN w.from_on AND w.until_on) THEN
            UPDATE clinic_data.waitlist_entries AS w
            SET status = 'removed', closed_at = clinic.now()
            WHERE w.tenant_id = tenant AND w.entry_id = entry.entry_id;
        ELSE
            UPDATE clinic_data.waitlist_entries AS w
            SET provider_id = session.provider_id, location_id = session.location_id, from_on = day, until_on = day,
                lapses_at = clinic_private.lapse_of(session.location_id, day)
            WHERE w.tenant_id = tenant AND w.entry_id = entry.entry_id;
        END IF;
        PERFORM clinic_private.tell_waitlist(CASE w.status WHEN 'removed' THEN 'waitlist.removed' ELSE 'waitlist.updated' END, w.entry_id, w.version,
                                             NULL, w.patient_id)
        FROM clinic_data.waitlist_entries AS w WHERE w.tenant_id = tenant AND w.entry_id = entry.entry_id;
    END LOOP;
    PERFORM clinic_private.restore_context(saved);
END
$$;
COMMENT ON FUNCTION clinic_private.follow_session(uuid) IS
    'What becomes of those who wait for seats of a session that was moved or cancelled, whose lock is held: standing offers are withdrawn; entries that
name it wait on its new date, or leave the waitlist where it is cancelled.';
REVOKE ALL ON FUNCTION clinic_private.follow_session FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.follow_session TO clinic_owner;
