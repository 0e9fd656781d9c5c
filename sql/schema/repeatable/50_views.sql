-- The read views of schema clinic. They belong to clinic_owner and are no security_invoker: callers need no right on the
-- tables, and the policies of the tables judge by the caller's context. security_barrier keeps a caller's own functions
-- from seeing rows before the policies have. What visitors of a booking page do not see, though the search that they may call
-- reads it on their behalf (hours, blocks, rooms), is left out here and not by a policy. Joins are LEFT JOINs on keys where
-- they may be, so that the planner drops those whose columns nobody asks for. Everything is readable; nothing can be written
-- through a view.
-- Views of users may depend on these, so columns are only ever appended: what must go is dropped by a numbered migration.
-- A view that is there and says the same is left alone: replacing it would make its readers wait.

CALL clinic_private.ensure_view('tenants', $view$
    SELECT t.tenant_id,
           t.slug,
           t.name,
           t.status,
           t.patient_overlap,
           t.allow_several_seats,
           t.refuse_late_cancellation,
           t.buffer_before_minutes,
           t.buffer_after_minutes,
           t.version,
           t.created_at,
           t.updated_at,
           t.patient_access,
           t.published,
           t.hold_minutes,
           t.hold_cap_minutes,
           t.holds_per_patient,
           t.idempotency_hours,
           t.consumes_events,
           t.notifies_events,
           t.keep_deliveries_days,
           t.keep_messages_days,
           t.keep_sign_in_events_days,
           t.keep_holds_days,
           t.keep_claims_days,
           t.waitlist_mode,
           t.offer_minutes,
           t.broadcast_size,
           t.offers_per_slot,
           t.offers_per_entry_day,
           t.offers_per_patient_day,
           t.language,
           t.message_time_zone::text AS message_time_zone,
           t.quiet_from,
           t.quiet_until,
           t.message_channels,
           t.message_delay_minutes,
           t.series_days,
           t.late_keeps_place_minutes,
           t.no_show_grace_minutes,
           t.no_show_policy,
           t.no_show_limit,
           t.no_show_window_months,
           t.prepayment_amount,
           t.no_show_fee_amount,
           t.charge_currency,
           t.mrn_format,
           t.duplicate_weights
      FROM clinic_data.tenants t
$view$);
COMMENT ON VIEW clinic.tenants IS 'The caller''s organisation and its policies.';
COMMENT ON COLUMN clinic.tenants.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.tenants.slug IS 'Short name for addresses.';
COMMENT ON COLUMN clinic.tenants.name IS 'Name shown to people.';
COMMENT ON COLUMN clinic.tenants.status IS 'active, or suspended: nothing can be found or booked.';
COMMENT ON COLUMN clinic.tenants.patient_overlap IS 'May one patient have visits that overlap: forbid, warn or allow.';
COMMENT ON COLUMN clinic.tenants.allow_several_seats IS 'Whether one patient may take several seats of the same session.';
COMMENT ON COLUMN clinic.tenants.refuse_late_cancellation IS 'Whether a cancellation inside the cancellation window is refused instead of marked late.';
COMMENT ON COLUMN clinic.tenants.buffer_before_minutes IS 'Least buffer before every visit, in minutes.';
COMMENT ON COLUMN clinic.tenants.buffer_after_minutes IS 'Least buffer after every visit, in minutes.';
COMMENT ON COLUMN clinic.tenants.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic.tenants.created_at IS 'When it was made.';
COMMENT ON COLUMN clinic.tenants.updated_at IS 'When it was last changed.';
COMMENT ON COLUMN clinic.tenants.patient_access IS 'Which patients a provider reads with patients:read: care, those they treat, or tenant, all.';
COMMENT ON COLUMN clinic.tenants.late_keeps_place_minutes IS 'Who arrives up to so many minutes after the start keeps the place in the queue.';
COMMENT ON COLUMN clinic.tenants.no_show_grace_minutes IS 'From so many minutes after the start on, who did not check in is flagged and may be marked as a no-show.';
COMMENT ON COLUMN clinic.tenants.no_show_policy IS 'What more no-shows than the limit lead to: none, block_online, prepayment or fee.';
COMMENT ON COLUMN clinic.tenants.no_show_limit IS 'How many no-shows are tolerated.';
COMMENT ON COLUMN clinic.tenants.no_show_window_months IS 'No-shows of so many months back count.';
COMMENT ON COLUMN clinic.tenants.prepayment_amount IS 'What is due in advance under the policy prepayment.';
COMMENT ON COLUMN clinic.tenants.no_show_fee_amount IS 'What a no-show costs under the policy fee.';
COMMENT ON COLUMN clinic.tenants.mrn_format IS 'Form of medical record numbers, such as MRN-{YYYY}-{000000}; null: they are given by hand.';
COMMENT ON COLUMN clinic.tenants.duplicate_weights IS 'What counts how much when duplicates are looked for, where it differs from what is shipped.';
COMMENT ON COLUMN clinic.tenants.charge_currency IS 'Currency of these amounts, ISO 4217.';
COMMENT ON COLUMN clinic.tenants.published IS 'Whether there is a public booking page.';
COMMENT ON COLUMN clinic.tenants.hold_minutes IS 'How long a hold lives, in minutes.';
COMMENT ON COLUMN clinic.tenants.hold_cap_minutes IS 'How long a hold lives at most, from its first moment, in minutes.';
COMMENT ON COLUMN clinic.tenants.holds_per_patient IS 'How many live holds a patient may have.';
COMMENT ON COLUMN clinic.tenants.idempotency_hours IS 'How long the result of a call with an idempotency key is kept, in hours.';
COMMENT ON COLUMN clinic.tenants.consumes_events IS 'Whether every event is queued for clinic.claim_events.';
COMMENT ON COLUMN clinic.tenants.notifies_events IS 'Whether every event wakes listeners of the channel clinic_events.';
COMMENT ON COLUMN clinic.tenants.keep_deliveries_days IS 'How long deliveries to subscribers are kept, in days.';
COMMENT ON COLUMN clinic.tenants.keep_messages_days IS 'How long messages of the outbox are kept after they are done, in days.';
COMMENT ON COLUMN clinic.tenants.keep_sign_in_events_days IS 'How long the record of signing in is kept, in days.';
COMMENT ON COLUMN clinic.tenants.keep_holds_days IS 'How long the token of a hold is known, in days.';
COMMENT ON COLUMN clinic.tenants.keep_claims_days IS 'How long past visits keep their claims, in days.';
COMMENT ON COLUMN clinic.tenants.waitlist_mode IS 'Who is offered freed time: single, broadcast (several at once) or off.';
COMMENT ON COLUMN clinic.tenants.offer_minutes IS 'How long an offer of the waitlist stands, in minutes.';
COMMENT ON COLUMN clinic.tenants.broadcast_size IS 'How many patients are offered the same time at once, where that is done.';
COMMENT ON COLUMN clinic.tenants.offers_per_slot IS 'How many offers are made of the same time at most.';
COMMENT ON COLUMN clinic.tenants.offers_per_entry_day IS 'How many offers an entry gets on a local day at most.';
COMMENT ON COLUMN clinic.tenants.offers_per_patient_day IS 'How many offers a patient gets on a local day at most.';
COMMENT ON COLUMN clinic.tenants.language IS 'Language and form of messages to patients who have chosen none.';
COMMENT ON COLUMN clinic.tenants.message_time_zone IS 'Zone of quiet hours for patients without one; null: that of the visit''s location.';
COMMENT ON COLUMN clinic.tenants.quiet_from IS 'From then on nobody is written to unasked.';
COMMENT ON COLUMN clinic.tenants.quiet_until IS 'Until then; the same as quiet_from: no quiet hours.';
COMMENT ON COLUMN clinic.tenants.message_channels IS 'By kind of message, or *, the channels in order of preference.';
COMMENT ON COLUMN clinic.tenants.message_delay_minutes IS 'How long confirmations, changes and cancellations wait, in minutes.';
COMMENT ON COLUMN clinic.tenants.series_days IS 'How many local days ahead a series without end is booked where its service has no horizon.';

