-- The waitlist's offers: accepting, declining, and offering by hand.

CREATE FUNCTION clinic_private.visible_offer(offer_id uuid)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_waitlist_caller();
    offer record;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('offer_id', visible_offer.offer_id));
    SELECT o.patient_id, o.provider_id, o.location_id INTO offer
    FROM clinic_data.waitlist_offers AS o WHERE o.tenant_id = tenant AND o.offer_id = visible_offer.offer_id;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found', 'the offer does not exist', jsonb_build_object('offer_id', visible_offer.offer_id), NULL);
    END IF;
    RETURN clinic_private.require_waitlist_right(offer.patient_id, offer.provider_id, offer.location_id);
END
$$;
COMMENT ON FUNCTION clinic_private.visible_offer(uuid) IS
    'Returns the tenant when the caller sees an offer and may answer it. Errors: no_context, not_found, forbidden, 22004.';
REVOKE ALL ON FUNCTION clinic_private.visible_offer FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.visible_offer TO clinic_owner;

CREATE FUNCTION clinic_private.lock_offer(offer_id uuid, with_released boolean)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic.current_tenant_id();
    offer record;
    released record;
    further uuid[];
BEGIN
    -- The entry's row before anything else: who makes offers does not wait for it, so nobody waits for us in turn.
    SELECT o.slot_id, w.patient_id, w.releases_appointment_id INTO offer
    FROM clinic_data.waitlist_offers AS o
    JOIN clinic_data.waitlist_entries AS w ON w.tenant_id = o.tenant_id AND w.entry_id = o.entry_id
    WHERE o.tenant_id = tenant AND o.offer_id = lock_offer.offer_id
    FOR NO KEY UPDATE OF w;
    further := ARRAY[offer.patient_id];
    IF lock_offer.with_released AND offer.releases_appointment_id IS NOT NULL THEN
        SELECT a.provider_id, a.location_id, a.session_id INTO released
        FROM clinic_data.appointments AS a WHERE a.tenant_id = tenant AND a.appointment_id = offer.releases_appointment_id;
        further := further || offer.releases_appointment_id || ARRAY(
            SELECT u.resource_id FROM clinic_data.appointment_resources AS u
            WHERE u.tenant_id = tenant AND u.appointment_id = offer.releases_appointment_id
            UNION
            SELECT released.session_id WHERE released.session_id IS NOT NULL
            UNION
            SELECT r.id FROM clinic_private.lockable_for_offers(released.provider_id, released.location_id) AS r (id));
    END IF;
    PERFORM clinic_private.lock_slots(ARRAY[offer.slot_id], further);
END
$$;
COMMENT ON FUNCTION clinic_private.lock_offer(uuid, boolean) IS
    'Takes all that answering an offer may touch: the entry''s row, then in one step the slot, the patient, what is claimed, and with_released the
appointment that is given up with its resources. Errors: busy.';
REVOKE ALL ON FUNCTION clinic_private.lock_offer FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lock_offer TO clinic_owner;

CREATE FUNCTION clinic_private.require_open_offer(offer_id uuid, answer text)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic.current_tenant_id();
    offer record;
    entry_status text;
    facts jsonb := jsonb_build_object('offer_id', require_open_offer.offer_id);
BEGIN
    SELECT o.status, o.expires_at, o.entry_id INTO offer
    FROM clinic_data.waitlist_offers AS o WHERE o.tenant_id = tenant AND o.offer_id = require_open_offer.offer_id;
    IF offer.status = require_open_offer.answer THEN
        RETURN false;
    ELSIF offer.status = 'taken' THEN
        PERFORM clinic_private.raise_error('slot_taken', 'somebody else was faster and has taken the offered time', facts,
            'The entry keeps its place: wait for the next offer.');
    ELSIF offer.status IN ('accepted', 'declined') THEN
        PERFORM clinic_private.raise_error('bad_transition', format('the offer was %s already', offer.status),
            facts || jsonb_build_object('status', offer.status), 'An answer is final.');
    END IF;
    SELECT w.status INTO entry_status
    FROM clinic_data.waitlist_entries AS w WHERE w.tenant_id = tenant AND w.entry_id = offer.entry_id;
    IF offer.status <> 'open' OR offer.expires_at <= clinic.now() OR entry_status <> 'waiting' THEN
        PERFORM clinic_private.raise_error('offer_expired', NULL, facts || jsonb_build_object('expired_at', offer.expires_at), NULL);
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION clinic_private.require_open_offer(uuid, text) IS
    'True when a locked offer can be answered; false when it has this answer (accepted or declined) already.
