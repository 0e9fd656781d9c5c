-- Which tables hold rows of patients, whose reads leave records: see sql/api/78_audit_reads.sql and docs/audit.md.
-- A table with a column patient_id stands here or, with the reason why not, in the test of this list (test/pgtap/audit_reads.sql).

DO $$
DECLARE
    marked record;
BEGIN
    FOR marked IN
        SELECT m.*, c.oid AS relation
          FROM (VALUES
            ('patients', 'patient_id', 'patient_id'),
            ('patient_contacts', 'contact_id', 'patient_id'),
            ('patient_details', 'patient_id', 'patient_id'),
            ('patient_health_items', 'item_id', 'patient_id'),
            ('patient_identifiers', 'identifier_id', 'patient_id'),
            ('consents', 'consent_id', 'patient_id'),
            ('consent_withdrawals', 'consent_id', 'patient_id'),
            ('disclosures', 'disclosure_id', 'patient_id'),
            ('correction_requests', 'request_id', 'patient_id'),
            ('communication_preferences', 'patient_id', 'patient_id'),
            ('dependants', 'patient_id', 'patient_id'),
            ('appointments', 'appointment_id', 'patient_id'),
            ('appointment_charges', 'charge_id', ''),
            ('series', 'series_id', 'patient_id'),
            ('visits', 'visit_id', 'patient_id'),
            ('waitlist_entries', 'entry_id', 'patient_id'),
            ('waitlist_offers', 'offer_id', 'patient_id'),
            ('tickets', 'ticket_id', 'patient_id'),
            ('notifications', 'notification_id', 'patient_id'),
            ('message_replies', 'reply_id', ''),
            ('reminder_plans', 'plan_id', 'patient_id'),
            ('events', 'event_id', 'patient_id'),
            ('outbox', 'message_id', ''),
            ('emergency_accesses', 'access_id', 'patient_id')
          ) AS m (name, key, patient)
          JOIN pg_catalog.pg_class c ON c.relname = m.name AND c.relnamespace = 'clinic_data'::regnamespace
    LOOP
        CALL clinic_private.ensure_read_audit(marked.relation, marked.name, marked.key, marked.patient);
    END LOOP;
END
$$;
