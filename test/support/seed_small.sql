-- Two small tenants by direct inserts of a superuser, for tests of the schema itself. Ids tell what they are:
-- 0000000T-00KK-..-NN: tenant T, kind KK, number NN.

BEGIN;

INSERT INTO clinic_data.tenants (tenant_id, slug, name) VALUES
    ('00000001-0000-7000-8000-000000000001', 'lake', 'Lake Clinics'),
    ('00000002-0000-7000-8000-000000000001', 'hill', 'Hill Clinics');
INSERT INTO clinic_data.tenant_slugs (slug, tenant_id) SELECT slug, tenant_id FROM clinic_data.tenants ON CONFLICT DO NOTHING;
INSERT INTO clinic_data.identifier_secrets (tenant_id, secret) SELECT tenant_id, clinic_private.new_identifier_secret(tenant_id) FROM clinic_data.tenants ON CONFLICT DO NOTHING;
INSERT INTO clinic_data.logins (tenant_id, login, actor, permissions) VALUES
    ('00000001-0000-7000-8000-000000000001', 'lake_desk', 'staff', '{appointments:read,patients:read,appointments:write}');

INSERT INTO clinic_data.locations (tenant_id, location_id, name, time_zone, country) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-0010-7000-8000-000000000001', 'Lake North', 'Europe/Berlin', 'DE'),
    ('00000001-0000-7000-8000-000000000001', '00000001-0010-7000-8000-000000000002', 'Lake South', 'Asia/Kolkata', 'IN'),
    ('00000002-0000-7000-8000-000000000001', '00000002-0010-7000-8000-000000000001', 'Hill', 'America/New_York', 'US');
INSERT INTO clinic_data.travel_times (tenant_id, from_location_id, to_location_id, minutes) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-0010-7000-8000-000000000001',
     '00000001-0010-7000-8000-000000000002', 45);

INSERT INTO clinic_data.resources (tenant_id, resource_id, kind, name, resource_class, location_id) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-0020-7000-8000-000000000001', 'provider', 'Dr Ada', NULL, NULL),
    ('00000001-0000-7000-8000-000000000001', '00000001-0020-7000-8000-000000000002', 'provider', 'Dr Bo', NULL, NULL),
    ('00000001-0000-7000-8000-000000000001', '00000001-0030-7000-8000-000000000001', 'room', 'Room 1', 'treatment_room',
     '00000001-0010-7000-8000-000000000001'),
    ('00000001-0000-7000-8000-000000000001', '00000001-0030-7000-8000-000000000002', 'device', 'Laser', 'laser',
     '00000001-0010-7000-8000-000000000001'),
    ('00000002-0000-7000-8000-000000000001', '00000002-0020-7000-8000-000000000001', 'provider', 'Dr Cy', NULL, NULL);
INSERT INTO clinic_data.providers (tenant_id, provider_id, time_zone, specialty, max_per_day) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-0020-7000-8000-000000000001', 'Europe/Berlin', 'dermatology', 20),
    ('00000001-0000-7000-8000-000000000001', '00000001-0020-7000-8000-000000000002', 'Asia/Kolkata', NULL, NULL),
    ('00000002-0000-7000-8000-000000000001', '00000002-0020-7000-8000-000000000001', 'America/New_York', NULL, NULL);
INSERT INTO clinic_data.services (tenant_id, service_id, name, duration_minutes, step_minutes) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-0040-7000-8000-000000000001', 'Consultation', 30, 15),
    ('00000002-0000-7000-8000-000000000001', '00000002-0040-7000-8000-000000000001', 'Consultation', 20, 20);
INSERT INTO clinic_data.service_providers (tenant_id, service_id, provider_id) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-0040-7000-8000-000000000001', '00000001-0020-7000-8000-000000000001'),
    ('00000002-0000-7000-8000-000000000001', '00000002-0040-7000-8000-000000000001', '00000002-0020-7000-8000-000000000001');
INSERT INTO clinic_data.service_resources (tenant_id, service_id, resource_class, quantity) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-0040-7000-8000-000000000001', 'treatment_room', 1);