Errors: offer_expired, slot_taken when another of a broadcast was first, bad_transition when it was answered otherwise.';
REVOKE ALL ON FUNCTION clinic_private.require_open_offer FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_open_offer TO clinic_owner;

CREATE FUNCTION clinic_private.book_offer(offer_id uuid, ignored uuid[])
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic.current_tenant_id();
    by_user uuid := clinic.current_user_id();
    why constant text := 'offered before hours or rules changed';
    saved text;
    offer record;
    booked jsonb;
BEGIN
    SELECT o.*, w.party_size INTO offer
    FROM clinic_data.waitlist_offers AS o
    JOIN clinic_data.waitlist_entries AS w ON w.tenant_id = o.tenant_id AND w.entry_id = o.entry_id
    WHERE o.tenant_id = tenant AND o.offer_id = book_offer.offer_id;
    BEGIN
        IF offer.session_id IS NOT NULL THEN
            SELECT to_jsonb(b) INTO booked
            FROM clinic_private.place_seat(offer.session_id, offer.patient_id, offer.party_size, slot_id => offer.slot_id) AS b;
            RETURN clinic_private.stored_booking((booked ->> 'appointment_id')::uuid);
        END IF;
        SELECT to_jsonb(b) INTO booked
        FROM clinic_private.place_appointment(service_id => offer.service_id, patient_id => offer.patient_id, starts_at => offer.starts_at,
            provider_id => offer.provider_id, location_id => offer.location_id, ignored => book_offer.ignored, seats => offer.party_size) AS b;
    EXCEPTION WHEN OTHERS THEN
        -- Hours and blocks that came over a standing offer list it and leave it: the promise is kept, and flagged.
        IF NOT SQLSTATE = ANY (ARRAY(
            SELECT e.sqlstate FROM clinic.error_codes() AS e
            WHERE e.code IN ('closed_on_date', 'outside_hours', 'window_too_short', 'off_grid', 'blocked', 'lead_time', 'horizon'))) THEN
            RAISE;
        END IF;
    END;
    IF booked IS NULL AND offer.session_id IS NOT NULL THEN
        saved := clinic_private.become_system(by_user);
        SELECT to_jsonb(b) INTO booked
        FROM clinic_private.place_seat(offer.session_id, offer.patient_id, offer.party_size, slot_id => offer.slot_id, override => true,
                                       reason => why) AS b;
        booked := clinic_private.stored_booking((booked ->> 'appointment_id')::uuid);
        PERFORM clinic_private.restore_context(saved);
    ELSIF booked IS NULL THEN
        saved := clinic_private.become_system(by_user);
        SELECT to_jsonb(b) INTO booked
        FROM clinic_private.place_appointment(service_id => offer.service_id, patient_id => offer.patient_id, starts_at => offer.starts_at,
            provider_id => offer.provider_id, location_id => offer.location_id, ignored => book_offer.ignored,
            override => true, reason => why, seats => offer.party_size) AS b;
        UPDATE clinic_data.appointments AS a
        SET out_of_hours = true
        WHERE a.tenant_id = tenant AND a.appointment_id = (booked ->> 'appointment_id')::uuid
          AND a.overridden && ARRAY['closed_on_date', 'outside_hours', 'window_too_short'];
        PERFORM clinic_private.restore_context(saved);
    END IF;
    RETURN booked;
END
$$;
COMMENT ON FUNCTION clinic_private.book_offer(uuid, uuid[]) IS
    'Books what was offered and returns the row of clinic.book_appointment; where hours, blocks or rules have changed since the offer, all the same,
