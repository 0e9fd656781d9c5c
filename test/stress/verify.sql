-- What is wrong in the diaries of this database, found without any code of the engine: one row each. No row is what we want.
--
-- The statements are those of docs/policies.md and docs/booking_life.md, written down a second time over the bare tables. Leaves two
-- temporary views: diary_problems (the rows), and diary_invariants (every statement, with how often it is broken).
--
-- Run as a superuser, who sees every row. The time is clinic.clock's where that is set. Three things are history that the tables do not
-- keep, so a test that calls this does not do them: lower a capacity or a limit below what is taken, change a reminder plan
-- under visits that are planned, forbid patients' overlaps that were allowed before.

CREATE OR REPLACE TEMP VIEW diary_problems AS
WITH clock AS MATERIALIZED (
    SELECT coalesce(nullif(current_setting('clinic.clock', true), '')::timestamptz, now()) AS now
),

-- What takes time -----------------------------------------------------------------------------------------------------
-- Appointments that stand: from the microsecond of its deadline on a hold or a request is nothing.
standing AS MATERIALIZED (
    SELECT a.*, r.quantity IS NOT NULL AS has_provider
      FROM clinic_data.appointments a
      JOIN clock k ON a.expires_at IS NULL OR a.expires_at > k.now
      LEFT JOIN clinic_data.resources r ON r.tenant_id = a.tenant_id AND r.resource_id = a.provider_id AND r.kind = 'provider'
     WHERE a.status IN ('held', 'pending', 'booked', 'confirmed', 'arrived', 'in_progress')
),
-- Whom and what an appointment takes, with the buffers it was booked with. The patient has none; of a seat in a planned session, provider
-- and rooms are the session's.
taking AS MATERIALIZED (
    SELECT s.tenant_id, s.appointment_id, u.resource_id, s.seats, s.capacity * r.quantity AS capacity, s.overbooked,
           s.starts_at - make_interval(mins => u.buffer_before_minutes) AS begins,
           s.ends_at + make_interval(mins => u.buffer_after_minutes) AS ends
      FROM standing s
      JOIN clinic_data.appointment_resources u USING (tenant_id, appointment_id)
      JOIN clinic_data.resources r ON r.tenant_id = u.tenant_id AND r.resource_id = u.resource_id
     WHERE s.session_id IS NULL
),
live_claims AS MATERIALIZED (
    SELECT c.* FROM clinic_data.claims c JOIN clock k ON c.expires_at IS NULL OR c.expires_at > k.now
),
open_slots AS MATERIALIZED (
    SELECT s.* FROM clinic_data.waitlist_slots s JOIN clock k ON s.expires_at > k.now WHERE s.status = 'open'
),
open_offers AS MATERIALIZED (
    SELECT o.* FROM clinic_data.waitlist_offers o JOIN clock k ON o.expires_at > k.now WHERE o.status = 'open'
),
kept_seats AS MATERIALIZED (
    SELECT s.* FROM clinic_data.session_seats s JOIN clock k ON s.expires_at > k.now WHERE s.slot_id IS NOT NULL
),
-- Everything that takes a provider, a room or a device: appointments, planned sessions (alone), offers.
occupied AS MATERIALIZED (
    SELECT t.tenant_id, t.resource_id, t.begins, t.ends, t.seats, t.capacity, t.appointment_id AS id FROM taking t WHERE NOT t.overbooked
    UNION ALL
    SELECT g.tenant_id, g.provider_id, g.starts_at - make_interval(mins => coalesce(g.buffer_before_minutes, 0)),
           g.ends_at + make_interval(mins => coalesce(g.buffer_after_minutes, 0)), 1, 1, g.session_id
      FROM clinic_data.group_sessions g WHERE g.status = 'scheduled'
    UNION ALL
    SELECT c.tenant_id, c.resource_id, lower(c.during), upper(c.during), c.seats,
           CASE c.kind WHEN 'session' THEN r.quantity ELSE c.capacity END, c.owner_id
      FROM live_claims c
      JOIN clinic_data.resources r ON r.tenant_id = c.tenant_id AND r.resource_id = c.resource_id
     WHERE c.kind = 'offer' AND r.kind <> 'patient' OR c.kind = 'session' AND r.kind IN ('room', 'device')
),
-- At each beginning, what is there: the smallest of the capacities that meet holds.
load AS (
    SELECT a.resource_id, a.begins, a.id, sum(b.seats) AS seats, min(b.capacity) AS capacity
      FROM occupied a
      JOIN occupied b ON b.tenant_id = a.tenant_id AND b.resource_id = a.resource_id AND b.begins <= a.begins AND b.ends > a.begins
     GROUP BY a.resource_id, a.begins, a.id
),