INSERT INTO clinic_data.availability_rules
    (tenant_id, rule_id, resource_id, location_id, rule, dtstart_on, start_time, end_time, time_zone, valid_from) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-0050-7000-8000-000000000001', '00000001-0020-7000-8000-000000000001',
     '00000001-0010-7000-8000-000000000001', 'FREQ=WEEKLY;BYDAY=MO,TU', '2026-01-05', '09:00', '17:00', 'Europe/Berlin',
     '2026-01-01');
INSERT INTO clinic_data.date_overrides (tenant_id, override_id, resource_id, on_date, kind) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-0060-7000-8000-000000000001', '00000001-0020-7000-8000-000000000001',
     '2026-03-02', 'closed');
INSERT INTO clinic_data.holidays (tenant_id, holiday_id, location_id, on_date, name) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-0070-7000-8000-000000000001', '00000001-0010-7000-8000-000000000001',
     '2026-05-01', 'Labour Day');
INSERT INTO clinic_data.stays (tenant_id, stay_id, resource_id, from_on, until_on, time_zone) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-0080-7000-8000-000000000001', '00000001-0020-7000-8000-000000000001',
     '2026-06-01', '2026-06-07', 'Asia/Kolkata');

INSERT INTO clinic_data.patients (tenant_id, patient_id, mrn, name) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-0090-7000-8000-000000000001', 'L-1', 'Pat One'),
    ('00000001-0000-7000-8000-000000000001', '00000001-0090-7000-8000-000000000002', 'L-2', E'Quote '' "double" \\ back\nline'),
    ('00000002-0000-7000-8000-000000000001', '00000002-0090-7000-8000-000000000001', 'L-1', 'Pat Three');
INSERT INTO clinic_data.blocks (tenant_id, block_id, resource_id, kind, starts_at, ends_at, patient_id, title) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00a0-7000-8000-000000000001', '00000001-0020-7000-8000-000000000001',
     'block', '2026-03-09 10:00+01', '2026-03-09 11:00+01', '00000001-0090-7000-8000-000000000001', 'kept');

INSERT INTO clinic_data.appointments
    (tenant_id, appointment_id, confirmation_code, service_id, provider_id, location_id, patient_id, status, starts_at, ends_at,
     local_starts_at, time_zone) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00b0-7000-8000-000000000001', 'AAAA-1111',
     '00000001-0040-7000-8000-000000000001', '00000001-0020-7000-8000-000000000001', '00000001-0010-7000-8000-000000000001',
     '00000001-0090-7000-8000-000000000001', 'booked', '2026-03-03 09:00+01', '2026-03-03 09:30+01', '2026-03-03 09:00',
     'Europe/Berlin'),
    ('00000001-0000-7000-8000-000000000001', '00000001-00b0-7000-8000-000000000002', 'BBBB-2222',
     '00000001-0040-7000-8000-000000000001', '00000001-0020-7000-8000-000000000001', '00000001-0010-7000-8000-000000000001',
     '00000001-0090-7000-8000-000000000002', 'booked', '2026-03-03 09:30+01', '2026-03-03 10:00+01', '2026-03-03 09:30',
     'Europe/Berlin'),
    ('00000002-0000-7000-8000-000000000001', '00000002-00b0-7000-8000-000000000001', 'AAAA-1111',
     '00000002-0040-7000-8000-000000000001', '00000002-0020-7000-8000-000000000001', '00000002-0010-7000-8000-000000000001',
     '00000002-0090-7000-8000-000000000001', 'booked', '2026-03-03 09:00-05', '2026-03-03 09:20-05', '2026-03-03 09:00',
     'America/New_York');
INSERT INTO clinic_data.appointment_resources (tenant_id, appointment_id, resource_id)
    SELECT a.tenant_id, a.appointment_id, a.provider_id FROM clinic_data.appointments a;
INSERT INTO clinic_data.claims
    (tenant_id, claim_id, resource_id, calendar_no, during, starts_at, ends_at, kind, service_id, location_id, appointment_id)
    SELECT a.tenant_id, overlay(overlay(a.appointment_id::text PLACING '00c0' FROM 10) PLACING used.tag FROM 25)::uuid,
           used.resource_id, c.calendar_no, tstzrange(a.starts_at, a.ends_at), a.starts_at, a.ends_at, 'booking', a.service_id,
           a.location_id, a.appointment_id
      FROM clinic_data.appointments a
     CROSS JOIN LATERAL (VALUES ('1', a.provider_id), ('2', a.patient_id)) AS used (tag, resource_id)
      JOIN clinic_data.calendars c ON c.tenant_id = a.tenant_id AND c.resource_id = used.resource_id AND c.lane = 1;