flagged out of hours. ignored: owners and appointments that do not count. Errors: those of clinic.book_appointment that remain.';
REVOKE ALL ON FUNCTION clinic_private.book_offer FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.book_offer TO clinic_owner;

CREATE FUNCTION clinic_private.stored_booking(appointment_id uuid)
    RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object('appointment_id', a.appointment_id, 'confirmation_code', a.confirmation_code, 'status', a.status,
        'provider_id', a.provider_id, 'location_id', a.location_id, 'starts_at', a.starts_at, 'ends_at', a.ends_at,
        'local_starts_at', a.local_starts_at, 'time_zone', a.time_zone, 'warnings', a.warnings,
        'resource_ids', ARRAY(SELECT u.resource_id FROM clinic_data.appointment_resources AS u
                              WHERE u.tenant_id = a.tenant_id AND u.appointment_id = a.appointment_id AND u.resource_id <> a.provider_id
                              ORDER BY u.resource_id))
    FROM clinic_data.appointments AS a
    WHERE a.tenant_id = clinic.current_tenant_id() AND a.appointment_id = stored_booking.appointment_id
$$;
COMMENT ON FUNCTION clinic_private.stored_booking(uuid) IS 'An appointment as the row of clinic.book_appointment.';
REVOKE ALL ON FUNCTION clinic_private.stored_booking FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.stored_booking TO clinic_owner;

CREATE FUNCTION clinic.accept_offer(offer_id uuid, give_up_later boolean DEFAULT true, idempotency_key text DEFAULT NULL)
    RETURNS TABLE (
        appointment_id uuid,
        confirmation_code text,
        status text,
        provider_id uuid,
        location_id uuid,
        starts_at timestamptz,
        ends_at timestamptz,
        local_starts_at timestamp,
        time_zone text,
        resource_ids uuid[],
        warnings text[],
        released_appointment_id uuid,
        replayed boolean)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.visible_offer(accept_offer.offer_id);
    by_user uuid := clinic.current_user_id();
    saved text;
    result jsonb;
    offer record;
    entry record;
    later record;
    released uuid;
    again boolean := true;
