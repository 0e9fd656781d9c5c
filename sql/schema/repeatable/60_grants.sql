-- Rights: callers read the views and call functions (whose grants stand beside them); nobody has a right on a table.

DO $$
DECLARE
    view_name name;
BEGIN
    FOR view_name IN
        SELECT c.relname
          FROM pg_catalog.pg_class c
         WHERE c.relnamespace = 'clinic'::regnamespace
           AND c.relname IN (
            'tenants', 'locations', 'travel_times', 'providers', 'resources', 'services',
            'service_providers', 'patients', 'availability_rules', 'date_overrides', 'holidays',
            'stays', 'blocks', 'appointments', 'busy_times', 'emergency_accesses', 'users', 'roles', 'staff', 'staff_profiles', 'dependants',
            'series', 'series_appointments',
            'events', 'subscriptions', 'deliveries', 'job_runs', 'daily_counts',
            'waitlist_entries', 'waitlist_offers',
            'service_participants', 'visits', 'visit_appointments', 'assignment_rules',
            'notifications', 'notification_plans', 'message_templates', 'patient_contacts', 'communication_preferences', 'message_replies',
            'queue', 'appointment_charges',
            'group_sessions',
            'audit_records', 'retention_classes', 'legal_holds',
            'consent_purposes', 'consent_texts', 'consents', 'disclosures', 'correction_requests')
           AND NOT pg_catalog.has_table_privilege('clinic_user', c.oid, 'SELECT')
    LOOP
        EXECUTE pg_catalog.format('GRANT SELECT ON clinic.%I TO clinic_user', view_name);
    END LOOP;
END
$$;

-- Visitors of a public booking page read what is published.
DO $$
DECLARE
    view_name name;
BEGIN
    FOR view_name IN
        SELECT c.relname
          FROM pg_catalog.pg_class c
         WHERE c.relnamespace = 'clinic'::regnamespace
           AND c.relname IN ('locations', 'providers', 'services', 'group_sessions')
           AND NOT pg_catalog.has_table_privilege('clinic_anon', c.oid, 'SELECT')
    LOOP
        EXECUTE pg_catalog.format('GRANT SELECT ON clinic.%I TO clinic_anon', view_name);
    END LOOP;
END
$$;

-- The tasks of clinic_private.run_apart() write these columns as clinic_system, and read no secret beside them.
DO $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT g.table_name, g.privilege, g.columns
          FROM (VALUES
            ('sign_in_events', 'INSERT', ARRAY['tenant_id', 'event_id', 'occurred_at', 'kind', 'outcome', 'user_id', 'identifier_hash',
                                               'session_id', 'request_id', 'client_address', 'peer_address', 'user_agent']),
            ('credentials', 'SELECT', ARRAY['tenant_id', 'user_id', 'failed_count', 'locked_until']),
            ('credentials', 'INSERT', ARRAY['tenant_id', 'user_id', 'failed_count', 'last_failed_at']),
            ('credentials', 'UPDATE', ARRAY['failed_count', 'last_failed_at', 'locked_until']),
            ('sessions', 'SELECT', ARRAY['tenant_id', 'session_id', 'user_id', 'revoked_at']),
            ('sessions', 'UPDATE', ARRAY['revoked_at', 'revoke_reason']),
            ('one_time_codes', 'SELECT', ARRAY['tenant_id', 'code_id', 'attempts']),
            ('one_time_codes', 'UPDATE', ARRAY['attempts'])) g (table_name, privilege, columns)
         WHERE EXISTS (SELECT FROM unnest(g.columns) AS c (name)
                        WHERE NOT pg_catalog.has_column_privilege('clinic_system', 'clinic_data.' || g.table_name, c.name, g.privilege))
    LOOP
        EXECUTE pg_catalog.format('GRANT %s (%s) ON clinic_data.%I TO clinic_system', wanted.privilege,
                                  pg_catalog.array_to_string(wanted.columns, ', '), wanted.table_name);
    END LOOP;
END
$$;