INSERT INTO clinic_data.claims
    (tenant_id, claim_id, resource_id, calendar_no, during, starts_at, ends_at, kind, expires_at)
    SELECT c.tenant_id, '00000001-00c0-7000-8000-000000000009', c.resource_id, c.calendar_no,
           tstzrange('2026-03-03 12:00+01', '2026-03-03 12:30+01'), '2026-03-03 12:00+01', '2026-03-03 12:30+01', 'hold',
           '2020-01-01 00:00+00'
      FROM clinic_data.calendars c
     WHERE c.tenant_id = '00000001-0000-7000-8000-000000000001'
       AND c.resource_id = '00000001-0020-7000-8000-000000000001';

INSERT INTO clinic_data.series
    (tenant_id, series_id, service_id, patient_id, provider_id, location_id, rule, local_first_starts_at, time_zone, gap, mode, endless) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00f0-7000-8000-000000000001', '00000001-0040-7000-8000-000000000001',
     '00000001-0090-7000-8000-000000000001', '00000001-0020-7000-8000-000000000001', '00000001-0010-7000-8000-000000000001',
     'FREQ=WEEKLY;COUNT=2', '2026-03-03 09:00', 'Europe/Berlin', 'refuse', 'skip', false);
INSERT INTO clinic_data.series_appointments
    (tenant_id, entry_id, series_id, ordinal, local_original_start, local_starts_at, starts_at, ends_at, provider_id, location_id, resource_ids,
     outcome, reason, appointment_id) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00f1-7000-8000-000000000001', '00000001-00f0-7000-8000-000000000001', 1,
     '2026-03-03 09:00', '2026-03-03 09:00', '2026-03-03 09:00+01', '2026-03-03 09:30+01', '00000001-0020-7000-8000-000000000001',
     '00000001-0010-7000-8000-000000000001', '{}', 'booked', NULL, '00000001-00b0-7000-8000-000000000001'),
    ('00000001-0000-7000-8000-000000000001', '00000001-00f1-7000-8000-000000000002', '00000001-00f0-7000-8000-000000000001', 2,
     '2026-03-10 09:00', '2026-03-10 09:00', '2026-03-10 09:00+01', NULL, NULL, NULL, NULL, 'skipped', 'blocked', NULL);

-- Who may do what: one row at least of every table.
INSERT INTO clinic_data.roles (tenant_id, role, description, permissions) VALUES
    ('00000001-0000-7000-8000-000000000001', 'carer', 'Cares.', '{patients:read,appointments:read:own}');
INSERT INTO clinic_data.users (tenant_id, user_id, kind, name, provider_id, patient_id) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00d0-7000-8000-000000000001', 'staff', 'Staff One',
     '00000001-0020-7000-8000-000000000001', NULL),
    ('00000001-0000-7000-8000-000000000001', '00000001-00d0-7000-8000-000000000002', 'patient', 'Pat One', NULL,
     '00000001-0090-7000-8000-000000000001'),
    ('00000001-0000-7000-8000-000000000001', '00000001-00d0-7000-8000-000000000003', 'service', 'Program', NULL, NULL);
INSERT INTO clinic_data.user_roles (tenant_id, user_id, role) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00d0-7000-8000-000000000001', 'carer');
INSERT INTO clinic_data.user_locations (tenant_id, user_id, location_id, is_primary) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00d0-7000-8000-000000000001', '00000001-0010-7000-8000-000000000001', true);
INSERT INTO clinic_data.staff_profiles (tenant_id, user_id, qualification, languages) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00d0-7000-8000-000000000001', 'MD', '{de,en}');
INSERT INTO clinic_data.dependants (tenant_id, guardian_patient_id, patient_id, relationship) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-0090-7000-8000-000000000002', '00000001-0090-7000-8000-000000000001', 'child');
INSERT INTO clinic_data.emergency_accesses (tenant_id, access_id, user_id, patient_id, reason, starts_at, expires_at) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00e0-7000-8000-000000000001', '00000001-00d0-7000-8000-000000000001',
     '00000001-0090-7000-8000-000000000002', 'Unconscious at the door', '2026-03-01 09:00+01', '2026-03-01 10:00+01');
