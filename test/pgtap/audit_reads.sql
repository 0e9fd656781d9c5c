-- The audit of reads: which tables are marked, which functions say what they return, and that they do.
BEGIN;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL client_min_messages = error;
SET LOCAL clinic.clock = '2027-03-01 06:00Z';
SET LOCAL timezone = 'UTC';
SELECT no_plan();

-- ---------------------------------------------------------------------------------------------------------------------
-- Every table with a column of patients is marked, or here is why not.

SELECT is_empty($$
    SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname LIKE '%patient\_id' AND NOT a.attisdropped
     WHERE c.relnamespace = 'clinic_data'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgfoid = 'clinic_private.audit_reads()'::regprocedure)
       AND c.relname NOT IN ('audit_records', 'audit_read_patients', -- the audit itself
                             'legal_holds', 'shredded_patients', 'patient_keys', -- that there is a hold, a tombstone, a wrapped key
                             'logins', 'users', -- who may sign in
                             'blocks', 'patient_resources', 'hold_tokens', -- times and tokens
                             'patient_search_keys', -- hashes of how names sound, for the engine
                             'patient_merges', 'distinct_patients') -- ids $$,
    'every table with a column of patients is marked, or excepted with a reason');
SELECT is_empty($$
    SELECT t.tgrelid::regclass, t.tgenabled FROM pg_trigger t WHERE t.tgfoid = 'clinic_private.audit_reads()'::regprocedure AND t.tgenabled <> 'A' $$,
    'the marks stand');

-- ---------------------------------------------------------------------------------------------------------------------
-- Every function with something of patients in its result records its reads, or here is why not.

CREATE TEMPORARY TABLE read_functions (function text PRIMARY KEY, recorded boolean NOT NULL, remark text);
INSERT INTO read_functions
SELECT f, true, 'its statements are watched'
  FROM unnest('{affected_by_block,calendar,claim_deliveries,claim_due_notifications,claim_events,claim_messages,day_sheet,day_sheet_text,diary_as_of,
                get_appointment,list_appointments,list_patients,preview_schedule_change,reassign_day,record_reply,running_late,time_zone_drift}'::text[]) AS f;
INSERT INTO read_functions SELECT f, true, 'says so itself'
  FROM unnest('{find_conflicts,find_duplicates,list_duplicates,get_patient,patient_profile,search_patients,accounting_of_disclosures,read_correction}'::text[]) AS f;
INSERT INTO read_functions VALUES ('export_patient', true, 'writes the record of an export itself');
INSERT INTO read_functions SELECT f, false, 'ids, of the audit'
  FROM unnest('{breach_report,emergency_access_report,unusual_accesses,user_activity_report}'::text[]) AS f;
INSERT INTO read_functions
SELECT f, false, 'the change that it makes has a record'
  FROM unnest('{book_appointment,cancel_appointment,reschedule_appointment,swap_appointments,hold_slot,extend_hold,confirm_hold,approve_appointment,
                confirm_appointment,start_visit,complete_visit,decline_appointment,reinstate_appointment,book_seat,join_waitlist,accept_offer,offer_slot,
                book_series,cancel_series,edit_series,book_first_available,book_visit,cancel_visit,move_visit,check_in,undo_check_in,announce_delay,
                call_next,change_ticket,book_walk_in,mark_no_show,reverse_no_show,clear_no_show_flag,settle_charge,waive_charge,cancel_appointments,
                book_appointments,reschedule_appointments}'::text[]) AS f;
INSERT INTO read_functions VALUES
    ('whoami', false, 'oneself'),
    ('mapped_logins', false, 'who may sign in'),
    ('blocked_times', false, 'times kept for somebody, of blocks');

SELECT is_empty($$
    SELECT DISTINCT p.proname FROM pg_proc p CROSS JOIN LATERAL unnest(p.proargnames, p.proargmodes) AS u (name, mode)
     WHERE p.pronamespace = 'clinic'::regnamespace AND u.mode IN ('t', 'o', 'b')
       AND u.name ~ '^(patient|other_patient|mrn|destination|contact|entry_id|appointment_id|date_of_birth)'
       AND p.proname NOT IN (SELECT f.function FROM read_functions f) $$,
    'every function with something of patients in its result is on the list');
SELECT set_eq($$ SELECT p.proname::text FROM pg_proc p WHERE p.pronamespace = 'clinic'::regnamespace AND 'clinic.record_own_reads=on' = ANY (p.proconfig) $$,
              $$ SELECT f.function FROM read_functions f WHERE f.recorded AND f.remark = 'its statements are watched' $$,
              'the statements of those that return rows are watched');
SELECT is_empty($$ SELECT f.function FROM read_functions f WHERE f.function NOT IN (SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'clinic'::regnamespace) $$,
                'the list names no other');

-- ---------------------------------------------------------------------------------------------------------------------
-- Each is called, and what it returns is in the audit.

CREATE FUNCTION pg_temp.id(kind integer, number integer DEFAULT 1) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT pg_catalog.format('000000aa-00%s-7000-8000-%s', kind, pg_catalog.lpad(number::text, 12, '0'))::uuid $$;
SELECT clinic.create_tenant('audit-reads', 'Reads', tenant_id => pg_temp.id(10)) \g /dev/null
SELECT clinic.update_tenant('{"consumes_events": true}'), clinic.create_location('Place', 'Etc/UTC', location_id => pg_temp.id(20)),
       clinic.create_provider('Doctor', 'Etc/UTC', provider_id => pg_temp.id(30)), clinic.create_service('Visit', 30, service_id => pg_temp.id(50)),
       clinic.create_patient('Patient 1', patient_id => pg_temp.id(60)), clinic.create_patient('Patient 2', patient_id => pg_temp.id(60, 2)) \g /dev/null
