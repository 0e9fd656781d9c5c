-- Triggers of planned sessions.

DO $$
BEGIN
    IF pg_catalog.to_regprocedure('clinic_private.session_seats_guard()') IS NOT NULL THEN
        CALL clinic_private.ensure_trigger('clinic_data.session_seats', 'session_seats_40_guard',
            'BEFORE INSERT OR UPDATE OF session_id, seat', '', 'clinic_private.session_seats_guard()', 'A',
            'No seat beyond the capacity of its session, whoever writes it.');
        CALL clinic_private.ensure_trigger('clinic_data.appointments', 'appointments_30_session', 'BEFORE UPDATE',
            'WHEN (((old.session_id IS NOT NULL) AND ((old.session_id IS DISTINCT FROM new.session_id) OR '
            '(old.starts_at IS DISTINCT FROM new.starts_at) OR (old.ends_at IS DISTINCT FROM new.ends_at) OR '
            '(old.provider_id IS DISTINCT FROM new.provider_id) OR (old.location_id IS DISTINCT FROM new.location_id)))) ',
            'clinic_private.keep_seat_with_session()', 'O', 'A seat stays where its session is.');
        CALL clinic_private.ensure_trigger('clinic_data.appointments', 'appointments_60_seats', 'AFTER UPDATE',
            'WHEN (((new.session_id IS NOT NULL) AND ((old.status IS DISTINCT FROM new.status) OR '
            '(old.expires_at IS DISTINCT FROM new.expires_at)))) ',
            'clinic_private.follow_seat()', 'O', 'The seats of a cancelled appointment, or of a no-show, are free.');
    END IF;
END
$$;