BEGIN
    result := clinic_private.begin_once('accept_offer', accept_offer.idempotency_key,
        jsonb_build_array(accept_offer.offer_id, accept_offer.give_up_later));
    IF result IS NULL THEN
        saved := clinic_private.become_system(by_user);
        PERFORM clinic_private.lock_offer(accept_offer.offer_id, accept_offer.give_up_later);
        again := NOT clinic_private.require_open_offer(accept_offer.offer_id, 'accepted');
        SELECT o.* INTO offer
        FROM clinic_data.waitlist_offers AS o WHERE o.tenant_id = tenant AND o.offer_id = accept_offer.offer_id;
        IF again THEN
            -- Accepting twice returns the same appointment and writes nothing.
            result := clinic_private.stored_booking(offer.appointment_id);
            PERFORM clinic_private.restore_context(saved);
        ELSE
            SELECT w.* INTO entry
            FROM clinic_data.waitlist_entries AS w WHERE w.tenant_id = tenant AND w.entry_id = offer.entry_id;
            -- First of all the queue is told, so that what is given up below is offered to nobody who has just been served.
            PERFORM clinic_private.end_offer(accept_offer.offer_id, 'accepted');
            PERFORM clinic_private.end_offer(o.offer_id, 'taken')
            FROM clinic_data.waitlist_offers AS o
            WHERE o.tenant_id = tenant AND o.slot_id = offer.slot_id AND o.status = 'open';
            UPDATE clinic_data.waitlist_slots AS s
            SET status = 'booked', closed_at = clinic.now()
            WHERE s.tenant_id = tenant AND s.slot_id = offer.slot_id;
            UPDATE clinic_data.waitlist_entries AS w
            SET status = 'booked', closed_at = clinic.now()
            WHERE w.tenant_id = tenant AND w.entry_id = offer.entry_id;
            PERFORM clinic_private.remove_matching_entries(offer.entry_id, offer.starts_at);
            -- What is given up lies later than what is taken: so no chain comes back to where it began.
            SELECT a.appointment_id, a.starts_at INTO later
            FROM clinic_data.appointments AS a
            WHERE a.tenant_id = tenant AND a.appointment_id = entry.releases_appointment_id AND accept_offer.give_up_later
              AND a.patient_id = offer.patient_id AND a.starts_at > offer.starts_at AND a.status IN ('pending', 'booked', 'confirmed')
              AND (a.expires_at IS NULL OR a.expires_at > clinic.now());
            PERFORM clinic_private.restore_context(saved);

            -- The patient's own doing from here on, with their rights.
            IF later.appointment_id IS NOT NULL THEN
                SELECT c.appointment_id INTO released
                FROM clinic_private.change_status(later.appointment_id, 'cancel', 'earlier_offer_accepted') AS c;
            END IF;
            result := clinic_private.book_offer(accept_offer.offer_id, ARRAY[offer.slot_id]);

            saved := clinic_private.become_system(by_user);
            UPDATE clinic_data.waitlist_offers AS o
            SET appointment_id = (result ->> 'appointment_id')::uuid
            WHERE o.tenant_id = tenant AND o.offer_id = accept_offer.offer_id;
            UPDATE clinic_data.waitlist_entries AS w
            SET appointment_id = (result ->> 'appointment_id')::uuid
            WHERE w.tenant_id = tenant AND w.entry_id = offer.entry_id;
            PERFORM clinic_private.restore_context(saved);
        END IF;
        result := result || jsonb_build_object('released_appointment_id', released);
        PERFORM clinic_private.end_once('accept_offer', accept_offer.idempotency_key, result);
    END IF;
    RETURN QUERY
    SELECT r.appointment_id, r.confirmation_code, r.status, r.provider_id, r.location_id, r.starts_at, r.ends_at, r.local_starts_at,
           r.time_zone, r.resource_ids, r.warnings, r.released_appointment_id, again
    FROM jsonb_to_record(result) AS r (appointment_id uuid, confirmation_code text, status text, provider_id uuid, location_id uuid,
        starts_at timestamptz, ends_at timestamptz, local_starts_at timestamp, time_zone text, resource_ids uuid[], warnings text[],
        released_appointment_id uuid);
END
$$;
ALTER FUNCTION clinic.accept_offer OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.accept_offer FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.accept_offer TO clinic_user;
COMMENT ON FUNCTION clinic.accept_offer IS
    'Books what a waitlist offered, before its deadline. Accepting twice returns the same appointment and writes nothing. By the patient, or with
appointments:write and appointments:read there.
The row is that of clinic.book_appointment; the entry is served, and the patient''s other entries for the same service and dates leave the waitlist.
give_up_later: cancel the later appointment that the entry named (released_appointment_id); its time is offered to the next. idempotency_key: the same
call again returns the same row.
Errors: offer_expired from its deadline on, slot_taken when somebody else who was offered the same time was faster, bad_transition when it was declined or
the later appointment can no longer be cancelled, not_found, forbidden, no_context, busy, idempotency_conflict, 22004; those of clinic.book_appointment.';

CREATE FUNCTION clinic_private.remove_matching_entries(entry_id uuid, starts_at timestamptz)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic.current_tenant_id();
    other record;
    offer record;