CALL clinic_private.ensure_view('locations', $view$
    SELECT l.tenant_id,
           l.location_id,
           l.name,
           l.time_zone::text AS time_zone,
           l.country,
           l.status,
           l.version,
           l.created_at,
           l.updated_at,
           l.published
      FROM clinic_data.locations l
$view$);
COMMENT ON VIEW clinic.locations IS 'Places where visits happen (branches).';
COMMENT ON COLUMN clinic.locations.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.locations.location_id IS 'Identifies the location.';
COMMENT ON COLUMN clinic.locations.name IS 'Name shown to people.';
COMMENT ON COLUMN clinic.locations.time_zone IS 'Zone of its wall clock.';
COMMENT ON COLUMN clinic.locations.country IS 'ISO 3166-1 alpha-2 code.';
COMMENT ON COLUMN clinic.locations.status IS 'active or inactive.';
COMMENT ON COLUMN clinic.locations.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic.locations.created_at IS 'When it was made.';
COMMENT ON COLUMN clinic.locations.updated_at IS 'When it was last changed.';
COMMENT ON COLUMN clinic.locations.published IS 'Whether visitors of the public booking page see it.';

CALL clinic_private.ensure_view('travel_times', $view$
    SELECT t.tenant_id,
           t.from_location_id,
           t.to_location_id,
           t.minutes
      FROM clinic_data.travel_times t
     WHERE NOT clinic_private.is_public()
$view$);
COMMENT ON VIEW clinic.travel_times IS 'Driving time between locations, kept free between a provider''s visits at different ones.';
COMMENT ON COLUMN clinic.travel_times.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.travel_times.from_location_id IS 'Where the journey begins.';
COMMENT ON COLUMN clinic.travel_times.to_location_id IS 'Where it ends.';
COMMENT ON COLUMN clinic.travel_times.minutes IS 'How long it takes, in minutes.';

