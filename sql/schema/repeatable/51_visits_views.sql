-- Views of visits, of who takes part in them, and of how providers are described and chosen.

CALL clinic_private.ensure_view('service_participants', $view$
    SELECT p.tenant_id,
           p.service_id,
           p.role,
           p.quantity,
           p.optional,
           ARRAY(SELECT c.resource_id FROM clinic_data.service_participant_candidates c
                  WHERE c.tenant_id = p.tenant_id AND c.service_id = p.service_id AND c.role = p.role
                  ORDER BY c.resource_id) AS candidate_ids
      FROM clinic_data.service_participants p
     WHERE NOT clinic_private.is_public()
$view$);
COMMENT ON VIEW clinic.service_participants IS 'Who or what takes part in the visits of a service beside the provider and the rooms of its classes.';
COMMENT ON COLUMN clinic.service_participants.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.service_participants.service_id IS 'The service.';
COMMENT ON COLUMN clinic.service_participants.role IS 'What they do.';
COMMENT ON COLUMN clinic.service_participants.quantity IS 'How many of the candidates are needed.';
COMMENT ON COLUMN clinic.service_participants.optional IS 'Whether a slot is offered without them too.';
COMMENT ON COLUMN clinic.service_participants.candidate_ids IS 'Providers, rooms and devices that can fill the role.';

CALL clinic_private.ensure_view('visits', $view$
    SELECT v.tenant_id,
           v.visit_id,
           v.patient_id,
           CASE WHEN s.active > 0 AND s.active < s.steps THEN 'partly_cancelled'
                WHEN s.active > 0 AND s.over = s.active THEN 'completed'
                WHEN s.active > 0 THEN 'booked'
                ELSE 'cancelled' END AS status,
           s.starts_at,
           s.ends_at,
           s.steps,
           v.version,
           v.created_at,
           v.updated_at
      FROM clinic_data.visits v
      CROSS JOIN LATERAL (
           SELECT count(*)::integer AS steps,
                  count(*) FILTER (WHERE a.status NOT IN ('cancelled', 'no_show'))::integer AS active,
                  count(*) FILTER (WHERE a.status = 'completed')::integer AS over,
                  min(a.starts_at) FILTER (WHERE a.status NOT IN ('cancelled', 'no_show')) AS starts_at,
                  max(a.ends_at) FILTER (WHERE a.status NOT IN ('cancelled', 'no_show')) AS ends_at
             FROM clinic_data.visit_appointments p
             JOIN clinic_data.appointments a ON a.tenant_id = p.tenant_id AND a.appointment_id = p.appointment_id
            WHERE p.tenant_id = v.tenant_id AND p.visit_id = v.visit_id) s
     WHERE s.steps > 0
$view$);
COMMENT ON VIEW clinic.visits IS 'Visits of several services: of patients that the caller may see, with at least one appointment that the caller may see.';
COMMENT ON COLUMN clinic.visits.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.visits.visit_id IS 'Identifies the visit.';
COMMENT ON COLUMN clinic.visits.patient_id IS 'For whom.';
COMMENT ON COLUMN clinic.visits.status IS 'booked, completed (all steps), partly_cancelled (some steps are cancelled or were missed) or cancelled (all are).';
COMMENT ON COLUMN clinic.visits.starts_at IS 'Start of the first step that is not cancelled.';
COMMENT ON COLUMN clinic.visits.ends_at IS 'End of the last step that is not cancelled.';
COMMENT ON COLUMN clinic.visits.steps IS 'How many steps it has, of those that the caller may see.';
COMMENT ON COLUMN clinic.visits.version IS 'Grows by one each time the visit is moved or cancelled as a whole.';
COMMENT ON COLUMN clinic.visits.created_at IS 'When it was booked.';
COMMENT ON COLUMN clinic.visits.updated_at IS 'When it was last moved or cancelled as a whole.';

CALL clinic_private.ensure_view('visit_appointments', $view$
    SELECT p.tenant_id,
           p.visit_id,
           p.step,
           p.appointment_id,
           p.min_gap_minutes,
           p.max_gap_minutes
      FROM clinic_data.visit_appointments p
$view$);
COMMENT ON VIEW clinic.visit_appointments IS 'The appointments of visits, in order; those that the caller may see.';
COMMENT ON COLUMN clinic.visit_appointments.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.visit_appointments.visit_id IS 'The visit.';
COMMENT ON COLUMN clinic.visit_appointments.step IS 'Place in the visit, from 1.';
COMMENT ON COLUMN clinic.visit_appointments.appointment_id IS 'The appointment.';
COMMENT ON COLUMN clinic.visit_appointments.min_gap_minutes IS 'Least time after the step before, in minutes.';
COMMENT ON COLUMN clinic.visit_appointments.max_gap_minutes IS 'Most time after the step before, in minutes; null: no bound.';

CALL clinic_private.ensure_view('assignment_rules', $view$
    SELECT a.tenant_id,
           a.service_id,
           a.rules,
           a.expression,
           a.version,
           a.created_at,
           a.updated_at
      FROM clinic_data.assignment_rules a
     WHERE clinic.has_permission('appointments:read') OR clinic.has_permission('setup:write')
$view$);
COMMENT ON VIEW clinic.assignment_rules IS 'Whom clinic.book_first_available prefers; needs appointments:read or setup:write.';
COMMENT ON COLUMN clinic.assignment_rules.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.assignment_rules.service_id IS 'For this service; null: for those without a row of their own.';
COMMENT ON COLUMN clinic.assignment_rules.rules IS 'The rules in order.';
COMMENT ON COLUMN clinic.assignment_rules.expression IS 'The SQL expression of the rule expression.';
COMMENT ON COLUMN clinic.assignment_rules.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic.assignment_rules.created_at IS 'When it was made.';
COMMENT ON COLUMN clinic.assignment_rules.updated_at IS 'When it was last changed.';