BEGIN
    FOR other IN
        UPDATE clinic_data.waitlist_entries AS w
        SET status = 'removed', closed_at = clinic.now()
        FROM clinic_data.waitlist_entries AS mine
        WHERE mine.tenant_id = tenant AND mine.entry_id = remove_matching_entries.entry_id
          AND w.tenant_id = tenant AND w.patient_id = mine.patient_id AND w.service_id = mine.service_id
          AND w.entry_id <> mine.entry_id AND w.status = 'waiting'
          AND (w.from_on <= mine.until_on AND w.until_on >= mine.from_on
               -- Staff may offer beyond the dates of an entry.
               OR (remove_matching_entries.starts_at AT TIME ZONE 'Etc/UTC')::date BETWEEN w.from_on AND w.until_on)
        RETURNING w.entry_id, w.version, w.patient_id
    LOOP
        PERFORM clinic_private.tell_waitlist('waitlist.removed', other.entry_id, other.version, NULL, other.patient_id);
        FOR offer IN
            SELECT o.offer_id, o.slot_id FROM clinic_data.waitlist_offers AS o
            WHERE o.tenant_id = tenant AND o.entry_id = other.entry_id AND o.status = 'open'
        LOOP
            PERFORM clinic_private.end_offer(offer.offer_id, 'withdrawn');
            -- Its time stays claimed until the job passes it on: taking its locks only now could wait in a circle.
            UPDATE clinic_data.waitlist_slots AS s
            SET expires_at = clinic.now()
            WHERE s.tenant_id = tenant AND s.slot_id = offer.slot_id AND s.status = 'open' AND s.mode = 'single';
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clinic_private.remove_matching_entries(uuid, timestamptz) IS
    'Takes the patient''s other entries for the same service and dates off the waitlist, with their offers.
starts_at: of what was booked.';
REVOKE ALL ON FUNCTION clinic_private.remove_matching_entries FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.remove_matching_entries TO clinic_owner;

CREATE FUNCTION clinic.decline_offer(offer_id uuid, idempotency_key text DEFAULT NULL)
    RETURNS TABLE (status text, answered_at timestamptz, replayed boolean)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.visible_offer(decline_offer.offer_id);
    saved text;
    result jsonb;
    offer record;
    again boolean := true;
BEGIN
    result := clinic_private.begin_once('decline_offer', decline_offer.idempotency_key, jsonb_build_array(decline_offer.offer_id));
    IF result IS NULL THEN
        saved := clinic_private.become_system(clinic.current_user_id());
        PERFORM clinic_private.lock_offer(decline_offer.offer_id, false);
        again := NOT clinic_private.require_open_offer(decline_offer.offer_id, 'declined');
        IF NOT again THEN
            PERFORM clinic_private.end_offer(decline_offer.offer_id, 'declined');
        END IF;
        SELECT o.slot_id, o.answered_at INTO offer
        FROM clinic_data.waitlist_offers AS o WHERE o.tenant_id = tenant AND o.offer_id = decline_offer.offer_id;
        PERFORM clinic_private.restore_context(saved);
        IF NOT again THEN
            saved := clinic_private.become_system();
            PERFORM clinic_private.pass_on(offer.slot_id);
            PERFORM clinic_private.restore_context(saved);
        END IF;
        result := jsonb_build_object('answered_at', offer.answered_at);
        PERFORM clinic_private.end_once('decline_offer', decline_offer.idempotency_key, result);
    END IF;
    RETURN QUERY SELECT 'declined'::text, (result ->> 'answered_at')::timestamptz, again;
END
$$;
ALTER FUNCTION clinic.decline_offer OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.decline_offer FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.decline_offer TO clinic_user;
COMMENT ON FUNCTION clinic.decline_offer IS
    'Declines an offer of the waitlist; its time goes to the next in the same step, and the entry keeps its place. Declining twice changes nothing. By the
patient, or with appointments:write and appointments:read there.
idempotency_key: the same call again changes nothing.
Errors: offer_expired, slot_taken, bad_transition when it was accepted, not_found, forbidden, no_context, busy, idempotency_conflict, 22004.';

CREATE FUNCTION clinic_private.offer_seats_by_hand(entry_id uuid, session_id uuid, minutes integer)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    by_user uuid := clinic.current_user_id();
    slot uuid := clinic.new_id();
    session record;
    entry record;
    deadline timestamptz;
    saved text;
    new_id uuid;
