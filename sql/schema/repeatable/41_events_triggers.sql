-- Triggers of events: see sql/api/53_events.sql.

DO $$
DECLARE
    told record;
BEGIN
    CALL clinic_private.ensure_trigger('clinic_data.patients', 'patients_50_created', 'AFTER INSERT', '', 'clinic_private.write_patient_event()',
        'O', 'A new patient makes an event.');
    CALL clinic_private.ensure_trigger('clinic_data.patients', 'patients_50_updated', 'AFTER UPDATE', 'WHEN ((old.* IS DISTINCT FROM new.*)) ',
        'clinic_private.write_patient_event()', 'O', 'A changed patient makes an event.');
    FOR told IN
        SELECT t.table_name, t.action
          FROM (VALUES ('group_sessions', 'clinic_private.write_session_event()'), ('series', 'clinic_private.write_series_event()'),
                       ('tickets', 'clinic_private.write_ticket_event()')) t (table_name, action)
    LOOP
        CALL clinic_private.ensure_trigger(pg_catalog.format('clinic_data.%I', told.table_name)::regclass, (told.table_name || '_50_created')::name,
            'AFTER INSERT', '', told.action, 'O', 'A new row makes an event.');
        CALL clinic_private.ensure_trigger(pg_catalog.format('clinic_data.%I', told.table_name)::regclass, (told.table_name || '_50_updated')::name,
            'AFTER UPDATE', 'WHEN ((old.* IS DISTINCT FROM new.*)) ', told.action, 'O', 'A changed row makes an event.');
    END LOOP;
    CALL clinic_private.ensure_trigger('clinic_data.events', 'events_50_distribute', 'AFTER INSERT', '', 'clinic_private.distribute_event()',
        'O', 'Tells of an event whoever wants to know.');
END
$$;