INSERT INTO clinic_data.user_identifiers (tenant_id, kind, identifier_hash, value, user_id) VALUES
    ('00000001-0000-7000-8000-000000000001', 'email', sha256('staff@example.org'), 'staff@example.org', '00000001-00d0-7000-8000-000000000001');
INSERT INTO clinic_data.credentials (tenant_id, user_id) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00d0-7000-8000-000000000001');
INSERT INTO clinic_data.sessions (tenant_id, session_id, user_id, refresh_hash, refreshed_at, expires_at, method) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00e1-7000-8000-000000000001', '00000001-00d0-7000-8000-000000000001',
     '\x01', '2026-03-01 09:00+01', '2026-03-08 09:00+01', 'password');
INSERT INTO clinic_data.one_time_codes (tenant_id, code_id, identifier_hash, purpose, code_hash, created_at, expires_at) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00e2-7000-8000-000000000001', '\x01', 'sign_in', '\x02',
     '2026-03-01 09:00+01', '2026-03-01 09:10+01');
INSERT INTO clinic_data.api_keys (tenant_id, key_id, user_id, name, key_hash, permissions) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00e3-7000-8000-000000000001', '00000001-00d0-7000-8000-000000000003',
     'Reminders', '\x01', '{appointments:read}');
INSERT INTO clinic_data.revoked_tokens (tenant_id, jti, expires_at) VALUES
    ('00000001-0000-7000-8000-000000000001', 'dead', '2026-03-01 09:00+01');
INSERT INTO clinic_data.token_keys (kid, algorithm, verify_key, issuer, audience) VALUES ('seed', 'HS256', 'c2VlZA', 'seed', 'clinic');
INSERT INTO clinic_data.sign_in_events (tenant_id, event_id, occurred_at, kind, outcome) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00e4-7000-8000-000000000001', '2026-03-01 09:00+01', 'sign_in', 'refused');
INSERT INTO clinic_data.group_sessions
    (tenant_id, session_id, service_id, provider_id, location_id, starts_at, ends_at, local_starts_at, time_zone, capacity)
    SELECT a.tenant_id, '00000001-00f0-7000-8000-000000000001', a.service_id, a.provider_id, a.location_id, a.starts_at, a.ends_at,
           a.local_starts_at, a.time_zone, 5
      FROM clinic_data.appointments a WHERE a.tenant_id = '00000001-0000-7000-8000-000000000001'
     ORDER BY a.appointment_id LIMIT 1;
INSERT INTO clinic_data.session_seats (tenant_id, session_id, seat, appointment_id)
    SELECT a.tenant_id, '00000001-00f0-7000-8000-000000000001', 1, a.appointment_id
      FROM clinic_data.appointments a WHERE a.tenant_id = '00000001-0000-7000-8000-000000000001'
     ORDER BY a.appointment_id LIMIT 1;
INSERT INTO clinic_data.outbox (tenant_id, message_id, topic, channel, created_at, due_at) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00e5-7000-8000-000000000001', 'one_time_code', 'sms', '2026-03-01 09:00+01',
     '2026-03-01 09:00+01');
INSERT INTO clinic_data.holds (tenant_id, appointment_id, token_hash, caller_id, first_held_at)
    SELECT a.tenant_id, a.appointment_id, sha256('x'), '00000001-00d0-7000-8000-000000000001', '2026-03-01 09:00+01'
      FROM clinic_data.appointments a ORDER BY a.appointment_id LIMIT 1;
INSERT INTO clinic_data.idempotency_keys (tenant_id, caller_id, key_hash, call, payload_hash, result, created_at, expires_at) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00d0-7000-8000-000000000001', sha256('k'), 'book_appointment', sha256('p'), '[]',
     '2026-03-01 09:00+01', '2026-03-02 09:00+01');
