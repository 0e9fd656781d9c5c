-- What is wrong in the stress clinic, found without any code of the engine: one row each. No row is what we want.
-- Run as a superuser, who sees every row.

WITH live AS (
    SELECT * FROM clinic_data.claims WHERE expires_at IS NULL OR expires_at > now()
),
booked AS (
    SELECT * FROM clinic_data.appointments WHERE status <> 'cancelled'
),
used AS (
    SELECT b.appointment_id, b.starts_at, b.ends_at, r.resource_id FROM booked b
      JOIN clinic_data.appointment_resources r USING (tenant_id, appointment_id)
    UNION
    SELECT b.appointment_id, b.starts_at, b.ends_at, u.resource_id FROM booked b
     CROSS JOIN LATERAL (VALUES (b.provider_id), (b.patient_id)) AS u (resource_id)
)
SELECT 'two claims overlap in a lane' AS problem, a.claim_id AS id, b.claim_id AS other
  FROM live a JOIN live b ON b.calendar_no = a.calendar_no AND b.claim_id > a.claim_id AND b.during && a.during
UNION ALL
SELECT 'more claims at an instant than the least capacity', a.claim_id, NULL
  FROM live a
 WHERE (SELECT count(*) > min(o.capacity) FROM live o
         WHERE o.resource_id = a.resource_id AND NOT o.overbooked AND o.during @> lower(a.during))
UNION ALL
SELECT 'more visits at an instant than a capacity', a.appointment_id, NULL
  FROM booked a
 WHERE (SELECT count(*) > min(s.capacity) FROM booked o JOIN clinic_data.services s USING (tenant_id, service_id)
         WHERE o.provider_id = a.provider_id AND o.starts_at <= a.starts_at AND o.ends_at > a.starts_at)
UNION ALL
SELECT 'a room is taken twice', a.appointment_id, NULL
  FROM used a JOIN clinic_data.resources r ON r.resource_id = a.resource_id AND r.kind = 'room'
 WHERE (SELECT count(*) > min(s.capacity)
          FROM used o JOIN booked b USING (appointment_id) JOIN clinic_data.services s USING (tenant_id, service_id)
         WHERE o.resource_id = a.resource_id AND o.starts_at <= a.starts_at AND o.ends_at > a.starts_at)
UNION ALL
SELECT 'a patient is at two places', a.appointment_id, b.appointment_id
  FROM booked a JOIN booked b ON b.patient_id = a.patient_id AND b.appointment_id > a.appointment_id
                                 AND b.starts_at < a.ends_at AND b.ends_at > a.starts_at
UNION ALL
SELECT 'more than a day''s limit', a.appointment_id, NULL
  FROM booked a JOIN clinic_data.services s USING (tenant_id, service_id)
 WHERE s.max_per_day < (SELECT count(*) FROM booked o WHERE o.provider_id = a.provider_id AND o.service_id = a.service_id
                           AND o.local_starts_at::date = a.local_starts_at::date)
UNION ALL
SELECT 'a visit without its claim', u.appointment_id, u.resource_id
  FROM used u
 WHERE (SELECT count(*) FROM live c
         WHERE c.appointment_id = u.appointment_id AND c.resource_id = u.resource_id AND c.starts_at = u.starts_at
           AND c.ends_at = u.ends_at) <> 1
UNION ALL
SELECT 'a claim without its visit', c.claim_id, c.appointment_id
  FROM live c
 WHERE NOT EXISTS (SELECT FROM used u WHERE u.appointment_id = c.appointment_id AND u.resource_id = c.resource_id
                      AND u.starts_at = c.starts_at AND u.ends_at = c.ends_at)
UNION ALL
SELECT 'a claim in the lane of another resource', c.claim_id, NULL
  FROM live c
 WHERE NOT EXISTS (SELECT FROM clinic_data.calendars l WHERE l.calendar_no = c.calendar_no AND l.resource_id = c.resource_id);
