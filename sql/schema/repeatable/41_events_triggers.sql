-- Triggers of events: see sql/api/53_events.sql.

DO $$
BEGIN
    CALL clinic_private.ensure_trigger('clinic_data.patients', 'patients_50_created', 'AFTER INSERT', '', 'clinic_private.write_patient_event()',
        'O', 'A new patient makes an event.');
    CALL clinic_private.ensure_trigger('clinic_data.patients', 'patients_50_updated', 'AFTER UPDATE', 'WHEN ((old.* IS DISTINCT FROM new.*)) ',
        'clinic_private.write_patient_event()', 'O', 'A changed patient makes an event.');
    CALL clinic_private.ensure_trigger('clinic_data.events', 'events_50_distribute', 'AFTER INSERT', '', 'clinic_private.distribute_event()',
        'O', 'Tells of an event whoever wants to know.');
END
$$;
