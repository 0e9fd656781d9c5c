-- Beside seed_small.sql: patients enough for fifty bookings at once, and users who call.
INSERT INTO clinic_data.patients (tenant_id, patient_id, mrn, name)
    SELECT '00000001-0000-7000-8000-000000000001', format('00000001-0091-7000-8000-%s', lpad(n::text, 12, '0'))::uuid, 'H-' || n, 'Patient ' || n
      FROM generate_series(1, 60) AS n;
-- Names and titles that a careless server would put into a header.
INSERT INTO clinic_data.patients (tenant_id, patient_id, mrn, name) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-0092-7000-8000-000000000001', 'X-1', E'Crlf\r\nSet-Cookie: evil=1');

INSERT INTO clinic_data.roles (tenant_id, role, permissions) VALUES
    ('00000001-0000-7000-8000-000000000001', 'everything', '{*}'),
    ('00000001-0000-7000-8000-000000000001', 'reading', '{appointments:read,patients:read}');
INSERT INTO clinic_data.users (tenant_id, user_id, kind, name, all_locations, patient_id) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00c1-7000-8000-000000000001', 'staff', 'Desk', true, NULL),
    ('00000001-0000-7000-8000-000000000001', '00000001-00c1-7000-8000-000000000002', 'staff', 'Reader', true, NULL);
INSERT INTO clinic_data.user_roles (tenant_id, user_id, role) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-00c1-7000-8000-000000000001', 'everything'),
    ('00000001-0000-7000-8000-000000000001', '00000001-00c1-7000-8000-000000000002', 'reading');
