-- Consents, their texts, withdrawals and disclosures are history, which only grows.

DO $$
DECLARE
    target text;
BEGIN
    FOREACH target IN ARRAY '{consent_texts,consents,consent_withdrawals,disclosures}'::text[] LOOP
        CALL clinic_private.ensure_always_trigger(pg_catalog.format('clinic_data.%I', target)::regclass, '00_history', 'BEFORE DELETE OR UPDATE', 'ROW',
            pg_catalog.format('clinic_private.refuse_rewriting(%L)', target), 'Rows are never changed or deleted.');
        CALL clinic_private.ensure_always_trigger(pg_catalog.format('clinic_data.%I', target)::regclass, '00_history_truncate', 'BEFORE TRUNCATE', 'STATEMENT',
            pg_catalog.format('clinic_private.refuse_rewriting(%L)', target), 'The table is never emptied.');
    END LOOP;
END
$$;
