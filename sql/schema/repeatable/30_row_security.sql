-- Row security: forced on every table of clinic_data, whoever owns it; without a policy nobody sees a row.
-- A policy that is there and says the same is left alone, so that a second install takes no lock that readers feel.

DO $$
DECLARE
    target record;
BEGIN
    FOR target IN
        SELECT c.relname AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced
          FROM pg_catalog.pg_class c
         WHERE c.relnamespace = 'clinic_data'::regnamespace AND c.relkind IN ('r', 'p')
         ORDER BY c.relname
    LOOP
        IF NOT target.enabled THEN
            EXECUTE pg_catalog.format('ALTER TABLE clinic_data.%I ENABLE ROW LEVEL SECURITY', target.name);
        END IF;
        IF NOT target.forced THEN
            EXECUTE pg_catalog.format('ALTER TABLE clinic_data.%I FORCE ROW LEVEL SECURITY', target.name);
        END IF;
    END LOOP;
END
$$;

-- Policies for each command, TO PUBLIC, of a few helpers that look at the context only. A policy holds for the engine's own definer
-- functions too, since the tables' owner is held to it: what a caller may not see or write, no function acting for that caller may.
-- A table without a line here has the rule of the tenant for every command; what only functions read (credentials, sessions,
-- codes, keys) needs no more, since no caller has a right on any table.
DO $$
DECLARE
    visit constant text :=
        'patient_id >= clinic_private.least_patient_id() AND patient_id <= clinic_private.greatest_patient_id()'
        ' AND provider_id >= clinic_private.least_provider_id() AND provider_id <= clinic_private.greatest_provider_id()'
        ' AND clinic_private.sees_appointment(patient_id, provider_id, location_id)';
    visit_write constant text := 'clinic_private.may_write_appointment(patient_id, provider_id, location_id)';
    ticket_select constant text :=
        'clinic_private.may_at(''appointments:read'', provider_id, location_id)'
        ' OR clinic.current_patient_id() IS NOT NULL AND clinic.sees_patient(patient_id)';
    ticket_write constant text :=
        'clinic_private.may_at(''appointments:write'', provider_id, location_id)'
        ' OR clinic.current_patient_id() IS NOT NULL AND clinic.sees_patient(patient_id)';
    patient constant text :=
        'patient_id >= clinic_private.least_patient_id() AND patient_id <= clinic_private.greatest_patient_id()'
        ' AND clinic.sees_patient(patient_id)';
    contact constant text :=
        'patient_id >= clinic_private.least_patient_id() AND patient_id <= clinic_private.greatest_patient_id()'
        ' AND clinic_private.sees_whole_patient(patient_id)';
    plan_write constant text :=
        'CASE WHEN patient_id IS NULL THEN clinic.has_permission(''setup:write'') ELSE clinic.sees_patient(patient_id) END';
    patients_write constant text := 'clinic.has_permission(''patients:write'')';
    setup constant text := 'clinic.has_permission(''setup:write'')';
    schedule constant text := 'clinic_private.may_at(''schedules:write'', resource_id, location_id)';
    stay constant text := 'clinic_private.may_at(''schedules:write'', resource_id, NULL)';
    users_write constant text := 'clinic.has_permission(''users:write'') OR clinic.has_permission(''users:write:branch'')';
    waiting constant text :=
        'patient_id >= clinic_private.least_patient_id() AND patient_id <= clinic_private.greatest_patient_id()';
    glass constant text := 'user_id = clinic.current_user_id() OR clinic.has_permission(''emergency:review'')';
    audit constant text := 'clinic.has_permission(''audit:read'')';
    merges constant text := 'clinic.has_permission(''patients:merge'')';
    retain constant text := 'clinic.has_permission(''audit:retain'')';
    rule record;
    command record;
    wanted text;
