-- The read views of events, subscriptions, their deliveries, jobs and the daily snapshot; what 50_views.sql says of views holds here.

CALL clinic_private.ensure_view('events', $view$
    SELECT e.tenant_id,
           e.event_id,
           e.name,
           e.subject_id,
           e.sequence,
           e.occurred_at,
           e.actor_id,
           e.request_id,
           e.status,
           e.status_before,
           e.service_id,
           e.provider_id,
           e.location_id,
           e.patient_id,
           e.starts_at,
           e.ends_at,
           e.data
      FROM clinic_data.events e
     WHERE NOT clinic_private.is_public()
       AND CASE WHEN e.patient_id IS NOT NULL AND e.provider_id IS NOT NULL AND e.location_id IS NOT NULL
                THEN clinic_private.sees_appointment(e.patient_id, e.provider_id, e.location_id)
                WHEN e.patient_id IS NOT NULL
                THEN clinic.sees_patient(e.patient_id)
                ELSE clinic.has_permission('appointments:read') END
$view$);
COMMENT ON VIEW clinic.events IS 'What happened, without the reasons given: to the appointments and patients that the caller may see; to other things with appointments:read. Ask by subject_id, or by event_id >= clinic.uuid_floor(since).';
COMMENT ON COLUMN clinic.events.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.events.event_id IS 'Identifies the event; ordered by time.';
COMMENT ON COLUMN clinic.events.name IS 'What happened: one of clinic.event_names().';
COMMENT ON COLUMN clinic.events.subject_id IS 'To what: the appointment for appointment.*, the patient for patient.*.';
COMMENT ON COLUMN clinic.events.sequence IS 'Order among the events of one subject.';
COMMENT ON COLUMN clinic.events.occurred_at IS 'When.';
COMMENT ON COLUMN clinic.events.actor_id IS 'User who did it.';
COMMENT ON COLUMN clinic.events.request_id IS 'The request it was done in.';
COMMENT ON COLUMN clinic.events.status IS 'Of an appointment: its status since then.';
COMMENT ON COLUMN clinic.events.status_before IS 'Of an appointment: its status before; null for a new one.';
COMMENT ON COLUMN clinic.events.service_id IS 'Of an appointment: its service.';
COMMENT ON COLUMN clinic.events.provider_id IS 'Of an appointment: its provider since then.';
COMMENT ON COLUMN clinic.events.location_id IS 'Of an appointment: its location since then.';
COMMENT ON COLUMN clinic.events.patient_id IS 'The patient concerned.';
COMMENT ON COLUMN clinic.events.starts_at IS 'Of an appointment: its start since then.';
COMMENT ON COLUMN clinic.events.ends_at IS 'Of an appointment: its end since then.';
COMMENT ON COLUMN clinic.events.data IS 'Further facts, ids and times.';

CALL clinic_private.ensure_view('subscriptions', $view$
    SELECT s.tenant_id,
           s.subscription_id,
           s.name,
           s.url,
           s.events,
           s.status,
           CASE WHEN s.previous_secret_until > clinic.now() THEN s.previous_secret_until END AS previous_secret_until,
           s.version,
           s.created_at,
           s.updated_at
      FROM clinic_data.subscriptions s
     WHERE s.status <> 'deleted'
       AND (clinic.has_permission('setup:write') OR clinic.has_permission('outbox:deliver'))
$view$);
COMMENT ON VIEW clinic.subscriptions IS 'Addresses outside that are told of events. Needs setup:write or outbox:deliver.';
COMMENT ON COLUMN clinic.subscriptions.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.subscriptions.subscription_id IS 'Identifies the subscription.';
COMMENT ON COLUMN clinic.subscriptions.name IS 'What it is for, in words.';
COMMENT ON COLUMN clinic.subscriptions.url IS 'Where requests go.';
COMMENT ON COLUMN clinic.subscriptions.events IS 'Which events: names, subject.* for all of a subject, * for all.';
COMMENT ON COLUMN clinic.subscriptions.status IS 'active, or paused: events wait.';
COMMENT ON COLUMN clinic.subscriptions.previous_secret_until IS 'How long the secret before the last rotation signs too; null: it does not.';
COMMENT ON COLUMN clinic.subscriptions.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic.subscriptions.created_at IS 'When it was made.';
COMMENT ON COLUMN clinic.subscriptions.updated_at IS 'When it was last changed.';