SELECT clinic.offer_service(pg_temp.id(50), pg_temp.id(30)), clinic.add_hours(pg_temp.id(30), pg_temp.id(20), 'FREQ=DAILY', '06:00', '20:00') \g /dev/null
CREATE TEMPORARY TABLE booked AS
SELECT b.appointment_id FROM clinic.book_appointment(pg_temp.id(50), pg_temp.id(60), '2027-03-01 09:00Z', pg_temp.id(30)) b;
INSERT INTO booked SELECT b.appointment_id FROM clinic.book_appointment(pg_temp.id(50), pg_temp.id(60, 2), '2027-03-02 09:00Z', pg_temp.id(30)) b;
SELECT clinic.set_patient_contact(pg_temp.id(60), 'sms', '+15550100123'), clinic.request_correction(pg_temp.id(60), 'Born in May') \g /dev/null
SELECT clinic.create_patient('Patient 1', patient_id => pg_temp.id(60, 3)), clinic.set_patient_contact(pg_temp.id(60, 3), 'sms', '+15550100123') \g /dev/null
SELECT clinic.add_block('2027-03-02 08:00Z', '2027-03-02 08:30Z', pg_temp.id(30), block_id => pg_temp.id(70)) \g /dev/null

CREATE FUNCTION pg_temp.records(what text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    known uuid[];
    found bigint;
BEGIN
    PERFORM clinic.ingest_audit();
    known := ARRAY(SELECT a.audit_id FROM clinic_data.audit_records a WHERE a.tenant_id = pg_temp.id(10));
    EXECUTE 'SELECT * FROM ' || what;
    PERFORM clinic.ingest_audit();
    SELECT count(*) INTO found FROM clinic_data.audit_records a
     WHERE a.tenant_id = pg_temp.id(10) AND a.audit_id <> ALL (known) AND a.action = 'view' AND cardinality(a.row_ids) > 0;
    RETURN found;
END
$$;
SELECT cmp_ok(pg_temp.records(c.call), '>', 0::bigint, c.call || ' records its reads')
  FROM (VALUES ('clinic.calendar(''2027-03-01 00:00Z'', ''2027-03-02 00:00Z'')'),
               ('clinic.day_sheet(''2027-03-01'')'),
               ('clinic.day_sheet_text(''2027-03-01'')'),
               ('clinic.diary_as_of(pg_temp.id(30), ''2027-03-01'', clock_timestamp() + interval ''10 years'')'),
               ('clinic.get_appointment((SELECT min(b.appointment_id::text)::uuid FROM booked b))'),
               ('clinic.get_patient(pg_temp.id(60))'),
               ('clinic.patient_profile(pg_temp.id(60))'),
               ('clinic.search_patients(name => ''Patient'')'),
               ('clinic.find_duplicates(demographics => ''{"name": "Patient 1"}'', threshold => 0.1)'),
               ('clinic.find_duplicates(pg_temp.id(60), threshold => 0)'),
               ('clinic.list_duplicates(''low'')'),
               ('clinic.accounting_of_disclosures(pg_temp.id(60))'),
               ('clinic.read_correction((SELECT r.request_id FROM clinic.correction_requests r))'),
               ('clinic.list_appointments(''2027-03-01 00:00Z'', ''2027-03-02 00:00Z'')'),
               ('clinic.list_patients()'),
               ('clinic.find_conflicts(pg_temp.id(50), ''2027-03-01 09:00Z'', pg_temp.id(30))'),
               ('clinic.running_late(pg_temp.id(30), pg_temp.id(20))'),
               ('clinic.preview_schedule_change(jsonb_build_object(''kind'', ''add_leave'', ''resource_id'', pg_temp.id(30), ''from_on'', ''2027-03-01'', ''until_on'', ''2027-03-02''))'),
               ('clinic.claim_events()'),
               ('clinic.claim_due_notifications()')) AS c (call);
SELECT is(pg_temp.records('clinic.available_slots(pg_temp.id(50), ''2027-03-01 06:00Z'', ''2027-03-01 12:00Z'')'), 0::bigint, 'a search for free time returns nothing of patients');

-- What is said by hand.
SELECT clinic_private.record_reads('somewhere', ARRAY[pg_temp.id(60, 2), pg_temp.id(60)], ARRAY[pg_temp.id(60)], 'print') \g /dev/null
SELECT clinic.ingest_audit() \g /dev/null
SELECT results_eq($$ SELECT a.row_ids, a.patient_id, a.row_count FROM clinic_data.audit_records a WHERE a.tenant_id = pg_temp.id(10) AND a.action = 'print' AND a.table_name = 'somewhere' $$,
                  $$ VALUES (ARRAY[pg_temp.id(60), pg_temp.id(60, 2)], pg_temp.id(60), 2::bigint) $$, 'record_reads says what it is told');
SELECT is_empty($$ SELECT a.audit_id FROM clinic_data.audit_records a WHERE a.tenant_id = pg_temp.id(10) AND clinic_private.audit_leaf(a) <> a.leaf_hash $$,
                'the leaves of ingested records are right');
SELECT finish();
ROLLBACK;
