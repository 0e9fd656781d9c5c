-- Installing and migrating: the schema clinic_data is the user's, made and changed by these procedures.

CREATE FUNCTION clinic.version()
    RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT e.extversion FROM pg_catalog.pg_extension e WHERE e.extname = 'pg_clinic'
$$;
COMMENT ON FUNCTION clinic.version() IS 'The version of the extension pg_clinic in this database.';

-- Rows of clinic_data.schema_migrations, or none before the first install. The table is not there when the extension is
-- created, and a body of SQL or a view could not name it.
CREATE FUNCTION clinic_private.applied_migrations()
    RETURNS TABLE (migration_no integer, name text, checksum text)
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF pg_catalog.to_regclass('clinic_data.schema_migrations') IS NOT NULL THEN
        RETURN QUERY SELECT m.migration_no, m.name, m.checksum FROM clinic_data.schema_migrations m;
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.applied_migrations() IS
    'The numbered migrations that this database has had; no rows before the first install.';
REVOKE ALL ON FUNCTION clinic_private.applied_migrations() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.applied_migrations() TO clinic_owner;

-- Reads with the caller's rights, so that it also serves where ownership and grants have yet to be mended.
CREATE FUNCTION clinic_private.schema_status(
    OUT installed boolean,
    OUT current_no integer,
    OUT newest_no integer,
    OUT pending text[],
    OUT mismatched text[],
    OUT unknown text[]
)
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT pg_catalog.to_regclass('clinic_data.schema_migrations') IS NOT NULL,
           max(a.migration_no),
           max(k.migration_no),
           coalesce(array_agg(k.name ORDER BY k.migration_no) FILTER (WHERE a.migration_no IS NULL), '{}'),
           coalesce(array_agg(k.name ORDER BY k.migration_no) FILTER (WHERE a.checksum <> k.checksum), '{}'),
           coalesce(array_agg(a.name ORDER BY a.migration_no) FILTER (WHERE k.migration_no IS NULL), '{}')
      FROM (SELECT m.migration_no, pg_catalog.to_char(m.migration_no, 'FM0000_') || m.name AS name, m.checksum
              FROM clinic_private.migrations() m) k
      FULL JOIN
           (SELECT m.migration_no, pg_catalog.to_char(m.migration_no, 'FM0000_') || m.name AS name, m.checksum
              FROM clinic_private.applied_migrations() m) a
        ON a.migration_no = k.migration_no
$$;
COMMENT ON FUNCTION clinic_private.schema_status() IS 'What clinic.schema_status() tells, by the rights of the caller.';
REVOKE ALL ON FUNCTION clinic_private.schema_status() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.schema_status() TO clinic_owner;

CREATE FUNCTION clinic.schema_status(
    OUT installed boolean,
    OUT current_no integer,
    OUT newest_no integer,
    OUT pending text[],
    OUT mismatched text[],
    OUT unknown text[]
)
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.installed, s.current_no, s.newest_no, s.pending, s.mismatched, s.unknown
      FROM clinic_private.schema_status() s
$$;
COMMENT ON FUNCTION clinic.schema_status() IS
    'Where the schema clinic_data stands: whether it is installed, the newest migration it has had and the newest this version knows, and by name those still pending, those whose text has changed since they were applied, and those this version does not know.';
ALTER FUNCTION clinic.schema_status() OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.schema_status() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.schema_status() TO clinic_admin;

-- Refuses what would go wrong half-way, before anything is touched.
CREATE PROCEDURE clinic_private.check_before_migrating(may_create boolean)
    LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    status record;
    schema_owner name;
    may_bypass boolean;
