-- Stand-in until the context knows the branches of its user: what the tables say about the user of the context.

CREATE FUNCTION clinic.sees_all_locations()
    RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
BEGIN
    RETURN clinic.current_tenant_id() IS NOT NULL
       AND coalesce((SELECT u.all_locations FROM clinic_data.users AS u
                     WHERE u.tenant_id = clinic.current_tenant_id() AND u.user_id = clinic.current_user_id()), true);
END
$$;
ALTER FUNCTION clinic.sees_all_locations OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.sees_all_locations FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.sees_all_locations TO clinic_user;
COMMENT ON FUNCTION clinic.sees_all_locations() IS 'Tells whether the caller acts at every location of the tenant. False without a context.';

CREATE FUNCTION clinic.sees_location(location_id uuid)
    RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
BEGIN
    RETURN clinic.sees_all_locations()
        OR EXISTS (SELECT FROM clinic_data.user_locations AS l
                   WHERE l.tenant_id = clinic.current_tenant_id() AND l.user_id = clinic.current_user_id()
                     AND l.location_id = sees_location.location_id);
END
$$;
ALTER FUNCTION clinic.sees_location OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.sees_location FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.sees_location TO clinic_user;
COMMENT ON FUNCTION clinic.sees_location(uuid) IS 'Tells whether the caller acts at a location. False without a context.';