CALL clinic_private.ensure_view('providers', $view$
    SELECT p.tenant_id,
           p.provider_id,
           r.name,
           p.specialty,
           p.time_zone::text AS time_zone,
           p.max_per_day,
           p.max_per_week,
           r.buffer_before_minutes,
           r.buffer_after_minutes,
           r.color,
           r.status,
           r.version,
           r.created_at,
           r.updated_at,
           r.published
      FROM clinic_data.providers p
      JOIN clinic_data.resources r ON r.tenant_id = p.tenant_id AND r.resource_id = p.provider_id
$view$);
COMMENT ON VIEW clinic.providers IS 'People who see patients.';
COMMENT ON COLUMN clinic.providers.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.providers.provider_id IS 'Identifies the provider; also the resource''s id.';
COMMENT ON COLUMN clinic.providers.name IS 'Name shown to people.';
COMMENT ON COLUMN clinic.providers.specialty IS 'Specialty in words.';
COMMENT ON COLUMN clinic.providers.time_zone IS 'Home zone: limits, leave and stays count local dates in it.';
COMMENT ON COLUMN clinic.providers.max_per_day IS 'Most visits of any service on a local day; null: no limit.';
COMMENT ON COLUMN clinic.providers.max_per_week IS 'Most visits of any service in an ISO week; null: no limit.';
COMMENT ON COLUMN clinic.providers.buffer_before_minutes IS 'Least buffer before each visit, in minutes.';
COMMENT ON COLUMN clinic.providers.buffer_after_minutes IS 'Least buffer after each visit, in minutes.';
COMMENT ON COLUMN clinic.providers.color IS 'Colour in calendars, #rrggbb.';
COMMENT ON COLUMN clinic.providers.status IS 'active or inactive.';
COMMENT ON COLUMN clinic.providers.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic.providers.created_at IS 'When it was made.';
COMMENT ON COLUMN clinic.providers.updated_at IS 'When it was last changed.';
COMMENT ON COLUMN clinic.providers.published IS 'Whether visitors of the public booking page see it.';

CALL clinic_private.ensure_view('resources', $view$
    SELECT r.tenant_id,
           r.resource_id,
           r.kind,
           r.name,
           r.resource_class,
           r.location_id,
           r.quantity,
           r.buffer_before_minutes,
           r.buffer_after_minutes,
           r.color,
           r.status,
           r.version,
           r.created_at,
           r.updated_at
      FROM clinic_data.resources r
     WHERE r.kind IN ('room', 'device')
       AND (r.published OR NOT clinic_private.is_public())
$view$);
COMMENT ON VIEW clinic.resources IS 'Rooms and devices.';
COMMENT ON COLUMN clinic.resources.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.resources.resource_id IS 'Identifies the room or device.';
COMMENT ON COLUMN clinic.resources.kind IS 'room or device.';
COMMENT ON COLUMN clinic.resources.name IS 'Name shown to people.';
COMMENT ON COLUMN clinic.resources.resource_class IS 'What a service asks for, such as laser or treatment_room.';
COMMENT ON COLUMN clinic.resources.location_id IS 'Where it stands.';
COMMENT ON COLUMN clinic.resources.quantity IS 'How many interchangeable units there are.';
COMMENT ON COLUMN clinic.resources.buffer_before_minutes IS 'Least buffer before each use, in minutes.';
COMMENT ON COLUMN clinic.resources.buffer_after_minutes IS 'Least buffer after each use, in minutes.';
COMMENT ON COLUMN clinic.resources.color IS 'Colour in calendars, #rrggbb.';
COMMENT ON COLUMN clinic.resources.status IS 'active or inactive.';
COMMENT ON COLUMN clinic.resources.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic.resources.created_at IS 'When it was made.';
COMMENT ON COLUMN clinic.resources.updated_at IS 'When it was last changed.';