BEGIN
    IF pg_catalog.current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'the schema cannot be changed in a transaction of isolation level "%"',
            pg_catalog.current_setting('transaction_isolation')
            USING ERRCODE = 'active_sql_transaction',
                  HINT = 'Use READ COMMITTED: what another session has just installed must be seen.';
    END IF;
    IF CURRENT_USER = 'clinic_owner' THEN
        RAISE EXCEPTION 'the role clinic_owner cannot install by itself'
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = 'A dump names the owner of the schema clinic_data before the extension has made its roles.',
                  HINT = 'Call as the superuser or as a member of clinic_owner, without SET ROLE.';
    END IF;

    -- The owner of a schema may drop what stands in it, and may have put a trap there for the caller.
    SELECT pg_catalog.pg_get_userbyid(n.nspowner) INTO schema_owner
      FROM pg_catalog.pg_namespace n
     WHERE n.nspname = 'clinic_data' AND NOT pg_catalog.pg_has_role(n.nspowner, 'clinic_owner', 'USAGE');
    IF FOUND THEN
        RAISE EXCEPTION 'the schema "clinic_data" belongs to a role that is no member of clinic_owner'
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = pg_catalog.format('Its owner is "%s".', schema_owner),
                  HINT = pg_catalog.format('Drop the schema, or if you trust its owner: GRANT clinic_owner TO %I;', schema_owner);
    END IF;

    SELECT s.* INTO status FROM clinic_private.schema_status() s;
    IF NOT status.installed AND NOT may_create THEN
        RAISE EXCEPTION 'the schema "clinic_data" is not installed'
            USING ERRCODE = 'invalid_schema_name', HINT = 'CALL clinic.install();';
    END IF;
    IF pg_catalog.cardinality(status.unknown) > 0 THEN
        PERFORM clinic_private.raise_error('schema_version', 'the schema is newer than the extension',
            pg_catalog.jsonb_build_object('unknown_migrations', status.unknown),
            'ALTER EXTENSION pg_clinic UPDATE;');
    END IF;
    IF pg_catalog.cardinality(status.mismatched) > 0 THEN
        RAISE EXCEPTION 'migrations have changed since they were applied'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = pg_catalog.format('They are: %s.', pg_catalog.array_to_string(status.mismatched, ', ')),
                  HINT = 'Install the version of pg_clinic that applied them, or a later release.';
    END IF;

    -- Under forced row security a change of rows would change none, and a foreign key over bad rows would pass as valid.
    SELECT r.rolsuper OR r.rolbypassrls INTO may_bypass FROM pg_catalog.pg_roles r WHERE r.rolname = CURRENT_USER;
    IF status.current_no IS NOT NULL AND pg_catalog.cardinality(status.pending) > 0 AND NOT may_bypass THEN
        RAISE EXCEPTION 'permission denied to migrate rows'
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = pg_catalog.format('Pending: %s.', pg_catalog.array_to_string(status.pending, ', ')),
                  HINT = 'Call as a superuser or as a role with the attribute BYPASSRLS.';
    END IF;
END
$$;
COMMENT ON PROCEDURE clinic_private.check_before_migrating(boolean) IS
    'Raises an error when the schema cannot be brought to this version by this caller.';
REVOKE ALL ON PROCEDURE clinic_private.check_before_migrating(boolean) FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE clinic_private.check_before_migrating(boolean) TO clinic_owner;

CREATE PROCEDURE clinic_private.create_data_schema()
    LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF pg_catalog.to_regnamespace('clinic_data') IS NULL THEN
        CREATE SCHEMA clinic_data;
        COMMENT ON SCHEMA clinic_data IS
            'The clinic''s own data: tables of pg_clinic, made by clinic.install(), changed by clinic.migrate(), read through the views of schema clinic.';
    END IF;
    IF NOT pg_catalog.has_schema_privilege('clinic_owner', 'clinic_data', 'USAGE')
       OR NOT pg_catalog.has_schema_privilege('clinic_owner', 'clinic_data', 'CREATE') THEN
        GRANT USAGE, CREATE ON SCHEMA clinic_data TO clinic_owner;
    END IF;
    IF NOT pg_catalog.has_schema_privilege('clinic_system', 'clinic_data', 'USAGE') THEN
        GRANT USAGE ON SCHEMA clinic_data TO clinic_system;
    END IF;
    IF pg_catalog.to_regclass('clinic_data.schema_migrations') IS NULL THEN
        CREATE TABLE clinic_data.schema_migrations (
            migration_no integer NOT NULL,
            name text NOT NULL,
            checksum text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now(),
            applied_by name NOT NULL DEFAULT CURRENT_USER,
            engine_version text NOT NULL,
            CONSTRAINT schema_migrations_pkey PRIMARY KEY (migration_no)
        );
        COMMENT ON TABLE clinic_data.schema_migrations IS 'The numbered migrations that made the schema what it is.';
        COMMENT ON COLUMN clinic_data.schema_migrations.migration_no IS 'Number of the migration; they are applied in its order.';
        COMMENT ON COLUMN clinic_data.schema_migrations.name IS 'Name of the migration.';
        COMMENT ON COLUMN clinic_data.schema_migrations.checksum IS 'SHA-256 of its text, as applied.';
        COMMENT ON COLUMN clinic_data.schema_migrations.applied_at IS 'When it was applied.';
        COMMENT ON COLUMN clinic_data.schema_migrations.applied_by IS 'Database role that applied it.';
        COMMENT ON COLUMN clinic_data.schema_migrations.engine_version IS 'Version of the extension that applied it.';
        ALTER TABLE clinic_data.schema_migrations OWNER TO clinic_owner;
    END IF;