-- Claims --------------------------------------------------------------------------------------------------------------
owed_claims AS MATERIALIZED (
    SELECT t.tenant_id, t.appointment_id, t.resource_id, tstzrange(t.begins, t.ends) AS during, t.seats FROM taking t
    UNION ALL
    SELECT s.tenant_id, s.appointment_id, s.patient_id, tstzrange(s.starts_at, s.ends_at), NULL FROM standing s
),
claim_count AS (
    SELECT o.appointment_id, o.resource_id, count(c.claim_id) AS claims
      FROM owed_claims o
      JOIN standing s USING (tenant_id, appointment_id)
      LEFT JOIN live_claims c
        ON c.tenant_id = o.tenant_id AND c.appointment_id = o.appointment_id AND c.resource_id = o.resource_id AND c.during = o.during
           AND c.starts_at = s.starts_at AND c.ends_at = s.ends_at AND c.overbooked = s.overbooked
           AND c.expires_at IS NOT DISTINCT FROM s.expires_at AND c.seats = coalesce(o.seats, c.seats)
           AND c.kind = CASE s.status WHEN 'held' THEN 'hold' WHEN 'pending' THEN 'pending' ELSE 'booking' END
     CROSS JOIN clock k
     WHERE s.ends_at > k.now
     GROUP BY o.appointment_id, o.resource_id
),

-- Limits: by the local date of the start in the provider's zone of that date ------------------------------------------
counted AS MATERIALIZED (
    SELECT a.tenant_id, a.appointment_id, a.provider_id, a.service_id, 'limit' = ANY (a.overridden) OR a.overbooked AS excused,
           (a.starts_at AT TIME ZONE coalesce(y.time_zone, p.time_zone)::text)::date AS on_date
      FROM clinic_data.appointments a
      JOIN clinic_data.providers p USING (tenant_id, provider_id)
      JOIN clock k ON a.expires_at IS NULL OR a.expires_at > k.now
      LEFT JOIN LATERAL (
          SELECT y.time_zone FROM clinic_data.stays y
           WHERE y.tenant_id = a.tenant_id AND y.resource_id = a.provider_id AND y.retired_at IS NULL
             AND (a.starts_at AT TIME ZONE p.time_zone::text)::date BETWEEN y.from_on AND y.until_on LIMIT 1) y ON true
     WHERE a.status <> 'cancelled' AND a.session_id IS NULL
       -- What staff reinstate is not judged again.
       AND NOT EXISTS (SELECT FROM clinic_data.events e
                        WHERE e.tenant_id = a.tenant_id AND e.subject_id = a.appointment_id AND e.name = 'appointment.reinstated')
),
limits AS (
    SELECT c.tenant_id, min(c.appointment_id::text)::uuid AS id, c.provider_id AS other, count(*) AS visits, min(s.max_per_day) AS most, bool_or(c.excused) AS excused
      FROM counted c JOIN clinic_data.services s USING (tenant_id, service_id) GROUP BY c.tenant_id, c.provider_id, c.service_id, c.on_date
    UNION ALL
    SELECT c.tenant_id, min(c.appointment_id::text)::uuid, c.provider_id, count(*), min(s.max_per_week), bool_or(c.excused)
      FROM counted c JOIN clinic_data.services s USING (tenant_id, service_id) GROUP BY c.tenant_id, c.provider_id, c.service_id, date_trunc('week', c.on_date)
    UNION ALL
    SELECT c.tenant_id, min(c.appointment_id::text)::uuid, c.provider_id, count(*), min(p.max_per_day), bool_or(c.excused)
      FROM counted c JOIN clinic_data.providers p USING (tenant_id, provider_id) GROUP BY c.tenant_id, c.provider_id, c.on_date
    UNION ALL
    SELECT c.tenant_id, min(c.appointment_id::text)::uuid, c.provider_id, count(*), min(p.max_per_week), bool_or(c.excused)
      FROM counted c JOIN clinic_data.providers p USING (tenant_id, provider_id) GROUP BY c.tenant_id, c.provider_id, date_trunc('week', c.on_date)
),