BEGIN
    SELECT w.service_id, w.patient_id, w.party_size, w.releases_appointment_id INTO entry
    FROM clinic_data.waitlist_entries AS w WHERE w.tenant_id = tenant AND w.entry_id = offer_seats_by_hand.entry_id;
    PERFORM clinic_private.lock_waited_session(offer_seats_by_hand.session_id, entry.service_id);
    SELECT g.provider_id, g.location_id, g.starts_at, g.ends_at, g.time_zone::text AS time_zone INTO session
    FROM clinic_data.group_sessions AS g WHERE g.tenant_id = tenant AND g.session_id = offer_seats_by_hand.session_id;
    PERFORM clinic_private.require_waitlist_right(entry.patient_id, session.provider_id, session.location_id);
    IF clinic_private.is_staff_at(session.provider_id, session.location_id) IS NOT TRUE THEN
        PERFORM clinic_private.refuse_permission('appointments:write');
    END IF;
    deadline := clinic_private.offer_deadline(entry.service_id, session.starts_at, session.time_zone, offer_seats_by_hand.minutes);
    IF deadline <= clinic.now() THEN
        PERFORM clinic_private.raise_error('lead_time', 'the lead time of this start begins now: it can only be booked',
            jsonb_build_object('starts_at', session.starts_at), 'Book it with clinic.book_seat().');
    END IF;
    saved := clinic_private.become_system(by_user);
    PERFORM clinic_private.take_entry(offer_seats_by_hand.entry_id, slot, 'Etc/UTC', limited => false);
    PERFORM clinic_private.write_slot(slot, 'staff', 'single', NULL, NULL, session.provider_id, session.location_id, session.starts_at,
                                      session.ends_at, deadline, offer_seats_by_hand.session_id);
    PERFORM clinic_private.offer_seats(slot, offer_seats_by_hand.session_id, entry.patient_id, entry.party_size, deadline,
                                       array_remove(ARRAY[entry.releases_appointment_id], NULL));
    new_id := clinic_private.write_offer(slot, offer_seats_by_hand.entry_id, session.provider_id, session.location_id, session.starts_at,
                                         session.ends_at, deadline, offer_seats_by_hand.session_id);
    PERFORM clinic_private.restore_context(saved);
    RETURN jsonb_build_object('offer_id', new_id, 'provider_id', session.provider_id, 'location_id', session.location_id,
                              'starts_at', session.starts_at, 'ends_at', session.ends_at, 'expires_at', deadline);
END
$$;
COMMENT ON FUNCTION clinic_private.offer_seats_by_hand(uuid, uuid, integer) IS
    'Offers seats of a session to an entry by hand, for its whole party, and returns the offer. The caller has locked the entry''s row.
Errors: those of clinic.offer_slot.';
REVOKE ALL ON FUNCTION clinic_private.offer_seats_by_hand FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.offer_seats_by_hand TO clinic_owner;

CREATE FUNCTION clinic_private.offer_by_hand(
    entry_id uuid,
    starts_at timestamptz,
    provider_id uuid,
    location_id uuid,
    minutes integer,
    session_id uuid,
    idempotency_key text)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid;
    by_user uuid := clinic.current_user_id();
    result jsonb;
    saved text;
    entry record;
    placed record;
    other uuid;
    slot uuid := clinic.new_id();
    new_id uuid;
    deadline timestamptz;
    again boolean := true;