CALL clinic_private.ensure_view('deliveries', $view$
    SELECT d.tenant_id,
           d.delivery_id,
           d.subscription_id,
           d.event_id,
           e.name AS event,
           d.subject_id,
           d.sequence,
           d.status,
           d.attempts,
           d.due_at,
           d.claimed_until,
           d.http_status,
           d.last_error,
           d.created_at,
           d.done_at
      FROM clinic_data.deliveries d
      LEFT JOIN clinic_data.events e ON e.tenant_id = d.tenant_id AND e.event_id = d.event_id
     WHERE clinic.has_permission('setup:write') OR clinic.has_permission('outbox:deliver')
$view$);
COMMENT ON VIEW clinic.deliveries IS 'Events for subscribers: what waits, what was delivered, what was given up. Needs setup:write or outbox:deliver.';
COMMENT ON COLUMN clinic.deliveries.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.deliveries.delivery_id IS 'Identifies the delivery; ordered by time.';
COMMENT ON COLUMN clinic.deliveries.subscription_id IS 'For whom.';
COMMENT ON COLUMN clinic.deliveries.event_id IS 'What happened.';
COMMENT ON COLUMN clinic.deliveries.event IS 'Its name.';
COMMENT ON COLUMN clinic.deliveries.subject_id IS 'To what it happened.';
COMMENT ON COLUMN clinic.deliveries.sequence IS 'Order among the events of the subject.';
COMMENT ON COLUMN clinic.deliveries.status IS 'waiting; delivered; or dead: given up, until clinic.retry_delivery.';
COMMENT ON COLUMN clinic.deliveries.attempts IS 'How often it was claimed.';
COMMENT ON COLUMN clinic.deliveries.due_at IS 'Not to be sent before then.';
COMMENT ON COLUMN clinic.deliveries.claimed_until IS 'Somebody is sending it until then.';
COMMENT ON COLUMN clinic.deliveries.http_status IS 'How the last attempt was answered.';
COMMENT ON COLUMN clinic.deliveries.last_error IS 'What the last attempt met.';
COMMENT ON COLUMN clinic.deliveries.created_at IS 'When it was made.';
COMMENT ON COLUMN clinic.deliveries.done_at IS 'When it was delivered or given up.';

CALL clinic_private.ensure_view('job_runs', $view$
    SELECT j.tenant_id,
           j.job,
           j.started_at,
           j.finished_at,
           j.succeeded_at,
           make_interval(secs => j.duration_ms / 1000) AS duration,
           j.row_count,
           j.runs,
           j.failures,
           j.failures_in_a_row,
           j.failed_at,
           j.error_state,
           j.error_message
      FROM clinic_data.job_states j
     WHERE clinic.has_permission('setup:write')
$view$);
COMMENT ON VIEW clinic.job_runs IS 'How the jobs went in the tenant: those that have run. Needs setup:write. Administrators see every tenant in clinic.job_status().';
COMMENT ON COLUMN clinic.job_runs.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.job_runs.job IS 'Name of the job.';
COMMENT ON COLUMN clinic.job_runs.started_at IS 'When it last began.';
COMMENT ON COLUMN clinic.job_runs.finished_at IS 'When it last ended, well or not.';
COMMENT ON COLUMN clinic.job_runs.succeeded_at IS 'When it last ended well.';
COMMENT ON COLUMN clinic.job_runs.duration IS 'How long the last run took.';
COMMENT ON COLUMN clinic.job_runs.row_count IS 'How many rows the last run that ended well dealt with.';
COMMENT ON COLUMN clinic.job_runs.runs IS 'How often it ran.';
COMMENT ON COLUMN clinic.job_runs.failures IS 'How often it ended in an error.';
COMMENT ON COLUMN clinic.job_runs.failures_in_a_row IS 'How often since it last ended well.';
COMMENT ON COLUMN clinic.job_runs.failed_at IS 'When it last ended in an error.';
COMMENT ON COLUMN clinic.job_runs.error_state IS 'SQLSTATE of the last error.';
COMMENT ON COLUMN clinic.job_runs.error_message IS 'Its message.';

CALL clinic_private.ensure_view('daily_counts', $view$
    SELECT d.tenant_id,
           d.on_date,
           d.location_id,
           d.provider_id,
           d.service_id,
           d.status,
           d.appointments,
           d.minutes,
           d.late_cancellations,
           d.overbooked,
           d.taken_at
      FROM clinic_data.daily_counts d
     WHERE clinic.has_permission('reports:read') AND clinic.sees_location(d.location_id)
$view$);
COMMENT ON VIEW clinic.daily_counts IS 'Visits of days that are over, counted for reports, at the caller''s branches. Needs reports:read. The last week may still change; older days do not.';
COMMENT ON COLUMN clinic.daily_counts.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.daily_counts.on_date IS 'Local date of the start, in the zone of the location.';
COMMENT ON COLUMN clinic.daily_counts.location_id IS 'Where.';
COMMENT ON COLUMN clinic.daily_counts.provider_id IS 'By whom.';
COMMENT ON COLUMN clinic.daily_counts.service_id IS 'What was done.';
COMMENT ON COLUMN clinic.daily_counts.status IS 'Status of the appointments.';
COMMENT ON COLUMN clinic.daily_counts.appointments IS 'How many there were.';
COMMENT ON COLUMN clinic.daily_counts.minutes IS 'How long they were together, in minutes.';
COMMENT ON COLUMN clinic.daily_counts.late_cancellations IS 'How many of them were cancelled late.';
COMMENT ON COLUMN clinic.daily_counts.overbooked IS 'How many of them were booked over others.';
COMMENT ON COLUMN clinic.daily_counts.taken_at IS 'When they were last counted.';
