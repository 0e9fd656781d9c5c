-- The audit of changes: its triggers on our tables and on tables of your own, and what keeps the audit itself from being changed.

CREATE FUNCTION clinic_private.refuse_audit_change()
    RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
        MESSAGE = format('%s of %s is refused: the audit only grows', TG_OP, TG_ARGV[0]),
        HINT = 'What need not be kept any longer goes by clinic.purge_audit.';
END
$$;
COMMENT ON FUNCTION clinic_private.refuse_audit_change() IS
    'Trigger of the tables of the audit: refuses UPDATE, DELETE and TRUNCATE, whoever asks. Argument: the table''s name. Errors: 42501.';
REVOKE ALL ON FUNCTION clinic_private.refuse_audit_change FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.refuse_audit_change TO clinic_owner;

CREATE PROCEDURE clinic_private.ensure_always_trigger(target regclass, trigger_name name, event text, level text, action text, remark text)
    LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    definition constant text := pg_catalog.format('TRIGGER %I %s ON %s FOR EACH %s EXECUTE FUNCTION %s', trigger_name, event, target, level, action);
BEGIN
    PERFORM FROM pg_catalog.pg_trigger t
      WHERE t.tgrelid = target AND t.tgname = trigger_name AND t.tgenabled = 'A'
        AND pg_catalog.pg_get_triggerdef(t.oid) = 'CREATE ' || definition;
    IF FOUND THEN
        RETURN;
    END IF;
    -- A partition has its rows' triggers from its parent.
    PERFORM FROM pg_catalog.pg_trigger t WHERE t.tgrelid = target AND t.tgname = trigger_name AND t.tgparentid <> 0;
    IF NOT FOUND THEN
        EXECUTE 'CREATE OR REPLACE ' || definition;
    END IF;
    EXECUTE pg_catalog.format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', target, trigger_name);
    EXECUTE pg_catalog.format('COMMENT ON TRIGGER %I ON %s IS %L', trigger_name, target, remark);
END
$$;
COMMENT ON PROCEDURE clinic_private.ensure_always_trigger(regclass, name, text, text, text, text) IS
    'Makes a trigger that fires always, also where session_replication_role is replica, unless it is there already, word by word. level: ROW or STATEMENT.';