-- Events --------------------------------------------------------------------------------------------------------------
told AS MATERIALIZED (
    SELECT e.tenant_id, e.subject_id, e.event_id, e.name, e.sequence, e.status, e.status_before, e.starts_at, e.ends_at, e.provider_id,
           row_number() OVER w AS place, lag(e.status) OVER w AS status_told, lead(e.event_id) OVER w AS next_event
      FROM clinic_data.events e
     WHERE e.name LIKE 'appointment.%'
    WINDOW w AS (PARTITION BY e.tenant_id, e.subject_id ORDER BY e.sequence)
),

-- Reminders -----------------------------------------------------------------------------------------------------------
-- After transactions of a higher isolation, whoever claims messages next follows their changes first: until then they count as followed.
to_be_followed AS MATERIALIZED (
    SELECT t.tenant_id, (t.after ->> 'appointment_id')::uuid AS appointment_id FROM clinic_data.notification_tasks t
),
-- Where no plan says otherwise: 72, 24 and 2 hours before, whatever became of each.
reminder_count AS (
    SELECT a.appointment_id, h.hours, count(n.notification_id) AS reminders
      FROM clinic_data.appointments a
      JOIN clock k ON a.starts_at > k.now
     CROSS JOIN unnest('{72,24,2}'::integer[]) AS h (hours)
      LEFT JOIN clinic_data.notifications n
        ON n.tenant_id = a.tenant_id AND n.appointment_id = a.appointment_id AND n.kind = 'reminder' AND n.status <> 'void'
           AND n.planned_at = a.starts_at - make_interval(hours => h.hours)
     WHERE a.status IN ('booked', 'confirmed')
       AND NOT EXISTS (SELECT FROM clinic_data.reminder_plans p
                        WHERE p.tenant_id = a.tenant_id AND coalesce(p.service_id = a.service_id, true) AND coalesce(p.patient_id = a.patient_id, true))
       AND NOT EXISTS (SELECT FROM to_be_followed t WHERE t.tenant_id = a.tenant_id AND t.appointment_id = a.appointment_id)
     GROUP BY a.appointment_id, h.hours
)

-- The diary
SELECT 'no provider, room or device is taken beyond its capacity' AS invariant, l.id, l.resource_id AS other FROM load l WHERE l.seats > l.capacity
UNION ALL
SELECT 'no patient is at two places at once', a.appointment_id, b.appointment_id
  FROM standing a
  JOIN standing b ON b.tenant_id = a.tenant_id AND b.patient_id = a.patient_id AND b.appointment_id > a.appointment_id
                     AND b.starts_at < a.ends_at AND b.ends_at > a.starts_at
  JOIN clinic_data.tenants t ON t.tenant_id = a.tenant_id AND t.patient_overlap = 'forbid'
 WHERE NOT a.overbooked AND NOT b.overbooked AND 'patient_conflict' <> ALL (a.warnings || b.warnings)
UNION ALL
SELECT 'no limit of a day or week is exceeded', l.id, l.other FROM limits l WHERE l.visits > l.most AND NOT l.excused
UNION ALL
SELECT 'who books over others, or past a rule, has said why', a.appointment_id, NULL
  FROM clinic_data.appointments a WHERE (a.overbooked OR cardinality(a.overridden) > 0) AND coalesce(a.override_reason, '') = ''
UNION ALL
SELECT 'every visit is with a provider, who is among what it uses', s.appointment_id, s.provider_id
  FROM standing s
 WHERE NOT s.has_provider
    OR s.session_id IS NULL AND NOT EXISTS (SELECT FROM taking t WHERE t.appointment_id = s.appointment_id AND t.resource_id = s.provider_id)
