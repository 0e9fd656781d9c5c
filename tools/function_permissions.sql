-- Who may call what: one row for each function of schema clinic, reviewed by people and held against the catalog and against real
-- calls by test/pgtap/role_matrix.sql. tools/role_matrix.sh writes docs/role_matrix.md from it.
--
--   function   name without schema; overloads are alike
--   executes   who has EXECUTE: public (PUBLIC), anon (clinic_anon, clinic_user), user (clinic_user), admin (clinic_admin), owner,
--              keys (clinic_admin, clinic_gateway), jobs (clinic_admin, clinic_system), gateway (clinic_anon, clinic_gateway, clinic_user; refuses who is no gateway)
--   needs      permissions, all of them; a|b where one of several is enough; empty: none, the rows that one sees decide
--   scopes     whether a grant of scope own or branch is enough for what is one's own
--   patients   whether patients may, for themselves and their dependants
--   call       a harmless call, in which own things stand in braces; null for what is not called in the test
CREATE TEMPORARY TABLE function_permissions (
    function text PRIMARY KEY,
    executes text NOT NULL,
    needs text NOT NULL DEFAULT '',
    scopes boolean NOT NULL DEFAULT false,
    patients boolean NOT NULL DEFAULT false,
    call text
);

-- What computes or tells about oneself, and touches no row of the tenant.
INSERT INTO pg_temp.function_permissions (function, executes)
SELECT f, 'public'
FROM unnest('{error_codes,now,is_time_zone,canonical_time_zone,new_id,uuid_floor,is_rrule,is_hours_rule,describe_rrule,occurrences,
              next_occurrence,previous_occurrence,is_occurrence,rule_hours,free_time,cut_slots,local_instant,version,current_tenant_id,
              current_user_id,current_patient_id,current_provider_id,has_permission,is_permission,whoami,sees_all_locations,sees_location,
              sees_patient,event_names,is_public_address,is_encrypted}'::text[]) AS f;

INSERT INTO pg_temp.function_permissions (function, executes)
SELECT f, 'owner' FROM unnest('{install,migrate}'::text[]) AS f;

INSERT INTO pg_temp.function_permissions (function, executes, call)
VALUES ('schema_status', 'admin', 'clinic.schema_status()'),
       ('seal_audit', 'jobs', 'clinic.seal_audit()'),
       ('audit_status', 'admin', 'clinic.audit_status()'),
       ('audit_heads', 'admin', 'clinic.audit_heads()'),
       ('verify_audits', 'admin', 'clinic.verify_audits()'),
       ('use_tenant', 'admin', 'clinic.use_tenant(''role-matrix'')'),
       ('create_tenant', 'admin', 'clinic.create_tenant(''role-matrix-2'', ''X'')'),
       ('map_login', 'admin', 'clinic.map_login(''postgres'', ''admin'', ''{*}'')'),
       ('mapped_logins', 'admin', 'clinic.mapped_logins()'),
       ('unmap_login', 'admin', 'clinic.unmap_login(''postgres'')'),
       ('rate_limits', 'admin', 'clinic.rate_limits()'),
       ('create_signing_key', 'admin', 'clinic.create_signing_key()'),
       ('add_token_key', 'admin', 'clinic.add_token_key(''matrix'', ''HS256'', ''x'', ''i'', ''a'')'),
       ('remove_token_key', 'admin', 'clinic.remove_token_key(''matrix'')'),
       ('token_keys', 'admin', 'clinic.token_keys()'),
       ('enable_tenant_rls', 'admin', 'clinic.enable_tenant_rls(''pg_catalog.pg_class'')'),
       ('protect', 'admin', 'clinic.protect(''pg_catalog.pg_class'', ''users:read'')'),
       ('disable_tenant_rls', 'admin', 'clinic.disable_tenant_rls(''pg_catalog.pg_class'')'),
       ('audit_change', 'admin', NULL),
       ('enable_audit', 'admin', 'clinic.enable_audit(''pg_catalog.pg_class'')'),
       ('disable_audit', 'admin', 'clinic.disable_audit(''clinic_data.patients'')'),
       ('lint', 'admin', 'clinic.lint()'),
       ('encryption_status', 'admin', 'clinic.encryption_status()'),
       ('rotate_master_key', 'admin', 'clinic.rotate_master_key()'),
       ('rotate_tenant_key', 'admin', 'clinic.rotate_tenant_key(NULL)'),
       ('shred_list', 'admin', 'clinic.shred_list()'),
       ('apply_shred_list', 'admin', 'clinic.apply_shred_list(''[]'')'),
       ('encrypt_column', 'admin', 'clinic.encrypt_column(''pg_catalog.pg_class'', ''relname'', ''oid'')'),
       ('forget_encrypted_column', 'admin', 'clinic.forget_encrypted_column(''pg_catalog.pg_class'', ''relname'')'),
       ('run_jobs', 'jobs', 'clinic.run_jobs(''{}'')'),
       ('job_status', 'admin', 'clinic.job_status()'),
       ('schedule_jobs', 'admin', 'clinic.schedule_jobs()'),
       ('unschedule_jobs', 'admin', 'clinic.unschedule_jobs()'),
       ('set_assignment_expression', 'admin', 'clinic.set_assignment_expression(NULL)'),
       ('jwks', 'keys', 'clinic.jwks()'),
       ('pre_request', 'gateway', 'clinic.pre_request()');

