-- Planned sessions as callers see them.

CALL clinic_private.ensure_view('group_sessions', $view$
    SELECT g.tenant_id,
           g.session_id,
           g.service_id,
           s.name AS service_name,
           g.provider_id,
           r.name AS provider_name,
           g.location_id,
           l.name AS location_name,
           g.title,
           g.starts_at,
           g.ends_at,
           g.local_starts_at,
           g.time_zone::text AS time_zone,
           g.capacity,
           t.taken,
           CASE WHEN g.status = 'scheduled' AND g.starts_at >= clinic.now() THEN GREATEST(g.capacity - t.taken, 0) ELSE 0 END AS remaining,
           g.status = 'scheduled' AND t.taken > g.capacity AS over_capacity,
           g.status,
           ARRAY(SELECT c.resource_id
                   FROM clinic_data.claims c
                  WHERE c.tenant_id = g.tenant_id AND c.owner_id = g.session_id AND c.resource_id <> g.provider_id
                  ORDER BY c.resource_id) AS resource_ids,
           CASE WHEN clinic_private.may_at('appointments:read', g.provider_id, g.location_id) THEN g.overridden END AS overridden,
           CASE WHEN clinic_private.may_at('appointments:read', g.provider_id, g.location_id) THEN g.reason END AS reason,
           g.version,
           g.created_at,
           g.updated_at
      FROM clinic_data.group_sessions g
     CROSS JOIN LATERAL (SELECT count(*)::integer AS taken
                           FROM clinic_data.session_seats x
                          WHERE x.tenant_id = g.tenant_id AND x.session_id = g.session_id
                            AND (x.expires_at IS NULL OR x.expires_at > clinic.now())) t
      LEFT JOIN clinic_data.services s ON s.tenant_id = g.tenant_id AND s.service_id = g.service_id
      LEFT JOIN clinic_data.resources r ON r.tenant_id = g.tenant_id AND r.resource_id = g.provider_id
      LEFT JOIN clinic_data.locations l ON l.tenant_id = g.tenant_id AND l.location_id = g.location_id
$view$);
COMMENT ON VIEW clinic.group_sessions IS 'Planned sessions with seats, and how many are left.';
COMMENT ON COLUMN clinic.group_sessions.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.group_sessions.session_id IS 'Identifies the session.';
COMMENT ON COLUMN clinic.group_sessions.service_id IS 'What is done.';
COMMENT ON COLUMN clinic.group_sessions.service_name IS 'Name of the service.';
COMMENT ON COLUMN clinic.group_sessions.provider_id IS 'By whom.';
COMMENT ON COLUMN clinic.group_sessions.provider_name IS 'Name of the provider.';
COMMENT ON COLUMN clinic.group_sessions.location_id IS 'Where.';
COMMENT ON COLUMN clinic.group_sessions.location_name IS 'Name of the location.';
COMMENT ON COLUMN clinic.group_sessions.title IS 'Title for people.';
COMMENT ON COLUMN clinic.group_sessions.starts_at IS 'Start.';
COMMENT ON COLUMN clinic.group_sessions.ends_at IS 'End, exclusive.';
COMMENT ON COLUMN clinic.group_sessions.local_starts_at IS 'Wall-clock start in time_zone, as understood when planned.';
COMMENT ON COLUMN clinic.group_sessions.time_zone IS 'Zone of the local start.';
COMMENT ON COLUMN clinic.group_sessions.capacity IS 'How many seats.';
COMMENT ON COLUMN clinic.group_sessions.taken IS 'How many are taken, or offered to those who wait; seats of holds, requests and offers that are over are not.';
COMMENT ON COLUMN clinic.group_sessions.remaining IS 'How many can be booked: none when it is cancelled, has begun, or more are taken than there are.';
COMMENT ON COLUMN clinic.group_sessions.over_capacity IS 'More seats are taken than there are, because the capacity was lowered.';
COMMENT ON COLUMN clinic.group_sessions.status IS 'scheduled or cancelled.';
COMMENT ON COLUMN clinic.group_sessions.resource_ids IS 'The rooms and devices it uses.';
COMMENT ON COLUMN clinic.group_sessions.overridden IS 'Rules that gave way when it was planned; shown to those who may read the diary.';
COMMENT ON COLUMN clinic.group_sessions.reason IS 'Why, or why it was cancelled; shown to those who may read the diary.';
COMMENT ON COLUMN clinic.group_sessions.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic.group_sessions.created_at IS 'When it was planned.';
COMMENT ON COLUMN clinic.group_sessions.updated_at IS 'When it was last changed.';
