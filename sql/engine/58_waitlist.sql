-- What the waitlist needs of the server.

CREATE FUNCTION clinic_private.become_system(user_id uuid DEFAULT NULL)
RETURNS text
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_become_system';
COMMENT ON FUNCTION clinic_private.become_system(uuid) IS
'Acts as the engine itself in the tenant of the context, with every permission, and returns who acted before, for restore_context: what
a caller sets off for others is not theirs to see. user_id: on whose behalf, for the record. Raises no_context.';
REVOKE ALL ON FUNCTION clinic_private.become_system(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.become_system(uuid) TO clinic_owner;

CREATE FUNCTION clinic_private.anybody_waits()
RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_anybody_waits';
COMMENT ON FUNCTION clinic_private.anybody_waits() IS
'Whether the tenant of the context has any waitlist entry that waits, seen by the caller or not. Raises no_context.';
REVOKE ALL ON FUNCTION clinic_private.anybody_waits() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.anybody_waits() TO clinic_owner;

CREATE FUNCTION clinic_private.keep_freed_time()
RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_keep_freed_time';
COMMENT ON FUNCTION clinic_private.keep_freed_time() IS
'Begins a call of several changes: what they free is not offered to those who wait before clinic_private.tell_kept_time(), since another of them
may need it. False when such a call has begun already, whose end it is to tell. Nothing is kept beyond the transaction.';
REVOKE ALL ON FUNCTION clinic_private.keep_freed_time() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.keep_freed_time() TO clinic_owner;

CREATE FUNCTION clinic_private.tell_kept_time()
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_tell_kept_time';
COMMENT ON FUNCTION clinic_private.tell_kept_time() IS
'Ends what clinic_private.keep_freed_time() began: offers what has been freed since, and is free still.';
REVOKE ALL ON FUNCTION clinic_private.tell_kept_time() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.tell_kept_time() TO clinic_owner;

-- Rules of row security. An entry without a location concerns every branch.
CREATE FUNCTION clinic_private.sees_waitlist(patient_id uuid, provider_id uuid, location_id uuid)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN clinic_private.sees_appointment(sees_waitlist.patient_id,
                                       coalesce(sees_waitlist.provider_id, '00000000-0000-0000-0000-000000000000'::uuid),
                                       coalesce(sees_waitlist.location_id, '00000000-0000-0000-0000-000000000000'::uuid))
    OR sees_waitlist.location_id IS NULL AND (clinic_private.may_at('appointments:read', sees_waitlist.provider_id, NULL)
                                              OR clinic_private.may_at('appointments:read:branch', NULL, NULL));
COMMENT ON FUNCTION clinic_private.sees_waitlist(uuid, uuid, uuid) IS
'Whether the caller may see that somebody waits: as that patient or acting for them, or by appointments:read there. Without a provider or a
location any will do.';

CREATE FUNCTION clinic_private.may_write_waitlist(patient_id uuid, provider_id uuid, location_id uuid)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN clinic_private.may_write_appointment(may_write_waitlist.patient_id,
                                            coalesce(may_write_waitlist.provider_id, '00000000-0000-0000-0000-000000000000'::uuid),
                                            coalesce(may_write_waitlist.location_id, '00000000-0000-0000-0000-000000000000'::uuid))
    OR may_write_waitlist.location_id IS NULL
       AND clinic_private.sees_waitlist(may_write_waitlist.patient_id, may_write_waitlist.provider_id, NULL)
       AND (clinic_private.may_at('appointments:write', may_write_waitlist.provider_id, NULL)
            OR clinic_private.may_at('appointments:write:branch', NULL, NULL));
COMMENT ON FUNCTION clinic_private.may_write_waitlist(uuid, uuid, uuid) IS
'Whether the caller may put such an entry on the waitlist, change it and answer its offers.';

-- The view clinic.waitlist_entries calls it for its readers.
CREATE FUNCTION clinic_private.waitlist_position(entry_id uuid)
RETURNS integer
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
COST 1000
AS 'MODULE_PATHNAME', 'clinic_waitlist_position';
COMMENT ON FUNCTION clinic_private.waitlist_position(uuid) IS
'The place of an entry that the caller sees, from 1, among those who wait for the same service at a common provider, place and date; NULL when it
waits no more. Those ahead are counted, whether the caller sees them or not.';