-- Coming in: what is handed in decides, not who calls.
INSERT INTO pg_temp.function_permissions (function, executes, call)
VALUES ('authenticate', 'anon', 'clinic.authenticate(''x'')'),
       ('authenticate_key', 'anon', 'clinic.authenticate_key(''x'')'),
       ('enter_public', 'anon', 'clinic.enter_public(''no-such-page'')'),
       ('sign_in', 'anon', 'clinic.sign_in(''no-such-tenant'', ''x@example.org'', ''x'')'),
       ('refresh', 'anon', 'clinic.refresh(''x'')'),
       ('sign_out', 'anon', 'clinic.sign_out(everywhere => true)'),
       ('request_code', 'anon', 'clinic.request_code(''role-matrix'', ''x@example.org'')'),
       ('sign_in_with_code', 'anon', 'clinic.sign_in_with_code(''no-such-tenant'', ''x@example.org'', ''000000'')'),
       ('verify_identifier', 'anon', 'clinic.verify_identifier(''no-such-tenant'', ''x@example.org'', ''000000'')'),
       ('reset_password', 'anon', 'clinic.reset_password(''no-such-tenant'', ''x@example.org'', ''000000'', ''a sentence nobody guesses'')');

-- Of oneself alone; sign_in_events shows with users:read those of the whole tenant.
INSERT INTO pg_temp.function_permissions (function, executes, call)
VALUES ('set_password', 'user', 'clinic.set_password(''a sentence nobody guesses'')'),
       ('my_sessions', 'user', 'clinic.my_sessions()'),
       ('end_session', 'user', 'clinic.end_session({nobody})'),
       ('sign_in_events', 'user', 'clinic.sign_in_events()');