INSERT INTO clinic_data.service_participants (tenant_id, service_id, role, optional) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-0040-7000-8000-000000000001', 'assistant', true);
INSERT INTO clinic_data.service_participant_candidates (tenant_id, service_id, role, resource_id) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-0040-7000-8000-000000000001', 'assistant', '00000001-0020-7000-8000-000000000002');
INSERT INTO clinic_data.provider_languages (tenant_id, provider_id, language) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-0020-7000-8000-000000000002', 'hi-IN');
INSERT INTO clinic_data.provider_insurers (tenant_id, provider_id, insurer) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-0020-7000-8000-000000000001', 'Lakeside Health');
INSERT INTO clinic_data.assignment_rules (tenant_id, rule_id, service_id, rules) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00f0-7000-8000-000000000001', '00000001-0040-7000-8000-000000000001',
     '{round_robin}');
INSERT INTO clinic_data.assignment_turns (tenant_id, service_id, provider_id, turn) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-0040-7000-8000-000000000001', '00000001-0020-7000-8000-000000000001', 1);
INSERT INTO clinic_data.visits (tenant_id, visit_id, patient_id) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00f1-7000-8000-000000000001', '00000001-0090-7000-8000-000000000001');
INSERT INTO clinic_data.visit_appointments (tenant_id, visit_id, step, appointment_id) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00f1-7000-8000-000000000001', 1, '00000001-00b0-7000-8000-000000000001');

INSERT INTO clinic_data.subscriptions (tenant_id, subscription_id, name, url, events, secret) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00e6-7000-8000-000000000001', 'Ledger', 'https://hooks.example.org/x',
     '{appointment.*}', 'secret');
INSERT INTO clinic_data.deliveries (tenant_id, delivery_id, subscription_id, event_id, subject_id, sequence, due_at)
    SELECT e.tenant_id, '00000001-00e7-7000-8000-000000000001', '00000001-00e6-7000-8000-000000000001', e.event_id, e.subject_id,
           e.sequence, '2026-03-01 09:00+01'
      FROM clinic_data.events e
     WHERE e.tenant_id = '00000001-0000-7000-8000-000000000001' AND e.name = 'patient.created' ORDER BY e.subject_id LIMIT 1;
INSERT INTO clinic_data.queued_events (tenant_id, event_id, subject_id, sequence)
    SELECT d.tenant_id, d.event_id, d.subject_id, d.sequence FROM clinic_data.deliveries d;
INSERT INTO clinic_data.job_states (tenant_id, job, started_at) VALUES
    ('00000001-0000-7000-8000-000000000001', 'retention', '2026-03-01 09:00+01'),
    ('00000000-0000-0000-0000-000000000000', 'partitions', '2026-03-01 09:00+01');
INSERT INTO clinic_data.daily_counts (tenant_id, on_date, location_id, provider_id, service_id, status, appointments, minutes, taken_at) VALUES
    ('00000001-0000-7000-8000-000000000001', '2026-03-03', '00000001-0010-7000-8000-000000000001', '00000001-0020-7000-8000-000000000001',
     '00000001-0040-7000-8000-000000000001', 'booked', 2, 60, '2026-03-04 09:00+01');
INSERT INTO clinic_data.waitlist_entries
    (tenant_id, entry_id, service_id, patient_id, provider_id, location_id, from_on, until_on, weekdays, times_of_day, lapses_at, joined_at) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00f0-7000-8000-000000000001', '00000001-0040-7000-8000-000000000001',
     '00000001-0090-7000-8000-000000000001', '00000001-0020-7000-8000-000000000001', '00000001-0010-7000-8000-000000000001', '2026-03-01',
     '2026-03-31', '{1,2}', '{09:00-12:00}', '2026-04-01 00:00+02', '2026-03-01 09:00+01');
INSERT INTO clinic_data.waitlist_slots
    (tenant_id, slot_id, cause, mode, provider_id, location_id, opens_at, closes_at, status, expires_at, opened_at, closed_at) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00f1-7000-8000-000000000001', 'staff', 'single',
     '00000001-0020-7000-8000-000000000001', '00000001-0010-7000-8000-000000000001', '2026-03-10 09:00+01', '2026-03-10 09:30+01', 'closed',
     '2026-03-01 10:00+01', '2026-03-01 09:00+01', '2026-03-01 10:00+01');
