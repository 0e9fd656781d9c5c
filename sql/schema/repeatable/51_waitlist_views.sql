-- The read views of the waitlist; see 50_views.sql.

CALL clinic_private.ensure_view('waitlist_entries', $view$
    SELECT w.tenant_id,
           w.entry_id,
           w.service_id,
           w.patient_id,
           w.provider_id,
           w.location_id,
           w.from_on,
           w.until_on,
           w.weekdays,
           w.times_of_day,
           w.urgency,
           w.party_size,
           w.releases_appointment_id,
           w.note,
           CASE WHEN w.status = 'waiting' AND w.lapses_at <= clinic.now() THEN 'lapsed' ELSE w.status END AS status,
           CASE WHEN w.status = 'waiting' THEN clinic_private.waitlist_position(w.entry_id) END AS "position",
           w.joined_at,
           CASE WHEN w.status = 'waiting' AND w.lapses_at <= clinic.now() THEN w.lapses_at ELSE w.closed_at END AS closed_at,
           w.appointment_id,
           w.version,
           w.created_at,
           w.updated_at,
           w.session_id
      FROM clinic_data.waitlist_entries w
$view$);
COMMENT ON VIEW clinic.waitlist_entries IS 'Who waits for what: with appointments:read those at the caller''s branches, of the own provider, or at any branch; else those of oneself and dependants.';
COMMENT ON COLUMN clinic.waitlist_entries.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.waitlist_entries.entry_id IS 'Identifies the entry.';
COMMENT ON COLUMN clinic.waitlist_entries.service_id IS 'What is wanted.';
COMMENT ON COLUMN clinic.waitlist_entries.patient_id IS 'Who waits.';
COMMENT ON COLUMN clinic.waitlist_entries.provider_id IS 'By whom; null: anybody who offers it.';
COMMENT ON COLUMN clinic.waitlist_entries.location_id IS 'Where; null: anywhere.';
COMMENT ON COLUMN clinic.waitlist_entries.from_on IS 'First local date that will do.';
COMMENT ON COLUMN clinic.waitlist_entries.until_on IS 'Last local date that will do, inclusive.';
COMMENT ON COLUMN clinic.waitlist_entries.weekdays IS 'Which days of the week will do, 1 (Monday) to 7; null: any.';
COMMENT ON COLUMN clinic.waitlist_entries.times_of_day IS 'Between which local times the visit may begin, such as 09:00-12:00, the end exclusive; null: any.';
COMMENT ON COLUMN clinic.waitlist_entries.urgency IS 'How urgent, 0 to 100; the higher is served first.';
COMMENT ON COLUMN clinic.waitlist_entries.party_size IS 'How many seats are wanted, all or none.';
COMMENT ON COLUMN clinic.waitlist_entries.releases_appointment_id IS 'The later appointment that is given up for an earlier one.';
COMMENT ON COLUMN clinic.waitlist_entries.note IS 'What staff should know.';
COMMENT ON COLUMN clinic.waitlist_entries.status IS 'waiting; lapsed: its last date is over; booked, left, or removed because another entry for the same was booked, or the session was cancelled.';
COMMENT ON COLUMN clinic.waitlist_entries."position" IS 'Place, from 1, among those who wait for the same service at a common provider, place and date.';
COMMENT ON COLUMN clinic.waitlist_entries.joined_at IS 'Since when it waits.';
COMMENT ON COLUMN clinic.waitlist_entries.closed_at IS 'Since when it waits no more.';
COMMENT ON COLUMN clinic.waitlist_entries.appointment_id IS 'What was booked for it.';
COMMENT ON COLUMN clinic.waitlist_entries.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic.waitlist_entries.created_at IS 'When it was made.';
COMMENT ON COLUMN clinic.waitlist_entries.updated_at IS 'When it was last changed.';
COMMENT ON COLUMN clinic.waitlist_entries.session_id IS 'Seats of this session, and nothing else; null: any time, or seats of any session, of the service.';