CALL clinic_private.ensure_view('services', $view$
    SELECT s.tenant_id,
           s.service_id,
           s.name,
           s.duration_minutes,
           coalesce(s.min_duration_minutes, s.duration_minutes) AS min_duration_minutes,
           coalesce(s.max_duration_minutes, s.duration_minutes) AS max_duration_minutes,
           s.step_minutes,
           s.anchor,
           s.buffer_before_minutes,
           s.buffer_after_minutes,
           s.buffers_inside_hours,
           s.lead_time_minutes,
           s.same_day,
           s.horizon_days,
           s.cancel_window_minutes,
           s.capacity,
           s.max_per_day,
           s.max_per_week,
           coalesce((SELECT jsonb_object_agg(n.resource_class, n.quantity)
                       FROM clinic_data.service_resources n
                      WHERE n.tenant_id = s.tenant_id AND n.service_id = s.service_id), '{}') AS needs,
           s.color,
           s.status,
           s.version,
           s.created_at,
           s.updated_at,
           s.published,
           s.requires_approval,
           s.approval_minutes,
           s.waitlist_mode,
           s.recall_days,
           s.ticket_prefix,
           s.prepayment_amount,
           s.no_show_fee_amount
      FROM clinic_data.services s
$view$);
COMMENT ON VIEW clinic.services IS 'Appointment types: how long, on which grid, how far ahead, and what they need.';
COMMENT ON COLUMN clinic.services.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.services.ticket_prefix IS 'Letters before the numbers of its queue tickets.';
COMMENT ON COLUMN clinic.services.prepayment_amount IS 'What is due in advance under the tenant''s policy prepayment; null: the tenant''s amount.';
COMMENT ON COLUMN clinic.services.no_show_fee_amount IS 'What a no-show costs under the tenant''s policy fee; null: the tenant''s amount.';
COMMENT ON COLUMN clinic.services.service_id IS 'Identifies the service.';
COMMENT ON COLUMN clinic.services.name IS 'Name shown to people.';
COMMENT ON COLUMN clinic.services.duration_minutes IS 'Length of a visit, in minutes.';
COMMENT ON COLUMN clinic.services.min_duration_minutes IS 'Shortest length that may be asked for, in minutes.';
COMMENT ON COLUMN clinic.services.max_duration_minutes IS 'Longest length that may be asked for, in minutes.';
COMMENT ON COLUMN clinic.services.step_minutes IS 'Distance of the starts on the grid, in elapsed minutes.';
COMMENT ON COLUMN clinic.services.anchor IS 'Where the grid begins: window (the start of each merged window) or midnight (local).';
COMMENT ON COLUMN clinic.services.buffer_before_minutes IS 'Buffer before the visit, in minutes.';
COMMENT ON COLUMN clinic.services.buffer_after_minutes IS 'Buffer after the visit, in minutes.';
COMMENT ON COLUMN clinic.services.buffers_inside_hours IS 'Whether the hours must contain the buffers too.';
COMMENT ON COLUMN clinic.services.lead_time_minutes IS 'Least elapsed time between booking and start, in minutes.';
COMMENT ON COLUMN clinic.services.same_day IS 'False: a start on today''s date of the location is too soon.';
COMMENT ON COLUMN clinic.services.horizon_days IS 'How many local days ahead may be booked, today plus n inclusive; null: no limit.';
COMMENT ON COLUMN clinic.services.cancel_window_minutes IS 'A cancellation less than this before the start is late, in elapsed minutes.';
COMMENT ON COLUMN clinic.services.capacity IS 'How many bookings may share the provider and rooms at one time.';
COMMENT ON COLUMN clinic.services.max_per_day IS 'Most visits of this service at one provider on a local day; null: no limit.';
COMMENT ON COLUMN clinic.services.max_per_week IS 'Most visits of this service at one provider in an ISO week; null: no limit.';
COMMENT ON COLUMN clinic.services.needs IS 'Classes of rooms and devices that a visit needs, each with how many.';
COMMENT ON COLUMN clinic.services.color IS 'Colour in calendars, #rrggbb.';
COMMENT ON COLUMN clinic.services.status IS 'active or inactive.';
COMMENT ON COLUMN clinic.services.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic.services.created_at IS 'When it was made.';
COMMENT ON COLUMN clinic.services.updated_at IS 'When it was last changed.';
COMMENT ON COLUMN clinic.services.published IS 'Whether visitors of the public booking page see it.';
COMMENT ON COLUMN clinic.services.requires_approval IS 'Whether what patients book themselves waits for approval by staff.';
COMMENT ON COLUMN clinic.services.approval_minutes IS 'How long it waits, in minutes; null: until its start.';
COMMENT ON COLUMN clinic.services.waitlist_mode IS 'Who is offered freed time of this service; null: as the tenant has it.';
COMMENT ON COLUMN clinic.services.recall_days IS 'How many days after a completed visit the patient is asked back; null: never.';

CALL clinic_private.ensure_view('service_providers', $view$
    SELECT o.tenant_id,
           o.service_id,
           o.provider_id,
           o.duration_minutes,
           o.buffer_before_minutes,
           o.buffer_after_minutes
      FROM clinic_data.service_providers o
     WHERE NOT clinic_private.is_public()
        OR EXISTS (SELECT FROM clinic_data.services s
                    WHERE s.tenant_id = o.tenant_id AND s.service_id = o.service_id AND s.published)
           AND EXISTS (SELECT FROM clinic_data.resources r
                        WHERE r.tenant_id = o.tenant_id AND r.resource_id = o.provider_id AND r.published)
$view$);
COMMENT ON VIEW clinic.service_providers IS 'Who offers which service, with what differs for that provider.';
COMMENT ON COLUMN clinic.service_providers.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.service_providers.service_id IS 'The service.';
COMMENT ON COLUMN clinic.service_providers.provider_id IS 'The provider.';
COMMENT ON COLUMN clinic.service_providers.duration_minutes IS 'Length of the visit at this provider; null: the service''s.';
COMMENT ON COLUMN clinic.service_providers.buffer_before_minutes IS 'Explicit buffer before the visit on the provider; null: the longest of the defaults.';
COMMENT ON COLUMN clinic.service_providers.buffer_after_minutes IS 'Explicit buffer after the visit on the provider; null: the longest of the defaults.';