INSERT INTO clinic_data.waitlist_offers
    (tenant_id, offer_id, slot_id, entry_id, service_id, patient_id, provider_id, location_id, starts_at, ends_at, expires_at, status,
     offered_at, answered_at) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00f2-7000-8000-000000000001', '00000001-00f1-7000-8000-000000000001',
     '00000001-00f0-7000-8000-000000000001', '00000001-0040-7000-8000-000000000001', '00000001-0090-7000-8000-000000000001',
     '00000001-0020-7000-8000-000000000001', '00000001-0010-7000-8000-000000000001', '2026-03-10 09:00+01', '2026-03-10 09:30+01',
     '2026-03-01 10:00+01', 'expired', '2026-03-01 09:00+01', '2026-03-01 10:00+01');
INSERT INTO clinic_data.waitlist_openings (tenant_id, opening_id, resource_id, opened) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00f3-7000-8000-000000000001', '00000001-0020-7000-8000-000000000001',
     '{[2026-03-10 09:00+01,2026-03-10 12:00+01)}');

-- Of the form of encrypted values, and no more than that: the keys below are none either.
INSERT INTO clinic_data.patient_contacts (tenant_id, contact_id, patient_id, channel, destination) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00e6-7000-8000-000000000001', '00000001-0090-7000-8000-000000000001', 'email',
     decode('015000000001' || repeat('5e', 40), 'hex'));
INSERT INTO clinic_data.patient_details (tenant_id, patient_id, address) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-0090-7000-8000-000000000001', decode('015000000001' || repeat('5e', 40), 'hex'));
INSERT INTO clinic_data.patient_health_items (tenant_id, item_id, patient_id, kind, item) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00f4-7000-8000-000000000001', '00000001-0090-7000-8000-000000000001', 'allergy',
     decode('015000000001' || repeat('5e', 40), 'hex'));
INSERT INTO clinic_data.patient_identifiers (tenant_id, identifier_id, patient_id, system, value, value_index, is_unique) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00f5-7000-8000-000000000001', '00000001-0090-7000-8000-000000000001', 'abha_number',
     decode('015000000001' || repeat('5e', 40), 'hex'), '\x5eed5eed5eed5eed', true);
INSERT INTO clinic_data.mrn_blocks (tenant_id, year, block_no, used) VALUES ('00000001-0000-7000-8000-000000000001', 2026, 0, 3);
INSERT INTO clinic_data.patients (tenant_id, patient_id, name) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-0090-7000-8000-0000000000d1', 'Twice One'),
    ('00000001-0000-7000-8000-000000000001', '00000001-0090-7000-8000-0000000000d2', 'Twice Two');
INSERT INTO clinic_data.patient_merges (tenant_id, merge_id, master_patient_id, duplicate_patient_id, reason, status_before, moved, completed, state, merged_at,
                                        undone_at, undo_reason) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00f6-7000-8000-000000000001', '00000001-0090-7000-8000-0000000000d1',
     '00000001-0090-7000-8000-0000000000d2', 'Seeded', 'active', '{}', '{}', '{}', '2026-03-01 09:00+01', '2026-03-01 10:00+01', 'Seeded');
INSERT INTO clinic_data.distinct_patients (tenant_id, patient_id, other_patient_id, reason, decided_at) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-0090-7000-8000-0000000000d1', '00000001-0090-7000-8000-0000000000d2', 'Seeded',
     '2026-03-01 09:00+01');
INSERT INTO clinic_data.communication_preferences (tenant_id, patient_id, language, channels) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-0090-7000-8000-000000000001', 'hi-IN', '{"reminder": ["email"]}');
INSERT INTO clinic_data.reminder_plans (tenant_id, plan_id, reminders) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00e7-7000-8000-000000000001', '[{"before_minutes": 60}]');
INSERT INTO clinic_data.message_templates (tenant_id, kind, language, channel, body) VALUES
    ('00000001-0000-7000-8000-000000000001', 'reminder', 'de', '*', 'Bis {{time}}!');
INSERT INTO clinic_data.notifications (tenant_id, notification_id, kind, patient_id, appointment_id, planned_at, due_at, channel) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00e8-7000-8000-000000000001', 'reminder', '00000001-0090-7000-8000-000000000001',
     '00000001-00b0-7000-8000-000000000001', '2026-03-02 09:00+01', '2026-03-02 09:00+01', 'email');
