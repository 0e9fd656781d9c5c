-- Encrypted columns of anybody's tables: the registry, and functions that encrypt, decrypt and index for a registered column. There are no
-- triggers: who writes a row calls clinic.encrypt, who reads it clinic.decrypt.

-- Our own columns. Values are bound to these names for ever.
CREATE FUNCTION clinic_private.encrypted_columns()
    RETURNS TABLE (schema_name text, table_name text, column_name text, tenant_column text, row_column text, patient_column text,
                   bound_table text, bound_column text, index_column text, index_form text)
    LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 20
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT 'clinic_data', c.table_name, c.column_name, 'tenant_id', c.row_column, 'patient_id', 'clinic_data.' || c.table_name, c.column_name,
           c.index_column, CASE WHEN c.index_column IS NOT NULL THEN 'exact' END
    FROM (VALUES ('patient_contacts', 'destination', 'contact_id', 'destination_index'),
                 ('patient_details', 'address', 'patient_id', NULL),
                 ('patient_details', 'emergency_contact', 'patient_id', NULL),
                 ('patient_details', 'blood_group', 'patient_id', NULL),
                 ('patient_health_items', 'item', 'item_id', NULL),
                 ('patient_identifiers', 'value', 'identifier_id', 'value_index'),
                 ('disclosures', 'description', 'disclosure_id', NULL),
                 ('correction_requests', 'request', 'request_id', NULL),
                 ('correction_requests', 'disagreement', 'request_id', NULL)) AS c (table_name, column_name, row_column, index_column)
    WHERE EXISTS (SELECT FROM pg_class AS r WHERE r.relnamespace = to_regnamespace('clinic_data')::oid AND r.relname = c.table_name)
    UNION ALL
    SELECT r.schema_name, r.table_name, r.column_name, r.tenant_column, r.row_column, r.patient_column, r.bound_table, r.bound_column, r.index_column, r.index_form
    FROM clinic_private.registered_columns() AS r;
END;
COMMENT ON FUNCTION clinic_private.encrypted_columns() IS
    'Every column that holds encrypted values, for rotation and for shredding, which empties blind indexes: ours, and those registered in clinic_data.encrypted_columns as
they are by now, whatever the context.';
REVOKE ALL ON FUNCTION clinic_private.encrypted_columns() FROM PUBLIC;
-- clinic.lint() runs with the rights of its caller.
GRANT EXECUTE ON FUNCTION clinic_private.encrypted_columns() TO clinic_owner, clinic_admin;

