-- Series, and their dates with what became of each.

CALL clinic_private.ensure_view('series', $view$
    SELECT s.tenant_id,
           s.series_id,
           s.previous_series_id,
           s.status,
           s.service_id,
           s.patient_id,
           s.provider_id,
           s.location_id,
           s.duration,
           s.resource_ids,
           s.rule,
           s.local_first_starts_at,
           s.dates,
           s.time_zone::text AS time_zone,
           s.excluded_dates,
           s.shift,
           s.local_from,
           s.local_until,
           s.gap,
           s.mode,
           s.override,
           s.overbook,
           s.reason,
           s.endless,
           s.local_materialised_until,
           s.version,
           s.created_at,
           s.updated_at
      FROM clinic_data.series s
$view$);
COMMENT ON VIEW clinic.series IS 'Recurring appointments as they were asked for: a patient''s own, and for staff those at places whose diary they read, or with an appointment there.';
COMMENT ON COLUMN clinic.series.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.series.series_id IS 'Identifies the series.';
COMMENT ON COLUMN clinic.series.previous_series_id IS 'The series of which this one was the later part, until it was changed from one date on.';
COMMENT ON COLUMN clinic.series.status IS 'active; ended: its later part was cancelled or became another series; cancelled.';
COMMENT ON COLUMN clinic.series.service_id IS 'What is done.';
COMMENT ON COLUMN clinic.series.patient_id IS 'For whom.';
COMMENT ON COLUMN clinic.series.provider_id IS 'By whom; null: chosen for each date.';
COMMENT ON COLUMN clinic.series.location_id IS 'Where; null: where the hours of the date are.';
COMMENT ON COLUMN clinic.series.duration IS 'How long; null: as long as the service takes.';
COMMENT ON COLUMN clinic.series.resource_ids IS 'Rooms and devices asked for by name; null: any that will do.';
COMMENT ON COLUMN clinic.series.rule IS 'Recurrence rule of RFC 5545; null: dates.';
COMMENT ON COLUMN clinic.series.local_first_starts_at IS 'Local time from which the rule counts (DTSTART); the first of dates.';
COMMENT ON COLUMN clinic.series.dates IS 'Local starts one by one, instead of a rule.';
COMMENT ON COLUMN clinic.series.time_zone IS 'Zone of all local times.';
COMMENT ON COLUMN clinic.series.excluded_dates IS 'Local dates of the rule that are left out.';
COMMENT ON COLUMN clinic.series.shift IS 'By how much each date lies after what the rule says, in wall-clock time.';
COMMENT ON COLUMN clinic.series.local_from IS 'What the rule yields before this local time belongs to previous_series_id.';
COMMENT ON COLUMN clinic.series.local_until IS 'What the rule yields from this local time on belongs to another series, or was cancelled.';
COMMENT ON COLUMN clinic.series.gap IS 'What becomes of a local time that the clock skips: refuse or shift.';
COMMENT ON COLUMN clinic.series.mode IS 'How it was booked or last changed: all_or_nothing or skip.';
COMMENT ON COLUMN clinic.series.override IS 'Booked with the rules overridden.';
COMMENT ON COLUMN clinic.series.overbook IS 'Booked over others.';
COMMENT ON COLUMN clinic.series.reason IS 'Why the rules gave way.';
COMMENT ON COLUMN clinic.series.endless IS 'The rule has no end: dates are made as the horizon moves on.';
COMMENT ON COLUMN clinic.series.local_materialised_until IS 'Of an endless series: what the rule yields before this local time has been made.';
COMMENT ON COLUMN clinic.series.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic.series.created_at IS 'When it was booked.';
COMMENT ON COLUMN clinic.series.updated_at IS 'When it was last changed.';