-- Searching, and what else needs no permission: what is found depends on what the caller sees.
INSERT INTO pg_temp.function_permissions (function, executes, call)
VALUES ('available_slots', 'anon', 'clinic.available_slots({service}, {at}, {at} + interval ''1 day'')'),
       ('first_available', 'anon', 'clinic.first_available({service}, {at}, {at} + interval ''1 day'')'),
       ('available_days', 'anon', 'clinic.available_days({service}, {at}, {at} + interval ''1 day'')'),
       ('explain_slot', 'anon', 'clinic.explain_slot({service}, {at})'),
       ('find_conflicts', 'user', 'clinic.find_conflicts({service}, {at}, {provider})'),
       ('open_hours', 'user', 'clinic.open_hours(ARRAY[{provider}], {at}, {at} + interval ''1 day'')'),
       ('blocked_times', 'user', 'clinic.blocked_times(ARRAY[{provider}], {at}, {at} + interval ''1 day'')'),
       ('list_appointments', 'user', 'clinic.list_appointments()'),
       ('list_patients', 'user', 'clinic.list_patients()'),
       ('get_appointment', 'user', 'clinic.get_appointment({appointment})'),
       ('get_patient', 'user', 'clinic.get_patient({patient})'),
       ('booking_page', 'anon', 'clinic.booking_page()'),
       ('search_providers', 'anon', 'clinic.search_providers()'),
       ('search_slots', 'anon', 'clinic.search_slots({service}, {at}, {at} + interval ''1 day'')'),
       ('find_itineraries', 'anon', 'clinic.find_itineraries(jsonb_build_array(jsonb_build_object(''service_id'', {service})), {at}, {at} + interval ''1 day'')'),
       -- Each element is judged as a single call is, and refused by its outcome.
       ('book_appointments', 'user', 'clinic.book_appointments(''[{}]'')'),
       ('reschedule_appointments', 'user', 'clinic.reschedule_appointments(''[{}]'')'),
       ('cancel_appointments', 'user', 'clinic.cancel_appointments(ARRAY[{appointment}])'),
       ('no_show_count', 'user', 'clinic.no_show_count({patient})'),
       -- Refused where the charge is, or not found.
       ('settle_charge', 'user', 'clinic.settle_charge({nobody})'),
       ('waive_charge', 'user', 'clinic.waive_charge({nobody}, ''X'')'),
       ('time_zone_drift', 'user', 'clinic.time_zone_drift()'),
       -- Whose the token is decides.
       ('extend_hold', 'user', 'clinic.extend_hold(''x'')'),
       ('confirm_hold', 'user', 'clinic.confirm_hold(''x'')'),
       ('release_hold', 'user', 'clinic.release_hold(''x'')'),
       ('mask', 'user', 'clinic.mask(''phone'', ''x'')'),
       ('declare_purpose', 'user', 'clinic.declare_purpose(''TREAT'')'),
       ('end_break_glass', 'user', 'clinic.end_break_glass({nobody})');