CREATE FUNCTION clinic_private.put_encrypted_column(
    schema_name text,
    table_name text,
    column_name text,
    tenant_column text,
    row_column text,
    patient_column text,
    index_column text,
    index_form text,
    bound_table text,
    bound_column text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict use_column
DECLARE
    saved constant text := clinic_private.saved_context();
BEGIN
    PERFORM clinic_private.enter_system('00000000-0000-0000-0000-000000000000');
    -- What was registered for the same values and is not there any more has been renamed.
    DELETE FROM clinic_data.encrypted_columns AS c
    WHERE c.bound_table = put_encrypted_column.bound_table AND c.bound_column = put_encrypted_column.bound_column
      AND NOT EXISTS (SELECT FROM pg_attribute AS a JOIN pg_class AS r ON r.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = r.relnamespace
                      WHERE n.nspname = c.schema_name AND r.relname = c.table_name AND a.attname = c.column_name AND NOT a.attisdropped);
    INSERT INTO clinic_data.encrypted_columns AS c (schema_name, table_name, column_name, tenant_column, row_column, patient_column, index_column,
                                                    index_form, bound_table, bound_column)
    VALUES (put_encrypted_column.schema_name, put_encrypted_column.table_name, put_encrypted_column.column_name, put_encrypted_column.tenant_column,
            put_encrypted_column.row_column, put_encrypted_column.patient_column, put_encrypted_column.index_column,
            put_encrypted_column.index_form, put_encrypted_column.bound_table, put_encrypted_column.bound_column)
    ON CONFLICT ON CONSTRAINT encrypted_columns_pkey DO UPDATE
    SET tenant_column = excluded.tenant_column, row_column = excluded.row_column, patient_column = excluded.patient_column,
        index_column = excluded.index_column, index_form = excluded.index_form, bound_table = excluded.bound_table,
        bound_column = excluded.bound_column
    WHERE (c.tenant_column, c.row_column, c.patient_column, c.index_column, c.index_form, c.bound_table, c.bound_column)
          IS DISTINCT FROM (excluded.tenant_column, excluded.row_column, excluded.patient_column, excluded.index_column, excluded.index_form,
                            excluded.bound_table, excluded.bound_column);
    PERFORM clinic_private.restore_context(saved);
END
$$;
ALTER FUNCTION clinic_private.put_encrypted_column OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic_private.put_encrypted_column FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.put_encrypted_column TO clinic_owner, clinic_admin;
COMMENT ON FUNCTION clinic_private.put_encrypted_column(text, text, text, text, text, text, text, text, text, text) IS
    'Writes a column into the registry; the same again changes nothing. Checks nothing about the table. index_form: exact, text, email or phone, with index_column only.';

CREATE FUNCTION clinic_private.drop_encrypted_column(schema_name text, table_name text, column_name text)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    saved constant text := clinic_private.saved_context();
    was_there boolean;
BEGIN
    PERFORM clinic_private.enter_system('00000000-0000-0000-0000-000000000000');
    DELETE FROM clinic_data.encrypted_columns AS c
    WHERE c.schema_name = drop_encrypted_column.schema_name AND c.table_name = drop_encrypted_column.table_name
      AND c.column_name = drop_encrypted_column.column_name;
    was_there := FOUND;
    PERFORM clinic_private.restore_context(saved);
    RETURN was_there;
END
$$;
ALTER FUNCTION clinic_private.drop_encrypted_column OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic_private.drop_encrypted_column FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.drop_encrypted_column TO clinic_owner, clinic_admin;
COMMENT ON FUNCTION clinic_private.drop_encrypted_column(text, text, text) IS 'Takes a column out of the registry, and tells whether it was there.';

-- What is wrong with a column of a table of the caller's; raises it. Runs with the caller's rights.
CREATE FUNCTION clinic_private.check_encrypted_column(
    relation regclass,
    column_name name,
    row_column name,
    patient_column name,
    tenant_column name,
    index_column name,
    index_form text)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    wanted record;
    present oid;
BEGIN
    IF num_nulls(check_encrypted_column.relation, check_encrypted_column.column_name, check_encrypted_column.row_column,
                 check_encrypted_column.tenant_column) > 0 THEN
        RAISE EXCEPTION 'relation, column_name, row_column and tenant_column must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    PERFORM FROM pg_class AS c
    WHERE c.oid = check_encrypted_column.relation AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND NOT c.relispartition
      AND pg_has_role(c.relowner, 'USAGE');
    IF NOT FOUND THEN
        RAISE EXCEPTION 'relation "%" is no table of yours', check_encrypted_column.relation
            USING ERRCODE = 'insufficient_privilege', HINT = 'Only the owner of a table registers its columns; of partitions the parent is registered.';
    END IF;
    IF (check_encrypted_column.index_column IS NULL) <> (check_encrypted_column.index_form IS NULL) THEN
        RAISE EXCEPTION 'index_column and index_form are given together, or neither' USING ERRCODE = 'invalid_parameter_value';
    ELSIF check_encrypted_column.index_form NOT IN ('exact', 'text', 'email', 'phone') THEN
        RAISE EXCEPTION 'index_form must be exact, text, email or phone' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR wanted IN
        SELECT w.* FROM (VALUES
            (check_encrypted_column.column_name, 'bytea'), (check_encrypted_column.row_column, NULL),
            (check_encrypted_column.patient_column, 'uuid'), (check_encrypted_column.tenant_column, 'uuid'),
            (check_encrypted_column.index_column, 'bytea')) AS w (name, type)
        WHERE w.name IS NOT NULL
    LOOP
        SELECT CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END INTO present FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
        WHERE a.attrelid = check_encrypted_column.relation AND a.attname = wanted.name AND a.attnum > 0 AND NOT a.attisdropped;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'table "%" has no column "%"', check_encrypted_column.relation, wanted.name USING ERRCODE = 'undefined_column';
        ELSIF wanted.type IS NOT NULL AND present <> wanted.type::regtype THEN
            RAISE EXCEPTION 'column "%" of "%" has type %, not %', wanted.name, check_encrypted_column.relation, present::regtype, wanted.type
                USING ERRCODE = 'datatype_mismatch',
                      HINT = CASE wanted.name WHEN check_encrypted_column.column_name
                                  THEN 'Add a column of type clinic_data.encrypted (or bytea), and fill it by clinic.encrypt().'
                                  WHEN check_encrypted_column.index_column
                                  THEN 'Add a column of type bytea, and fill it by clinic.blind_index().'
                                  ELSE 'Name a column of that type.' END;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clinic_private.check_encrypted_column(regclass, name, name, name, name, name, text) IS
    'Refuses what cannot be registered as an encrypted column. Errors: 42501, 42703, 42804, 22004, 22023.';
REVOKE ALL ON FUNCTION clinic_private.check_encrypted_column FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.check_encrypted_column TO clinic_admin;

-- Emptying blind indexes is the engine's; it gets the right to do just that.
CREATE FUNCTION clinic_private.grant_blind_index(relation regclass, patient_column name, tenant_column name, index_column name)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF grant_blind_index.index_column IS NOT NULL AND grant_blind_index.patient_column IS NOT NULL THEN
        IF NOT has_schema_privilege('clinic_owner', (SELECT c.relnamespace FROM pg_class AS c WHERE c.oid = grant_blind_index.relation), 'USAGE') THEN
            EXECUTE format('GRANT USAGE ON SCHEMA %s TO clinic_owner',
                (SELECT c.relnamespace::regnamespace FROM pg_class AS c WHERE c.oid = grant_blind_index.relation));
        END IF;
        EXECUTE format('GRANT SELECT (%1$I, %2$I, %3$I), UPDATE (%3$I) ON %4$s TO clinic_owner', grant_blind_index.tenant_column,
            grant_blind_index.patient_column, grant_blind_index.index_column, grant_blind_index.relation);
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.grant_blind_index(regclass, name, name, name) IS
    'Lets clinic_owner empty the blind index of a table of the caller''s. Errors: 42501.';
REVOKE ALL ON FUNCTION clinic_private.grant_blind_index FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.grant_blind_index TO clinic_admin;

CREATE FUNCTION clinic.encrypt_column(
    relation regclass,
    column_name name,
    row_column name,
    patient_column name DEFAULT NULL,
    tenant_column name DEFAULT 'tenant_id',
    index_column name DEFAULT NULL,
    index_form text DEFAULT NULL,
    bound_table text DEFAULT NULL,
    bound_column text DEFAULT NULL)
    RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT clinic_private.check_encrypted_column(encrypt_column.relation, encrypt_column.column_name, encrypt_column.row_column,
               encrypt_column.patient_column, encrypt_column.tenant_column, encrypt_column.index_column, encrypt_column.index_form);
    SELECT clinic_private.grant_blind_index(encrypt_column.relation, encrypt_column.patient_column, encrypt_column.tenant_column,
               encrypt_column.index_column);
    SELECT clinic_private.put_encrypted_column(n.nspname::text, c.relname::text, encrypt_column.column_name::text, encrypt_column.tenant_column::text,
               encrypt_column.row_column::text, encrypt_column.patient_column::text, encrypt_column.index_column::text, encrypt_column.index_form,
               coalesce(encrypt_column.bound_table, format('%I.%I', n.nspname, c.relname)),
               coalesce(encrypt_column.bound_column, encrypt_column.column_name::text))
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = encrypt_column.relation;
END;
REVOKE ALL ON FUNCTION clinic.encrypt_column FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.encrypt_column TO clinic_admin;
COMMENT ON FUNCTION clinic.encrypt_column IS
    'Registers a column of type clinic_data.encrypted (or bytea) of a table of one''s own, so that clinic.encrypt, clinic.decrypt and clinic.blind_index work for it, and
rotation and shredding reach it. Changes no row, adds no trigger. row_column: tells the row, and must not change, for the value is bound to its text; patient_column:
of type uuid, the patient whose key encrypts (null: the tenant''s key); tenant_column: of type uuid. index_column: of type bytea, with a blind index of the value, which
shredding empties (clinic_owner is granted that); index_form: exact, text (case and spaces do not count), email or phone. bound_table, bound_column: what values are bound
to; by default the present names: after a rename give the old ones, as schema.table. For administrators who own the table. Errors: 42501, 42703, 42804, 22004, 22023.';

CREATE FUNCTION clinic.forget_encrypted_column(relation regclass, column_name name)
    RETURNS boolean
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT clinic_private.drop_encrypted_column(n.nspname::text, c.relname::text, forget_encrypted_column.column_name::text)
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = forget_encrypted_column.relation AND pg_has_role(c.relowner, 'USAGE');
END;
REVOKE ALL ON FUNCTION clinic.forget_encrypted_column FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.forget_encrypted_column TO clinic_admin;
COMMENT ON FUNCTION clinic.forget_encrypted_column IS
    'Takes a column out of the registry, and tells whether it was there; null for a table of somebody else. Its values stay, and a rotation of the tenant''s key will destroy
the key of those that it encrypts. For administrators who own the table.';

CREATE FUNCTION clinic_private.require_encrypted_column(relation regclass, column_name name, with_patient boolean)
    RETURNS TABLE (bound_table text, bound_column text, index_form text)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    registered record;
BEGIN
    SELECT c.* INTO registered
    FROM clinic_private.encrypted_columns() AS c
    JOIN pg_namespace AS n ON n.nspname = c.schema_name
    JOIN pg_class AS r ON r.relnamespace = n.oid AND r.relname = c.table_name
    WHERE r.oid = require_encrypted_column.relation AND c.column_name = require_encrypted_column.column_name;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found', 'the column is not registered as encrypted',
            jsonb_build_object('object', 'encrypted_column'), 'Register it with clinic.encrypt_column().');
    ELSIF require_encrypted_column.with_patient IS DISTINCT FROM (registered.patient_column IS NOT NULL) AND require_encrypted_column.with_patient IS NOT NULL THEN
        PERFORM clinic_private.refuse_argument('patient_id', CASE WHEN registered.patient_column IS NULL THEN 'the column belongs to no patient'
                                                                  ELSE 'the column belongs to patients' END);
    END IF;
    RETURN QUERY SELECT registered.bound_table, registered.bound_column, registered.index_form;