UNION ALL
SELECT 'every visit has the rooms and devices that its service needs', s.appointment_id, NULL
  FROM standing s
  JOIN clinic_data.service_resources n USING (tenant_id, service_id)
 WHERE s.session_id IS NULL AND 'no_resource' <> ALL (s.overridden)
   AND n.quantity > (SELECT count(*) FROM taking t JOIN clinic_data.resources r ON r.tenant_id = t.tenant_id AND r.resource_id = t.resource_id
                      WHERE t.appointment_id = s.appointment_id AND r.resource_class = n.resource_class)
-- Claims
UNION ALL
SELECT 'every visit that takes time has exactly its claims', c.appointment_id, c.resource_id FROM claim_count c WHERE c.claims <> 1
UNION ALL
SELECT 'no claim is anybody else''s', c.claim_id, c.appointment_id
  FROM live_claims c
 WHERE c.appointment_id IS NOT NULL
   AND NOT EXISTS (SELECT FROM owed_claims o WHERE o.tenant_id = c.tenant_id AND o.appointment_id = c.appointment_id
                      AND o.resource_id = c.resource_id AND o.during = c.during)
   -- A visit that is over keeps its claims until they are swept.
   AND NOT EXISTS (SELECT FROM clinic_data.appointments a WHERE a.tenant_id = c.tenant_id AND a.appointment_id = c.appointment_id
                      AND a.status = 'completed' AND a.starts_at = c.starts_at AND a.ends_at = c.ends_at)
UNION ALL
SELECT 'nothing overlaps in a lane', a.claim_id, b.claim_id
  FROM live_claims a JOIN live_claims b ON b.calendar_no = a.calendar_no AND b.claim_id > a.claim_id AND b.during && a.during
UNION ALL
SELECT 'every claim is in a lane of its own resource', c.claim_id, NULL
  FROM live_claims c
 WHERE NOT EXISTS (SELECT FROM clinic_data.calendars l
                    WHERE l.tenant_id = c.tenant_id AND l.calendar_no = c.calendar_no AND l.resource_id = c.resource_id)
-- Sessions
UNION ALL
SELECT 'no session has more seats taken than it has', g.session_id, NULL
  FROM clinic_data.group_sessions g
 WHERE g.capacity < (SELECT sum(s.seats) FROM standing s WHERE s.tenant_id = g.tenant_id AND s.session_id = g.session_id)
UNION ALL
SELECT 'who has a seat is where the session is', s.appointment_id, s.session_id
  FROM standing s JOIN clinic_data.group_sessions g USING (tenant_id, session_id)
 WHERE g.status <> 'scheduled' OR g.starts_at <> s.starts_at OR g.ends_at <> s.ends_at OR g.provider_id <> s.provider_id
UNION ALL
SELECT 'every party has as many seats as it is people, nobody else any', a.appointment_id, a.session_id
  FROM clinic_data.appointments a
  JOIN clock k ON a.expires_at IS NULL OR a.expires_at > k.now
 WHERE a.session_id IS NOT NULL
   AND CASE a.status WHEN 'cancelled' THEN 0 ELSE a.seats END
       <> (SELECT count(*) FROM clinic_data.session_seats s
            WHERE s.tenant_id = a.tenant_id AND s.session_id = a.session_id AND s.appointment_id = a.appointment_id
              AND s.expires_at IS NOT DISTINCT FROM a.expires_at)
UNION ALL
SELECT 'every session has its claims, and no cancelled one any', g.session_id, g.provider_id
  FROM clinic_data.group_sessions g
 CROSS JOIN clock k
 WHERE CASE g.status
       WHEN 'cancelled' THEN EXISTS (SELECT FROM live_claims c WHERE c.tenant_id = g.tenant_id AND c.owner_id = g.session_id)
       ELSE g.ends_at > k.now
            AND EXISTS (SELECT FROM unnest(g.named_resource_ids || g.provider_id) AS n (id)
                         WHERE 1 <> (SELECT count(*) FROM live_claims c
                                      WHERE c.tenant_id = g.tenant_id AND c.owner_id = g.session_id AND c.resource_id = n.id AND c.kind = 'session'
                                        AND c.starts_at = g.starts_at AND c.ends_at = g.ends_at))
       END
-- Waitlist
UNION ALL
SELECT 'a time is offered to one at a time, unless to all at once', o.slot_id, NULL
  FROM open_offers o JOIN clinic_data.waitlist_slots s USING (tenant_id, slot_id)
 WHERE s.mode = 'single' GROUP BY o.slot_id HAVING count(*) > 1
