-- Beside seed_small.sql: patients enough for fifty bookings at once, and who PostgREST's login acts as.
INSERT INTO clinic_data.patients (tenant_id, patient_id, mrn, name)
    SELECT '00000001-0000-7000-8000-000000000001', format('00000001-0091-7000-8000-%s', lpad(n::text, 12, '0'))::uuid, 'H-' || n, 'Patient ' || n
      FROM generate_series(1, 60) AS n;
-- Names and titles that a careless server would put into a header.
INSERT INTO clinic_data.patients (tenant_id, patient_id, mrn, name) VALUES
    ('00000001-0000-7000-8000-000000000001', '00000001-0092-7000-8000-000000000001', 'X-1', E'Crlf\r\nSet-Cookie: evil=1');