END
$$;
COMMENT ON FUNCTION clinic_private.require_encrypted_column(regclass, name, boolean) IS
    'The registered column. with_patient: whether the call names a patient; null: that does not matter. Errors: not_found, 22023.';
REVOKE ALL ON FUNCTION clinic_private.require_encrypted_column FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_encrypted_column TO clinic_owner;

CREATE FUNCTION clinic.encrypt(relation regclass, column_name name, row_id text, plaintext text, patient_id uuid DEFAULT NULL)
    RETURNS bytea
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := clinic_private.require_permission('patients:write');
    place record;
BEGIN
    SELECT * INTO place FROM clinic_private.require_encrypted_column(encrypt.relation, encrypt.column_name, encrypt.patient_id IS NOT NULL) AS p;
    IF encrypt.patient_id IS NOT NULL AND NOT clinic.sees_patient(encrypt.patient_id) THEN
        PERFORM clinic_private.raise_error('not_found', 'the patient does not exist', jsonb_build_object('patient_id', encrypt.patient_id), NULL);
    END IF;
    RETURN clinic_private.encrypt_field(tenant, encrypt.patient_id, place.bound_table, place.bound_column, encrypt.row_id, encrypt.plaintext);
END
$$;
ALTER FUNCTION clinic.encrypt OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.encrypt FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.encrypt TO clinic_user;
COMMENT ON FUNCTION clinic.encrypt IS
    'Encrypts a value for a registered column (clinic.encrypt_column) of one row of the caller''s tenant. row_id: the text of the row column; patient_id: that of the row, where the
