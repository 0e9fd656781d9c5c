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
            'stays', 'blocks', 'appointments', 'busy_times', 'emergency_accesses', 'users', 'roles', 'staff', 'staff_profiles', 'dependants')
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
           AND c.relname IN ('locations', 'providers', 'services')
           AND NOT pg_catalog.has_table_privilege('clinic_anon', c.oid, 'SELECT')
    LOOP
        EXECUTE pg_catalog.format('GRANT SELECT ON clinic.%I TO clinic_anon', view_name);
    END LOOP;
END
$$;
