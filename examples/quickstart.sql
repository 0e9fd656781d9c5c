CREATE EXTENSION pg_clinic CASCADE;
CALL clinic.install();
SELECT clinic.create_tenant('riverbend', 'Riverbend Health'), clinic.map_login(session_user, 'admin', '{*}');
SELECT clinic.create_location('Midtown', 'America/New_York') AS location, clinic.create_provider('Dr. Ada Moss', 'America/New_York') AS provider, clinic.create_service('Consultation', duration_minutes => 30) AS service, clinic.create_patient('Lena Ortiz') AS patient \gset
SELECT clinic.offer_service(:'service', :'provider');
SELECT clinic.add_hours(:'provider', :'location', 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', '09:00', '17:00');
SELECT local_date, local_time, utc_offset FROM clinic.available_slots(:'service', now(), now() + '7 days', max_rows => 5);
SELECT starts_at FROM clinic.first_available(:'service', now(), now() + '7 days') \gset
SELECT confirmation_code, local_starts_at, time_zone FROM clinic.book_appointment(:'service', :'patient', :'starts_at');
SELECT clinic.day_sheet_text((:'starts_at'::timestamptz AT TIME ZONE 'America/New_York')::date);
