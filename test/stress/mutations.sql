-- Breaks a diary in every way that verify.sql knows, one way at a time, and lists what it does not notice. No row is what we want.
-- Nothing stays broken. Run as a superuser after verify.sql, in its session, in a diary where everything has happened once.

CREATE TEMPORARY TABLE unnoticed (invariant text, why text);
CREATE TEMPORARY TABLE known AS SELECT i.invariant FROM pg_temp.diary_invariants AS i;
DO $$
DECLARE
    mutation record;
    changed bigint;
    noticed boolean;
BEGIN
    -- No trigger heals or refuses, no foreign key minds.
    PERFORM set_config('session_replication_role', 'replica', true);
    FOR mutation IN
        SELECT i.invariant, m.statement
        FROM known AS i
        LEFT JOIN (VALUES
            ('no provider, room or device is taken beyond its capacity',
             'UPDATE clinic_data.appointment_resources SET buffer_after_minutes = 1440'),
            ('no patient is at two places at once',
             'UPDATE clinic_data.appointments SET patient_id = (SELECT patient_id FROM clinic_data.patients ORDER BY 1 LIMIT 1)'),
            ('no limit of a day or week is exceeded', 'UPDATE clinic_data.providers SET max_per_week = 0'),
            ('who books over others, or past a rule, has said why',
             'UPDATE clinic_data.appointments SET overbooked = true, override_reason = NULL'),
            ('every visit is with a provider, who is among what it uses',
             'DELETE FROM clinic_data.appointment_resources u USING clinic_data.providers p WHERE p.provider_id = u.resource_id'),
            ('every visit has the rooms and devices that its service needs',
             'DELETE FROM clinic_data.appointment_resources u USING clinic_data.resources r WHERE r.resource_id = u.resource_id AND r.kind = ''room'''),
            ('every visit that takes time has exactly its claims',
             'DELETE FROM clinic_data.claims WHERE claim_id = (SELECT claim_id FROM clinic_data.claims WHERE kind = ''booking'' ORDER BY starts_at DESC LIMIT 1)'),
            ('no claim is anybody else''s',
             'UPDATE clinic_data.appointments SET status = ''no_show'' WHERE status = ''booked'''),
            ('nothing overlaps in a lane',
             'ALTER TABLE clinic_data.claims DISABLE TRIGGER claims_40_guard, DROP CONSTRAINT claims_calendar_no_during_excl;
              UPDATE clinic_data.claims SET during = tstzrange(lower(during), upper(during) + interval ''5 days'')'),
            ('every claim is in a lane of its own resource',
             'ALTER TABLE clinic_data.claims DISABLE TRIGGER claims_40_guard, DROP CONSTRAINT claims_calendar_no_during_excl;
              UPDATE clinic_data.claims SET calendar_no = (SELECT min(calendar_no) FROM clinic_data.calendars)'),
            ('no session has more seats taken than it has', 'UPDATE clinic_data.group_sessions SET capacity = 0'),
            ('who has a seat is where the session is',
             'UPDATE clinic_data.group_sessions SET starts_at = starts_at + interval ''1 minute'''),
            ('every party has as many seats as it is people, nobody else any', 'DELETE FROM clinic_data.session_seats WHERE seat = 1'),
            ('every session has its claims, and no cancelled one any', 'DELETE FROM clinic_data.claims WHERE kind = ''session'''),
            ('a time is offered to one at a time, unless to all at once',
             'UPDATE clinic_data.waitlist_offers o SET slot_id = (SELECT slot_id FROM clinic_data.waitlist_slots WHERE mode = ''single'' ORDER BY 1 LIMIT 1),
                     status = ''open'', appointment_id = NULL, starts_at = ''2040-01-02'', ends_at = ''2040-01-03'', expires_at = ''2040-01-01''
               WHERE o.offer_id IN (SELECT DISTINCT ON (entry_id) offer_id FROM clinic_data.waitlist_offers ORDER BY entry_id, offer_id)'),
            ('nobody has two offers at once for one wish',
             'DROP INDEX clinic_data.waitlist_offers_entry_id_open_key;
              UPDATE clinic_data.waitlist_offers SET entry_id = (SELECT entry_id FROM clinic_data.waitlist_entries ORDER BY 1 LIMIT 1), slot_id = offer_id,
                     status = ''open'', appointment_id = NULL, starts_at = ''2040-01-02'', ends_at = ''2040-01-03'', expires_at = ''2040-01-01'''),
            ('what is offered is kept from everybody else',
             'UPDATE clinic_data.waitlist_offers o SET status = ''open'', appointment_id = NULL, starts_at = ''2040-01-02'', ends_at = ''2040-01-03'', expires_at = ''2040-01-01''
               WHERE o.offer_id = (SELECT min(offer_id::text)::uuid FROM clinic_data.waitlist_offers)'),
            ('only what is offered is kept',
             'UPDATE clinic_data.claims SET kind = ''offer'', appointment_id = NULL, owner_id = claim_id, expires_at = ''2040-01-01'''),
            ('what is offered is kept from everybody else',
             'UPDATE clinic_data.waitlist_offers o SET status = ''open'', appointment_id = NULL, session_id = slot_id, starts_at = ''2040-01-02'', ends_at = ''2040-01-03'',
                    expires_at = ''2040-01-01''
               WHERE o.offer_id = (SELECT min(offer_id::text)::uuid FROM clinic_data.waitlist_offers)'),
            ('only what is offered is kept',
             'UPDATE clinic_data.session_seats SET appointment_id = NULL, slot_id = session_id, expires_at = ''2040-01-01'''),
            ('an offer goes to who waits, for what they wait for',
             'UPDATE clinic_data.waitlist_offers o SET status = ''open'', appointment_id = NULL, starts_at = ''2040-01-02'', ends_at = ''2040-01-03'', expires_at = ''2040-01-01''
               WHERE o.offer_id = (SELECT min(offer_id::text)::uuid FROM clinic_data.waitlist_offers WHERE status = ''accepted'')'),
            ('an offer ends before the lead time of what it offers begins', 'UPDATE clinic_data.services SET lead_time_minutes = 527040'),
            ('an accepted offer is a booking of that patient, and ends the wish',
             'UPDATE clinic_data.waitlist_entries SET appointment_id = NULL WHERE status = ''booked'''),
            ('who was served does not wait for the same any more',
             'INSERT INTO clinic_data.waitlist_entries
              SELECT (jsonb_populate_record(w, jsonb_build_object(''entry_id'', gen_random_uuid(), ''status'', ''waiting'', ''closed_at'', NULL, ''appointment_id'', NULL))).*
                FROM clinic_data.waitlist_entries w WHERE w.status = ''booked'' ORDER BY entry_id LIMIT 1'),
            ('every change of an appointment is one event, in order', 'UPDATE clinic_data.appointments SET version = version + 1'),
            ('events tell one story without a gap', 'DELETE FROM clinic_data.events WHERE sequence = 1'),
            ('the last event says how things are', 'UPDATE clinic_data.appointments SET starts_at = starts_at - interval ''1 minute'''),
            ('an event is named for what happened',
             'UPDATE clinic_data.events SET name = ''appointment.no_show'' WHERE name = ''appointment.completed'''),
            ('no event is of an appointment that never was', 'UPDATE clinic_data.events SET subject_id = event_id WHERE name = ''appointment.scheduled'''),
            ('nobody is reminded of a visit that is off, over or begun',
             'UPDATE clinic_data.appointments SET status = ''no_show'' WHERE status = ''booked'''),
            ('every visit to come is reminded of as planned, once',
             'UPDATE clinic_data.notifications SET planned_at = planned_at + interval ''1 minute'' WHERE kind = ''reminder'''),
            ('no reminder comes after the visit has begun', 'UPDATE clinic_data.notifications SET due_at = ''2040-01-01'' WHERE status = ''waiting'''),
            ('what was sent went out once, by a message of its own', 'UPDATE clinic_data.notifications SET sent_at = NULL WHERE status = ''sent'''),
            ('tickets of a day are numbered without gaps', 'DELETE FROM clinic_data.tickets WHERE number = 1'),
            ('who has arrived has one ticket, and nobody else a living one',
             'UPDATE clinic_data.tickets t SET state = ''waiting'', ended_at = NULL
               WHERE t.ticket_id IN (SELECT DISTINCT ON (appointment_id) ticket_id FROM clinic_data.tickets WHERE state = ''done'' ORDER BY appointment_id, ticket_id)'),
            ('nobody who came is missing, nobody who is missing came', 'UPDATE clinic_data.appointments SET arrived_at = starts_at WHERE status = ''no_show'''),
            ('a fee is due for a no-show alone, a prepayment never for what is off',
             'UPDATE clinic_data.appointment_charges SET state = ''due'', settled_at = NULL;
              UPDATE clinic_data.appointments SET status = ''booked'' WHERE status = ''no_show'''),
            ('the steps of a visit are one patient''s', 'UPDATE clinic_data.visits SET patient_id = visit_id'),
            ('the dates of a series are one patient''s, and nothing stands of one that is cancelled', 'UPDATE clinic_data.series SET patient_id = series_id')
        ) AS m (invariant, statement) USING (invariant)
    LOOP
        BEGIN
            IF mutation.statement IS NOT NULL THEN
                EXECUTE mutation.statement;
            END IF;
            SELECT EXISTS (SELECT FROM pg_temp.diary_problems AS p WHERE p.invariant = mutation.invariant) INTO noticed;
            -- Undo it.
            RAISE EXCEPTION USING errcode = 'P0999';
        EXCEPTION
            WHEN SQLSTATE 'P0999' THEN
                IF NOT noticed THEN
                    INSERT INTO unnoticed VALUES (mutation.invariant, CASE WHEN mutation.statement IS NULL THEN 'nothing is known to break it' ELSE 'broken and not noticed' END);
                END IF;
            WHEN OTHERS THEN
                INSERT INTO unnoticed VALUES (mutation.invariant, SQLERRM);
        END;
    END LOOP;
    PERFORM set_config('session_replication_role', 'origin', true);
END
$$;
SELECT u.invariant, u.why FROM unnoticed AS u;