BEGIN
    FOR rule IN
        -- What may be seen, added, changed and deleted, beside the tenant's rule: 'true' for no more, null for nothing at all.
        WITH rules (table_name, remark, may_select, may_insert, may_update, may_delete) AS (
            VALUES
            ('locations', 'Visitors see what is published; setup:write changes it.',
             'published OR NOT clinic_private.is_public()', setup, setup, NULL),
            ('services', 'Visitors see what is published; setup:write changes it.',
             'published OR NOT clinic_private.is_public()', setup, setup, NULL),
            ('resources', 'Visitors see of providers those published; a patient''s resource comes with the patient.',
             'published OR kind <> ''provider'' OR NOT clinic_private.is_public()',
             setup || ' OR kind = ''patient'' AND ' || patients_write, setup, NULL),
            ('tenants', 'setup:write changes it.', 'true', setup, setup, NULL),
            ('providers', 'setup:write changes it.', 'true', setup, setup, NULL),
            ('travel_times', 'setup:write changes it.', 'true', setup, setup, setup),
            ('service_providers', 'setup:write changes it.', 'true', setup, setup, setup),
            ('service_resources', 'setup:write changes it.', 'true', setup, setup, setup),
            ('service_participants', 'setup:write changes it.', 'true', setup, setup, setup),
            ('service_participant_candidates', 'setup:write changes it.', 'true', setup, setup, setup),
            ('provider_languages', 'setup:write changes it.', 'true', setup, setup, setup),
            ('provider_insurers', 'setup:write changes it.', 'true', setup, setup, setup),
            ('assignment_rules', 'setup:write changes it.', 'true', setup, setup, setup),
            ('visits', 'Of patients that the caller may see.', patient, 'clinic.sees_patient(patient_id)', patient, NULL),
            ('visit_appointments', 'Of appointments that the caller may see.',
             'EXISTS (SELECT FROM clinic_data.appointments a WHERE a.tenant_id = visit_appointments.tenant_id'
             ' AND a.appointment_id = visit_appointments.appointment_id)', 'true', NULL, NULL),
            ('logins', 'setup:write changes it.', 'true', setup, setup, NULL),
            ('availability_rules', 'schedules:write changes it, with the scope own the provider''s own.', 'true', schedule, schedule, NULL),
            ('date_overrides', 'schedules:write changes it, with the scope own the provider''s own.', 'true', schedule, schedule, NULL),
            ('stays', 'schedules:write changes it, with the scope own the provider''s own.', 'true', stay, stay, NULL),
            ('blocks', 'schedules:write changes it, with the scope own the provider''s own.', 'true', schedule, schedule, NULL),
            ('holidays', 'schedules:write changes it.', 'true', 'clinic.has_permission(''schedules:write'')',
             'clinic.has_permission(''schedules:write'')', NULL),
            ('patients', 'Oneself and dependants; by patients:read all, or those in care.', patient, patients_write,
             patients_write || ' AND ' || patient, NULL),
            ('appointments', 'Of oneself and dependants; by appointments:read at the caller''s branches and of the own provider.',
             visit, visit_write, visit_write, NULL),
            ('appointment_resources', 'Of appointments that the caller may see.',
             'EXISTS (SELECT FROM clinic_data.appointments a WHERE a.tenant_id = appointment_resources.tenant_id'
             ' AND a.appointment_id = appointment_resources.appointment_id)', 'true', 'true', 'true'),
            ('series', 'Of oneself and dependants; by appointments:read where it is, or where one of its appointments is.',
             'patient_id >= clinic_private.least_patient_id() AND patient_id <= clinic_private.greatest_patient_id()'
             ' AND (location_id IS NOT NULL AND clinic_private.may_at(''appointments:read'', provider_id, location_id)'
             ' OR clinic.current_patient_id() IS NOT NULL AND clinic.sees_patient(patient_id)'
             ' OR EXISTS (SELECT FROM clinic_data.series_appointments e JOIN clinic_data.appointments a ON a.tenant_id = e.tenant_id'
             ' AND a.appointment_id = e.appointment_id WHERE e.tenant_id = series.tenant_id AND e.series_id = series.series_id))', 'true', 'true', NULL),
            ('tickets', 'Of oneself and dependants; by appointments:read at the caller''s branches and of the own provider.',
             ticket_select, ticket_write, ticket_write, NULL),
            ('appointment_charges', 'Of appointments that the caller may see.',
             'EXISTS (SELECT FROM clinic_data.appointments a WHERE a.tenant_id = appointment_charges.tenant_id'
             ' AND a.appointment_id = appointment_charges.appointment_id)', 'true', 'true', NULL),
            ('group_sessions', 'Visitors see those of published services; schedules:write changes it.',
             'NOT clinic_private.is_public() OR EXISTS (SELECT FROM clinic_data.services s'
             ' WHERE s.tenant_id = group_sessions.tenant_id AND s.service_id = group_sessions.service_id AND s.published)',
             'clinic_private.may_at(''schedules:write'', provider_id, location_id)',
             'clinic_private.may_at(''schedules:write'', provider_id, location_id)', NULL),
            ('dependants', 'Of patients that the caller may see; patients:write changes them.',
             'clinic.sees_patient(patient_id) OR clinic.sees_patient(guardian_patient_id)', patients_write, patients_write,
             patients_write),
            ('waitlist_entries', 'Of oneself and dependants; by appointments:read at the caller''s branches, of the own provider, or at any place.',
             waiting || ' AND clinic_private.sees_waitlist(patient_id, provider_id, location_id)',
             'clinic_private.may_write_waitlist(patient_id, provider_id, location_id)',
             waiting || ' AND clinic_private.may_write_waitlist(patient_id, provider_id, location_id)', NULL),
            ('waitlist_offers', 'Of oneself and dependants; by appointments:read at the caller''s branches and of the own provider.',
             waiting || ' AND clinic_private.sees_waitlist(patient_id, provider_id, location_id)',
             'clinic_private.may_write_waitlist(patient_id, provider_id, location_id)',
             waiting || ' AND clinic_private.may_write_waitlist(patient_id, provider_id, location_id)', NULL),
            ('waitlist_slots', 'By appointments:read at the caller''s branches and of the own provider.',
             'clinic_private.may_at(''appointments:read'', provider_id, location_id)',
             'clinic_private.may_at(''appointments:write'', provider_id, location_id)',
             'clinic_private.may_at(''appointments:write'', provider_id, location_id)', NULL),
            ('emergency_accesses', 'Of oneself; all for those who review them.', glass, 'user_id = clinic.current_user_id()', glass, NULL),
            ('roles', 'users:write changes it.', 'true', users_write || ' OR ' || setup, users_write, users_write),
            ('user_roles', 'users:write changes it.', 'true', users_write, users_write, users_write),
            ('user_locations', 'users:write changes it.', 'true', users_write, users_write, users_write),
            ('notifications', 'Of patients that the caller may see; only the system plans them.', patient, 'clinic_private.is_system()',
             'clinic_private.is_system()', NULL),
            ('patient_contacts', 'Of patients that the caller may see whole.', contact, contact, contact, contact),
            ('patient_details', 'Of patients that the caller may see whole; the erasure of a patient deletes them.', contact, contact, contact, contact),
            ('patient_health_items', 'Of patients that the caller may see whole.', contact, contact, contact, contact),
            ('patient_identifiers', 'Of patients that the caller may see whole.', contact, contact, contact, contact),
            ('patient_merges', 'patients:merge reads and makes them.', merges, merges, merges, NULL),
            ('distinct_patients', 'patients:merge makes them.', 'true', merges, merges, merges),
            ('communication_preferences', 'Of patients that the caller may see whole; the erasure of a patient deletes them.', contact, contact, contact, contact),
            ('reminder_plans', 'setup:write changes it; that of a patient whoever may see the patient.', 'true', plan_write, plan_write, plan_write),
            ('message_templates', 'setup:write changes it.', 'true', setup, setup, setup),
            ('audit_records', 'audit:read reads it; it only grows.', audit, 'true', NULL, NULL),
            ('retention_classes', 'setup:write changes it.', 'true', setup, setup, NULL),
            ('legal_holds', 'audit:read reads them, audit:retain makes and ends them.', audit, retain, retain, NULL),
            ('consent_purposes', 'setup:write changes them.', 'true', setup, setup, NULL),
            ('consent_texts', 'setup:write adds them.', 'true', setup, NULL, NULL),
            ('consents', 'Of patients that the caller may see; they only grow.', patient, 'clinic.sees_patient(patient_id)', NULL, NULL),
            ('consent_withdrawals', 'Of patients that the caller may see; they only grow.', patient, 'clinic.sees_patient(patient_id)', NULL, NULL),
            ('consent_warnings', 'Only the system writes them.', 'clinic_private.is_system()', 'clinic_private.is_system()', NULL, NULL),
            ('disclosures', 'Of patients that the caller may see whole; they only grow.', contact, contact, NULL, NULL),
            ('correction_requests', 'Of patients that the caller may see whole.', contact, contact, contact, NULL),
            ('audit_purges', 'audit:read reads them.', audit, 'true', NULL, NULL),
            ('purged_audit_records', 'audit:read reads them.', audit, 'true', NULL, NULL),
            ('audit_leaves', 'It only grows.', 'true', 'true', NULL, NULL),
            ('audit_nodes', 'It only grows.', 'true', 'true', NULL, NULL),
            ('audit_heads', 'It only grows.', 'true', 'true', NULL, NULL),
            ('audit_seal_keys', 'It only grows.', 'true', 'true', NULL, NULL)
        )
        SELECT c.oid AS table_oid, c.relname AS table_name,
               coalesce(r.remark, CASE WHEN of_database THEN 'A table of the database, which only the engine reads.'
                                       ELSE 'Rows of the caller''s tenant.' END) AS remark,
               CASE c.relname WHEN 'token_keys' THEN 'CURRENT_USER = ''clinic_owner''::name'
                              -- Who installs is a member of clinic_owner, and reads with rights of their own.
                              WHEN 'schema_migrations' THEN 'pg_catalog.pg_has_role(''clinic_owner'', ''MEMBER'')'
                    ELSE 'tenant_id = clinic.current_tenant_id()' END AS scope,
               CASE WHEN r.table_name IS NULL THEN 'true' ELSE r.may_select END AS may_select,
               CASE WHEN r.table_name IS NULL THEN 'true' ELSE r.may_insert END AS may_insert,
               CASE WHEN r.table_name IS NULL THEN 'true' ELSE r.may_update END AS may_update,
               CASE WHEN r.table_name IS NULL THEN 'true' ELSE r.may_delete END AS may_delete
          FROM pg_catalog.pg_class c
         CROSS JOIN LATERAL (SELECT c.relname IN ('schema_migrations', 'token_keys') AS of_database) d
          LEFT JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid AND c.relispartition
          LEFT JOIN pg_catalog.pg_class parent ON parent.oid = i.inhparent
          LEFT JOIN rules r ON r.table_name = coalesce(parent.relname, c.relname)
         WHERE c.relnamespace = 'clinic_data'::regnamespace AND c.relkind IN ('r', 'p')
           AND (of_database
                OR EXISTS (SELECT FROM pg_catalog.pg_attribute a
                            WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped))
         ORDER BY c.relname
    LOOP
        FOR command IN
            SELECT k.name, rule.table_name || k.suffix AS policy_name, k.condition
              FROM (VALUES ('SELECT', '_select', rule.may_select), ('INSERT', '_insert', rule.may_insert),
                           ('UPDATE', '_update', rule.may_update), ('DELETE', '_delete', rule.may_delete)) k (name, suffix, condition)
             WHERE k.condition IS NOT NULL
        LOOP
            wanted := rule.scope || CASE WHEN command.condition <> 'true' THEN pg_catalog.format(' AND (%s)', command.condition) ELSE '' END;
            CALL clinic_private.ensure_policy(rule.table_oid, command.policy_name, command.name,
                pg_catalog.format(CASE command.name WHEN 'INSERT' THEN 'WITH CHECK (%s)' ELSE 'USING (%s)' END, wanted), rule.remark);
        END LOOP;
    END LOOP;
END
$$;
