-- The demonstration's clinic: Riverbend Health, four locations in three zones, fourteen providers, eight services,
-- four hundred invented patients, and two months of appointments booked through the API.
--
-- Run it with psql as a superuser, in a database where CREATE EXTENSION pg_clinic and CALL clinic.install() have been
-- done; with -v empty_diary=1 no appointment is booked. The clock stands still, so that every run gives the same diary:

SET clinic.clock = '2026-03-02T07:00:00-05:00';   -- a Monday morning in New York

BEGIN;
SELECT clinic.create_tenant(slug => 'riverbend', name => 'Riverbend Health', buffer_after_minutes => 0) AS tenant_id \gset
SELECT clinic.map_login(login => session_user, actor => 'admin', permissions => '{*}', user_id => clinic.new_id());
COMMIT;

-- From here on the login is mapped: every transaction is in the tenant's context by itself.
BEGIN;

-- Locations -----------------------------------------------------------------------------------------------------------
SELECT clinic.create_location(name => 'Midtown', time_zone => 'America/New_York', country => 'US') AS midtown,
       clinic.create_location(name => 'Brooklyn', time_zone => 'America/New_York', country => 'US') AS brooklyn,
       clinic.create_location(name => 'Marylebone', time_zone => 'Europe/London', country => 'GB') AS marylebone,
       clinic.create_location(name => 'Pune', time_zone => 'Asia/Kolkata', country => 'IN') AS pune \gset
SELECT clinic.set_travel_time(from_location_id => :'midtown', to_location_id => :'brooklyn', minutes => 40);

SELECT clinic.add_holiday(location_id => :'pune', on_date => '2026-03-04', name => 'Holi'),
       clinic.add_holiday(location_id => :'brooklyn', on_date => '2026-03-16', name => 'Staff training'),
       clinic.add_holiday(location_id => :'marylebone', on_date => '2026-04-03', name => 'Good Friday'),
       clinic.add_holiday(location_id => :'midtown', on_date => '2026-05-25', name => 'Memorial Day'),
       clinic.add_holiday(location_id => :'brooklyn', on_date => '2026-05-25', name => 'Memorial Day');

-- Rooms and devices ---------------------------------------------------------------------------------------------------
SELECT clinic.create_resource(name => room.name, kind => room.kind, resource_class => room.class,
                              location_id => room.location::uuid, buffer_after_minutes => room.cleaning)
FROM (VALUES ('Midtown room 1', 'room', 'treatment_room', :'midtown', 0),
             ('Midtown room 2', 'room', 'treatment_room', :'midtown', 0),
             ('Midtown studio', 'room', 'studio', :'midtown', 0),
             ('Sleep suite A', 'room', 'sleep_suite', :'midtown', 0),
             ('Sleep suite B', 'room', 'sleep_suite', :'midtown', 0),
             ('Alexandrite laser', 'device', 'laser', :'midtown', 15),
             ('Brooklyn room', 'room', 'treatment_room', :'brooklyn', 0),
             ('Marylebone room', 'room', 'treatment_room', :'marylebone', 0),
             ('Pune room 1', 'room', 'treatment_room', :'pune', 0),
             ('Pune room 2', 'room', 'treatment_room', :'pune', 0),
             ('Pune hall', 'room', 'studio', :'pune', 0)) AS room (name, kind, class, location, cleaning);

-- Services ------------------------------------------------------------------------------------------------------------
SELECT clinic.create_service(name => 'Consultation', duration_minutes => 30, lead_time_minutes => 60, horizon_days => 90,
                             cancel_window_minutes => 1440, color => '#2f6fb0') AS consultation,
       clinic.create_service(name => 'New patient', duration_minutes => 60, step_minutes => 30, lead_time_minutes => 1440,
                             horizon_days => 90, cancel_window_minutes => 2880, color => '#3d8b40') AS new_patient,
       clinic.create_service(name => 'Procedure', duration_minutes => 90, step_minutes => 30, buffer_before_minutes => 10,
                             buffer_after_minutes => 15, same_day => false, max_per_day => 3, color => '#c2571a') AS procedure,
       clinic.create_service(name => 'Laser treatment', duration_minutes => 45, step_minutes => 15, buffer_before_minutes => 5,
                             buffer_after_minutes => 10, min_duration_minutes => 30, max_duration_minutes => 60,
                             color => '#b8336a') AS laser,
       clinic.create_service(name => 'Group class', duration_minutes => 60, capacity => 6, color => '#8e4aa8') AS group_class,
       clinic.create_service(name => 'Telehealth', duration_minutes => 20, lead_time_minutes => 15, color => '#00838f') AS telehealth,
       clinic.create_service(name => 'Sleep study', duration_minutes => 540, step_minutes => 30, horizon_days => 120,
                             color => '#5d4fc4') AS sleep_study,
       clinic.create_service(name => 'Follow-up', duration_minutes => 15, color => '#7a6a00') AS follow_up \gset

