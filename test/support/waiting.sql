-- Those who wait, for the pgTAP files of the waitlist: patients a to z of the tenant pg_temp.id(10), who log in as wl_a to wl_z beside the staff wl_....
-- Whoever includes this has made pg_temp.id first.
\ir calls.sql

CREATE FUNCTION pg_temp.pat(name text) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT pg_temp.id(60, pg_catalog.ascii(name) - 96) $$;
CREATE FUNCTION pg_temp.name_of(patient uuid) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT pg_catalog.chr(96 + pg_catalog.right(patient::text, 2)::integer) $$;
CREATE FUNCTION pg_temp.as(who text, command text) RETURNS text LANGUAGE sql AS $$ SELECT pg_temp.answer('wl_' || who, command) $$;
-- The same, undone again.
CREATE FUNCTION pg_temp.would(who text, command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    BEGIN
        result := pg_temp.as(who, command);
        RAISE SQLSTATE 'UNDO0';
    EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
        RETURN result;
    END;
END
$$;
CREATE FUNCTION pg_temp.job(name text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    result bigint;
BEGIN
    PERFORM clinic.use_tenant(pg_temp.id(10)::text);
    PERFORM clinic_private.become_system();
    EXECUTE format('SELECT clinic_private.%I()', name) INTO result;
    PERFORM clinic_private.restore_context('');
    RETURN result;
END
$$;
CREATE FUNCTION pg_temp.offer_of(patient text) RETURNS uuid LANGUAGE sql AS $$
    SELECT o.offer_id FROM clinic_data.waitlist_offers o
     WHERE o.tenant_id = pg_temp.id(10) AND o.patient_id = pg_temp.pat(patient) ORDER BY o.offered_at DESC, o.offer_id DESC LIMIT 1
$$;
CREATE FUNCTION pg_temp.entry_of(patient text) RETURNS uuid LANGUAGE sql AS $$
    SELECT w.entry_id FROM clinic_data.waitlist_entries w
     WHERE w.tenant_id = pg_temp.id(10) AND w.patient_id = pg_temp.pat(patient) ORDER BY w.joined_at DESC, w.entry_id DESC LIMIT 1
$$;
