-- Triggers that plan messages: what becomes of appointments, tenants' settings and messages of the outbox.

DO $$
BEGIN
    IF pg_catalog.to_regprocedure('clinic_private.follow_appointment_change()') IS NULL THEN
        RETURN;
    END IF;
    CALL clinic_private.ensure_trigger('clinic_data.appointments', 'appointments_60_messages_insert', 'AFTER INSERT',
        'WHEN (((new.status = ''booked''::text) OR (new.status = ''confirmed''::text))) ', 'clinic_private.follow_new_appointment()', 'O',
        'A booking is confirmed and reminded of, whoever makes it.');
    CALL clinic_private.ensure_trigger('clinic_data.appointments', 'appointments_60_messages_update', 'AFTER UPDATE',
        'WHEN (((old.status IS DISTINCT FROM new.status) OR (old.starts_at IS DISTINCT FROM new.starts_at)'
        ' OR (old.provider_id IS DISTINCT FROM new.provider_id) OR (old.location_id IS DISTINCT FROM new.location_id)'
        ' OR (old.service_id IS DISTINCT FROM new.service_id))) ', 'clinic_private.follow_appointment_change()', 'O',
        'What changes in a booking is told, and what is no longer true is taken back.');
    CALL clinic_private.ensure_trigger('clinic_data.tenants', 'tenants_60_messages', 'AFTER UPDATE',
        'WHEN (((old.quiet_from IS DISTINCT FROM new.quiet_from) OR (old.quiet_until IS DISTINCT FROM new.quiet_until)'
        ' OR ((old.message_time_zone)::text IS DISTINCT FROM (new.message_time_zone)::text)'
        ' OR (old.message_channels IS DISTINCT FROM new.message_channels))) ', 'clinic_private.follow_tenant_change()', 'O',
        'Settings count for what is planned already.');
    CALL clinic_private.ensure_trigger('clinic_data.outbox', 'outbox_60_messages', 'AFTER UPDATE',
        'WHEN (((new.topic ~~ ''notification.%''::text) AND ((old.status IS DISTINCT FROM new.status)'
        ' OR (old.delivery IS DISTINCT FROM new.delivery)))) ', 'clinic_private.follow_message()', 'O',
        'What becomes of a message becomes of its notification.');
END
$$;