CALL clinic_private.ensure_view('patients', $view$
    SELECT p.tenant_id,
           p.patient_id,
           p.mrn,
           p.name,
           CASE WHEN clinic_private.sees_whole_patient(p.patient_id) THEN p.date_of_birth END AS date_of_birth,
           p.sex,
           p.status,
           p.version,
           p.created_at,
           p.updated_at,
           p.preferred_name,
           p.photo_reference,
           p.first_location_id,
           p.deceased_on,
           p.merged_into_id
      FROM clinic_data.patients p
     WHERE p.deleted_at IS NULL
$view$);
COMMENT ON VIEW clinic.patients IS 'Patients that the caller may see: oneself and dependants; with patients:read all of the tenant, a provider those in care.';
COMMENT ON COLUMN clinic.patients.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.patients.patient_id IS 'Identifies the patient.';
COMMENT ON COLUMN clinic.patients.mrn IS 'Medical record number; unique in the tenant.';
COMMENT ON COLUMN clinic.patients.name IS 'Name of the patient.';
COMMENT ON COLUMN clinic.patients.date_of_birth IS 'Date of birth; null for the scope limited.';
COMMENT ON COLUMN clinic.patients.sex IS 'FHIR administrative gender: female, male, other or unknown.';
COMMENT ON COLUMN clinic.patients.status IS 'active, inactive, deceased or merged.';
COMMENT ON COLUMN clinic.patients.preferred_name IS 'How the patient wants to be called.';
COMMENT ON COLUMN clinic.patients.photo_reference IS 'Where the photo is kept.';
COMMENT ON COLUMN clinic.patients.first_location_id IS 'Where the patient first came to.';
COMMENT ON COLUMN clinic.patients.deceased_on IS 'Date of death.';
COMMENT ON COLUMN clinic.patients.merged_into_id IS 'Of a merged record: the record that counts.';
COMMENT ON COLUMN clinic.patients.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic.patients.created_at IS 'When it was made.';
COMMENT ON COLUMN clinic.patients.updated_at IS 'When it was last changed.';

CALL clinic_private.ensure_view('availability_rules', $view$
    SELECT a.tenant_id,
           a.rule_id,
           a.resource_id,
           a.location_id,
           a.rule::text AS rule,
           a.dtstart_on,
           a.start_time,
           a.end_time,
           a.time_zone::text AS time_zone,
           a.valid_from,
           a.valid_until,
           a.service_ids,
           a.max_appointments,
           a.replaces_rule_id,
           a.created_at
      FROM clinic_data.availability_rules a
     WHERE a.retired_at IS NULL
       AND NOT clinic_private.is_public()
$view$);
COMMENT ON VIEW clinic.availability_rules IS 'Recurring hours in force: on the dates of a recurrence rule, a wall-clock window at a location.';
COMMENT ON COLUMN clinic.availability_rules.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.availability_rules.rule_id IS 'Identifies this version of the hours.';
COMMENT ON COLUMN clinic.availability_rules.resource_id IS 'Whose hours: a provider, room or device.';
COMMENT ON COLUMN clinic.availability_rules.location_id IS 'Where.';
COMMENT ON COLUMN clinic.availability_rules.rule IS 'On which dates: an RRULE value.';
COMMENT ON COLUMN clinic.availability_rules.dtstart_on IS 'DTSTART of the rule: its phase and where COUNT begins.';
COMMENT ON COLUMN clinic.availability_rules.start_time IS 'Wall-clock start of the window.';
COMMENT ON COLUMN clinic.availability_rules.end_time IS 'Wall-clock end; not after start_time: on the next day.';
COMMENT ON COLUMN clinic.availability_rules.time_zone IS 'Zone of the wall clock.';
COMMENT ON COLUMN clinic.availability_rules.valid_from IS 'First date on which it counts.';
COMMENT ON COLUMN clinic.availability_rules.valid_until IS 'Last date on which it counts; null: for ever.';
COMMENT ON COLUMN clinic.availability_rules.service_ids IS 'Which services; null: all.';
COMMENT ON COLUMN clinic.availability_rules.max_appointments IS 'Most visits starting in one window; null: no limit.';
COMMENT ON COLUMN clinic.availability_rules.replaces_rule_id IS 'The version before this one.';
COMMENT ON COLUMN clinic.availability_rules.created_at IS 'Since when it is known.';