SELECT clinic.require_resource(service_id => :'procedure', resource_class => 'treatment_room'),
       clinic.require_resource(service_id => :'laser', resource_class => 'treatment_room'),
       clinic.require_resource(service_id => :'laser', resource_class => 'laser'),
       clinic.require_resource(service_id => :'group_class', resource_class => 'studio'),
       clinic.require_resource(service_id => :'sleep_study', resource_class => 'sleep_suite');

-- Providers -----------------------------------------------------------------------------------------------------------
SELECT clinic.create_provider(name => 'Dr. Ada Moss', time_zone => 'America/New_York', specialty => 'Family medicine',
                              max_per_day => 16, color => '#2f6fb0') AS moss,
       clinic.create_provider(name => 'Dr. Ben Okafor', time_zone => 'America/New_York', specialty => 'Family medicine') AS okafor,
       clinic.create_provider(name => 'Dr. Clara Voss', time_zone => 'America/New_York', specialty => 'Dermatology',
                              color => '#b8336a') AS voss,
       clinic.create_provider(name => 'Dr. Dmitri Lang', time_zone => 'America/New_York', specialty => 'Minor surgery',
                              max_per_week => 12) AS lang,
       clinic.create_provider(name => 'Nora Quill', time_zone => 'America/New_York', specialty => 'Physiotherapy') AS quill,
       clinic.create_provider(name => 'Dr. Sam Ito', time_zone => 'America/New_York', specialty => 'Sleep medicine') AS ito,
       clinic.create_provider(name => 'Elena Prado', time_zone => 'America/New_York', specialty => 'Nurse practitioner') AS prado,
       clinic.create_provider(name => 'Dr. Imogen Hart', time_zone => 'Europe/London', specialty => 'General practice') AS hart,
       clinic.create_provider(name => 'Dr. Rhys Pryce', time_zone => 'Europe/London', specialty => 'Dermatology') AS pryce,
       clinic.create_provider(name => 'Dr. Leila Haddad', time_zone => 'Europe/London', specialty => 'General practice') AS haddad,
       clinic.create_provider(name => 'Dr. Arjun Rao', time_zone => 'Asia/Kolkata', specialty => 'General practice') AS rao,
       clinic.create_provider(name => 'Dr. Meera Joshi', time_zone => 'Asia/Kolkata', specialty => 'General practice',
                              buffer_after_minutes => 5) AS joshi,
       clinic.create_provider(name => 'Dr. Kabir Sethi', time_zone => 'Asia/Kolkata', specialty => 'Minor surgery') AS sethi,
       clinic.create_provider(name => 'Sana Kulkarni', time_zone => 'Asia/Kolkata', specialty => 'Physiotherapy') AS kulkarni \gset

-- Who offers what.
SELECT count(clinic.offer_service(service_id => s.service_id, provider_id => p.provider_id))
FROM (VALUES ('Dr. Ada Moss', '{Consultation,New patient,Follow-up}'),
             ('Dr. Ben Okafor', '{Consultation,New patient,Follow-up}'),
             ('Dr. Clara Voss', '{Consultation,Laser treatment,Follow-up}'),
             ('Dr. Dmitri Lang', '{Procedure,Follow-up}'),
             ('Nora Quill', '{Consultation,Group class}'),
             ('Dr. Sam Ito', '{Sleep study,Consultation}'),
             ('Elena Prado', '{Telehealth,Follow-up}'),
             ('Dr. Imogen Hart', '{Consultation,New patient,Follow-up}'),
             ('Dr. Rhys Pryce', '{Consultation,Procedure}'),
             ('Dr. Leila Haddad', '{Consultation,Telehealth}'),
             ('Dr. Arjun Rao', '{Consultation,New patient,Follow-up}'),
             ('Dr. Meera Joshi', '{Consultation,New patient,Telehealth}'),
             ('Dr. Kabir Sethi', '{Procedure,Follow-up}'),
             ('Sana Kulkarni', '{Consultation,Group class}')) AS offer (provider, services)