INSERT INTO clinic_data.notification_replans (tenant_id, replan_id) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00e9-7000-8000-000000000001');
INSERT INTO clinic_data.notification_tasks (tenant_id, task_id, after, by_patient, by_system) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00ea-7000-8000-000000000001', '{}', false, false);
INSERT INTO clinic_data.message_replies (tenant_id, reply_id, channel, contact_id, action, outcome, received_at) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00eb-7000-8000-000000000001', 'email', '00000001-00e6-7000-8000-000000000001',
     'unknown', 'nothing', '2026-03-02 10:00+01');

INSERT INTO clinic_data.ticket_counters (tenant_id, location_id, on_date, prefix, last_number) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-0010-7000-8000-000000000001', '2026-03-02', 'A', 1);
INSERT INTO clinic_data.tickets (tenant_id, ticket_id, location_id, on_date, prefix, number, due_at, expected_minutes, issued_at) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00f0-7000-8000-000000000001', '00000001-0010-7000-8000-000000000001', '2026-03-02',
     'A', 1, '2026-03-02 09:00+01', 10, '2026-03-02 09:00+01');
INSERT INTO clinic_data.delay_notices (tenant_id, appointment_id, announced_at, late_minutes, expected_at)
    SELECT a.tenant_id, a.appointment_id, '2026-03-02 09:00+01', 20, a.starts_at + interval '20 minutes'
      FROM clinic_data.appointments a ORDER BY a.appointment_id LIMIT 1;
INSERT INTO clinic_data.appointment_charges (tenant_id, charge_id, appointment_id, kind, amount, currency)
    SELECT a.tenant_id, '00000001-00f1-7000-8000-000000000001', a.appointment_id, 'no_show_fee', 40.5, 'EUR'
      FROM clinic_data.appointments a ORDER BY a.appointment_id LIMIT 1;

INSERT INTO clinic_data.encryption_keys (tenant_id, kind, key_no, status, master_key_id, wrapped) VALUES
    ('00000001-0000-7000-8000-000000000001', 'field', 1, 'current', 'seed', '\x5eed');
INSERT INTO clinic_data.patient_keys (tenant_id, patient_id, key_no, wrapping_key_no, wrapped) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-0090-7000-8000-000000000001', 1, 1, '\x5eed');
INSERT INTO clinic_data.shredded_patients (tenant_id, patient_id, shredded_at, reason) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-0090-7000-8000-00000000ffff', '2026-03-01 09:00+01', 'asked to be forgotten');
INSERT INTO clinic_data.key_rotations (tenant_id, key_no, step, started_at, finished_at) VALUES
    ('00000001-0000-7000-8000-000000000001', 1, 'done', '2026-03-01 09:00+01', '2026-03-01 10:00+01');
INSERT INTO clinic_data.encrypted_columns (schema_name, table_name, column_name, tenant_column, row_column, bound_table, bound_column) VALUES
    ('public', 'seed', 'secret', 'tenant_id', 'id', 'public.seed', 'secret');
INSERT INTO clinic_data.retention_classes (tenant_id, class, keep_months) VALUES
    ('00000001-0000-7000-8000-000000000001', 'access', 24);
INSERT INTO clinic_data.legal_holds (tenant_id, hold_id, patient_id, reason, placed_at) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00f5-7000-8000-000000000001', '00000001-0090-7000-8000-000000000001',
     'A claim is pending', '2026-03-02 09:00+01');
INSERT INTO clinic_data.audit_purges (tenant_id, purge_id, class, recorded_before, keep_months, purged_at, record_count, leaves_digest) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00f6-7000-8000-000000000001', 'access', '2025-03-02', 12, '2026-03-02', 1, sha256('leaf'));
INSERT INTO clinic_data.purged_audit_records (tenant_id, audit_id, purge_id, transaction_id, recorded_at, class, content_digest) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00f7-7000-8000-000000000001', '00000001-00f6-7000-8000-000000000001', '1', '2025-03-01',
     'access', sha256('content'));