END
$$;
COMMENT ON PROCEDURE clinic_private.create_data_schema() IS
    'Makes the schema clinic_data and the record of its migrations where they are missing. The schema belongs to the caller.';
REVOKE ALL ON PROCEDURE clinic_private.create_data_schema() FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE clinic_private.create_data_schema() TO clinic_owner;

CREATE PROCEDURE clinic_private.ensure_trigger(
    target regclass,
    trigger_name name,
    event text,
    condition text,
    action text,
    enabled "char",
    remark text
)
    LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    definition constant text := pg_catalog.format('TRIGGER %I %s ON %s FOR EACH ROW %sEXECUTE FUNCTION %s', trigger_name, event,
                                                  target, condition, action);
BEGIN
    PERFORM FROM pg_catalog.pg_trigger t
      WHERE t.tgrelid = target AND t.tgname = trigger_name AND t.tgenabled = enabled
        AND pg_catalog.pg_get_triggerdef(t.oid) = 'CREATE ' || definition;
    IF NOT FOUND THEN
        EXECUTE 'CREATE OR REPLACE ' || definition;
        IF enabled = 'A' THEN
            EXECUTE pg_catalog.format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', target, trigger_name);
        END IF;
    END IF;
    EXECUTE pg_catalog.format('COMMENT ON TRIGGER %I ON %s IS %L', trigger_name, target, remark);
END
$$;
COMMENT ON PROCEDURE clinic_private.ensure_trigger(regclass, name, text, text, text, "char", text) IS
    'Makes a row trigger unless it is there already, word by word.
event: when it fires; condition: empty, or WHEN (...) and a space; enabled: O, or A for always; remark: its comment.';
REVOKE ALL ON PROCEDURE clinic_private.ensure_trigger(regclass, name, text, text, text, "char", text) FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE clinic_private.ensure_trigger(regclass, name, text, text, text, "char", text) TO clinic_owner;

-- A policy's comment ends in checksums of what was asked for and of what the server made of it: both are compared, since the
-- server prints expressions in its own words. The second tells clinic.lint() by itself whether a policy was altered.
CREATE FUNCTION clinic_private.policy_stamp(target regclass, policy_name name, definition text)
    RETURNS text
    LANGUAGE sql STABLE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT '[' || pg_catalog.md5(policy_stamp.definition) || ' '
           || pg_catalog.md5(pg_catalog.concat_ws(' ', p.polcmd, p.polpermissive, p.polroles::text,
                                                  pg_catalog.pg_get_expr(p.polqual, p.polrelid),
                                                  pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))) || ']'
      FROM pg_catalog.pg_policy p
     WHERE p.polrelid = policy_stamp.target AND p.polname = policy_stamp.policy_name
$$;
COMMENT ON FUNCTION clinic_private.policy_stamp(regclass, name, text) IS
    'Checksums of the definition that made a policy and of the policy as it stands; null where there is none.';
