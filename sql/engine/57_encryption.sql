-- Encrypted fields. docs/encryption.md says what they are. Nobody but the functions that have checked the caller may call these.

CREATE FUNCTION clinic_private.encrypt_field(
    tenant_id uuid,
    patient_id uuid,
    table_name text,
    column_name text,
    row_id text,
    plaintext text)
RETURNS bytea
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_encrypt_field';
COMMENT ON FUNCTION clinic_private.encrypt_field(uuid, uuid, text, text, text, text) IS
'Encrypts a value for one place, by the patient''s key, or (patient_id null) the tenant''s; makes the key when there is none. Each
call gives other bytes. Checks no permission. plaintext: null gives null. Raises key_unavailable, shredded, not_found, 22004, 25006.';

CREATE FUNCTION clinic_private.decrypt_field(
    tenant_id uuid,
    patient_id uuid,
    table_name text,
    column_name text,
    row_id text,
    ciphertext bytea)
RETURNS text
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'clinic_decrypt_field';
COMMENT ON FUNCTION clinic_private.decrypt_field(uuid, uuid, text, text, text, bytea) IS
'What was encrypted for this place. Checks no permission. ciphertext: null gives null. Raises decryption_failed, whatever the cause;
key_unavailable when the master key is not there; 22004.';

CREATE FUNCTION clinic_private.decrypted_field(
    tenant_id uuid,
    patient_id uuid,
    table_name text,
    column_name text,
    row_id text,
    ciphertext bytea)
RETURNS text
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'clinic_decrypted_field';
COMMENT ON FUNCTION clinic_private.decrypted_field(uuid, uuid, text, text, text, bytea) IS
'As decrypt_field; null for what does not decrypt. Raises key_unavailable when the master key is not there; 22004.';

CREATE FUNCTION clinic_private.blind_index(tenant_id uuid, index_name text, normalised text)
RETURNS bytea
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_blind_index';
COMMENT ON FUNCTION clinic_private.blind_index(uuid, text, text) IS
'Eight bytes by which equal values of one index of one tenant are found: keyed, so that they tell nothing to who has no key. normalised:
null gives null. Where the tenant has no key yet it is made; in a read-only transaction the answer is null, since nothing was ever indexed.
Raises key_unavailable, not_found, 22004.';

CREATE FUNCTION clinic.is_encrypted(value bytea)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_is_encrypted';
COMMENT ON FUNCTION clinic.is_encrypted(bytea) IS
'Whether the bytes have the form of an encrypted value: the check of the domain clinic_data.encrypted. It says nothing about their being
genuine.';

REVOKE ALL ON FUNCTION clinic_private.encrypt_field(uuid, uuid, text, text, text, text),
    clinic_private.decrypt_field(uuid, uuid, text, text, text, bytea), clinic_private.decrypted_field(uuid, uuid, text, text, text, bytea),
    clinic_private.blind_index(uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.encrypt_field(uuid, uuid, text, text, text, text),
    clinic_private.decrypt_field(uuid, uuid, text, text, text, bytea), clinic_private.decrypted_field(uuid, uuid, text, text, text, bytea),
    clinic_private.blind_index(uuid, text, text) TO clinic_owner;