JOIN clinic.providers AS p ON p.name = offer.provider
JOIN clinic.services AS s ON s.name = ANY (offer.services::text[]);
-- Dr. Joshi takes her time with new patients.
SELECT clinic.offer_service(service_id => :'new_patient', provider_id => :'joshi', duration_minutes => 75);

-- Hours ---------------------------------------------------------------------------------------------------------------
-- Weekly, in split shifts.
SELECT clinic.add_hours(resource_id => :'moss', location_id => :'midtown', rule => 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR',
                        start_time => '09:00', end_time => '12:00'),
       clinic.add_hours(resource_id => :'moss', location_id => :'midtown', rule => 'FREQ=WEEKLY;BYDAY=MO,TU,TH,FR',
                        start_time => '13:00', end_time => '17:00');
-- Mornings in one place, afternoons in another: forty minutes of driving between them stay free.
SELECT clinic.add_hours(resource_id => :'okafor', location_id => :'midtown', rule => 'FREQ=WEEKLY;BYDAY=MO,WE,FR',
                        start_time => '08:00', end_time => '12:00'),
       clinic.add_hours(resource_id => :'okafor', location_id => :'brooklyn', rule => 'FREQ=WEEKLY;BYDAY=MO,WE,FR',
                        start_time => '12:30', end_time => '17:00'),
       clinic.add_hours(resource_id => :'okafor', location_id => :'brooklyn', rule => 'FREQ=WEEKLY;BYDAY=TU,TH',
                        start_time => '09:00', end_time => '17:00');
-- Two days a week, and the first Monday of each month in the afternoon.
SELECT clinic.add_hours(resource_id => :'voss', location_id => :'midtown', rule => 'FREQ=WEEKLY;BYDAY=TU,TH',
                        start_time => '10:00', end_time => '18:00'),
       clinic.add_hours(resource_id => :'voss', location_id => :'midtown', rule => 'FREQ=MONTHLY;BYDAY=1MO',
                        start_time => '14:00', end_time => '18:00');
-- Every other week.
SELECT clinic.add_hours(resource_id => :'lang', location_id => :'midtown', rule => 'FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,WE,TH',
                        start_time => '08:00', end_time => '16:00', dtstart_on => '2026-03-02');
-- Hours of one service only: the class is on Monday and Wednesday evenings.
SELECT clinic.add_hours(resource_id => :'quill', location_id => :'midtown', rule => 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR',
                        start_time => '07:00', end_time => '11:00', service_ids => ARRAY[:'consultation']::uuid[]),
       clinic.add_hours(resource_id => :'quill', location_id => :'midtown', rule => 'FREQ=WEEKLY;BYDAY=MO,WE',
                        start_time => '17:30', end_time => '19:30', service_ids => ARRAY[:'group_class']::uuid[]);
-- Overnight: the window ends on the next day.
SELECT clinic.add_hours(resource_id => :'ito', location_id => :'midtown', rule => 'FREQ=WEEKLY;BYDAY=TU,TH,SA',
                        start_time => '21:00', end_time => '07:00', service_ids => ARRAY[:'sleep_study']::uuid[]),
       clinic.add_hours(resource_id => :'ito', location_id => :'midtown', rule => 'FREQ=WEEKLY;BYDAY=FR',
                        start_time => '13:00', end_time => '17:00', service_ids => ARRAY[:'consultation']::uuid[]);
-- Evenings, at most eight visits each, and the last Saturday of the month.
SELECT clinic.add_hours(resource_id => :'prado', location_id => :'midtown', rule => 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH',
                        start_time => '17:00', end_time => '21:00', max_appointments => 8),
       clinic.add_hours(resource_id => :'prado', location_id => :'midtown', rule => 'FREQ=MONTHLY;BYDAY=-1SA',
                        start_time => '09:00', end_time => '13:00');