-- An exception is what differs from what the series meant, whoever made it differ, and is none any more when put back.
CALL clinic_private.ensure_view('series_appointments', $view$
    SELECT e.tenant_id,
           e.series_id,
           e.entry_id,
           e.ordinal,
           e.local_original_start,
           e.local_starts_at,
           e.starts_at,
           e.ends_at,
           e.provider_id,
           e.location_id,
           e.resource_ids,
           e.outcome,
           e.reason,
           e.alternatives,
           e.appointment_id,
           CASE WHEN a.appointment_id IS NULL THEN NULL
                WHEN a.status = 'cancelled' THEN 'cancelled'
                WHEN a.status IN ('held', 'pending') AND a.expires_at <= clinic.now() THEN 'expired'
                WHEN a.starts_at <> e.starts_at THEN 'moved'
                WHEN a.provider_id <> e.provider_id
                     OR a.location_id <> e.location_id
                     OR a.ends_at <> e.ends_at
                     OR EXISTS (SELECT FROM clinic_data.appointment_resources r
                                 WHERE r.tenant_id = e.tenant_id AND r.appointment_id = e.appointment_id
                                   AND r.resource_id <> a.provider_id AND r.resource_id <> ALL (e.resource_ids)) THEN 'changed' END AS exception,
           a.status,
           a.starts_at AS actual_starts_at,
           a.ends_at AS actual_ends_at,
           a.provider_id AS actual_provider_id,
           a.location_id AS actual_location_id,
           a.version
      FROM clinic_data.series_appointments e
      JOIN clinic_data.series s ON s.tenant_id = e.tenant_id AND s.series_id = e.series_id
      LEFT JOIN clinic_data.appointments a ON a.tenant_id = e.tenant_id AND a.appointment_id = e.appointment_id
     WHERE e.appointment_id IS NULL OR a.appointment_id IS NOT NULL
$view$);
COMMENT ON VIEW clinic.series_appointments IS 'The dates of series: the appointment that each became, or why it could not be booked and what was free instead.';
COMMENT ON COLUMN clinic.series_appointments.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.series_appointments.series_id IS 'The series.';
COMMENT ON COLUMN clinic.series_appointments.entry_id IS 'Identifies the date, whichever series it belongs to in time.';
COMMENT ON COLUMN clinic.series_appointments.ordinal IS 'Number of the date among those made, from 1.';
COMMENT ON COLUMN clinic.series_appointments.local_original_start IS 'The local start by the rule; it names the date whatever happens to it (RECURRENCE-ID).';
COMMENT ON COLUMN clinic.series_appointments.local_starts_at IS 'The local start meant for the date.';
COMMENT ON COLUMN clinic.series_appointments.starts_at IS 'The start meant for the date.';
COMMENT ON COLUMN clinic.series_appointments.ends_at IS 'The end meant for the date, exclusive; null for a skipped one.';
COMMENT ON COLUMN clinic.series_appointments.provider_id IS 'The provider booked by the series.';
COMMENT ON COLUMN clinic.series_appointments.location_id IS 'The location booked by the series.';
COMMENT ON COLUMN clinic.series_appointments.resource_ids IS 'Rooms and devices booked by the series.';
COMMENT ON COLUMN clinic.series_appointments.outcome IS 'booked, or skipped: it could not be booked.';
COMMENT ON COLUMN clinic.series_appointments.reason IS 'Why it could not: a code of clinic.error_codes().';
COMMENT ON COLUMN clinic.series_appointments.alternatives IS 'What was free instead at that time: an array of {"starts_at", "provider_id", "location_id"}.';
COMMENT ON COLUMN clinic.series_appointments.appointment_id IS 'The appointment that it became.';
COMMENT ON COLUMN clinic.series_appointments.exception IS 'How the appointment differs from what the series meant: cancelled, expired, moved or changed; null: it does not.';
COMMENT ON COLUMN clinic.series_appointments.status IS 'Status of the appointment.';
COMMENT ON COLUMN clinic.series_appointments.actual_starts_at IS 'When the appointment starts.';
COMMENT ON COLUMN clinic.series_appointments.actual_ends_at IS 'When it ends, exclusive.';
COMMENT ON COLUMN clinic.series_appointments.actual_provider_id IS 'By whom it is.';
COMMENT ON COLUMN clinic.series_appointments.actual_location_id IS 'Where it is.';
COMMENT ON COLUMN clinic.series_appointments.version IS 'Version of the appointment.';
