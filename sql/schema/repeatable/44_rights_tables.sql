-- Consents, withdrawals and disclosures are history, which only grows; and what of them is encrypted.

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
    PERFORM clinic_private.put_encrypted_column('clinic_data', c.table_name, c.column_name, 'tenant_id', c.row_column, 'patient_id', NULL, NULL,
                                                'clinic_data.' || c.table_name, c.column_name)
       FROM (VALUES ('disclosures', 'description', 'disclosure_id'),
                    ('correction_requests', 'request', 'request_id'),
                    ('correction_requests', 'disagreement', 'request_id')) AS c (table_name, column_name, row_column);
END
$$;