REVOKE ALL ON PROCEDURE clinic_private.ensure_always_trigger(regclass, name, text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE clinic_private.ensure_always_trigger(regclass, name, text, text, text, text) TO clinic_owner;

CREATE PROCEDURE clinic_private.ensure_audit(target regclass, table_name text, key_columns text, patient_column text, class text, secret_columns text)
    LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    action constant text := pg_catalog.format('clinic_private.audit_change(%L, %L, %L, %L, %L)', table_name, key_columns, patient_column, class,
                                              secret_columns);
BEGIN
    CALL clinic_private.ensure_always_trigger(target, 'zz_90_audit', 'AFTER INSERT OR DELETE OR UPDATE', 'ROW', action,
        'Each row that is added, changed or deleted leaves a record of the audit.');
    CALL clinic_private.ensure_always_trigger(target, 'zz_91_audit_statement', 'AFTER INSERT OR DELETE OR UPDATE', 'STATEMENT', action,
        'Writes what the statement''s rows left.');
    CALL clinic_private.ensure_always_trigger(target, 'zz_92_audit_truncate', 'AFTER TRUNCATE', 'STATEMENT', action,
        'Emptying the table leaves a record of the audit.');
END
$$;
COMMENT ON PROCEDURE clinic_private.ensure_audit(regclass, text, text, text, text, text) IS
    'Makes the triggers of the audit of changes on a table. Lists of columns are separated by commas; patient_column may be empty.';
REVOKE ALL ON PROCEDURE clinic_private.ensure_audit(regclass, text, text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE clinic_private.ensure_audit(regclass, text, text, text, text, text) TO clinic_owner;

CREATE PROCEDURE clinic_private.ensure_append_only(target regclass, table_name text)
    LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    action constant text := pg_catalog.format('clinic_private.refuse_audit_change(%L)', table_name);
BEGIN
    CALL clinic_private.ensure_always_trigger(target, '00_append_only', 'BEFORE DELETE OR UPDATE', 'ROW', action, 'Rows are never changed or deleted.');
    CALL clinic_private.ensure_always_trigger(target, '00_append_only_truncate', 'BEFORE TRUNCATE', 'STATEMENT', action, 'The table is never emptied.');
END
$$;
COMMENT ON PROCEDURE clinic_private.ensure_append_only(regclass, text) IS 'Makes the triggers that refuse UPDATE, DELETE and TRUNCATE on a table of the audit.';
REVOKE ALL ON PROCEDURE clinic_private.ensure_append_only(regclass, text) FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE clinic_private.ensure_append_only(regclass, text) TO clinic_owner;

-- Deleting what may go needs the refusal out of the way for the length of one statement, under a lock that nobody passes: everything else that
-- reads or writes the table waits until it stands again.
CREATE PROCEDURE clinic_private.open_append_only(target regclass, open boolean)
    LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF open THEN
        EXECUTE pg_catalog.format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', target);
        EXECUTE pg_catalog.format('ALTER TABLE ONLY %s NO FORCE ROW LEVEL SECURITY', target);
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = target AND t.tgname = '00_append_only') THEN
        EXECUTE pg_catalog.format('ALTER TABLE ONLY %s %s TRIGGER "00_append_only"', target, CASE WHEN open THEN 'DISABLE' ELSE 'ENABLE ALWAYS' END);
    END IF;
    IF NOT open THEN
        EXECUTE pg_catalog.format('ALTER TABLE ONLY %s FORCE ROW LEVEL SECURITY', target);
    END IF;
END
$$;
COMMENT ON PROCEDURE clinic_private.open_append_only(regclass, boolean) IS
    'Opens a partition for the statement that comes next in this transaction, under an ACCESS EXCLUSIVE lock, and closes it: row security is not forced on the owner,
and a table of the audit does not refuse DELETE. An error in between rolls both back.';
REVOKE ALL ON PROCEDURE clinic_private.open_append_only(regclass, boolean) FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE clinic_private.open_append_only(regclass, boolean) TO clinic_owner;

-- ---- Tables of your own. Bodies of standard SQL have their names bound when they are made; what runs inside for the caller names nothing of
-- clinic_private, where callers may not look.

CREATE FUNCTION clinic.audit_change()
    RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'clinic_audit_change';
COMMENT ON FUNCTION clinic.audit_change() IS
    'Trigger that clinic.enable_audit puts on tables of your own: see there. Not for triggers made by hand.';
REVOKE ALL ON FUNCTION clinic.audit_change FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.audit_change TO clinic_admin;

CREATE FUNCTION clinic_private.make_audit(relation regclass, key_columns text[], patient_column text, class text, secret_columns text[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    label text;
    owner oid;
    kind "char";
    keys text[] := make_audit.key_columns;
    secrets text[] := coalesce(make_audit.secret_columns, '{}');
    missing text;
    wants_uuid boolean;
    wanted record;
BEGIN
    IF make_audit.relation IS NULL OR make_audit.class IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'relation and class must not be null';
    END IF;
    SELECT n.nspname || '.' || c.relname, c.relowner, c.relkind INTO label, owner, kind
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = make_audit.relation;
    IF kind IS NULL OR kind NOT IN ('r', 'p') OR label ~ '^(clinic_data|pg_catalog|information_schema)\.' THEN
        RAISE EXCEPTION USING ERRCODE = 'wrong_object_type', MESSAGE = format('%s is no table of your own', make_audit.relation),
            HINT = 'The tables of clinic_data are audited already.';
    END IF;
    IF NOT pg_has_role(owner, 'USAGE') THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = format('must be owner of %s', make_audit.relation);
    END IF;
    IF keys IS NULL THEN
        SELECT array_agg(a.attname ORDER BY u.place) INTO keys
          FROM pg_index i
         CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS u (number, place)
          JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.number
         WHERE i.indrelid = make_audit.relation AND i.indisprimary AND a.attname <> 'tenant_id';
    END IF;
    IF coalesce(cardinality(keys), 0) = 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', COLUMN = 'key_columns',
            MESSAGE = format('%s has no key beside the tenant', make_audit.relation), HINT = 'Name the columns that tell rows apart.';
    END IF;
    -- The trigger takes lists between commas.
    SELECT string_agg(coalesce(left(u.name, 63), 'null'), ', '), bool_or(u.must_be_uuid) INTO missing, wants_uuid
      FROM (SELECT k.name, false AS must_be_uuid FROM unnest(keys) AS k (name)
            UNION ALL SELECT make_audit.patient_column, true WHERE make_audit.patient_column IS NOT NULL
            UNION ALL SELECT regexp_replace(c.name, '^-', ''), false FROM unnest(secrets) AS c (name) WHERE c.name IS DISTINCT FROM '*') u
     WHERE NOT EXISTS (SELECT FROM pg_attribute a
                        WHERE a.attrelid = make_audit.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attname !~ '[, ]' AND a.attname = u.name
                          AND (NOT u.must_be_uuid OR a.atttypid = 'uuid'::regtype));
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_column', MESSAGE = format('%s has no fit column %s', make_audit.relation, missing),
            DETAIL = format('The table has %s.', (SELECT string_agg(a.attname, ', ' ORDER BY a.attnum) FROM pg_attribute AS a
                                                   WHERE a.attrelid = make_audit.relation AND a.attnum > 0 AND NOT a.attisdropped)),
            HINT = CASE WHEN wants_uuid THEN 'The patient''s column is of type uuid.'
                        ELSE 'Name columns of the table; ''*'' and ''-name'' are for secret_columns alone, and a column whose name has a comma or a blank cannot be named here.' END;
    END IF;
    FOR wanted IN
        SELECT * FROM (VALUES ('zz_90_audit', 'INSERT OR DELETE OR UPDATE', 'ROW', 'Made by clinic.enable_audit: rows leave records of the audit.'),
                              ('zz_91_audit_statement', 'INSERT OR DELETE OR UPDATE', 'STATEMENT', 'Made by clinic.enable_audit: writes what the rows left.'),
                              ('zz_92_audit_truncate', 'TRUNCATE', 'STATEMENT', 'Made by clinic.enable_audit: emptying leaves a record.'))
                      AS t (name, event, level, remark)
    LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER %s ON %s FOR EACH %s EXECUTE FUNCTION clinic.audit_change(%L, %L, %L, %L, %L)', wanted.name,
            wanted.event, make_audit.relation, wanted.level, label, array_to_string(keys, ','), coalesce(make_audit.patient_column, ''), make_audit.class,
            array_to_string(secrets, ','));
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', make_audit.relation, wanted.name);
        EXECUTE format('COMMENT ON TRIGGER %I ON %s IS %L', wanted.name, make_audit.relation, wanted.remark);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clinic_private.make_audit(regclass, text[], text, text, text[]) IS 'See clinic.enable_audit.';
REVOKE ALL ON FUNCTION clinic_private.make_audit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.make_audit TO clinic_admin;

CREATE FUNCTION clinic_private.note_audit(relation regclass, action text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
BEGIN
    IF note_audit.action NOT IN ('enable_audit', 'disable_audit') THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'no such action';
    END IF;
    PERFORM clinic_private.write_audit('security', note_audit.action, note_audit.relation::text);
END
$$;
ALTER FUNCTION clinic_private.note_audit OWNER TO clinic_owner;
COMMENT ON FUNCTION clinic_private.note_audit(regclass, text) IS 'Records that the audit of a table was enabled or disabled.';
REVOKE ALL ON FUNCTION clinic_private.note_audit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.note_audit TO clinic_admin;

CREATE FUNCTION clinic_private.require_retention_class(class text)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    known constant text[] := ARRAY(
        SELECT d.class FROM clinic_private.default_retention() AS d
        UNION SELECT r.class FROM clinic_data.retention_classes AS r WHERE r.tenant_id = clinic.current_tenant_id()
        ORDER BY 1);
BEGIN
    IF require_retention_class.class <> ALL (known) THEN
        PERFORM clinic_private.refuse_argument('class', 'there is no such class of audit records', format('There are %s.', array_to_string(known, ', ')),
            'Another one is declared by clinic.set_retention, in the tenant of the context.');
    END IF;
END
$$;
ALTER FUNCTION clinic_private.require_retention_class OWNER TO clinic_owner;
COMMENT ON FUNCTION clinic_private.require_retention_class(text) IS
    'Refuses a class of audit records that is neither shipped nor declared by the tenant of the context, if there is one. Errors: 22023.';
REVOKE ALL ON FUNCTION clinic_private.require_retention_class FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_retention_class TO clinic_owner, clinic_admin;

CREATE FUNCTION clinic.enable_audit(
    relation regclass,
    key_columns text[] DEFAULT NULL,
    patient_column text DEFAULT NULL,
    class text DEFAULT 'medical',
    secret_columns text[] DEFAULT NULL)
    RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT clinic_private.require_retention_class(enable_audit.class);
    SELECT clinic_private.make_audit(enable_audit.relation, enable_audit.key_columns, enable_audit.patient_column, enable_audit.class,
                                     enable_audit.secret_columns);
    SELECT clinic_private.note_audit(enable_audit.relation, 'enable_audit');
END;
COMMENT ON FUNCTION clinic.enable_audit(regclass, text[], text, text, text[]) IS
    'Lets every change of a table of your own leave a record in the audit: rows added, changed (the fields that differ) and deleted, and TRUNCATE, by whatever statement.
relation: an ordinary or partitioned table that the caller owns. key_columns: what tells rows apart beside tenant_id; by default the primary key. patient_column: uuid.
class: how long records are kept: one of clinic.retention_classes, shipped, or declared by clinic.set_retention in the tenant of the context; tenants that declare
no period for it keep its records as long as the longest. secret_columns: of these a record says only that they changed, as of all of type bytea and of domain
clinic_data.encrypted anyway; ''*'' stands for every column but uuids, booleans and instants, and ''-name'' then excepts one. Again, it replaces what it made. A table without
tenant_id leaves its records with the tenant of the context. For clinic_admin and superusers, with the rights of the caller. Errors: 22004, 42809 (no table of your own),
42501 (not the owner), 42703, 22023.';
REVOKE ALL ON FUNCTION clinic.enable_audit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.enable_audit TO clinic_admin;

CREATE FUNCTION clinic_private.unmake_audit(relation regclass)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    made name;
BEGIN
    IF EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = unmake_audit.relation AND n.nspname = 'clinic_data') THEN
        RAISE EXCEPTION USING ERRCODE = 'wrong_object_type', MESSAGE = format('%s is no table of your own', unmake_audit.relation);
    END IF;
    FOR made IN
        SELECT t.tgname FROM pg_trigger t
         WHERE t.tgrelid = unmake_audit.relation AND t.tgparentid = 0 AND t.tgfoid = 'clinic.audit_change()'::regprocedure
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', made, unmake_audit.relation);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clinic_private.unmake_audit(regclass) IS 'See clinic.disable_audit.';
REVOKE ALL ON FUNCTION clinic_private.unmake_audit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.unmake_audit TO clinic_admin;

CREATE FUNCTION clinic.disable_audit(relation regclass)
    RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT clinic_private.unmake_audit(disable_audit.relation);
    SELECT clinic_private.note_audit(disable_audit.relation, 'disable_audit');
END;
COMMENT ON FUNCTION clinic.disable_audit(regclass) IS
    'Takes back what clinic.enable_audit made, and records that. The records stay. For the owner of the table who is a member of clinic_admin, and superusers.
Errors: 42809 for tables of clinic_data, 42501.';
REVOKE ALL ON FUNCTION clinic.disable_audit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.disable_audit TO clinic_admin;
