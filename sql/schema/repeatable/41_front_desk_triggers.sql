-- Triggers of the front desk: written as the server prints them back, as in 40_triggers.sql.

DO $$
BEGIN
    CALL clinic_private.ensure_trigger('clinic_data.appointments', 'appointments_15_no_show_flag', 'BEFORE UPDATE',
        'WHEN ((((new.starts_at IS DISTINCT FROM old.starts_at) AND ((old.no_show_flagged_at IS NOT NULL) OR (old.no_show_cleared_at IS NOT NULL)))'
        ' OR ((old.status = ''no_show''::text) AND (new.status <> ''no_show''::text)))) ',
        'clinic_private.renew_no_show_flag()', 'O',
        'A flag belongs to a start; whose no-show is reversed is not flagged again.');
    CALL clinic_private.ensure_trigger('clinic_data.appointments', 'appointments_60_ticket', 'AFTER UPDATE',
        'WHEN (((old.status = ANY (ARRAY[''arrived''::text, ''in_progress''::text])) AND (old.status IS DISTINCT FROM new.status))) ',
        'clinic_private.follow_visit()', 'O', 'The ticket goes with its visit.');
    CALL clinic_private.ensure_trigger('clinic_data.appointments', 'appointments_61_charge', 'AFTER INSERT', '',
        'clinic_private.charge_new_booking()', 'O', 'What the policy on no-shows makes due.');
    CALL clinic_private.ensure_trigger('clinic_data.appointments', 'appointments_62_charge', 'AFTER UPDATE',
        'WHEN ((old.status IS DISTINCT FROM new.status)) ', 'clinic_private.charge_by_policy()', 'O',
        'What the policy on no-shows makes due, or no longer.');
END
$$;