REVOKE ALL ON FUNCTION clinic_private.policy_stamp(regclass, name, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.policy_stamp(regclass, name, text) TO clinic_owner;

CREATE PROCEDURE clinic_private.ensure_policy(target regclass, policy_name name, command text, definition text, remark text)
    LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    stamp text := clinic_private.policy_stamp(target, policy_name, definition);
BEGIN
    IF stamp IS NOT NULL THEN
        PERFORM FROM pg_catalog.pg_policy p
          WHERE p.polrelid = target AND p.polname = policy_name
            AND pg_catalog.obj_description(p.oid, 'pg_policy') = remark || ' ' || stamp;
        IF FOUND THEN
            RETURN;
        END IF;
        EXECUTE pg_catalog.format('DROP POLICY %I ON %s', policy_name, target);
    END IF;
    EXECUTE pg_catalog.format('CREATE POLICY %I ON %s FOR %s TO PUBLIC %s', policy_name, target, command, definition);
    stamp := clinic_private.policy_stamp(target, policy_name, definition);
    EXECUTE pg_catalog.format('COMMENT ON POLICY %I ON %s IS %L', policy_name, target, remark || ' ' || stamp);
END
$$;
COMMENT ON PROCEDURE clinic_private.ensure_policy(regclass, name, text, text, text) IS
    'Makes or replaces a policy, unless it is there and nobody has changed it since.';
REVOKE ALL ON PROCEDURE clinic_private.ensure_policy(regclass, name, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE clinic_private.ensure_policy(regclass, name, text, text, text) TO clinic_owner;

CREATE PROCEDURE clinic_private.ensure_view(view_name name, query text)
    LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    existing constant regclass := pg_catalog.to_regclass(pg_catalog.format('clinic.%I', view_name));
    wanted text;
BEGIN
    -- What the server makes of the query shows whether the view says the same.
    IF existing IS NOT NULL AND pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMPORARY') THEN
        EXECUTE pg_catalog.format('CREATE TEMPORARY VIEW clinic_wanted_view AS %s', query);
        wanted := pg_catalog.pg_get_viewdef('pg_temp.clinic_wanted_view'::regclass);
        DROP VIEW pg_temp.clinic_wanted_view;
        PERFORM FROM pg_catalog.pg_class c
          WHERE c.oid = existing AND c.reloptions = '{security_barrier=true}' AND pg_catalog.pg_get_viewdef(c.oid) = wanted;
        IF FOUND THEN
            query := NULL;
        END IF;
    END IF;
    IF query IS NOT NULL THEN
        EXECUTE pg_catalog.format('CREATE OR REPLACE VIEW clinic.%I WITH (security_barrier = true) AS %s', view_name, query);
    END IF;
    -- A view of whoever installs would read past row security.
    PERFORM FROM pg_catalog.pg_class c
      WHERE c.oid = pg_catalog.to_regclass(pg_catalog.format('clinic.%I', view_name)) AND c.relowner = 'clinic_owner'::regrole;
    IF NOT FOUND THEN
        EXECUTE pg_catalog.format('ALTER VIEW clinic.%I OWNER TO clinic_owner', view_name);
    END IF;
END
$$;
COMMENT ON PROCEDURE clinic_private.ensure_view(name, text) IS
    'Makes or replaces a view of schema clinic, unless it is there already and says the same, and gives it to clinic_owner.';
REVOKE ALL ON PROCEDURE clinic_private.ensure_view(name, text) FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE clinic_private.ensure_view(name, text) TO clinic_owner;

CREATE PROCEDURE clinic_private.bring_up_to_date(may_create boolean)
    LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    row_security_before constant text := pg_catalog.current_setting('row_security');
    migration record;
    part record;
BEGIN
    -- Two at once: the second waits here, and then finds nothing left to do.
    PERFORM pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('pg_clinic: schema clinic_data', 0));
    CALL clinic_private.check_before_migrating(may_create);
    CALL clinic_private.create_data_schema();

    FOR migration IN
        SELECT m.migration_no, m.name, m.checksum
          FROM clinic_private.migrations() m
         WHERE m.migration_no NOT IN (SELECT a.migration_no FROM clinic_private.applied_migrations() a)
         ORDER BY m.migration_no
    LOOP
        -- Row security that would hide rows from a migration becomes an error instead.
        PERFORM pg_catalog.set_config('row_security', 'off', true);
        EXECUTE pg_catalog.format('CALL clinic_private.%I()',
                                  'migration_' || pg_catalog.lpad(migration.migration_no::text, 4, '0'));
        INSERT INTO clinic_data.schema_migrations (migration_no, name, checksum, engine_version)
             VALUES (migration.migration_no, migration.name, migration.checksum, clinic.version());
        PERFORM pg_catalog.set_config('row_security', row_security_before, true);
    END LOOP;

    FOR part IN SELECT r.name FROM clinic_private.repeatables() r ORDER BY r.name COLLATE "C"
    LOOP
        EXECUTE pg_catalog.format('CALL clinic_private.%I()', 'repeatable_' || part.name);
    END LOOP;

    NOTIFY pgrst, 'reload schema';
END
$$;
COMMENT ON PROCEDURE clinic_private.bring_up_to_date(boolean) IS
    'Applies the numbered migrations that are missing, then the repeatable part, in the caller''s transaction.';
REVOKE ALL ON PROCEDURE clinic_private.bring_up_to_date(boolean) FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE clinic_private.bring_up_to_date(boolean) TO clinic_owner;

CREATE PROCEDURE clinic.install()
    LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    CALL clinic_private.bring_up_to_date(may_create => true);
END
$$;
COMMENT ON PROCEDURE clinic.install() IS
    'Makes the schema clinic_data with its tables, and everything around them; where they exist, brings them to this version and mends what is missing around them (policies, triggers, views, checks, grants). Calling it again changes nothing.';
REVOKE ALL ON PROCEDURE clinic.install() FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE clinic.install() TO clinic_owner;

CREATE PROCEDURE clinic.migrate()
    LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    CALL clinic_private.bring_up_to_date(may_create => false);
END
$$;
COMMENT ON PROCEDURE clinic.migrate() IS
    'Brings an installed schema clinic_data to this version, after ALTER EXTENSION pg_clinic UPDATE. Refuses where nothing is installed.';
REVOKE ALL ON PROCEDURE clinic.migrate() FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE clinic.migrate() TO clinic_owner;