BEGIN
    IF EXISTS (SELECT FROM clinic.whoami() AS w WHERE w.actor = 'patient') THEN
        PERFORM clinic_private.raise_error('forbidden', 'only staff may offer time by hand', '{}', NULL);
    END IF;
    tenant := clinic_private.visible_entry(offer_by_hand.entry_id);
    SELECT coalesce(offer_by_hand.session_id, w.session_id) AS session_id, w.service_id INTO entry
    FROM clinic_data.waitlist_entries AS w WHERE w.tenant_id = tenant AND w.entry_id = offer_by_hand.entry_id;
    IF entry.session_id IS NULL THEN
        PERFORM clinic_private.require_arguments(jsonb_build_object('starts_at', offer_by_hand.starts_at));
    ELSIF num_nonnulls(offer_by_hand.starts_at, offer_by_hand.provider_id, offer_by_hand.location_id) > 0 THEN
        PERFORM clinic_private.refuse_argument('session_id', 'a session has its provider, its place and its time',
            hint => 'Leave starts_at, provider_id and location_id out.');
    END IF;
    IF offer_by_hand.minutes NOT BETWEEN 1 AND 10080 THEN
        PERFORM clinic_private.refuse_argument('minutes', 'minutes must be between 1 and 10080 (a week)');
    END IF;
    result := clinic_private.begin_once('offer_slot', offer_by_hand.idempotency_key, jsonb_build_array(offer_by_hand.entry_id,
        extract(epoch FROM offer_by_hand.starts_at), offer_by_hand.provider_id, offer_by_hand.location_id, offer_by_hand.minutes,
        offer_by_hand.session_id));
    IF result IS NULL THEN
        again := false;
        SELECT w.* INTO entry
        FROM clinic_data.waitlist_entries AS w WHERE w.tenant_id = tenant AND w.entry_id = offer_by_hand.entry_id
        FOR NO KEY UPDATE;
        IF clinic_private.is_staff_at(coalesce(offer_by_hand.provider_id, entry.provider_id),
                                      coalesce(offer_by_hand.location_id, entry.location_id)) IS NOT TRUE THEN
            PERFORM clinic_private.refuse_permission('appointments:write');
        END IF;
        IF entry.status <> 'waiting' OR entry.lapses_at <= clinic.now() THEN
            PERFORM clinic_private.raise_error('bad_transition', 'the waitlist entry waits no more',
                jsonb_build_object('entry_id', offer_by_hand.entry_id, 'status', entry.status), 'Join the waitlist again.');
        END IF;
        SELECT o.offer_id INTO other
        FROM clinic_data.waitlist_offers AS o
        WHERE o.tenant_id = tenant AND o.entry_id = offer_by_hand.entry_id AND o.status = 'open' AND o.expires_at > clinic.now();
        IF FOUND THEN
            PERFORM clinic_private.raise_error('duplicate', 'the entry has an offer already', jsonb_build_object('offer_id', other),
                'Wait for the answer, or decline it for the patient.');
        END IF;
        IF offer_by_hand.session_id IS NOT NULL OR entry.session_id IS NOT NULL THEN
            result := clinic_private.offer_seats_by_hand(offer_by_hand.entry_id, coalesce(offer_by_hand.session_id, entry.session_id),
                                                         offer_by_hand.minutes);
            PERFORM clinic_private.end_once('offer_slot', offer_by_hand.idempotency_key, result);
            RETURN result || jsonb_build_object('entry_id', offer_by_hand.entry_id, 'replayed', false);
        END IF;

        SELECT coalesce(clinic_private.offer_deadline(entry.service_id, offer_by_hand.starts_at, l.time_zone, offer_by_hand.minutes), clinic.now())
        INTO deadline
        FROM (SELECT coalesce(clinic_private.time_zone_of_location(coalesce(offer_by_hand.location_id, entry.location_id)), 'Etc/UTC') AS time_zone) AS l;
        -- Judged for the patient, with the rights of the caller. What is over at once is claimed all the same, to say why it cannot be.
        SELECT c.* INTO placed
        FROM clinic_private.claim_for_owner(owner_id => slot, kind => 'offer', service_id => entry.service_id, patient_id => entry.patient_id,
            provider_id => coalesce(offer_by_hand.provider_id, entry.provider_id),
            location_id => coalesce(offer_by_hand.location_id, entry.location_id), starts_at => offer_by_hand.starts_at,
            expires_at => greatest(deadline, clinic.now() + interval '1 microsecond'),
            ignored => array_remove(ARRAY[entry.releases_appointment_id], NULL), seats => entry.party_size) AS c;
        PERFORM clinic_private.require_waitlist_right(entry.patient_id, placed.provider_id, placed.location_id);
        IF clinic_private.is_staff_at(placed.provider_id, placed.location_id) IS NOT TRUE THEN
            PERFORM clinic_private.refuse_permission('appointments:write');
        END IF;
        -- The location may have been chosen only now.
        deadline := clinic_private.offer_deadline(entry.service_id, placed.starts_at,
                                                  clinic_private.time_zone_of_location(placed.location_id), offer_by_hand.minutes);
        IF deadline <= clinic.now() THEN
            PERFORM clinic_private.raise_error('lead_time', 'the lead time of this start begins now: it can only be booked',
                jsonb_build_object('starts_at', offer_by_hand.starts_at), 'Book it with clinic.book_appointment().');
        END IF;
        saved := clinic_private.become_system(by_user);
        UPDATE clinic_data.claims AS c SET expires_at = deadline
        WHERE c.tenant_id = tenant AND c.owner_id = slot AND c.expires_at <> deadline;
        PERFORM clinic_private.take_entry(offer_by_hand.entry_id, slot, 'Etc/UTC', limited => false);
        PERFORM clinic_private.write_slot(slot, 'staff', 'single', NULL, NULL, placed.provider_id, placed.location_id, placed.starts_at,
                                          placed.ends_at, deadline);
        new_id := clinic_private.write_offer(slot, offer_by_hand.entry_id, placed.provider_id, placed.location_id, placed.starts_at,
                                             placed.ends_at, deadline);
        PERFORM clinic_private.restore_context(saved);
        result := jsonb_build_object('offer_id', new_id, 'provider_id', placed.provider_id, 'location_id', placed.location_id,
                                     'starts_at', placed.starts_at, 'ends_at', placed.ends_at, 'expires_at', deadline);
        PERFORM clinic_private.end_once('offer_slot', offer_by_hand.idempotency_key, result);
    END IF;
    RETURN result || jsonb_build_object('entry_id', offer_by_hand.entry_id, 'replayed', again);