CALL clinic_private.ensure_view('waitlist_offers', $view$
    SELECT o.tenant_id,
           o.offer_id,
           o.entry_id,
           CASE WHEN o.status = 'open' AND o.expires_at <= clinic.now() THEN 'expired' ELSE o.status END AS status,
           o.expires_at,
           o.service_id,
           o.patient_id,
           o.provider_id,
           o.location_id,
           o.starts_at,
           o.ends_at,
           o.starts_at AT TIME ZONE l.time_zone AS local_starts_at,
           l.time_zone::text AS time_zone,
           CASE WHEN clinic_private.may_at('appointments:read', o.provider_id, o.location_id) THEN s.cause END AS cause,
           CASE WHEN clinic_private.may_at('appointments:read', o.provider_id, o.location_id) THEN s.mode END AS mode,
           CASE WHEN clinic_private.may_at('appointments:read', o.provider_id, o.location_id) THEN o.slot_id END AS slot_id,
           o.offered_at,
           o.answered_at,
           o.appointment_id,
           o.version,
           o.session_id
      FROM clinic_data.waitlist_offers o
      LEFT JOIN clinic_data.locations l ON l.tenant_id = o.tenant_id AND l.location_id = o.location_id
      LEFT JOIN clinic_data.waitlist_slots s ON s.tenant_id = o.tenant_id AND s.slot_id = o.slot_id
$view$);
COMMENT ON VIEW clinic.waitlist_offers IS 'What was offered to those who wait: with appointments:read at the caller''s branches and of the own provider, else to oneself and dependants.';
COMMENT ON COLUMN clinic.waitlist_offers.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.waitlist_offers.offer_id IS 'Identifies the offer.';
COMMENT ON COLUMN clinic.waitlist_offers.entry_id IS 'For which entry.';
COMMENT ON COLUMN clinic.waitlist_offers.status IS 'open, accepted, declined, expired, taken (somebody else was first) or withdrawn (the entry waits no more), as it is now.';
COMMENT ON COLUMN clinic.waitlist_offers.expires_at IS 'The offer is dead from this microsecond on.';
COMMENT ON COLUMN clinic.waitlist_offers.service_id IS 'What is offered.';
COMMENT ON COLUMN clinic.waitlist_offers.patient_id IS 'To whom.';
COMMENT ON COLUMN clinic.waitlist_offers.provider_id IS 'With whom.';
COMMENT ON COLUMN clinic.waitlist_offers.location_id IS 'Where.';
COMMENT ON COLUMN clinic.waitlist_offers.starts_at IS 'Start of the visit.';
COMMENT ON COLUMN clinic.waitlist_offers.ends_at IS 'End of the visit, exclusive.';
COMMENT ON COLUMN clinic.waitlist_offers.local_starts_at IS 'Wall-clock start in time_zone.';
COMMENT ON COLUMN clinic.waitlist_offers.time_zone IS 'Zone of the location.';
COMMENT ON COLUMN clinic.waitlist_offers.cause IS 'Why there was time: freed, opened (hours) or staff; shown to those who may read the diary.';
COMMENT ON COLUMN clinic.waitlist_offers.mode IS 'single, or broadcast: others are offered the same; shown to those who may read the diary.';
COMMENT ON COLUMN clinic.waitlist_offers.slot_id IS 'The offered time, which the offers of a broadcast share; shown to those who may read the diary.';
COMMENT ON COLUMN clinic.waitlist_offers.offered_at IS 'When it was made.';
COMMENT ON COLUMN clinic.waitlist_offers.answered_at IS 'When it was answered, or found to be over.';
COMMENT ON COLUMN clinic.waitlist_offers.appointment_id IS 'What was booked by accepting it.';
COMMENT ON COLUMN clinic.waitlist_offers.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic.waitlist_offers.session_id IS 'The session whose seats are offered; null: time is offered.';
