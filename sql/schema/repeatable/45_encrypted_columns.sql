-- Our own columns that hold encrypted values: for rotation, and for shredding, which empties their blind indexes. Values are bound to the
-- names given here for ever.

DO $$
BEGIN
    PERFORM clinic_private.put_encrypted_column('clinic_data', c.table_name, c.column_name, 'tenant_id', c.row_column, 'patient_id', c.index_column,
                                                CASE WHEN c.index_column IS NOT NULL THEN 'exact' END, 'clinic_data.' || c.table_name, c.column_name)
       FROM (VALUES ('patient_contacts', 'destination', 'contact_id', 'destination_index'),
                    ('patient_details', 'address', 'patient_id', NULL),
                    ('patient_details', 'emergency_contact', 'patient_id', NULL),
                    ('patient_details', 'blood_group', 'patient_id', NULL),
                    ('patient_health_items', 'item', 'item_id', NULL),
                    ('patient_identifiers', 'value', 'identifier_id', 'value_index'),
                    ('disclosures', 'description', 'disclosure_id', NULL),
                    ('correction_requests', 'request', 'request_id', NULL),
                    ('correction_requests', 'disagreement', 'request_id', NULL)) AS c (table_name, column_name, row_column, index_column);
END
$$;