INSERT INTO clinic_data.audit_spools (tenant_id, spool, ingested_bytes, ingested_at) VALUES
    ('00000001-0000-7000-8000-000000000001', '1-1-1-0.spool', 0, '2026-03-01 09:00+01');
INSERT INTO clinic_data.audit_read_patients (tenant_id, patient_id, audit_id) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-0090-7000-8000-000000000001', '00000001-00f9-7000-8000-000000000001');
INSERT INTO clinic_data.consent_purposes (tenant_id, purpose, description) VALUES ('00000001-0000-7000-8000-000000000001', 'newsletter', 'Newsletter');
INSERT INTO clinic_data.consent_texts (tenant_id, text_id, purpose, language, version_no, body, valid_from_at) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00f9-7000-8000-000000000001', 'newsletter', 'en', 1, 'I want it.', '2026-01-01 09:00+01');
INSERT INTO clinic_data.consents (tenant_id, consent_id, patient_id, purpose, text_id, given_by, evidence, given_at, expires_at, recorded_at) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00fa-7000-8000-000000000001', '00000001-0090-7000-8000-000000000001', 'newsletter',
     '00000001-00f9-7000-8000-000000000001', 'paper', 'scan 1', '2026-02-01 09:00+01', '2027-02-01 09:00+01', '2026-02-01 09:00+01');
INSERT INTO clinic_data.consent_withdrawals (tenant_id, consent_id, patient_id, withdrawn_at, withdrawn_by) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00fa-7000-8000-000000000001', '00000001-0090-7000-8000-000000000001', '2026-03-01 09:00+01', 'patient');
INSERT INTO clinic_data.consent_warnings (tenant_id, consent_id, warned_at, notification_id) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00fa-7000-8000-000000000001', '2026-02-28 09:00+01', '00000001-00e8-7000-8000-000000000001');
INSERT INTO clinic_data.disclosures (tenant_id, disclosure_id, patient_id, disclosed_at, recipient, description, purpose, legal_basis, recorded_at) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00fb-7000-8000-000000000001', '00000001-0090-7000-8000-000000000001', '2026-02-01 09:00+01', 'County registry',
     decode('015000000001' || repeat('5e', 40), 'hex'), 'Notifiable disease', 'required_by_law', '2026-02-01 09:00+01');
INSERT INTO clinic_data.correction_requests (tenant_id, request_id, patient_id, request, requested_at, due_at) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00fc-7000-8000-000000000001', '00000001-0090-7000-8000-000000000001', decode('015000000001' || repeat('5e', 40), 'hex'),
     '2026-02-01 09:00+01', '2026-04-02 09:00+02');

COMMIT;

INSERT INTO clinic_data.audit_logs (tenant_id, tree_size, head_no, system_identifier, foreign_transaction_id) VALUES
    ('00000001-0000-7000-8000-000000000001', 1, 1, 'seed', '1');
INSERT INTO clinic_data.audit_seal_keys (tenant_id, key_id, public_key, first_used_at)
    SELECT '00000001-0000-7000-8000-000000000001', encode(sha256(k.public), 'hex'), k.public, '2026-03-01 09:00+01' FROM (SELECT sha256('seed')) AS k (public);
INSERT INTO clinic_data.audit_leaves (tenant_id, first_position, leaf_count, run_no, first_transaction_id, first_audit_id, last_transaction_id,
                                      last_audit_id, audit_ids, leaf_hashes) VALUES
    ('00000001-0000-7000-8000-000000000001', 0, 1, 1, '1', '00000001-00f8-7000-8000-000000000001', '1', '00000001-00f8-7000-8000-000000000001',
     '\x0000000100f870008000000000000001', sha256('leaf'));
INSERT INTO clinic_data.audit_nodes (tenant_id, level, node_no, hash) VALUES ('00000001-0000-7000-8000-000000000001', 8, 0, sha256('node'));
INSERT INTO clinic_data.audit_heads (tenant_id, tree_size, head_no, root_hash, previous_tree_size, sealed_at, sealed_transaction_id, key_id, signature)
    SELECT k.tenant_id, 1, 1, sha256('leaf'), 0, '2026-03-01 09:00+01', '2', k.key_id, sha256('a') || sha256('b') FROM clinic_data.audit_seal_keys AS k;