SELECT clinic.add_hours(resource_id => :'hart', location_id => :'marylebone', rule => 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR',
                        start_time => '08:30', end_time => '12:30'),
       clinic.add_hours(resource_id => :'hart', location_id => :'marylebone', rule => 'FREQ=WEEKLY;BYDAY=MO,TU,TH',
                        start_time => '14:00', end_time => '18:00'),
       clinic.add_hours(resource_id => :'pryce', location_id => :'marylebone', rule => 'FREQ=WEEKLY;BYDAY=WE,FR',
                        start_time => '09:00', end_time => '17:00'),
       clinic.add_hours(resource_id => :'haddad', location_id => :'marylebone', rule => 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH',
                        start_time => '10:00', end_time => '16:00');
SELECT clinic.add_hours(resource_id => :'rao', location_id => :'pune', rule => 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA',
                        start_time => '09:30', end_time => '13:30'),
       clinic.add_hours(resource_id => :'rao', location_id => :'pune', rule => 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR',
                        start_time => '16:30', end_time => '20:00'),
       clinic.add_hours(resource_id => :'joshi', location_id => :'pune', rule => 'FREQ=WEEKLY;BYDAY=MO,WE,FR',
                        start_time => '10:00', end_time => '18:00'),
       clinic.add_hours(resource_id => :'sethi', location_id => :'pune', rule => 'FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SA',
                        start_time => '09:00', end_time => '15:00'),
       clinic.add_hours(resource_id => :'kulkarni', location_id => :'pune', rule => 'FREQ=WEEKLY;BYDAY=TU,TH,SA',
                        start_time => '07:00', end_time => '10:00', service_ids => ARRAY[:'group_class']::uuid[]),
       clinic.add_hours(resource_id => :'kulkarni', location_id => :'pune', rule => 'FREQ=WEEKLY;BYDAY=MO,WE,FR',
                        start_time => '08:00', end_time => '14:00', service_ids => ARRAY[:'consultation']::uuid[]);

-- What differs --------------------------------------------------------------------------------------------------------
-- One Saturday more; one day less; a doctor on call during a holiday.
SELECT clinic.open_date(resource_id => :'moss', location_id => :'brooklyn', on_date => '2026-03-14',
                        start_time => '10:00', end_time => '13:00'),
       clinic.close_date(resource_id => :'voss', on_date => '2026-03-19'),
       clinic.open_date(resource_id => :'rao', location_id => :'pune', on_date => '2026-03-04',
                        start_time => '10:00', end_time => '12:00', works_on_holidays => true);
-- Dr. Haddad works from New York for a week: ten o'clock is ten o'clock there.
SELECT clinic.add_stay(resource_id => :'haddad', from_on => '2026-03-16', until_on => '2026-03-19',
                       time_zone => 'America/New_York');
-- Lunch, leave, a fire drill for everybody, and half an hour kept for one patient below.
SELECT clinic.add_break(resource_id => :'voss', rule => 'FREQ=WEEKLY;BYDAY=TU,TH', start_time => '13:00',
                        end_time => '13:45', title => 'Lunch'),
       clinic.add_break(resource_id => :'lang', rule => 'FREQ=DAILY', start_time => '12:00', end_time => '12:30',
                        title => 'Lunch'),
       clinic.add_break(resource_id => :'joshi', rule => 'FREQ=DAILY', start_time => '13:30', end_time => '14:15',
                        title => 'Lunch'),
       clinic.add_leave(resource_id => :'okafor', from_on => '2026-03-09', until_on => '2026-03-13', title => 'Leave'),
       clinic.add_leave(resource_id => :'pryce', from_on => '2026-03-18', until_on => '2026-03-18', title => 'Conference'),
       clinic.add_block(starts_at => '2026-03-05 15:00-05', ends_at => '2026-03-05 15:30-05',
                        location_id => :'midtown', title => 'Fire drill');