UNION ALL
SELECT 'nobody has two offers at once for one wish', o.entry_id, NULL FROM open_offers o GROUP BY o.entry_id HAVING count(*) > 1
UNION ALL
SELECT 'what is offered is kept from everybody else', o.offer_id, o.slot_id
  FROM open_offers o
 WHERE o.session_id IS NULL
   AND NOT EXISTS (SELECT FROM live_claims c WHERE c.tenant_id = o.tenant_id AND c.owner_id = o.slot_id AND c.resource_id = o.provider_id
                      AND c.kind = 'offer' AND c.during @> tstzrange(o.starts_at, o.ends_at))
UNION ALL
SELECT 'what is offered is kept from everybody else', o.offer_id, o.slot_id
  FROM open_offers o
  JOIN clinic_data.waitlist_entries e USING (tenant_id, entry_id)
 WHERE o.session_id IS NOT NULL
   AND e.party_size IS DISTINCT FROM (SELECT count(*) FROM kept_seats k
                                       WHERE k.tenant_id = o.tenant_id AND k.slot_id = o.slot_id AND k.session_id = o.session_id)
UNION ALL
SELECT 'only what is offered is kept', c.claim_id, c.owner_id
  FROM live_claims c
 WHERE c.kind = 'offer'
   AND NOT EXISTS (SELECT FROM open_slots s JOIN open_offers o USING (tenant_id, slot_id)
                    WHERE s.tenant_id = c.tenant_id AND s.slot_id = c.owner_id)
UNION ALL
SELECT 'only what is offered is kept', k.session_id, k.slot_id
  FROM kept_seats k
 WHERE NOT EXISTS (SELECT FROM open_slots s JOIN open_offers o USING (tenant_id, slot_id)
                    WHERE s.tenant_id = k.tenant_id AND s.slot_id = k.slot_id AND s.session_id = k.session_id)
UNION ALL
SELECT 'an offer goes to who waits, for what they wait for', o.offer_id, o.entry_id
  FROM open_offers o JOIN clinic_data.waitlist_entries e USING (tenant_id, entry_id)
 WHERE e.status <> 'waiting' OR (e.service_id, e.patient_id) <> (o.service_id, o.patient_id)
    OR coalesce(e.provider_id <> o.provider_id, false) OR coalesce(e.location_id <> o.location_id, false)
UNION ALL
SELECT 'an offer ends before the lead time of what it offers begins', o.offer_id, NULL
  FROM clinic_data.waitlist_offers o JOIN clinic_data.services s USING (tenant_id, service_id)
 WHERE o.expires_at > o.starts_at - make_interval(mins => s.lead_time_minutes)
UNION ALL
SELECT 'an accepted offer is a booking of that patient, and ends the wish', o.offer_id, o.appointment_id
  FROM clinic_data.waitlist_offers o
  JOIN clinic_data.waitlist_entries e USING (tenant_id, entry_id)
  LEFT JOIN clinic_data.appointments a ON a.tenant_id = o.tenant_id AND a.appointment_id = o.appointment_id
 WHERE o.status = 'accepted'
   AND (a.appointment_id IS NULL OR (a.patient_id, a.service_id) <> (o.patient_id, o.service_id)
        OR e.status <> 'booked' OR e.appointment_id IS DISTINCT FROM o.appointment_id)
UNION ALL
SELECT 'who was served does not wait for the same any more', w.entry_id, b.entry_id
  FROM clinic_data.waitlist_entries w
  JOIN clinic_data.waitlist_entries b USING (tenant_id, patient_id, service_id)
 WHERE w.status = 'waiting' AND b.status = 'booked' AND w.joined_at < b.closed_at
-- Events
UNION ALL
SELECT 'every change of an appointment is one event, in order', a.appointment_id, NULL
  FROM clinic_data.appointments a
 WHERE (a.version, 1, a.version) IS DISTINCT FROM
       (SELECT (count(*)::integer, min(t.sequence), max(t.sequence))::record FROM told t WHERE t.tenant_id = a.tenant_id AND t.subject_id = a.appointment_id)