CALL clinic_private.ensure_view('date_overrides', $view$
    SELECT o.tenant_id,
           o.override_id,
           o.resource_id,
           o.location_id,
           o.on_date,
           o.kind,
           o.start_time,
           o.end_time,
           o.time_zone::text AS time_zone,
           o.works_on_holidays,
           o.service_ids,
           o.max_appointments,
           o.created_at
      FROM clinic_data.date_overrides o
     WHERE o.retired_at IS NULL
       AND NOT clinic_private.is_public()
$view$);
COMMENT ON VIEW clinic.date_overrides IS 'What differs on one date: open windows, or closed.';
COMMENT ON COLUMN clinic.date_overrides.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.date_overrides.override_id IS 'Identifies the row.';
COMMENT ON COLUMN clinic.date_overrides.resource_id IS 'Whose hours.';
COMMENT ON COLUMN clinic.date_overrides.location_id IS 'Where; null with closed: everywhere.';
COMMENT ON COLUMN clinic.date_overrides.on_date IS 'The local date on which the replaced windows start.';
COMMENT ON COLUMN clinic.date_overrides.kind IS 'open (a window) or closed.';
COMMENT ON COLUMN clinic.date_overrides.start_time IS 'Wall-clock start of the window.';
COMMENT ON COLUMN clinic.date_overrides.end_time IS 'Wall-clock end; not after start_time: on the next day.';
COMMENT ON COLUMN clinic.date_overrides.time_zone IS 'Zone of the wall clock.';
COMMENT ON COLUMN clinic.date_overrides.works_on_holidays IS 'Whether the window holds on a holiday of the location.';
COMMENT ON COLUMN clinic.date_overrides.service_ids IS 'Which services; null: all.';
COMMENT ON COLUMN clinic.date_overrides.max_appointments IS 'Most visits starting in the window; null: no limit.';
COMMENT ON COLUMN clinic.date_overrides.created_at IS 'Since when it is known.';

CALL clinic_private.ensure_view('holidays', $view$
    SELECT h.tenant_id,
           h.holiday_id,
           h.location_id,
           h.on_date,
           h.name,
           h.created_at
      FROM clinic_data.holidays h
     WHERE h.retired_at IS NULL
       AND NOT clinic_private.is_public()
$view$);
COMMENT ON VIEW clinic.holidays IS 'Dates on which a location is closed.';
COMMENT ON COLUMN clinic.holidays.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.holidays.holiday_id IS 'Identifies the row.';
COMMENT ON COLUMN clinic.holidays.location_id IS 'Where.';
COMMENT ON COLUMN clinic.holidays.on_date IS 'The local date.';
COMMENT ON COLUMN clinic.holidays.name IS 'Name of the holiday.';
COMMENT ON COLUMN clinic.holidays.created_at IS 'Since when it is known.';

CALL clinic_private.ensure_view('stays', $view$
    SELECT s.tenant_id,
           s.stay_id,
           s.resource_id,
           s.from_on,
           s.until_on,
           s.time_zone::text AS time_zone,
           s.created_at
      FROM clinic_data.stays s
     WHERE s.retired_at IS NULL
       AND NOT clinic_private.is_public()
$view$);
COMMENT ON VIEW clinic.stays IS 'Stays of providers in another zone: for these home dates the wall-clock hours are read in it.';
COMMENT ON COLUMN clinic.stays.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.stays.stay_id IS 'Identifies the row.';
COMMENT ON COLUMN clinic.stays.resource_id IS 'Who is away.';
COMMENT ON COLUMN clinic.stays.from_on IS 'First home date.';
COMMENT ON COLUMN clinic.stays.until_on IS 'Last home date, inclusive.';
COMMENT ON COLUMN clinic.stays.time_zone IS 'The zone in force.';
COMMENT ON COLUMN clinic.stays.created_at IS 'Since when it is known.';