column belongs to patients. Each call gives other bytes; null gives null. Permission: patients:write, and seeing the patient.
Errors: key_unavailable, shredded, not_found, forbidden, no_context, 22023, 22004, 25006.';

CREATE FUNCTION clinic.mask(kind text, value text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN CASE
    WHEN mask.value IS NULL THEN NULL
    WHEN length(mask.value) > 4096 THEN '*****'
    -- Long enough that two characters at its end leave it unknown.
    WHEN mask.kind = 'phone' THEN CASE WHEN length(regexp_replace(mask.value, '\D', '', 'g')) >= 7
                                       THEN '*****' || right(regexp_replace(mask.value, '\D', '', 'g'), 2) ELSE '*****' END
    WHEN mask.kind = 'id' THEN CASE WHEN length(mask.value) >= 8 THEN '*****' || right(mask.value, 2) ELSE '*****' END
    WHEN mask.kind = 'email' THEN CASE WHEN mask.value ~ '^[^@]{3,}@[^@]+\.[^@.]+$' THEN left(mask.value, 1) || '*****@*****' || substring(mask.value FROM '\.[^@.]+$')
                                       ELSE '*****' END
    WHEN mask.kind = 'name' THEN left(mask.value, 1) || '*****'
    WHEN mask.kind = 'date' THEN '****-**-**'
    ELSE '*****' END;
COMMENT ON FUNCTION clinic.mask(text, text) IS
    'A value so that it can be recognised by who knows it, and not read by who does not. kind: phone and id leave the last two characters, of long ones; email the first one
and the ending; name the first one; date and anything else nothing, not even the length. Null gives null.';
REVOKE ALL ON FUNCTION clinic.mask FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.mask TO clinic_user, clinic_owner;

CREATE FUNCTION clinic.decrypt(
    relation regclass,
    column_name name,
    row_id text,
    ciphertext bytea,
    patient_id uuid DEFAULT NULL,
    mask_as text DEFAULT NULL)
    RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := clinic_private.require_tenant();
    whole constant boolean := CASE WHEN decrypt.patient_id IS NULL THEN clinic.has_permission('patients:read')
                                   ELSE clinic_private.sees_whole_patient(decrypt.patient_id) END;
    place record;
    plain text;
BEGIN
    IF NOT whole AND (decrypt.mask_as IS NULL OR decrypt.patient_id IS NOT NULL AND NOT clinic.sees_patient(decrypt.patient_id)
                      OR NOT clinic.has_permission('patients:read:limited')) THEN
        PERFORM clinic_private.raise_error('forbidden', NULL, '{"permission": "patients:read"}', NULL);
    END IF;
    SELECT * INTO place FROM clinic_private.require_encrypted_column(decrypt.relation, decrypt.column_name, decrypt.patient_id IS NOT NULL) AS p;
    plain := clinic_private.decrypt_field(tenant, decrypt.patient_id, place.bound_table, place.bound_column, decrypt.row_id, decrypt.ciphertext);
    RETURN CASE WHEN whole THEN plain ELSE clinic.mask(decrypt.mask_as, plain) END;
END
$$;
ALTER FUNCTION clinic.decrypt OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.decrypt FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.decrypt TO clinic_user;
COMMENT ON FUNCTION clinic.decrypt IS
    'What clinic.encrypt encrypted for this column, row and patient. Permission: patients:read for the patient (or one''s own data, or for a column of no patient any
patients:read). mask_as: who has only patients:read:limited gets clinic.mask(mask_as, value) instead of an error. Null gives null.
Errors: decryption_failed, whatever the cause; key_unavailable, not_found, forbidden, no_context, 22023, 22004.';

