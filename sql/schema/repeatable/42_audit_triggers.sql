-- Which changes leave records in the audit, and what keeps the audit from being changed: see sql/api/76_audit.sql and docs/audit.md.
-- A table with a column patient_id stands here or, with the reason why not, in the test of this list (test/pgtap/audit.sql).

DO $$
DECLARE
    audited record;
    target record;
BEGIN
    FOR audited IN
        SELECT a.*, c.oid AS relation
          -- Secret is what names somebody, how to reach them, free text, and what proves who they are. '*': all but what is excepted.
          FROM (VALUES
            ('patients', 'patient_id', 'patient_id', 'medical', '*,-status,-version'),
            ('patient_contacts', 'contact_id', 'patient_id', 'medical', 'destination'),
            ('patient_details', 'patient_id', 'patient_id', 'medical', ''),
            ('patient_health_items', 'item_id', 'patient_id', 'medical', ''),
            ('patient_identifiers', 'identifier_id', 'patient_id', 'medical', ''),
            ('patient_merges', 'merge_id', 'master_patient_id', 'medical', 'state'),
            ('distinct_patients', 'patient_id,other_patient_id', 'patient_id', 'medical', ''),
            ('communication_preferences', 'patient_id', 'patient_id', 'medical', ''),
            ('dependants', 'guardian_patient_id,patient_id', 'patient_id', 'medical', ''),
            ('appointments', 'appointment_id', 'patient_id', 'medical', 'confirmation_code,cancel_reason,status_reason'),
            ('appointment_resources', 'appointment_id,resource_id', '', 'medical', ''),
            ('appointment_charges', 'charge_id', '', 'medical', 'state_reason'),
            ('holds', 'appointment_id', '', 'medical', ''),
            ('series', 'series_id', 'patient_id', 'medical', ''),
            ('visits', 'visit_id', 'patient_id', 'medical', ''),
            ('visit_appointments', 'visit_id,appointment_id', '', 'medical', ''),
            ('waitlist_entries', 'entry_id', 'patient_id', 'medical', 'note'),
            ('waitlist_offers', 'offer_id', 'patient_id', 'medical', ''),
            ('tickets', 'ticket_id', 'patient_id', 'medical', ''),
            ('group_sessions', 'session_id', '', 'medical', 'title'),
            ('shredded_patients', 'patient_id', 'patient_id', 'medical', ''),
            ('patient_keys', 'patient_id,key_no', 'patient_id', 'security', ''),
            ('encryption_keys', 'kind,key_no', '', 'security', ''),
            ('encrypted_columns', 'schema_name,table_name,column_name', '', 'security', ''),
            ('emergency_accesses', 'access_id', 'patient_id', 'security', 'review_note'),
            ('tenants', 'tenant_id', '', 'security', ''),
            ('tenant_slugs', 'slug', '', 'security', ''),
            ('logins', 'login', 'patient_id', 'security', ''),
            ('users', 'user_id', 'patient_id', 'security', '*,-kind,-status,-version'),
            ('user_identifiers', 'user_id,kind', '', 'security', 'identifier_hash,value'),
            ('user_locations', 'user_id,location_id', '', 'security', ''),
            ('user_roles', 'user_id,role', '', 'security', ''),
            ('roles', 'role', '', 'security', ''),
            ('staff_profiles', 'user_id', '', 'security', '*,-version'),
            ('credentials', 'user_id', '', 'security', 'password_hash'),
            ('api_keys', 'key_id', '', 'security', 'key_hash'),
            ('token_keys', 'kid', '', 'security', 'verify_key,signing_key'),
            ('revoked_tokens', 'jti', '', 'security', ''),
            ('subscriptions', 'subscription_id', '', 'security', 'secret,previous_secret,url'),
            ('retention_classes', 'class', '', 'retention', ''),
            ('legal_holds', 'hold_id', 'patient_id', 'security', ''),
            ('locations', 'location_id', '', 'security', ''),
            ('resources', 'resource_id', '', 'security', 'name'),
            ('providers', 'provider_id', '', 'security', ''),
            ('services', 'service_id', '', 'security', ''),
            ('service_providers', 'service_id,provider_id', '', 'security', ''),
            ('service_resources', 'service_id,resource_class', '', 'security', ''),
            ('assignment_rules', 'rule_id', '', 'security', ''),
            ('reminder_plans', 'plan_id', 'patient_id', 'security', ''),
            ('message_templates', 'kind,language,channel', '', 'security', ''),
            ('availability_rules', 'rule_id', '', 'security', ''),
            ('date_overrides', 'override_id', '', 'security', ''),
            ('holidays', 'holiday_id', '', 'security', ''),
            ('stays', 'stay_id', '', 'security', ''),
            ('blocks', 'block_id', 'patient_id', 'medical', 'title'),
            ('consent_purposes', 'purpose', '', 'security', ''),
            ('consent_texts', 'text_id', '', 'security', 'body'),
            ('consents', 'consent_id', 'patient_id', 'medical', ''),
            ('consent_withdrawals', 'consent_id', 'patient_id', 'medical', ''),
            ('disclosures', 'disclosure_id', 'patient_id', 'security', 'recipient_address'),
            ('correction_requests', 'request_id', 'patient_id', 'medical', '')
          ) AS a (name, keys, patient, class, secrets)
          JOIN pg_catalog.pg_class c ON c.relname = a.name AND c.relnamespace = 'clinic_data'::regnamespace
    LOOP
        CALL clinic_private.ensure_audit(audited.relation, audited.name, audited.keys, audited.patient, audited.class, audited.secrets);
    END LOOP;

    -- The parent first: its partitions have the rows' triggers from it.
    FOR target IN
        SELECT c.oid AS relation, c.relname,
               coalesce((SELECT p.relname FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class p ON p.oid = i.inhparent WHERE i.inhrelid = c.oid),
                        c.relname) AS name
          FROM pg_catalog.pg_class c
         WHERE c.relnamespace = 'clinic_data'::regnamespace AND c.relkind IN ('r', 'p')
         ORDER BY c.relispartition, c.relname
    LOOP
        IF target.name IN ('audit_records', 'audit_purges', 'purged_audit_records', 'audit_leaves', 'audit_nodes', 'audit_heads', 'audit_seal_keys') THEN
            CALL clinic_private.ensure_append_only(target.relation, target.name);
        END IF;
    END LOOP;
END
$$;
