-- The audit of reads: the mark of tables whose reads are recorded, and the spool.

CREATE FUNCTION clinic_private.audit_reads()
    RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'clinic_audit_reads';
COMMENT ON FUNCTION clinic_private.audit_reads() IS
    'Trigger that marks a table of patients'' data: reads of its rows leave records. It does nothing when it fires. Arguments: the table''s name, its key column
(of type uuid), its patient column (of type uuid) or nothing.';

CREATE FUNCTION clinic_private.record_reads(table_name text, row_ids uuid[], patient_ids uuid[] DEFAULT NULL, action text DEFAULT NULL)
    RETURNS void
    LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'clinic_record_reads';
COMMENT ON FUNCTION clinic_private.record_reads(text, uuid[], uuid[], text) IS
    'Records that rows leave, for functions that return rows of patients which no watched statement reads. patient_ids: of whom they are; action: view, export or print,
by default what clinic.access_action says. The record is in the spool when this returns. Errors: 22004, 53100, 58030, 25006 on a standby.';

CREATE FUNCTION clinic_private.spool_files()
    RETURNS TABLE (spool text, of_this_database boolean, bytes bigint, changed_at timestamptz)
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'clinic_spool_files';
COMMENT ON FUNCTION clinic_private.spool_files() IS 'The files of the spool, those of other databases too. Errors: 58030.';

CREATE FUNCTION clinic_private.spool_trouble()
    RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'clinic_spool_trouble';
COMMENT ON FUNCTION clinic_private.spool_trouble() IS 'What is wrong with the directory of the spool; null for nothing.';

CREATE FUNCTION clinic_private.ingest_spool(spool text, begins_at bigint, most integer)
    RETURNS TABLE (ends_at bigint, records bigint, written bigint, state text, writer_lives boolean)
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'clinic_ingest_spool';
COMMENT ON FUNCTION clinic_private.ingest_spool(text, bigint, integer) IS
    'Brings up to so many records of a file, from a byte on, into the audit, but for those that are there. Returns where it ended, how many records it read and wrote, and
state: whole (nothing is left), partly, or damaged (what follows cannot be read); no row when the file is gone. Errors: 22023, 58030, 25006.';

CREATE FUNCTION clinic_private.remove_spool(spool text, damaged boolean)
    RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'clinic_remove_spool';
COMMENT ON FUNCTION clinic_private.remove_spool(text, boolean) IS
    'Removes a file of the spool whose records are all in the audit, or, damaged, renames it to keep it. Not undone by ROLLBACK. Errors: 22023, 58030.';

REVOKE ALL ON FUNCTION clinic_private.audit_reads, clinic_private.record_reads, clinic_private.spool_files, clinic_private.spool_trouble,
    clinic_private.ingest_spool, clinic_private.remove_spool FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.audit_reads, clinic_private.record_reads, clinic_private.spool_files, clinic_private.spool_trouble,
    clinic_private.ingest_spool, clinic_private.remove_spool TO clinic_owner;