END
$$;
COMMENT ON FUNCTION clinic_private.offer_by_hand(uuid, timestamptz, uuid, uuid, integer, uuid, text) IS
    'What clinic.offer_slot does, whose row it returns.';
REVOKE ALL ON FUNCTION clinic_private.offer_by_hand FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.offer_by_hand TO clinic_owner;

CREATE FUNCTION clinic.offer_slot(
    entry_id uuid,
    starts_at timestamptz DEFAULT NULL,
    provider_id uuid DEFAULT NULL,
    location_id uuid DEFAULT NULL,
    minutes integer DEFAULT NULL,
    session_id uuid DEFAULT NULL,
    idempotency_key text DEFAULT NULL)
    RETURNS TABLE (
        offer_id uuid,
        entry_id uuid,
        provider_id uuid,
        location_id uuid,
        starts_at timestamptz,
        ends_at timestamptz,
        expires_at timestamptz,
        replayed boolean)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER ROWS 1
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    SELECT r.*
    FROM jsonb_to_record(clinic_private.offer_by_hand($1, $2, $3, $4, $5, $6, $7))
        AS r (offer_id uuid, entry_id uuid, provider_id uuid, location_id uuid, starts_at timestamptz, ends_at timestamptz, expires_at timestamptz,
              replayed boolean)
$$;
ALTER FUNCTION clinic.offer_slot OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.offer_slot FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.offer_slot TO clinic_user;
COMMENT ON FUNCTION clinic.offer_slot IS
    'Offers a free start to an entry by hand, past the queue, its dates and its daily limits. Needs appointments:write and appointments:read there; patients cannot.
starts_at: free, as clinic.available_slots shows it for the patient; provider_id, location_id: by default the entry''s, else chosen; minutes: how long the
offer stands, by default as the tenant has it, never into the lead time; session_id: seats of this session instead, by default that of the entry, without
starts_at, provider_id and location_id. A patient whom the policy on no-shows keeps from booking may accept it. When nobody takes it, its time is everybody''s again. idempotency_key: the same
call again returns the same offer.
Errors: those of clinic.book_appointment and clinic.book_seat; duplicate (the entry has an offer), bad_transition (it waits no more), lead_time, not_found, forbidden, no_context,
busy, idempotency_conflict, 22004, 22023.';