-- Patients: names from two lists, every pair once -------------------------------------------------------------------------
SELECT count(clinic.create_patient(
           name => first.name || ' ' || last.name,
           mrn => 'R' || to_char(1000 + (last.n - 1) * 20 + first.n, 'FM0000'),
           date_of_birth => date '1940-01-01' + ((first.n * 7919 + last.n * 104729) % 29000)::integer))
FROM unnest('{Alma,Bruno,Chidi,Daria,Emeka,Farah,Goran,Hana,Ilse,Jamal,Keiko,Lior,Mina,Nils,Oona,Paulo,Ravi,Saskia,Tomas,Zuri}'::text[])
     WITH ORDINALITY AS first (name, n)
CROSS JOIN unnest('{Abara,Bellweather,Castellan,Dubrovsky,Eastman,Fernhill,Gadkari,Hollis,Iyengar,Jansson,Kowalke,Lindqvist,Marchetti,Nakadai,Oyelaran,Pemberley,Quispe,Rosado,Stellan,Tamboli}'::text[])
     WITH ORDINALITY AS last (name, n);

SELECT p.patient_id AS kept_for FROM clinic.patients AS p WHERE p.mrn = 'R1042' \gset
SELECT clinic.add_block(starts_at => '2026-03-10 15:00-04', ends_at => '2026-03-10 15:30-04', resource_id => :'moss',
                        patient_id => :'kept_for', title => 'Kept for a call-back');
COMMIT;

-- Two months of appointments ------------------------------------------------------------------------------------------
-- For every provider and day: ask which starts are offered to a patient, take one, book it; as often as the day allows.
-- Now and then somebody cancels.
\if :{?empty_diary}
\else
DO $$
DECLARE
    provider record;
    slot record;
    booked record;
    day date;
    patient uuid;
    patients uuid[];
    services uuid[];
    service uuid;
    n integer := 0;
BEGIN
    PERFORM setseed(0.42);
    FOR provider IN
        SELECT p.provider_id, p.time_zone,
               CASE p.specialty WHEN 'Sleep medicine' THEN 6 WHEN 'Minor surgery' THEN 5 ELSE 13 END AS per_day
        FROM clinic.providers AS p
        ORDER BY p.provider_id
    LOOP
        -- Each region has patients of its own.
        SELECT array_agg(p.patient_id ORDER BY p.mrn) INTO patients
        FROM clinic.patients AS p
        WHERE CASE provider.time_zone WHEN 'America/New_York' THEN p.mrn < 'R1220'
                                      WHEN 'Europe/London' THEN p.mrn BETWEEN 'R1220' AND 'R1310'
                                      ELSE p.mrn > 'R1310'
              END;
        SELECT array_agg(s.service_id ORDER BY s.service_id) INTO services
        FROM clinic.service_providers AS sp
        JOIN clinic.services AS s ON s.service_id = sp.service_id
        WHERE sp.provider_id = provider.provider_id;

        FOR day IN
            SELECT d::date FROM generate_series(timestamp '2026-03-03', timestamp '2026-05-03', interval '1 day') AS d
        LOOP
            FOR visit IN 1 .. floor(provider.per_day * (0.5 + 0.5 * random())) LOOP
                service := services[1 + floor(random() * cardinality(services))];
                patient := patients[1 + floor(random() * cardinality(patients))];
                SELECT s.provider_id, s.location_id, s.starts_at INTO slot
                FROM clinic.available_slots(
                    service_id => service,
                    range_start => day::timestamp AT TIME ZONE provider.time_zone,
                    range_end => (day + 1)::timestamp AT TIME ZONE provider.time_zone,
                    provider_id => provider.provider_id,
                    patient_id => patient) AS s
                ORDER BY random() LIMIT 1;
                CONTINUE WHEN NOT FOUND;

                SELECT b.appointment_id INTO STRICT booked
                FROM clinic.book_appointment(
                    service_id => service,
                    patient_id => patient,
                    starts_at => slot.starts_at,
                    provider_id => slot.provider_id,
                    location_id => slot.location_id) AS b;
                n := n + 1;
                IF n % 40 = 0 THEN
                    PERFORM clinic.cancel_appointment(appointment_id => booked.appointment_id, reason => 'patient called');
                END IF;
            END LOOP;
        END LOOP;
    END LOOP;
END
$$;
\endif
ANALYZE;