UNION ALL
SELECT 'events tell one story without a gap', t.subject_id, t.event_id
  FROM told t WHERE t.sequence <> t.place OR t.status_before IS DISTINCT FROM t.status_told
UNION ALL
SELECT 'the last event says how things are', a.appointment_id, t.event_id
  FROM clinic_data.appointments a JOIN told t ON t.tenant_id = a.tenant_id AND t.subject_id = a.appointment_id AND t.next_event IS NULL
 WHERE (t.status, t.starts_at, t.ends_at, t.provider_id) IS DISTINCT FROM (a.status, a.starts_at, a.ends_at, a.provider_id)
UNION ALL
SELECT 'an event is named for what happened', t.subject_id, t.event_id
  FROM told t
  JOIN (VALUES ('appointment.held', 'held'), ('appointment.requested', 'pending'), ('appointment.scheduled', 'booked'),
               ('appointment.confirmed', 'confirmed'), ('appointment.checked_in', 'arrived'), ('appointment.started', 'in_progress'),
               ('appointment.completed', 'completed'), ('appointment.cancelled', 'cancelled'), ('appointment.expired', 'cancelled'),
               ('appointment.no_show', 'no_show')) AS v (name, status) ON v.name = t.name
 WHERE t.status <> v.status
UNION ALL
SELECT 'no event is of an appointment that never was', t.subject_id, t.event_id
  FROM told t WHERE NOT EXISTS (SELECT FROM clinic_data.appointments a WHERE a.tenant_id = t.tenant_id AND a.appointment_id = t.subject_id)
-- Messages
UNION ALL
SELECT 'nobody is reminded of a visit that is off, over or begun', n.notification_id, a.appointment_id
  FROM clinic_data.notifications n
  JOIN clinic_data.appointments a USING (tenant_id, appointment_id)
  LEFT JOIN clinic_data.outbox m ON m.tenant_id = n.tenant_id AND m.message_id = n.message_id
 CROSS JOIN clock k
 WHERE n.kind IN ('reminder', 'confirmation', 'change', 'running_late', 'possible_no_show')
   AND (n.status = 'waiting' AND (n.expires_at IS NULL OR n.expires_at > k.now)
        OR n.status = 'queued' AND m.status = 'waiting' AND (m.expires_at IS NULL OR m.expires_at > k.now)
           AND coalesce(m.claimed_until, k.now) <= k.now)
   AND NOT EXISTS (SELECT FROM to_be_followed t WHERE t.tenant_id = a.tenant_id AND t.appointment_id = a.appointment_id)
   AND CASE n.kind WHEN 'reminder' THEN a.status NOT IN ('booked', 'confirmed') ELSE a.status IN ('cancelled', 'no_show') END
UNION ALL
SELECT 'every visit to come is reminded of as planned, once', r.appointment_id, NULL FROM reminder_count r WHERE r.reminders <> 1
UNION ALL
SELECT 'no reminder comes after the visit has begun', n.notification_id, n.appointment_id
  FROM clinic_data.notifications n JOIN clinic_data.appointments a USING (tenant_id, appointment_id)
 WHERE n.kind = 'reminder' AND n.status IN ('waiting', 'queued') AND n.due_at >= a.starts_at
   AND NOT EXISTS (SELECT FROM to_be_followed t WHERE t.tenant_id = a.tenant_id AND t.appointment_id = a.appointment_id)
UNION ALL
SELECT 'what was sent went out once, by a message of its own', n.notification_id, n.message_id
  FROM clinic_data.notifications n
 WHERE n.status = 'sent' AND (n.sent_at IS NULL OR 1 < (SELECT count(*) FROM clinic_data.outbox m WHERE m.tenant_id = n.tenant_id AND m.message_id = n.message_id))
-- The front desk
UNION ALL
SELECT 'tickets of a day are numbered without gaps', t.location_id, NULL
  FROM clinic_data.tickets t
 GROUP BY t.tenant_id, t.location_id, t.on_date, t.prefix HAVING count(*) <> max(t.number) OR min(t.number) <> 1
