-- Opened hours feed the waitlist, whoever opens them.

DO $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT t.table_name, t.suffix, t.event, t.condition, t.action, t.remark
          FROM (VALUES
            ('availability_rules', '_60_opened', 'AFTER INSERT', '', 'clinic_private.note_opened_rule()', 'New hours are offered to those who wait.'),
            ('date_overrides', '_60_opened', 'AFTER INSERT', '', 'clinic_private.note_opened_date()', 'A date''s new hours are offered to those who wait.'),
            ('date_overrides', '_61_taken_back', 'AFTER UPDATE', 'WHEN (((old.retired_at IS NULL) AND (new.retired_at IS NOT NULL))) ',
             'clinic_private.note_opened_date()', 'What a date gives back is offered to those who wait.'),
            ('blocks', '_61_taken_back', 'AFTER UPDATE', 'WHEN (((old.retired_at IS NULL) AND (new.retired_at IS NOT NULL))) ',
             'clinic_private.note_opened_block()', 'What a block gives back is offered to those who wait.'),
            ('holidays', '_61_taken_back', 'AFTER UPDATE', 'WHEN (((old.retired_at IS NULL) AND (new.retired_at IS NOT NULL))) ',
             'clinic_private.note_opened_holiday()', 'A date that is a holiday no longer is offered to those who wait.')
          ) t (table_name, suffix, event, condition, action, remark)
    LOOP
        CALL clinic_private.ensure_trigger(pg_catalog.format('clinic_data.%I', wanted.table_name)::regclass,
            (wanted.table_name || wanted.suffix)::name, wanted.event, wanted.condition, wanted.action, 'O', wanted.remark);
    END LOOP;
END
$$;