CREATE FUNCTION clinic_private.normalised(form text, value text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN CASE form
    WHEN 'exact' THEN value
    WHEN 'email' THEN lower(btrim(value))
    WHEN 'phone' THEN regexp_replace(regexp_replace(value, '[^0-9+]', '', 'g'), '^00', '+')
    ELSE lower(btrim(regexp_replace(CASE WHEN getdatabaseencoding() = 'UTF8' THEN normalize(value, NFKC) ELSE value END, '\s+', ' ', 'g'))) END;
COMMENT ON FUNCTION clinic_private.normalised(text, text) IS 'A value as blind indexes take it. form: exact, email, phone; anything else: text.';
REVOKE ALL ON FUNCTION clinic_private.normalised FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.normalised TO clinic_owner;

CREATE FUNCTION clinic.blind_index(relation regclass, column_name name, value text)
    RETURNS bytea
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := clinic_private.require_permission('patients:read');
    place record;
BEGIN
    SELECT * INTO place FROM clinic_private.require_encrypted_column(blind_index.relation, blind_index.column_name, NULL) AS p;
    IF place.index_form IS NULL THEN
        PERFORM clinic_private.refuse_argument('column_name', 'the column has no blind index', hint => 'Register it with index_column and index_form.');
    END IF;
    RETURN clinic_private.blind_index(tenant, place.bound_table || '.' || place.bound_column,
        clinic_private.normalised(place.index_form, blind_index.value));
END
$$;
ALTER FUNCTION clinic.blind_index OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.blind_index FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.blind_index TO clinic_user;
COMMENT ON FUNCTION clinic.blind_index IS
    'Eight bytes that are equal for equal values (normalised as the column was registered) of the caller''s tenant: what the index column holds, and what to look for in
it; then decrypt and compare, for two values may have the same. It tells who reads the table which rows have equal values: no use for columns of few values. Null gives
null, and so does a tenant without any in a read-only transaction. Permission: patients:read. Errors: key_unavailable, not_found, forbidden, no_context, 22023.';