INSERT INTO pg_temp.function_permissions (function, executes, needs, scopes, patients, call)
VALUES
    -- The sealed audit.
    ('audit_head', 'user', 'audit:read', false, false, 'clinic.audit_head()'),
    ('audit_inclusion_proof', 'user', 'audit:read', false, false, 'clinic.audit_inclusion_proof(clinic.new_id())'),
    ('audit_consistency_proof', 'user', 'audit:read', false, false, 'clinic.audit_consistency_proof(1)'),
    ('verify_audit', 'user', 'audit:read', false, false, 'clinic.verify_audit()'),
    -- Booking.
    ('book_appointment', 'user', 'appointments:read appointments:write', true, true, 'clinic.book_appointment({service}, {patient}, {at} + interval ''2 hours'', {provider})'),
    ('reschedule_appointment', 'user', 'appointments:read appointments:write', true, true, 'clinic.reschedule_appointment({appointment}, {at} + interval ''3 hours'')'),
    ('cancel_appointment', 'user', 'appointments:read appointments:write', true, true, 'clinic.cancel_appointment({appointment})'),
    ('hold_slot', 'user', 'appointments:read appointments:write', true, true, 'clinic.hold_slot({service}, {patient}, {at} + interval ''4 hours'', {provider})'),
    ('approve_appointment', 'user', 'appointments:read appointments:write', true, false, 'clinic.approve_appointment({appointment})'),
    ('decline_appointment', 'user', 'appointments:read appointments:write', true, false, 'clinic.decline_appointment({appointment})'),
    ('confirm_appointment', 'user', 'appointments:read appointments:write', true, true, 'clinic.confirm_appointment({appointment})'),
    ('start_visit', 'user', 'appointments:read appointments:write', true, false, 'clinic.start_visit({appointment})'),
    ('complete_visit', 'user', 'appointments:read appointments:write', true, false, 'clinic.complete_visit({appointment})'),
    ('reinstate_appointment', 'user', 'appointments:read appointments:write', true, false, 'clinic.reinstate_appointment({appointment})'),
    ('book_series', 'user', 'appointments:read appointments:write', true, true, 'clinic.book_series({service}, {patient}, ''FREQ=WEEKLY;COUNT=2'', starts_at => {at} + interval ''4 hours'', provider_id => {provider}, location_id => {location})'),
    ('preview_series', 'user', 'appointments:read appointments:write', true, true, 'clinic.preview_series({service}, {patient}, ''FREQ=WEEKLY;COUNT=2'', starts_at => {at} + interval ''4 hours'', provider_id => {provider}, location_id => {location})'),
    ('edit_series', 'user', 'appointments:read appointments:write', true, true, 'clinic.edit_series({series}, ''all'', duration => ''30 minutes'')'),
    ('cancel_series', 'user', 'appointments:read appointments:write', true, true, 'clinic.cancel_series({series}, ''all'')'),
    ('book_seat', 'user', 'appointments:read appointments:write', true, true, 'clinic.book_seat({nobody}, {patient})'),
    ('create_session', 'user', 'schedules:write', true, false, 'clinic.create_session({service}, {provider}, {at} + interval ''7 hours'')'),
    ('move_session', 'user', 'schedules:write', false, false, 'clinic.move_session({nobody}, {at})'),
    ('set_session_capacity', 'user', 'schedules:write', false, false, 'clinic.set_session_capacity({nobody}, 5)'),
    ('cancel_session', 'user', 'schedules:write', false, false, 'clinic.cancel_session({nobody})'),
    ('swap_appointments', 'user', 'appointments:read appointments:write', true, false, 'clinic.swap_appointments({appointment}, {other_appointment})'),
    -- Encrypted columns of one's own tables.
    ('encrypt', 'user', 'patients:write', false, false, 'clinic.encrypt(''pg_catalog.pg_class'', ''relname'', ''1'', ''x'')'),
    ('decrypt', 'user', 'patients:read', false, false, 'clinic.decrypt(''pg_catalog.pg_class'', ''relname'', ''1'', ''x'')'),
    ('blind_index', 'user', 'patients:read', false, false, 'clinic.blind_index(''pg_catalog.pg_class'', ''relname'', ''x'')'),
    -- The waitlist.
    ('join_waitlist', 'user', 'appointments:read appointments:write', true, true, 'clinic.join_waitlist({service}, {patient}, {provider}, {location}, until_on => ({at})::date + 5)'),
    ('update_waitlist_entry', 'user', 'appointments:read appointments:write', true, true, 'clinic.update_waitlist_entry({entry}, ''{"note": "x"}'')'),
    ('leave_waitlist', 'user', 'appointments:read appointments:write', true, true, 'clinic.leave_waitlist({entry})'),
    ('accept_offer', 'user', 'appointments:read appointments:write', true, true, 'clinic.accept_offer({offer})'),
    ('decline_offer', 'user', 'appointments:read appointments:write', true, true, 'clinic.decline_offer({offer})'),
    ('offer_slot', 'user', 'appointments:read appointments:write', true, false, 'clinic.offer_slot({other_entry}, {at} + interval ''6 hours'', {provider}, {location})'),
    ('book_first_available', 'user', 'appointments:read appointments:write', true, true, 'clinic.book_first_available({service}, {patient}, {at} + interval ''4 hours'', {at} + interval ''2 days'', provider_ids => ARRAY[{provider}])'),
    ('book_visit', 'user', 'appointments:read appointments:write', true, true, 'clinic.book_visit(jsonb_build_array(jsonb_build_object(''service_id'', {service}, ''starts_at'', {at} + interval ''2 hours'', ''provider_id'', {provider})), {patient})'),
    ('move_visit', 'user', 'appointments:read appointments:write', true, true, 'clinic.move_visit({visit}, ''9 days'')'),
    ('cancel_visit', 'user', 'appointments:read appointments:write', true, true, 'clinic.cancel_visit({visit})'),
    ('rank_providers', 'user', 'appointments:read', false, false, 'clinic.rank_providers({service}, {patient}, {at}, {at} + interval ''1 day'')'),
    -- The front desk.
    ('check_in', 'user', 'appointments:read appointments:write', true, true, 'clinic.check_in({appointment})'),
    ('undo_check_in', 'user', 'appointments:read appointments:write', true, false, 'clinic.undo_check_in({appointment})'),
    ('mark_no_show', 'user', 'appointments:read appointments:write', true, false, 'clinic.mark_no_show({appointment})'),
    ('reverse_no_show', 'user', 'appointments:read appointments:write', true, false, 'clinic.reverse_no_show({appointment})'),
    ('clear_no_show_flag', 'user', 'appointments:read appointments:write', true, false, 'clinic.clear_no_show_flag({appointment})'),
    ('change_ticket', 'user', 'appointments:read appointments:write', true, false, 'clinic.change_ticket({nobody}, ''call'')'),
    ('issue_ticket', 'user', 'appointments:read appointments:write', true, false, 'clinic.issue_ticket({location}, provider_id => {provider})'),
    ('call_next', 'user', 'appointments:read appointments:write', true, false, 'clinic.call_next({location}, {provider})'),
    ('book_walk_in', 'user', 'appointments:read appointments:write', true, false, 'clinic.book_walk_in({service}, {patient}, {location}, {provider})'),
    ('running_late', 'user', 'appointments:read', true, false, 'clinic.running_late({provider}, {location})'),
    ('announce_delay', 'user', 'appointments:read appointments:write', true, false, 'clinic.announce_delay({provider}, location_id => {location})'),
    ('no_show_rate', 'user', 'appointments:read', true, false, 'clinic.no_show_rate({at}, {at} + interval ''1 day'')'),
    -- The diary: whoever changes it without reading it sees busy time.
    ('diary_as_of', 'user', 'appointments:read', false, false, 'clinic.diary_as_of({provider}, ({at})::date, {at})'),
    ('day_sheet', 'user', 'appointments:read|appointments:write|schedules:write|setup:write', false, false, 'clinic.day_sheet(({at})::date)'),
    ('day_sheet_text', 'user', 'appointments:read|appointments:write|schedules:write|setup:write', false, false, 'clinic.day_sheet_text(({at})::date)'),
    ('calendar', 'user', 'appointments:read|appointments:write|schedules:write|setup:write', false, false, 'clinic.calendar({at}, {at} + interval ''1 day'')'),
    ('affected_by_block', 'user', 'appointments:read', false, false, 'clinic.affected_by_block({block})'),
    ('check_integrity', 'user', 'appointments:read', false, false, 'clinic.check_integrity()'),
    ('sweep_claims', 'user', 'schedules:write', false, false, 'clinic.sweep_claims()'),
    -- Hours and blocks.
    ('add_hours', 'user', 'schedules:write', true, false, 'clinic.add_hours({provider}, {location}, ''FREQ=DAILY'', ''18:00'', ''19:00'')'),
    ('change_hours', 'user', 'schedules:write', true, false, 'clinic.change_hours({rule}, ({at})::date + 100, end_time => ''16:00'')'),
    ('end_hours', 'user', 'schedules:write', true, false, 'clinic.end_hours({rule}, ({at})::date + 100)'),
    ('remove_hours', 'user', 'schedules:write', true, false, 'clinic.remove_hours({rule})'),
    ('open_date', 'user', 'schedules:write', true, false, 'clinic.open_date({provider}, {location}, ({at})::date + 50, ''18:00'', ''19:00'')'),
    ('close_date', 'user', 'schedules:write', true, false, 'clinic.close_date({provider}, ({at})::date + 50)'),
    ('remove_override', 'user', 'schedules:write', true, false, 'clinic.remove_override({override})'),
    ('add_stay', 'user', 'schedules:write', true, false, 'clinic.add_stay({provider}, ({at})::date + 50, ({at})::date + 51, ''Asia/Kolkata'')'),
    ('remove_stay', 'user', 'schedules:write', true, false, 'clinic.remove_stay({stay})'),
    ('add_block', 'user', 'schedules:write', true, false, 'clinic.add_block({at} + interval ''5 hours'', {at} + interval ''6 hours'', {provider})'),
    ('add_leave', 'user', 'schedules:write', true, false, 'clinic.add_leave({provider}, ({at})::date + 50, ({at})::date + 51)'),
    ('add_break', 'user', 'schedules:write', true, false, 'clinic.add_break({provider}, ''FREQ=DAILY'', ''16:00'', ''16:30'')'),
    ('remove_block', 'user', 'schedules:write', true, false, 'clinic.remove_block({block})'),
    ('add_holiday', 'user', 'schedules:write', false, false, 'clinic.add_holiday({location}, ({at})::date + 50, ''X'')'),
    ('remove_holiday', 'user', 'schedules:write', false, false, 'clinic.remove_holiday({holiday})'),
    -- These need what the change itself needs; the calls add leave.
    ('preview_schedule_change', 'user', 'schedules:write', true, false, 'clinic.preview_schedule_change(jsonb_build_object(''kind'', ''add_leave'', ''resource_id'', {provider}, ''from_on'', ({at})::date + 50, ''until_on'', ({at})::date + 51))'),
    ('simulate', 'user', 'schedules:write', true, false, 'clinic.simulate(jsonb_build_object(''kind'', ''add_leave'', ''resource_id'', {provider}, ''from_on'', ({at})::date + 50, ''until_on'', ({at})::date + 51), {service}, {at}, {at} + interval ''1 day'')'),
    ('apply_schedule_change', 'user', 'schedules:write', true, false, 'clinic.apply_schedule_change(jsonb_build_object(''kind'', ''add_leave'', ''resource_id'', {provider}, ''from_on'', ({at})::date + 50, ''until_on'', ({at})::date + 51))'),
    ('reassign_day', 'user', 'schedules:write appointments:write appointments:read', true, false, 'clinic.reassign_day({provider}, ({at})::date + 50)'),
    -- Setting up.
    ('update_tenant', 'user', 'setup:write', false, false, 'clinic.update_tenant(''{"name": "X"}'')'),
    ('create_location', 'user', 'setup:write', false, false, 'clinic.create_location(''X'', ''Europe/Berlin'')'),
    ('update_location', 'user', 'setup:write', false, false, 'clinic.update_location({location}, ''{"name": "X"}'')'),
    ('set_travel_time', 'user', 'setup:write', false, false, 'clinic.set_travel_time({location}, {other_location}, 10)'),
    ('create_provider', 'user', 'setup:write', false, false, 'clinic.create_provider(''X'', ''Europe/Berlin'')'),
    ('update_provider', 'user', 'setup:write', false, false, 'clinic.update_provider({provider}, ''{"name": "X"}'')'),
    ('create_resource', 'user', 'setup:write', false, false, 'clinic.create_resource(''X'', ''room'', ''x'', {location})'),
    ('update_resource', 'user', 'setup:write', false, false, 'clinic.update_resource({room}, ''{"name": "X"}'')'),
    ('create_service', 'user', 'setup:write', false, false, 'clinic.create_service(''X'', 30)'),
    ('update_service', 'user', 'setup:write', false, false, 'clinic.update_service({service}, ''{"name": "X"}'')'),
    ('offer_service', 'user', 'setup:write', false, false, 'clinic.offer_service({service}, {provider})'),
    ('withdraw_service', 'user', 'setup:write', false, false, 'clinic.withdraw_service({service}, {provider})'),
    ('require_resource', 'user', 'setup:write', false, false, 'clinic.require_resource({service}, ''room'')'),
    ('set_participants', 'user', 'setup:write', false, false, 'clinic.set_participants({service}, ''assistant'', ARRAY[{provider}])'),
    ('remove_participants', 'user', 'setup:write', false, false, 'clinic.remove_participants({service}, ''assistant'')'),
    ('describe_provider', 'user', 'setup:write', false, false, 'clinic.describe_provider({provider}, ''female'')'),
    ('set_assignment_rules', 'user', 'setup:write', false, false, 'clinic.set_assignment_rules(''{round_robin}'', {service})'),
    ('remove_assignment_rules', 'user', 'setup:write', false, false, 'clinic.remove_assignment_rules({service})'),
    ('release_requirement', 'user', 'setup:write', false, false, 'clinic.release_requirement({service}, ''room'')'),
    -- Patients.
    ('create_patient', 'user', 'patients:read patients:write', false, false, 'clinic.create_patient(''X'')'),
    ('update_patient', 'user', 'patients:read patients:write', false, false, 'clinic.update_patient({patient}, ''{"name": "X"}'')'),
    ('add_dependant', 'user', 'patients:read patients:write', false, false, 'clinic.add_dependant({patient}, {other_patient})'),
    ('remove_dependant', 'user', 'patients:read patients:write', false, false, 'clinic.remove_dependant({other_patient}, {patient})'),
    -- Emergencies.
    ('break_glass', 'user', 'emergency:use', false, false, 'clinic.break_glass({other_patient}, ''Unconscious in the waiting room'', 30)'),
    ('review_emergency_access', 'user', 'emergency:review', false, false, 'clinic.review_emergency_access({nobody}, ''X'')'),
    -- Users and roles; further bounds in docs/security.md: nobody grants what they do not have.
    ('create_user', 'user', 'users:write', true, false, 'clinic.create_user(''staff'', ''X'', location_ids => ARRAY[{location}])'),
    ('update_user', 'user', 'users:write', true, false, 'clinic.update_user({user}, ''{"name": "X"}'')'),
    ('deactivate_user', 'user', 'users:write', true, false, 'clinic.deactivate_user({user})'),
    ('activate_user', 'user', 'users:write', true, false, 'clinic.activate_user({user})'),
    ('grant_role', 'user', 'users:write', true, false, 'clinic.grant_role({user}, ''matrix_spare'')'),
    ('revoke_role', 'user', 'users:write', true, false, 'clinic.revoke_role({user}, ''matrix_spare'')'),
    ('assign_location', 'user', 'users:write', true, false, 'clinic.assign_location({user}, {location})'),
    ('withdraw_location', 'user', 'users:write', true, false, 'clinic.withdraw_location({user}, {location})'),
    ('set_staff_profile', 'user', 'users:write', true, false, 'clinic.set_staff_profile({user}, ''{"qualification": "X"}'')'),
    ('add_identifier', 'user', 'users:write', true, false, 'clinic.add_identifier({user}, ''email'', ''x@example.org'')'),
    ('remove_identifier', 'user', 'users:write', true, false, 'clinic.remove_identifier({user}, ''email'', ''x@example.org'')'),
    ('end_sessions_of', 'user', 'users:write', true, false, 'clinic.end_sessions_of({user})'),
    ('require_password_reset', 'user', 'users:write', true, false, 'clinic.require_password_reset({user})'),
    ('revoke_token', 'user', 'users:write', false, false, 'clinic.revoke_token(''x'', {at})'),
    ('create_role', 'user', 'users:write', false, false, 'clinic.create_role(''matrix_new'', ''{users:read}'')'),
    ('update_role', 'user', 'users:write', false, false, 'clinic.update_role(''matrix_spare'', ''{"description": "X"}'')'),
    ('remove_role', 'user', 'users:write', false, false, 'clinic.remove_role(''matrix_spare'')'),
    ('restore_shipped_roles', 'user', 'users:write', false, false, 'clinic.restore_shipped_roles()'),
    -- Events and who is told of them.
    ('create_subscription', 'user', 'setup:write', false, false, 'clinic.create_subscription(''X'', ''https://hooks.clinic-receiver.com/x'')'),
    ('update_subscription', 'user', 'setup:write', false, false, 'clinic.update_subscription({nobody}, ''{"name": "X"}'')'),
    ('pause_subscription', 'user', 'setup:write', false, false, 'clinic.pause_subscription({nobody})'),
    ('resume_subscription', 'user', 'setup:write', false, false, 'clinic.resume_subscription({nobody})'),
    ('delete_subscription', 'user', 'setup:write', false, false, 'clinic.delete_subscription({nobody})'),
    ('rotate_subscription_secret', 'user', 'setup:write', false, false, 'clinic.rotate_subscription_secret({nobody})'),
    ('retry_delivery', 'user', 'setup:write', false, false, 'clinic.retry_delivery({nobody})'),
    ('claim_deliveries', 'user', 'outbox:deliver', false, false, 'clinic.claim_deliveries()'),
    ('finish_delivery', 'user', 'outbox:deliver', false, false, 'clinic.finish_delivery({nobody}, 200)'),
    ('claim_events', 'user', 'outbox:deliver', false, false, 'clinic.claim_events()'),
    ('finish_events', 'user', 'outbox:deliver', false, false, 'clinic.finish_events(ARRAY[{nobody}])'),
    -- Messages to patients.
    ('set_message_template', 'user', 'setup:write', false, false, 'clinic.set_message_template(''reminder'', ''en'', ''{{date}}'')'),
    ('set_reminder_plan', 'user', 'patients:read patients:write', false, true, 'clinic.set_reminder_plan(''[]'', patient_id => {patient})'),
    ('set_patient_contact', 'user', 'patients:read patients:write', false, true, 'clinic.set_patient_contact({patient}, ''sms'', ''+15550100123'')'),
    ('set_communication_preferences', 'user', 'patients:read patients:write', false, true, 'clinic.set_communication_preferences({patient}, ''hi-IN'')'),
    ('claim_due_notifications', 'user', 'outbox:deliver', false, false, 'clinic.claim_due_notifications()'),
    ('record_delivery', 'user', 'outbox:deliver', false, false, 'clinic.record_delivery({nobody}, ''delivered'')'),
    ('record_reply', 'user', 'outbox:deliver', false, false, 'clinic.record_reply(''sms'', ''+15550100123'', ''CONFIRM'')'),
    -- The audit.
    ('set_retention', 'user', 'audit:retain audit:read', false, false, 'clinic.set_retention(''medical'', 120)'),
    ('place_legal_hold', 'user', 'audit:retain audit:read', false, false, 'clinic.place_legal_hold(NULL, ''A pending claim'')'),
    ('release_legal_hold', 'user', 'audit:retain audit:read', false, false, 'clinic.release_legal_hold({nobody})'),
    ('purge_audit', 'user', 'audit:retain audit:read', false, false, 'clinic.purge_audit(''access'')'),
    -- API keys and messages.
    ('create_api_key', 'user', 'tokens:write', false, false, 'clinic.create_api_key({service_account}, ''X'')'),
    ('api_keys', 'user', 'tokens:write', false, false, 'clinic.api_keys()'),
    ('revoke_api_key', 'user', 'tokens:write', false, false, 'clinic.revoke_api_key({nobody})'),
    ('claim_messages', 'user', 'outbox:deliver', false, false, 'clinic.claim_messages()'),
    ('finish_message', 'user', 'outbox:deliver', false, false, 'clinic.finish_message({nobody})');
