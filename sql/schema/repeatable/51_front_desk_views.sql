-- Views of the front desk.

CALL clinic_private.ensure_view('queue', $view$
    SELECT t.tenant_id,
           t.ticket_id,
           t.location_id,
           l.name AS location_name,
           t.on_date,
           t.prefix || t.number AS ticket,
           t.prefix,
           t.number,
           t.state,
           w.place,
           w.expected_at,
           CASE WHEN t.state IN ('waiting', 'called')
                THEN greatest(0, ceil(extract(epoch FROM w.expected_at - clinic.now()) / 60)::integer) END AS wait_minutes,
           t.urgency,
           t.walk_in,
           t.late_minutes,
           t.due_at,
           t.appointment_id,
           t.patient_id,
           p.name AS patient_name,
           t.service_id,
           s.name AS service_name,
           t.provider_id,
           r.name AS provider_name,
           t.room_id,
           o.name AS room_name,
           t.calls,
           t.issued_at,
           t.called_at,
           t.served_at,
           t.ended_at,
           t.version
      FROM clinic_data.tickets t
      JOIN clinic_data.tenants n ON n.tenant_id = t.tenant_id
      JOIN clinic_data.locations l ON l.tenant_id = t.tenant_id AND l.location_id = t.location_id
      LEFT JOIN clinic_data.patients p ON p.tenant_id = t.tenant_id AND p.patient_id = t.patient_id
      LEFT JOIN clinic_data.services s ON s.tenant_id = t.tenant_id AND s.service_id = t.service_id
      LEFT JOIN clinic_data.resources r ON r.tenant_id = t.tenant_id AND r.resource_id = t.provider_id
      LEFT JOIN clinic_data.resources o ON o.tenant_id = t.tenant_id AND o.resource_id = t.room_id
      LEFT JOIN LATERAL clinic_private.waiting_line(
               t.provider_id, t.location_id, t.prefix, t.on_date, t.on_date::timestamp AT TIME ZONE l.time_zone::text,
               (t.on_date + 1)::timestamp AT TIME ZONE l.time_zone::text, n.late_keeps_place_minutes) w
             ON w.ticket_id = t.ticket_id
     WHERE t.on_date = (clinic.now() AT TIME ZONE l.time_zone::text)::date
       -- The same in a form that says nothing about a row, so that it may be asked before the policies: an index finds the day.
       AND t.on_date >= (clinic.now() AT TIME ZONE 'UTC')::date - 1 AND t.on_date <= (clinic.now() AT TIME ZONE 'UTC')::date + 1
$view$);
COMMENT ON VIEW clinic.queue IS 'Today''s queue tickets at each location: with appointments:read those at the caller''s branches and of the own provider, else those of oneself and dependants.';
COMMENT ON COLUMN clinic.queue.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.queue.ticket_id IS 'Identifies the ticket.';
COMMENT ON COLUMN clinic.queue.location_id IS 'Where.';
COMMENT ON COLUMN clinic.queue.location_name IS 'Name of the location.';
COMMENT ON COLUMN clinic.queue.on_date IS 'The local date: today.';
COMMENT ON COLUMN clinic.queue.ticket IS 'What is written on the ticket: letters and number.';
COMMENT ON COLUMN clinic.queue.prefix IS 'The letters; may be empty.';
COMMENT ON COLUMN clinic.queue.number IS 'The number, from 1 each day.';
COMMENT ON COLUMN clinic.queue.state IS 'waiting, called, serving, done, or left without having been served.';
COMMENT ON COLUMN clinic.queue.place IS '1 for who is next among those who wait in the same line (for the same provider, or at the location for any); null for others.';
COMMENT ON COLUMN clinic.queue.expected_at IS 'When its turn will probably begin, by the rule of clinic.running_late; for who is served, since when.';
COMMENT ON COLUMN clinic.queue.wait_minutes IS 'Minutes from now until then, rounded up; null for who does not wait.';
COMMENT ON COLUMN clinic.queue.urgency IS '0 to 9; above 0 goes before all that are less urgent.';
COMMENT ON COLUMN clinic.queue.walk_in IS 'Came without a booking.';
COMMENT ON COLUMN clinic.queue.late_minutes IS 'How many whole minutes after the start the patient arrived.';
COMMENT ON COLUMN clinic.queue.due_at IS 'The place in the order: the start of who came in time, the arrival of everybody else.';
COMMENT ON COLUMN clinic.queue.appointment_id IS 'The visit, if there is one.';
COMMENT ON COLUMN clinic.queue.patient_id IS 'Who waits, if known.';
COMMENT ON COLUMN clinic.queue.patient_name IS 'Name of the patient; null where the patient may not be seen.';
COMMENT ON COLUMN clinic.queue.service_id IS 'For what.';
COMMENT ON COLUMN clinic.queue.service_name IS 'Name of the service.';
COMMENT ON COLUMN clinic.queue.provider_id IS 'For whom it waits, or who called it.';
COMMENT ON COLUMN clinic.queue.provider_name IS 'Name of the provider.';
COMMENT ON COLUMN clinic.queue.room_id IS 'Where it was called to.';
COMMENT ON COLUMN clinic.queue.room_name IS 'Name of that room.';
COMMENT ON COLUMN clinic.queue.calls IS 'How often it was called.';
COMMENT ON COLUMN clinic.queue.issued_at IS 'When it was given out.';
COMMENT ON COLUMN clinic.queue.called_at IS 'When it was last called.';
COMMENT ON COLUMN clinic.queue.served_at IS 'Since when it is being served.';
COMMENT ON COLUMN clinic.queue.ended_at IS 'When it was done, or left.';
COMMENT ON COLUMN clinic.queue.version IS 'Grows by one with each change.';

CALL clinic_private.ensure_view('appointment_charges', $view$
    SELECT c.tenant_id,
           c.charge_id,
           c.appointment_id,
           a.patient_id,
           c.kind,
           c.amount,
           c.currency,
           c.state,
           CASE WHEN clinic_private.may_at('appointments:read', a.provider_id, a.location_id) THEN c.state_reason END AS state_reason,
           c.settled_at,
           c.version,
           c.created_at,
           c.updated_at
      FROM clinic_data.appointment_charges c
      JOIN clinic_data.appointments a ON a.tenant_id = c.tenant_id AND a.appointment_id = c.appointment_id
$view$);
COMMENT ON VIEW clinic.appointment_charges IS 'What the policy on no-shows made due, for appointments that the caller sees.';
COMMENT ON COLUMN clinic.appointment_charges.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.appointment_charges.charge_id IS 'Identifies the charge.';
COMMENT ON COLUMN clinic.appointment_charges.appointment_id IS 'The appointment.';
COMMENT ON COLUMN clinic.appointment_charges.patient_id IS 'Whose appointment it is.';
COMMENT ON COLUMN clinic.appointment_charges.kind IS 'prepayment or no_show_fee.';
COMMENT ON COLUMN clinic.appointment_charges.amount IS 'How much.';
COMMENT ON COLUMN clinic.appointment_charges.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN clinic.appointment_charges.state IS 'due, paid, waived, or cancelled because its ground is gone.';
COMMENT ON COLUMN clinic.appointment_charges.state_reason IS 'Why it was waived or cancelled, or how it was paid; for those who may read the diary.';
COMMENT ON COLUMN clinic.appointment_charges.settled_at IS 'Since when it is no longer due.';
COMMENT ON COLUMN clinic.appointment_charges.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic.appointment_charges.created_at IS 'When it became due.';
COMMENT ON COLUMN clinic.appointment_charges.updated_at IS 'When it was last changed.';
