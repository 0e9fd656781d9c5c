-- Lists: the rows and the order of the plain query, whatever comes and goes between pages; read by index under row security;
-- nothing of another tenant or patient by any id or cursor; no text as a cursor but a clear error.

-- Two tests in one row are two lines of TAP.
\pset fieldsep '\n'
BEGIN;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL clinic.clock = '2026-03-01 00:00Z';
SET LOCAL timezone = 'UTC';
SELECT no_plan();
SELECT setseed(0.25);

-- ---------------------------------------------------------------------------------------------------------------------
-- Four tenants with 25,000 appointments each; many start together. Triggers are off while they are loaded.

SET LOCAL session_replication_role = replica;
CREATE FUNCTION pg_temp.id(tenant integer, kind integer, number integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT pg_catalog.format('%s-%s-7000-8000-%s', pg_catalog.lpad(tenant::text, 8, '0'), pg_catalog.lpad(kind::text, 4, '0'), pg_catalog.lpad(number::text, 12, '0'))::uuid $$;
INSERT INTO clinic_data.tenants (tenant_id, slug, name) SELECT pg_temp.id(t, 0, 0), 'list-' || t, 'T' FROM generate_series(1, 4) t;
INSERT INTO clinic_data.tenant_slugs (slug, tenant_id) SELECT 'list-' || t, pg_temp.id(t, 0, 0) FROM generate_series(1, 4) t;
INSERT INTO clinic_data.locations (tenant_id, location_id, name, time_zone)
    SELECT pg_temp.id(t, 0, 0), pg_temp.id(t, 1, n), 'L' || n, 'Europe/Berlin' FROM generate_series(1, 4) t, generate_series(1, 5) n;
INSERT INTO clinic_data.services (tenant_id, service_id, name, duration_minutes, step_minutes)
    SELECT pg_temp.id(t, 0, 0), pg_temp.id(t, 4, n), 'S' || n, 30, 15 FROM generate_series(1, 4) t, generate_series(1, 4) n;
INSERT INTO clinic_data.resources (tenant_id, resource_id, kind, name)
    SELECT pg_temp.id(t, 0, 0), pg_temp.id(t, 2, n), 'provider', 'P' || n FROM generate_series(1, 4) t, generate_series(1, 10) n;
INSERT INTO clinic_data.providers (tenant_id, provider_id, time_zone)
    SELECT pg_temp.id(t, 0, 0), pg_temp.id(t, 2, n), 'Europe/Berlin' FROM generate_series(1, 4) t, generate_series(1, 10) n;
-- Names that are equal, differ in case, and sort oddly.
INSERT INTO clinic_data.patients (tenant_id, patient_id, name, status)
    SELECT pg_temp.id(t, 0, 0), pg_temp.id(t, 9, n),
           (ARRAY['Ann', 'ann', 'Änne', 'Zoe', 'Œuvre', 'Bo']) [1 + n % 6] || CASE WHEN n % 3 = 0 THEN '' ELSE ' of ' || t || '-' || n % 700 END,
           CASE n % 10 WHEN 0 THEN 'inactive' ELSE 'active' END
      FROM generate_series(1, 4) t, generate_series(0, 2999) n;
INSERT INTO clinic_data.dependants (tenant_id, guardian_patient_id, patient_id)
    VALUES (pg_temp.id(3, 0, 0), pg_temp.id(3, 9, 100), pg_temp.id(3, 9, 2200));
-- Five visits start at the same instant, one at each location; a day has 100, and ids go another way than starts.
INSERT INTO clinic_data.appointments (tenant_id, appointment_id, confirmation_code, service_id, provider_id, location_id, patient_id,
                                      status, starts_at, ends_at, local_starts_at, time_zone, cancelled_at)
    SELECT pg_temp.id(t, 0, 0), pg_temp.id(t, 11, n * 7919 % 25000), 'C' || n, pg_temp.id(t, 4, 1 + n % 4),
           pg_temp.id(t, 2, 1 + n % 10), pg_temp.id(t, 1, 1 + n % 5), pg_temp.id(t, 9, n * 31 % 3000),
           CASE n % 7 WHEN 0 THEN 'cancelled' WHEN 1 THEN 'confirmed' ELSE 'booked' END,
           x.starts_at, x.starts_at + interval '30 minutes', x.starts_at AT TIME ZONE 'UTC', 'Europe/Berlin',
           CASE n % 7 WHEN 0 THEN x.starts_at - interval '1 day' END
      FROM generate_series(1, 4) t, generate_series(0, 24999) n
     CROSS JOIN LATERAL (SELECT timestamptz '2026-01-01 08:00+00' + n / 100 * interval '1 day' + n % 100 / 5 * interval '15 minutes') x (starts_at);
ANALYZE clinic_data.appointments, clinic_data.patients, clinic_data.resources, clinic_data.locations;
SET LOCAL session_replication_role = origin;

CREATE ROLE list_desk LOGIN IN ROLE clinic_user;
CREATE ROLE list_blind LOGIN IN ROLE clinic_user;
CREATE ROLE list_patient LOGIN IN ROLE clinic_user;
CREATE ROLE list_public LOGIN IN ROLE clinic_user;
CREATE ROLE list_nobody LOGIN IN ROLE clinic_user;
INSERT INTO clinic_data.logins (tenant_id, login, actor, patient_id, permissions) VALUES
    (pg_temp.id(3, 0, 0), 'list_desk', 'staff', NULL, '{appointments:read,patients:read}'),
    (pg_temp.id(3, 0, 0), 'list_blind', 'staff', NULL, '{appointments:read}'),
    (pg_temp.id(3, 0, 0), 'list_patient', 'patient', pg_temp.id(3, 9, 100), '{}'),
    (pg_temp.id(3, 0, 0), 'list_public', 'public', NULL, '{}');

-- ---------------------------------------------------------------------------------------------------------------------
-- The plain query, and the same by pages in both directions.

CREATE FUNCTION pg_temp.plain(sort text, filter text) RETURNS uuid[] LANGUAGE plpgsql AS $$
DECLARE
    ids uuid[];
BEGIN
    EXECUTE format('SELECT ARRAY(SELECT appointment_id FROM clinic.appointments WHERE %s ORDER BY %s)', filter,
        replace(CASE ltrim(sort, '-') WHEN 'start' THEN 'starts_at %1$s, appointment_id %1$s' WHEN 'created' THEN 'appointment_id %1$s'
                     ELSE 'patient_name %1$s, appointment_id %1$s' END, '%1$s', CASE WHEN sort LIKE '-%' THEN 'DESC' ELSE 'ASC' END)) INTO ids;
    RETURN ids;
END
$$;
-- Walks through a list to its end; what it saw, or what is wrong.
CREATE FUNCTION pg_temp.walk(list text, id_column name, sort text, arguments text, page_size integer, forwards boolean, start text DEFAULT NULL,
                             between_pages text DEFAULT NULL)
RETURNS uuid[] LANGUAGE plpgsql AS $$
DECLARE
    seen uuid[] := '{}';
    page uuid[];
    more boolean := true;
    first text;
    last text;
    cursor_now text := start;
BEGIN
    WHILE more LOOP
        EXECUTE format('SELECT array_agg(l.%I), coalesce(bool_or(l.has_more), false), (array_agg(l.page_cursor))[1], (array_agg(l.page_cursor))[count(*)] '
                       'FROM %s(%s sort => %L, page_size => %s, %s => %L) l', id_column, list, arguments, sort, page_size,
                       CASE WHEN forwards THEN 'after' ELSE 'before' END, cursor_now) INTO page, more, first, last;
        IF more AND cardinality(page) <> page_size THEN
            RAISE EXCEPTION 'a page of % rows says that there is more', cardinality(page);
        END IF;
        IF forwards THEN
            seen := seen || page;
            cursor_now := last;
        ELSE
            seen := page || seen;
            cursor_now := first;
        END IF;
        IF between_pages IS NOT NULL THEN
            EXECUTE between_pages;
        END IF;
    END LOOP;
    RETURN seen;
END
$$;

CREATE TEMPORARY TABLE filters (name text, arguments text, filter text);
INSERT INTO filters VALUES
    ('a range', $$range_start => '2026-02-01', range_end => '2026-02-04',$$, $$starts_at >= '2026-02-01' AND starts_at < '2026-02-04'$$),
    ('the default range', '', $$starts_at >= '2026-03-01' AND starts_at < '2026-03-08'$$),
    ('a start alone', $$range_start => '2026-02-01 09:00',$$, $$starts_at >= '2026-02-01 09:00' AND starts_at < '2026-02-08 09:00'$$),
    ('an end alone', $$range_end => '2026-02-01 09:00',$$, $$starts_at >= '2026-01-25 09:00' AND starts_at < '2026-02-01 09:00'$$),
    ('providers', $$range_start => '2026-02-01', range_end => '2026-03-01', provider_ids => ARRAY[pg_temp.id(3, 2, 2), pg_temp.id(3, 2, 7), pg_temp.id(3, 2, 2)],$$,
     $$starts_at >= '2026-02-01' AND starts_at < '2026-03-01' AND provider_id IN (pg_temp.id(3, 2, 2), pg_temp.id(3, 2, 7))$$),
    ('locations', $$range_start => '2026-02-01', range_end => '2026-02-10', location_ids => ARRAY[pg_temp.id(3, 1, 2), pg_temp.id(3, 1, 4)],$$,
     $$starts_at >= '2026-02-01' AND starts_at < '2026-02-10' AND location_id IN (pg_temp.id(3, 1, 2), pg_temp.id(3, 1, 4))$$),
    ('everything at once', $$range_start => '2026-01-01', range_end => '2026-03-30', provider_ids => ARRAY[pg_temp.id(3, 2, 2), pg_temp.id(3, 2, 7), pg_temp.id(3, 2, 3)],
      location_ids => ARRAY[pg_temp.id(3, 1, 2), pg_temp.id(3, 1, 3)], service_ids => ARRAY[pg_temp.id(3, 4, 3), pg_temp.id(3, 4, 2)], statuses => '{cancelled,confirmed}',$$,
     $$starts_at >= '2026-01-01' AND starts_at < '2026-03-30' AND provider_id IN (pg_temp.id(3, 2, 2), pg_temp.id(3, 2, 7), pg_temp.id(3, 2, 3))
       AND location_id IN (pg_temp.id(3, 1, 2), pg_temp.id(3, 1, 3)) AND service_id IN (pg_temp.id(3, 4, 3), pg_temp.id(3, 4, 2)) AND status IN ('cancelled', 'confirmed')$$),
    ('one patient, whole history', $$patient_id => pg_temp.id(3, 9, 100),$$, $$patient_id = pg_temp.id(3, 9, 100)$$),
    ('one patient at one provider', $$patient_id => pg_temp.id(3, 9, 101), provider_ids => ARRAY[pg_temp.id(3, 2, 2)],$$,
     $$patient_id = pg_temp.id(3, 9, 101) AND provider_id = pg_temp.id(3, 2, 2)$$),
    ('nothing', $$range_start => '2020-01-01', range_end => '2020-01-02',$$, 'false');
CREATE TEMPORARY TABLE sorts AS SELECT s FROM unnest(ARRAY['start', '-start', 'created', '-created', 'patient_name', '-patient_name']) s;
GRANT SELECT ON filters, sorts TO PUBLIC;

-- As the desk.
SET LOCAL SESSION AUTHORIZATION list_desk;
SELECT isnt_empty(format('SELECT * FROM clinic.appointments WHERE %s LIMIT 1', filter), 'there are rows to list: ' || name)
  FROM filters WHERE name <> 'nothing' AND name <> 'one patient at one provider';
SELECT is(pg_temp.walk('clinic.list_appointments', 'appointment_id', s, arguments, 40 + (random() * 60)::integer, true), pg_temp.plain(s, filter),
          format('forwards by %s: %s', s, name)) FROM filters, sorts;
-- Backwards from behind the last row: from the last row itself, that is.
CREATE FUNCTION pg_temp.last_cursor(sort text, arguments text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
    reversed text := CASE WHEN sort LIKE '-%' THEN ltrim(sort, '-') ELSE '-' || sort END;
    last uuid;
BEGIN
    EXECUTE format('SELECT appointment_id FROM clinic.list_appointments(%s sort => %L, page_size => 1)', arguments, reversed) INTO last;
    -- Its cursor in this order: the list of its patient holds it.
    EXECUTE format('SELECT l.page_cursor FROM clinic.appointments a, clinic.list_appointments(patient_id => a.patient_id, sort => %L, page_size => 100) l '
                   'WHERE a.appointment_id = %L AND l.appointment_id = a.appointment_id', sort, last) INTO answer;
    RETURN answer;
END
$$;
SELECT is(pg_temp.walk('clinic.list_appointments', 'appointment_id', s, arguments, 40 + (random() * 60)::integer, false, pg_temp.last_cursor(s, arguments)),
          trim_array(pg_temp.plain(s, filter), 1), format('backwards by %s: %s', s, name))
  FROM filters, sorts WHERE name NOT IN ('nothing', 'one patient at one provider');

-- A page ahead of a page is the page before it, from any row on.
SELECT is((SELECT array_agg(b.appointment_id) FROM clinic.list_appointments('2026-02-01', '2026-02-04', sort => s, page_size => 7, before => mid.page_cursor) b),
          (SELECT array_agg(x.id) FROM (SELECT u.id FROM unnest(pg_temp.plain(s, $$starts_at >= '2026-02-01' AND starts_at < '2026-02-04'$$)) WITH ORDINALITY u (id, place)
            WHERE u.place BETWEEN 31 - 7 AND 31 - 1 ORDER BY u.place) x), 'a page ahead of the 31st row, by ' || s)
  FROM sorts, LATERAL (SELECT l.page_cursor FROM clinic.list_appointments('2026-02-01', '2026-02-04', sort => s, page_size => 31) l OFFSET 30) mid;
SELECT is((SELECT array_agg(DISTINCT b.has_more) FROM clinic.list_appointments('2026-02-01', '2026-02-04', sort => s, page_size => size, before => mid.page_cursor) b),
          ARRAY[more], format('%s rows ahead of the 31st, more: %s, by %s', size, more, s))
  FROM sorts, (VALUES (29, true), (30, false), (31, false)) AS sizes (size, more),
       LATERAL (SELECT l.page_cursor FROM clinic.list_appointments('2026-02-01', '2026-02-04', sort => s, page_size => 31) l OFFSET 30) mid;
SELECT is((SELECT array_agg(DISTINCT b.has_more) FROM clinic.list_appointments('2026-02-01', '2026-02-02', sort => s, page_size => size, after => mid.page_cursor) b),
          ARRAY[more], format('%s rows behind the 31st of 100, more: %s, by %s', size, more, s))
  FROM sorts, (VALUES (68, true), (69, false), (70, false)) AS sizes (size, more),
       LATERAL (SELECT l.page_cursor FROM clinic.list_appointments('2026-02-01', '2026-02-02', sort => s, page_size => 31) l OFFSET 30) mid;
SELECT is_empty($$ SELECT l.* FROM clinic.list_appointments('2026-02-01', '2026-02-03', page_size => 100) l
                     JOIN clinic.appointments v USING (appointment_id)
                    WHERE to_jsonb(l) - 'page_cursor' - 'has_more' <> (SELECT jsonb_object_agg(c.key, c.value) FROM jsonb_each(to_jsonb(v)) c WHERE to_jsonb(l) ? c.key) $$,
                'the columns say what the view says');

-- Patients: both orders, with a filter.
SELECT is(pg_temp.walk('clinic.list_patients', 'patient_id', s, arguments, 97, true),
          CASE s WHEN 'name' THEN (SELECT array_agg(patient_id ORDER BY name, patient_id) FROM clinic.patients WHERE status = ANY (statuses))
                 WHEN '-name' THEN (SELECT array_agg(patient_id ORDER BY name DESC, patient_id DESC) FROM clinic.patients WHERE status = ANY (statuses))
                 WHEN 'created' THEN (SELECT array_agg(patient_id ORDER BY patient_id) FROM clinic.patients WHERE status = ANY (statuses))
                 ELSE (SELECT array_agg(patient_id ORDER BY patient_id DESC) FROM clinic.patients WHERE status = ANY (statuses)) END,
          format('patients by %s, %s', s, statuses))
  FROM unnest(ARRAY['name', '-name', 'created', '-created']) s,
       (VALUES ('', '{active,inactive,deceased}'::text[]), ('statuses => ''{inactive}'',', '{inactive}')) AS f (arguments, statuses);
SELECT is((SELECT array_agg(b.patient_id) FROM clinic.list_patients(sort => s, page_size => 20, before => mid.page_cursor) b),
          (SELECT array_agg(l.patient_id) FROM (SELECT f.patient_id FROM clinic.list_patients(sort => s, page_size => 50) f OFFSET 29 LIMIT 20) l),
          'patients ahead of the 50th, by ' || s)
  FROM unnest(ARRAY['name', '-name', 'created', '-created']) s,
       LATERAL (SELECT l.page_cursor FROM clinic.list_patients(sort => s, page_size => 50) l OFFSET 49) mid;

-- Without names: all of them null, and equal.
SET LOCAL SESSION AUTHORIZATION list_blind;
SELECT is((SELECT count(patient_name) FROM clinic.list_appointments('2026-02-01', '2026-02-04', page_size => 100)), 0::bigint, 'who may not read patients sees no name');
SELECT is(pg_temp.walk('clinic.list_appointments', 'appointment_id', s, arguments, 13, true), pg_temp.plain(s, filter), format('nameless by %s: %s', s, name))
  FROM filters, sorts WHERE name = 'a range' AND s LIKE '%name';

-- A patient: their own and their dependants', the whole history without asking for it.
SET LOCAL SESSION AUTHORIZATION list_patient;
SELECT is(pg_temp.walk('clinic.list_appointments', 'appointment_id', s, '', 3, true), pg_temp.plain(s, 'true'), 'a patient''s own, by ' || s) FROM sorts;
SELECT is((SELECT count(DISTINCT patient_id) FROM clinic.list_appointments(page_size => 100)), 2::bigint, 'and the dependant''s');
SELECT is((SELECT array_agg(patient_id) FROM clinic.list_patients()), (SELECT array_agg(patient_id ORDER BY name, patient_id) FROM clinic.patients), 'patients likewise');
SET LOCAL SESSION AUTHORIZATION list_public;
SELECT is((SELECT count(*) FROM clinic.list_appointments('2026-02-01', '2026-02-04')) + (SELECT count(*) FROM clinic.list_patients()), 0::bigint, 'a visitor lists nothing');
SET LOCAL SESSION AUTHORIZATION list_nobody;
SELECT throws_ok(q, '28000', NULL, 'without a context: ' || q)
  FROM unnest(ARRAY['SELECT * FROM clinic.list_appointments()', 'SELECT * FROM clinic.list_patients()', 'SELECT clinic.booking_page()',
                    'SELECT clinic.get_appointment(gen_random_uuid())', 'SELECT clinic.get_patient(gen_random_uuid())',
                    'SELECT * FROM clinic.cancel_appointments(ARRAY[gen_random_uuid()])', 'SELECT * FROM clinic.book_appointments(''[{}]'')',
                    'SELECT * FROM clinic.reschedule_appointments(''[{}]'')']) q;

-- ---------------------------------------------------------------------------------------------------------------------
-- Rows that come, go and move between pages: what stays is seen once, in order.

RESET SESSION AUTHORIZATION;
CREATE FUNCTION pg_temp.churn() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    login name := session_user;
BEGIN
    SET LOCAL SESSION AUTHORIZATION DEFAULT;
    SET LOCAL session_replication_role = replica;
    INSERT INTO clinic_data.appointments (tenant_id, appointment_id, confirmation_code, service_id, provider_id, location_id, patient_id, status, starts_at, ends_at, local_starts_at, time_zone, cancelled_at, version)
    SELECT tenant_id, gen_random_uuid(), gen_random_uuid()::text, service_id, provider_id, location_id, patient_id, status, starts_at, ends_at, local_starts_at, time_zone, cancelled_at, 77
      FROM clinic_data.appointments WHERE tenant_id = pg_temp.id(3, 0, 0) AND starts_at >= '2026-04-01' AND starts_at < '2026-04-04' ORDER BY random() LIMIT 8;
    -- Some of the new ones go again, and others with them that no cursor names.
    DELETE FROM clinic_data.appointments WHERE ctid IN (
        SELECT ctid FROM clinic_data.appointments WHERE tenant_id = pg_temp.id(3, 0, 0) AND version = 77 ORDER BY random() LIMIT 3);
    SET LOCAL session_replication_role = origin;
    PERFORM set_config('session_authorization', login, true);
END
$$;
CREATE FUNCTION pg_temp.survivors(seen uuid[], standing uuid[]) RETURNS uuid[] LANGUAGE sql AS
    $$ SELECT pg_catalog.array_agg(u.id ORDER BY u.place) FROM pg_catalog.unnest(seen) WITH ORDINALITY AS u (id, place) WHERE u.id = ANY (standing) $$;
SELECT is(pg_temp.survivors(
              pg_temp.walk('clinic.list_appointments', 'appointment_id', s, $$range_start => '2026-04-01', range_end => '2026-04-04',$$, 23, true, NULL, 'SELECT pg_temp.churn()'), standing),
          standing, 'with rows that come and go, by ' || s)
  FROM sorts, LATERAL (SELECT set_config('session_authorization', 'list_desk', true)) a,
       LATERAL (SELECT pg_temp.plain(s, $$starts_at >= '2026-04-01' AND starts_at < '2026-04-04' AND version = 1$$) AS standing) p WHERE s !~ 'name';
SELECT set_config('session_authorization', 'list_desk', true) \g /dev/null
SELECT cmp_ok((SELECT count(*) FROM clinic.appointments WHERE version = 77), '>', 20::bigint, 'and rows did come');
-- A start cursor outlives its row; a name cursor says that it is gone.
RESET SESSION AUTHORIZATION;
CREATE TEMPORARY TABLE kept AS SELECT NULL::text AS by_start, NULL::text AS by_created, NULL::text AS by_name, NULL::uuid AS id WHERE false;
GRANT ALL ON kept TO PUBLIC;
SELECT set_config('session_authorization', 'list_desk', true) \g /dev/null
INSERT INTO kept SELECT l.page_cursor, c.page_cursor, n.page_cursor, l.appointment_id
  FROM clinic.list_appointments('2026-05-01', '2026-05-02', sort => 'start', page_size => 100) l
  JOIN clinic.list_appointments('2026-05-01', '2026-05-02', sort => 'created', page_size => 100) c USING (appointment_id)
  JOIN clinic.list_appointments('2026-05-01', '2026-05-02', sort => 'patient_name', page_size => 100) n USING (appointment_id) ORDER BY l.starts_at OFFSET 50 LIMIT 1;
CREATE TEMPORARY TABLE after_before AS
SELECT (SELECT array_agg(appointment_id) FROM clinic.list_appointments('2026-05-01', '2026-05-02', after => by_start)) AS by_start,
       (SELECT array_agg(appointment_id) FROM clinic.list_appointments('2026-05-01', '2026-05-02', sort => 'created', before => by_created)) AS by_created FROM kept;
GRANT ALL ON after_before TO PUBLIC;
RESET SESSION AUTHORIZATION;
SET LOCAL session_replication_role = replica;
DELETE FROM clinic_data.appointments WHERE appointment_id IN (SELECT id FROM kept);
SET LOCAL session_replication_role = origin;
SELECT set_config('session_authorization', 'list_desk', true) \g /dev/null
SELECT is((SELECT array_agg(appointment_id) FROM clinic.list_appointments('2026-05-01', '2026-05-02', after => k.by_start)), b.by_start, 'a cursor by start outlives its row'),
       is((SELECT array_agg(appointment_id) FROM clinic.list_appointments('2026-05-01', '2026-05-02', sort => 'created', before => k.by_created)), b.by_created, 'and so does one by id')
  FROM kept k, after_before b;
SELECT throws_ok(format('SELECT * FROM clinic.list_appointments(''2026-05-01'', ''2026-05-02'', sort => ''patient_name'', after => %L)', by_name), '22023',
                 'the row of the cursor "after" does not exist', 'one by name says so') FROM kept;

-- ---------------------------------------------------------------------------------------------------------------------
-- Cursors of others, of other orders, and no cursors at all.

SELECT throws_ok(format('SELECT * FROM clinic.list_appointments(''2026-05-01'', ''2026-05-02'', sort => %L, %s => %L)', other.s, side, l.page_cursor), '22023',
                 format('"%s" is not a cursor of this list in this order', side), format('a cursor of %s is none of %s, %s', mine.s, other.s, side))
  FROM sorts mine, sorts other, unnest(ARRAY['after', 'before']) side,
       LATERAL (SELECT page_cursor FROM clinic.list_appointments('2026-05-01', '2026-05-02', sort => mine.s, page_size => 1)) l
 WHERE mine.s <> other.s;
SELECT throws_ok(format('SELECT * FROM clinic.list_patients(after => %L)', page_cursor), '22023', '"after" is not a cursor of this list in this order', 'nor one of the other list')
  FROM clinic.list_appointments('2026-05-01', '2026-05-02', page_size => 1);
SELECT is((SELECT array_agg(DISTINCT length(page_cursor)) FROM clinic.list_appointments('2026-05-01', '2026-05-02', page_size => 100)), ARRAY[40], 'a cursor has 40 characters');

RESET SESSION AUTHORIZATION;
CREATE TEMPORARY TABLE cursors (text text);
GRANT ALL ON cursors TO PUBLIC;
-- Forged for each order, of whatever stands in the database or nowhere: what is behind is the caller's own.
CREATE TEMPORARY TABLE forged AS
SELECT s, i.id, clinic_private.page_cursor('appointments ' || s, i.id, CASE WHEN s ~ 'start' THEN i.starts_at END) AS page_cursor
  FROM sorts, (VALUES (pg_temp.id(2, 11, 500), timestamptz '2026-05-01 09:00Z'), ('ffffffff-ffff-ffff-ffff-ffffffffffff', '294276-12-31 23:59Z'),
                      ('00000000-0000-0000-0000-000000000000', '4713-01-01 00:00Z BC')) AS i (id, starts_at);
-- Instants that no timestamp is.
INSERT INTO forged
SELECT 'start', NULL, translate(encode(b || substr(sha256(convert_to('pg_clinic appointments start', 'UTF8') || b), 1, 6), 'base64'), '+/', '-_')
  FROM unnest(ARRAY['\x7fffffffffffffff', '\x8000000000000000', '\x7ffffffffffffffe']::bytea[]) m, LATERAL (SELECT uuid_send(gen_random_uuid()) || m AS b) x;
GRANT SELECT ON forged TO PUBLIC;
SELECT set_config('session_authorization', 'list_desk', true) \g /dev/null
SELECT throws_ok(format('SELECT * FROM clinic.list_appointments(''2026-05-01'', ''2026-05-02'', sort => %L, after => %L)', s, page_cursor), '22023',
                 CASE WHEN id IS NULL THEN '"after" is not a cursor of this list in this order' ELSE 'the row of the cursor "after" does not exist' END,
                 format('forged by %s: %s', s, coalesce(id::text, 'impossible instant'))) FROM forged WHERE s ~ 'name' OR id IS NULL;
SELECT is_empty(format('SELECT * FROM clinic.list_appointments(''2026-05-01'', ''2026-05-02'', sort => %L, %s => %L) WHERE appointment_id NOT IN (SELECT appointment_id FROM clinic.appointments)', s, side, page_cursor),
                format('forged by %s: %s, %s', s, id, side)) FROM forged, unnest(ARRAY['after', 'before']) side WHERE s !~ 'name' AND id IS NOT NULL;

INSERT INTO cursors SELECT page_cursor FROM clinic.list_appointments('2026-05-01', '2026-05-02', page_size => 50);
-- 500 texts: cursors with one thing changed, base64 of any length, any characters.
CREATE TEMPORARY TABLE noise AS
SELECT DISTINCT CASE n % 5
    WHEN 0 THEN overlay(c.text PLACING substr('AbZ9-_=+/ %.', 1 + (random() * 11)::integer, 1) FROM 1 + (random() * 39)::integer FOR 1)
    WHEN 1 THEN left(c.text, (random() * 39)::integer) || CASE WHEN random() < 0.3 THEN c.text ELSE '' END
    WHEN 2 THEN translate(left(encode(sha256(n::text::bytea), 'base64'), 40), '+/', '-_')
    WHEN 3 THEN (SELECT string_agg(chr(1 + (random() * 1000)::integer), '') FROM generate_series(1, 1 + (random() * 60)::integer) WHERE n > 0)
    ELSE overlay(overlay(c.text PLACING substr(c.text, 1, 1) FROM 2 FOR 1) PLACING substr(c.text, 30, 1) FROM 31 FOR 1) || left(E'\n=', n % 3) END AS text
  FROM generate_series(1, 500) n, LATERAL (SELECT k.text FROM cursors k OFFSET n % 50 LIMIT 1) c;
DELETE FROM noise WHERE text IN (SELECT text FROM cursors);
CREATE FUNCTION pg_temp.answer(query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE query;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SELECT cmp_ok((SELECT count(*) FROM noise), '>', 200::bigint, 'there is noise');
SELECT is((SELECT array_agg(DISTINCT pg_temp.answer(format('SELECT * FROM clinic.list_appointments(sort => %L, %s => %L)', s, side, n.text))) FROM noise n, unnest(ARRAY['start', 'patient_name']) s),
          ARRAY[format('22023 "%s" is not a cursor of this list in this order', side)], 'noise is no cursor, ' || side) FROM unnest(ARRAY['after', 'before']) side;
SELECT is((SELECT array_agg(DISTINCT pg_temp.answer(format('SELECT * FROM clinic.list_patients(after => %L)', n.text))) FROM noise n),
          ARRAY['22023 "after" is not a cursor of this list in this order'], 'nor of patients');

-- Ids of another tenant, and of nobody, get one answer from all that take ids.
CREATE FUNCTION pg_temp.of(query text, id uuid) RETURNS text LANGUAGE sql AS
    $$ SELECT pg_catalog.replace(pg_temp.answer(pg_catalog.format(query, id)), id::text, 'ID') $$;
SELECT is(pg_temp.of(q, foreign_id), pg_temp.of(q, 'dddddddd-0000-7000-8000-000000000001'), 'as an id of nobody: ' || q),
       matches(pg_temp.of(q, foreign_id), '^CL001 ', 'which is not found: ' || q)
  FROM (VALUES ('SELECT * FROM clinic.list_appointments(provider_ids => ARRAY[%L]::uuid[])', pg_temp.id(2, 2, 1)),
               ('SELECT * FROM clinic.list_appointments(location_ids => ARRAY[%L]::uuid[])', pg_temp.id(2, 1, 1)),
               ('SELECT * FROM clinic.list_appointments(service_ids => ARRAY[%L]::uuid[])', pg_temp.id(2, 4, 1)),
               ('SELECT * FROM clinic.list_appointments(patient_id => %L)', pg_temp.id(2, 9, 1)),
               ('SELECT clinic.get_appointment(%L)', pg_temp.id(2, 11, 1)), ('SELECT clinic.get_patient(%L)', pg_temp.id(2, 9, 1))) AS f (q, foreign_id);
SELECT set_config('session_authorization', 'list_patient', true) \g /dev/null
SELECT matches(pg_temp.of(q, id), '^CL001 ', 'a patient does not get another: ' || q)
  FROM (VALUES ('SELECT clinic.get_appointment(%L)', pg_temp.id(3, 11, 1)), ('SELECT clinic.get_patient(%L)', pg_temp.id(3, 9, 1)),
               ('SELECT * FROM clinic.list_appointments(patient_id => %L)', pg_temp.id(3, 9, 1))) AS f (q, id);
SELECT is(clinic.get_patient(pg_temp.id(3, 9, 100)), (SELECT to_jsonb(p) FROM clinic.patients p WHERE patient_id = pg_temp.id(3, 9, 100)), 'but themselves');

-- ---------------------------------------------------------------------------------------------------------------------
-- What a page reads, counted by the server: never the table, and of the index what lies in the page or the range.

RESET SESSION AUTHORIZATION;
CREATE FUNCTION pg_temp.reads(relation text, query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    before bigint;
    scans bigint;
    after bigint;
BEGIN
    SELECT coalesce(idx_tup_fetch, 0), seq_scan INTO before, scans FROM pg_stat_xact_all_tables WHERE schemaname = 'clinic_data' AND relname = relation;
    EXECUTE query;
    SELECT coalesce(idx_tup_fetch, 0) + 1000000 * (seq_scan - scans) INTO after FROM pg_stat_xact_all_tables WHERE schemaname = 'clinic_data' AND relname = relation;
    RETURN after - before;
END
$$;
SELECT set_config('session_authorization', 'list_desk', true) \g /dev/null
SELECT cmp_ok(pg_temp.reads('appointments', format('SELECT count(*) FROM clinic.list_appointments(''2026-04-10'', ''2026-07-09'', %s)', a)), '<=', most::bigint, format('reads at most %s: %s', most, a))
  FROM (VALUES
    -- Of each location or provider a page and its ties; the page again for its columns.
    ('page_size => 20', 5 * 42 + 60), ('page_size => 20, sort => ''-start''', 5 * 42 + 60),
    ('page_size => 20, location_ids => ARRAY[pg_temp.id(3, 1, 1)]', 42 + 60),
    ('page_size => 20, provider_ids => ARRAY[pg_temp.id(3, 2, 1), pg_temp.id(3, 2, 3)]', 2 * 42 + 60),
    -- Another order reads the range.
    ('page_size => 20, sort => ''created''', 9000 + 60), ('page_size => 20, sort => ''-created'', provider_ids => ARRAY[pg_temp.id(3, 2, 1)]', 900 + 60),
    ('page_size => 20, sort => ''patient_name'', provider_ids => ARRAY[pg_temp.id(3, 2, 1)]', 900 + 60),
    ('page_size => 20, patient_id => pg_temp.id(3, 9, 100)', 60)) AS calls (a, most);
SELECT cmp_ok(pg_temp.reads('appointments', format('SELECT count(*) FROM clinic.list_appointments(''2026-04-10'', ''2026-07-09'', after => %L)', page_cursor)), '<=', (5 * 42 + 60)::bigint,
              'the next page reads no more than the first')
  FROM (SELECT page_cursor FROM clinic.list_appointments('2026-06-20', '2026-06-21', page_size => 50) OFFSET 49) c;
SELECT cmp_ok(pg_temp.reads('patients', format('SELECT count(*) FROM clinic.list_patients(%s)', a)), '<=', most::bigint, format('patients reads at most %s: %s', most, a))
  FROM (VALUES ('page_size => 20', 60), ('page_size => 20, sort => ''-name''', 60), ('page_size => 20, sort => ''created''', 60),
               ('page_size => 20, statuses => ''{active}''', 80)) AS calls (a, most);
SELECT cmp_ok(pg_temp.reads('patients', format('SELECT count(*) FROM clinic.list_patients(after => %L)', page_cursor)), '<=', 60::bigint, 'and the next page as many')
  FROM (SELECT page_cursor FROM clinic.list_patients(page_size => 100) OFFSET 99) c;
SELECT cmp_ok(pg_temp.reads('appointments', format('SELECT clinic.get_appointment(%L)', pg_temp.id(3, 11, 77))), '<=', 4::bigint, 'one appointment reads one');
SELECT set_config('session_authorization', 'list_patient', true) \g /dev/null
SELECT cmp_ok(pg_temp.reads('appointments', 'SELECT count(*) FROM clinic.list_appointments()'), '<=', 100::bigint, 'a patient''s list reads that patient''s');

SELECT * FROM finish();
ROLLBACK;