CALL clinic_private.ensure_view('blocks', $view$
    SELECT b.tenant_id,
           b.block_id,
           b.resource_id,
           b.location_id,
           b.kind,
           b.starts_at,
           b.ends_at,
           b.from_on,
           b.until_on,
           b.rule::text AS rule,
           b.start_time,
           b.end_time,
           b.time_zone::text AS time_zone,
           b.service_ids,
           CASE WHEN clinic.sees_patient(b.patient_id) THEN b.patient_id END AS patient_id,
           CASE WHEN clinic.has_permission('appointments:read') THEN b.title END AS title,
           b.created_at
      FROM clinic_data.blocks b
     WHERE b.retired_at IS NULL
       AND NOT clinic_private.is_public()
$view$);
COMMENT ON VIEW clinic.blocks IS 'Time that is not open whatever the hours say: blocks, leave, recurring breaks, external busy time.';
COMMENT ON COLUMN clinic.blocks.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.blocks.block_id IS 'Identifies the row.';
COMMENT ON COLUMN clinic.blocks.resource_id IS 'Whose time; null: everybody at the location.';
COMMENT ON COLUMN clinic.blocks.location_id IS 'At this location only; null: everywhere.';
COMMENT ON COLUMN clinic.blocks.kind IS 'block, leave, break or external.';
COMMENT ON COLUMN clinic.blocks.starts_at IS 'Start, for a span between two instants.';
COMMENT ON COLUMN clinic.blocks.ends_at IS 'End, exclusive.';
COMMENT ON COLUMN clinic.blocks.from_on IS 'First local date of leave; DTSTART of a recurring break.';
COMMENT ON COLUMN clinic.blocks.until_on IS 'Last local date, inclusive.';
COMMENT ON COLUMN clinic.blocks.rule IS 'On which dates a recurring break falls: an RRULE value.';
COMMENT ON COLUMN clinic.blocks.start_time IS 'Wall-clock start of a recurring break.';
COMMENT ON COLUMN clinic.blocks.end_time IS 'Wall-clock end; not after start_time: on the next day.';
COMMENT ON COLUMN clinic.blocks.time_zone IS 'Zone of the local dates and times.';
COMMENT ON COLUMN clinic.blocks.service_ids IS 'Only these services are blocked; null: all.';
COMMENT ON COLUMN clinic.blocks.patient_id IS 'The patient for whom the time is kept; shown to those who may read the diary, and to that patient.';
COMMENT ON COLUMN clinic.blocks.title IS 'Label for staff; shown to those who may read the diary.';
COMMENT ON COLUMN clinic.blocks.created_at IS 'Since when it is known.';

CALL clinic_private.ensure_view('appointments', $view$
    SELECT a.tenant_id,
           a.appointment_id,
           a.confirmation_code,
           CASE WHEN a.expires_at <= clinic.now() THEN 'expired' ELSE a.status END AS status,
           a.starts_at,
           a.ends_at,
           a.local_starts_at,
           a.time_zone::text AS time_zone,
           a.service_id,
           s.name AS service_name,
           a.provider_id,
           r.name AS provider_name,
           a.location_id,
           l.name AS location_name,
           a.patient_id,
           p.name AS patient_name,
           a.capacity,
           a.overbooked,
           CASE WHEN clinic_private.may_at('appointments:read', a.provider_id, a.location_id) THEN a.overridden END AS overridden,
           CASE WHEN clinic_private.may_at('appointments:read', a.provider_id, a.location_id) THEN a.override_reason END AS override_reason,
           a.warnings,
           a.cancelled_at,
           a.cancel_reason,
           a.late_cancellation,
           a.version,
           a.created_at,
           a.updated_at,
           ARRAY(SELECT u.resource_id
                   FROM clinic_data.appointment_resources u
                  WHERE u.tenant_id = a.tenant_id AND u.appointment_id = a.appointment_id AND u.resource_id <> a.provider_id
                  ORDER BY u.resource_id) AS resource_ids,
           a.expires_at,
           a.status_before,
           a.status_reason,
           a.seats,
           a.arrived_at,
           a.started_at,
           a.completed_at,
           CASE WHEN clinic_private.may_at('appointments:read', a.provider_id, a.location_id) THEN a.no_show_flagged_at END
               AS no_show_flagged_at,
           a.out_of_hours,
           a.session_id
      FROM clinic_data.appointments a
      LEFT JOIN clinic_data.services s ON s.tenant_id = a.tenant_id AND s.service_id = a.service_id
      LEFT JOIN clinic_data.resources r ON r.tenant_id = a.tenant_id AND r.resource_id = a.provider_id
      LEFT JOIN clinic_data.locations l ON l.tenant_id = a.tenant_id AND l.location_id = a.location_id
      LEFT JOIN clinic_data.patients p ON p.tenant_id = a.tenant_id AND p.patient_id = a.patient_id
$view$);
COMMENT ON VIEW clinic.appointments IS 'Visits, past and future: with appointments:read those at the caller''s branches and of the own provider, else those of oneself and dependants.';
COMMENT ON COLUMN clinic.appointments.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.appointments.appointment_id IS 'Identifies the appointment.';
COMMENT ON COLUMN clinic.appointments.confirmation_code IS 'Code that people can read out; unique in the tenant.';
COMMENT ON COLUMN clinic.appointments.status IS 'held, pending, booked, confirmed, arrived, in_progress, completed, cancelled or no_show; expired: held or pending beyond its deadline.';
COMMENT ON COLUMN clinic.appointments.starts_at IS 'Start of the visit.';
COMMENT ON COLUMN clinic.appointments.ends_at IS 'End of the visit, exclusive; buffers not included.';
COMMENT ON COLUMN clinic.appointments.local_starts_at IS 'Wall-clock start in time_zone, as understood when booked.';
COMMENT ON COLUMN clinic.appointments.time_zone IS 'Zone of the local start.';
COMMENT ON COLUMN clinic.appointments.service_id IS 'What is done.';
COMMENT ON COLUMN clinic.appointments.service_name IS 'Name of the service.';
COMMENT ON COLUMN clinic.appointments.provider_id IS 'By whom.';
COMMENT ON COLUMN clinic.appointments.provider_name IS 'Name of the provider.';
COMMENT ON COLUMN clinic.appointments.location_id IS 'Where.';
COMMENT ON COLUMN clinic.appointments.location_name IS 'Name of the location.';
COMMENT ON COLUMN clinic.appointments.patient_id IS 'For whom.';
COMMENT ON COLUMN clinic.appointments.patient_name IS 'Name of the patient; null where the patient may not be seen.';
COMMENT ON COLUMN clinic.appointments.capacity IS 'How many bookings may share the time, as stamped when booked.';
COMMENT ON COLUMN clinic.appointments.overbooked IS 'Booked over others with the permission to do so.';
COMMENT ON COLUMN clinic.appointments.overridden IS 'Reasons that staff overrode when booking; shown to those who may read the diary.';
COMMENT ON COLUMN clinic.appointments.override_reason IS 'Why they did; shown to those who may read the diary.';
COMMENT ON COLUMN clinic.appointments.warnings IS 'What was warned of when booking, such as patient_conflict.';
COMMENT ON COLUMN clinic.appointments.cancelled_at IS 'When it was cancelled.';
COMMENT ON COLUMN clinic.appointments.cancel_reason IS 'Why it was cancelled.';
COMMENT ON COLUMN clinic.appointments.late_cancellation IS 'Cancelled inside the cancellation window.';
COMMENT ON COLUMN clinic.appointments.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic.appointments.created_at IS 'When it was made.';
COMMENT ON COLUMN clinic.appointments.updated_at IS 'When it was last changed.';
COMMENT ON COLUMN clinic.appointments.resource_ids IS 'The rooms and devices it uses.';
COMMENT ON COLUMN clinic.appointments.expires_at IS 'When held or pending: dead from this microsecond on.';
COMMENT ON COLUMN clinic.appointments.status_before IS 'The status before the present one.';
COMMENT ON COLUMN clinic.appointments.status_reason IS 'Why the status last changed, where a reason was given.';
COMMENT ON COLUMN clinic.appointments.seats IS 'How many seats it takes.';
COMMENT ON COLUMN clinic.appointments.arrived_at IS 'When the patient was checked in.';
COMMENT ON COLUMN clinic.appointments.started_at IS 'When the visit began.';
COMMENT ON COLUMN clinic.appointments.completed_at IS 'When the visit was over.';
COMMENT ON COLUMN clinic.appointments.no_show_flagged_at IS 'When the patient was found missing; shown to those who may read the diary.';
COMMENT ON COLUMN clinic.appointments.out_of_hours IS 'The hours were changed so that the visit is no longer wholly inside them.';
COMMENT ON COLUMN clinic.appointments.session_id IS 'The session in which it has, or had, its seats; null: a visit of its own.';