UNION ALL
SELECT 'who has arrived has one ticket, and nobody else a living one', a.appointment_id, NULL
  FROM clinic_data.appointments a
  LEFT JOIN clinic_data.tickets t ON t.tenant_id = a.tenant_id AND t.appointment_id = a.appointment_id AND t.state IN ('waiting', 'called', 'serving')
 GROUP BY a.tenant_id, a.appointment_id
HAVING count(t.ticket_id) > 1 OR count(t.ticket_id) > 0 AND a.status NOT IN ('arrived', 'in_progress')
UNION ALL
SELECT 'nobody who came is missing, nobody who is missing came', a.appointment_id, NULL
  FROM clinic_data.appointments a
 WHERE a.status = 'no_show' AND (a.arrived_at IS NOT NULL OR a.started_at IS NOT NULL)
    OR a.status IN ('arrived', 'in_progress') AND a.arrived_at IS NULL
UNION ALL
SELECT 'a fee is due for a no-show alone, a prepayment never for what is off', c.charge_id, c.appointment_id
  FROM clinic_data.appointment_charges c JOIN clinic_data.appointments a USING (tenant_id, appointment_id)
 WHERE c.state = 'due' AND CASE c.kind WHEN 'no_show_fee' THEN a.status <> 'no_show' ELSE a.status = 'cancelled' END
-- Visits and series
UNION ALL
SELECT 'the steps of a visit are one patient''s', v.visit_id, a.appointment_id
  FROM clinic_data.visits v JOIN clinic_data.visit_appointments s USING (tenant_id, visit_id) JOIN clinic_data.appointments a USING (tenant_id, appointment_id)
 WHERE a.patient_id <> v.patient_id
UNION ALL
SELECT 'the dates of a series are one patient''s, and nothing stands of one that is cancelled', r.series_id, a.appointment_id
  FROM clinic_data.series r JOIN clinic_data.series_appointments s USING (tenant_id, series_id) JOIN clinic_data.appointments a USING (tenant_id, appointment_id)
 WHERE a.patient_id <> r.patient_id;

CREATE OR REPLACE TEMP VIEW diary_invariants AS
WITH problems AS MATERIALIZED (SELECT p.invariant, count(*) AS broken FROM diary_problems p GROUP BY p.invariant)
SELECT coalesce(n.invariant, p.invariant) AS invariant, p.broken IS NULL AS holds, coalesce(p.broken, 0) AS broken
  FROM unnest(ARRAY[
      'no provider, room or device is taken beyond its capacity',
      'no patient is at two places at once',
      'no limit of a day or week is exceeded',
      'who books over others, or past a rule, has said why',
      'every visit is with a provider, who is among what it uses',
      'every visit has the rooms and devices that its service needs',
      'every visit that takes time has exactly its claims',
      'no claim is anybody else''s',
      'nothing overlaps in a lane',
      'every claim is in a lane of its own resource',
      'no session has more seats taken than it has',
      'who has a seat is where the session is',
      'every party has as many seats as it is people, nobody else any',
      'every session has its claims, and no cancelled one any',
      'a time is offered to one at a time, unless to all at once',
      'nobody has two offers at once for one wish',
      'what is offered is kept from everybody else',
      'only what is offered is kept',
      'an offer goes to who waits, for what they wait for',
      'an offer ends before the lead time of what it offers begins',
      'an accepted offer is a booking of that patient, and ends the wish',
      'who was served does not wait for the same any more',
      'every change of an appointment is one event, in order',
      'events tell one story without a gap',
      'the last event says how things are',
      'an event is named for what happened',
      'no event is of an appointment that never was',
      'nobody is reminded of a visit that is off, over or begun',
      'every visit to come is reminded of as planned, once',
      'no reminder comes after the visit has begun',
      'what was sent went out once, by a message of its own',
      'tickets of a day are numbered without gaps',
      'who has arrived has one ticket, and nobody else a living one',
      'nobody who came is missing, nobody who is missing came',
      'a fee is due for a no-show alone, a prepayment never for what is off',
      'the steps of a visit are one patient''s',
      'the dates of a series are one patient''s, and nothing stands of one that is cancelled'
  ]) WITH ORDINALITY AS n (invariant, place)
  FULL JOIN problems p ON p.invariant = n.invariant
 ORDER BY n.place;

SELECT p.invariant, p.id, p.other FROM diary_problems p;