CALL clinic_private.ensure_view('busy_times', $view$
    SELECT c.tenant_id,
           c.claim_id,
           c.resource_id,
           r.kind AS resource_kind,
           c.kind,
           lower(c.during) AS busy_from,
           upper(c.during) AS busy_until,
           c.starts_at,
           c.ends_at,
           c.location_id,
           c.overbooked,
           c.expires_at
      FROM clinic_data.claims c
      JOIN clinic_data.resources r ON r.tenant_id = c.tenant_id AND r.resource_id = c.resource_id
     WHERE r.kind <> 'patient'
       AND (c.expires_at IS NULL OR c.expires_at > clinic.now())
       AND NOT clinic_private.is_public()
$view$);
COMMENT ON VIEW clinic.busy_times IS 'Time that is taken on providers, rooms and devices, without a word about patients. Holds and offers that have expired are not listed.';
COMMENT ON COLUMN clinic.busy_times.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.busy_times.claim_id IS 'Identifies the claim.';
COMMENT ON COLUMN clinic.busy_times.resource_id IS 'The provider, room or device.';
COMMENT ON COLUMN clinic.busy_times.resource_kind IS 'provider, room or device.';
COMMENT ON COLUMN clinic.busy_times.kind IS 'booking, pending (approval), hold or offer.';
COMMENT ON COLUMN clinic.busy_times.busy_from IS 'Start of the time taken, buffers included.';
COMMENT ON COLUMN clinic.busy_times.busy_until IS 'End of the time taken, exclusive.';
COMMENT ON COLUMN clinic.busy_times.starts_at IS 'Start of the visit itself.';
COMMENT ON COLUMN clinic.busy_times.ends_at IS 'End of the visit itself, exclusive.';
COMMENT ON COLUMN clinic.busy_times.location_id IS 'Where the visit is.';
COMMENT ON COLUMN clinic.busy_times.overbooked IS 'Placed over others with permission.';
COMMENT ON COLUMN clinic.busy_times.expires_at IS 'When a hold, offer or timed approval ends; null: it does not.';
