-- Attacks on delegation: nobody grants what they do not have, nor outside their branches, nor touches who has more, by any path.
BEGIN;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL client_min_messages = error;
SELECT no_plan();

-- Ids tell what they are: 0000000T-00KK-..-NN: tenant T, kind KK, number NN.
CREATE FUNCTION pg_temp.id(tenant integer, kind integer, number integer DEFAULT 1) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT pg_catalog.format('0000000%s-00%s-7000-8000-%s', tenant, kind, pg_catalog.lpad(number::text, 12, '0'))::uuid $$;
-- Users by name.
CREATE TEMPORARY TABLE who (name text PRIMARY KEY, number integer);
INSERT INTO who VALUES ('root', 1), ('east_admin', 2), ('east_nurse', 3), ('west_nurse', 4), ('both_nurse', 5), ('everywhere', 6), ('nowhere', 7),
                       ('chief', 8), ('branch_clerk', 9), ('account', 10), ('service', 11), ('east_doctor', 12), ('second_root', 13), ('hr', 14), ('own_doctor', 15), ('care_chief', 16), ('east_owner', 17);
GRANT SELECT ON pg_temp.who TO PUBLIC;
CREATE FUNCTION pg_temp.u(name text) RETURNS uuid LANGUAGE sql STABLE AS $$ SELECT pg_temp.id(1, 90, w.number) FROM pg_temp.who AS w WHERE w.name = u.name $$;
CREATE FUNCTION pg_temp.east() RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT pg_temp.id(1, 20, 1) $$;
CREATE FUNCTION pg_temp.west() RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT pg_temp.id(1, 20, 2) $$;

-- A second tenant with rows to reach for.
SELECT clinic.create_tenant('delegation-hill', 'Hill', tenant_id => pg_temp.id(2, 10)) \g /dev/null
SELECT clinic.create_location('Place', 'Europe/Berlin', location_id => pg_temp.id(2, 20)),
       clinic.create_patient('Patient', patient_id => pg_temp.id(2, 60)), clinic.create_provider('Doctor', 'Europe/Berlin', provider_id => pg_temp.id(2, 30)),
       clinic.create_role('hill_role', '{patients:read}') \g /dev/null
SELECT clinic.create_user('staff', 'Hill', 'hill@example.org', roles => '{super_admin,hill_role}', all_locations => true, user_id => pg_temp.id(2, 90)) \g /dev/null

SELECT clinic.create_tenant('delegation-lake', 'Lake', tenant_id => pg_temp.id(1, 10)) \g /dev/null
SELECT clinic.create_location('East', 'Europe/Berlin', location_id => pg_temp.east()), clinic.create_location('West', 'Europe/Berlin', location_id => pg_temp.west()),
       clinic.create_provider('Doctor 1', 'Europe/Berlin', provider_id => pg_temp.id(1, 30, 1)),
       clinic.create_provider('Doctor 2', 'Europe/Berlin', provider_id => pg_temp.id(1, 30, 2)),
       clinic.create_provider('Doctor 3', 'Europe/Berlin', provider_id => pg_temp.id(1, 30, 3)),
       clinic.create_patient('Patient 1', patient_id => pg_temp.id(1, 60, 1)), clinic.create_patient('Patient 2', patient_id => pg_temp.id(1, 60, 2)) \g /dev/null
SELECT clinic.create_role('manager', '{users:read,users:write,patients:*,appointments:*,billing:*}'),
       clinic.create_role('carer', '{patients:read,appointments:read}'),
       clinic.create_role('desk', '{patients:read,patients:write,appointments:*}'),
       clinic.create_role('own_carer', '{appointments:read,appointments:write:own}'),
       clinic.create_role('clerk', '{users:read:branch,users:write:branch,appointments:*}'),
       clinic.create_role('personnel', '{users:read,users:write,appointments:read,appointments:write:own}'),
       clinic.create_role('owner', '{*}'), clinic.create_role('care_manager', '{users:read,users:write,patients:read}'),
       clinic.create_role('reader', '{patients:read}'), clinic.create_role('unused', '{appointments:read}') \g /dev/null
SELECT clinic.create_user('staff', 'Root', roles => '{super_admin}', all_locations => true, user_id => pg_temp.u('root')),
       clinic.create_user('staff', 'Second', roles => '{super_admin}', all_locations => true, user_id => pg_temp.u('second_root')),
       clinic.create_user('staff', 'East admin', roles => '{manager}', location_ids => ARRAY[pg_temp.east()], user_id => pg_temp.u('east_admin')),
       clinic.create_user('staff', 'East nurse', 'nurse@example.org', roles => '{carer}', location_ids => ARRAY[pg_temp.east()], user_id => pg_temp.u('east_nurse')),
       clinic.create_user('staff', 'West nurse', roles => '{carer}', location_ids => ARRAY[pg_temp.west()], user_id => pg_temp.u('west_nurse')),
       clinic.create_user('staff', 'Both', roles => '{desk}', location_ids => ARRAY[pg_temp.east(), pg_temp.west()], user_id => pg_temp.u('both_nurse')),
       clinic.create_user('staff', 'Everywhere', all_locations => true, user_id => pg_temp.u('everywhere')),
       clinic.create_user('staff', 'Nowhere', user_id => pg_temp.u('nowhere')),
       clinic.create_user('staff', 'Chief', roles => '{doctor}', location_ids => ARRAY[pg_temp.east()], user_id => pg_temp.u('chief')),
       clinic.create_user('staff', 'Clerk', roles => '{clerk}', location_ids => ARRAY[pg_temp.east()], all_locations => true, user_id => pg_temp.u('branch_clerk')),
       clinic.create_user('patient', 'Account', patient_id => pg_temp.id(1, 60, 1), user_id => pg_temp.u('account')),
       clinic.create_user('service', 'Service', roles => '{carer}', location_ids => ARRAY[pg_temp.east()], user_id => pg_temp.u('service')),
       clinic.create_user('staff', 'East doctor', roles => '{own_carer}', location_ids => ARRAY[pg_temp.east()], provider_id => pg_temp.id(1, 30, 1), user_id => pg_temp.u('east_doctor')),
       clinic.create_user('staff', 'Personnel', roles => '{personnel}', location_ids => ARRAY[pg_temp.east()], user_id => pg_temp.u('hr')),
       clinic.create_user('staff', 'Care chief', roles => '{care_manager}', location_ids => ARRAY[pg_temp.east()], provider_id => pg_temp.id(1, 30, 2), user_id => pg_temp.u('care_chief')),
       clinic.create_user('staff', 'East owner', roles => '{owner}', location_ids => ARRAY[pg_temp.east()], user_id => pg_temp.u('east_owner')),
       clinic.create_user('staff', 'Own doctor', roles => '{carer}', location_ids => ARRAY[pg_temp.east()], user_id => pg_temp.u('own_doctor'))
\g /dev/null

-- Logins with the permissions of their users' roles.
DO $$
DECLARE
    mapped record;
BEGIN
    FOR mapped IN VALUES ('root', '{*}'), ('east_admin', '{users:read,users:write,patients:*,appointments:*,billing:*}'),
                         ('branch_clerk', '{users:read:branch,users:write:branch,appointments:*}'),
                         ('hr', '{users:read,users:write,appointments:read,appointments:write:own}'),
                         ('east_nurse', '{patients:read,appointments:read}'),
                         ('everywhere', '{users:read,users:write,users:delete}'),
                         ('care_chief', '{users:read,users:write,patients:read}'), ('east_owner', '{*}') LOOP
        EXECUTE format('CREATE ROLE %I LOGIN IN ROLE clinic_user', 'delegation_' || mapped.column1);
        PERFORM clinic.map_login(('delegation_' || mapped.column1)::name, 'staff', mapped.column2::text[], user_id => pg_temp.u(mapped.column1));
    END LOOP;
END
$$;

-- What becomes of a statement when a login runs it: 'ok' and its first value, or SQLSTATE, message and detail. Nothing stays.
CREATE FUNCTION pg_temp.outcome(login text, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
    facts text;
BEGIN
    EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', 'delegation_' || login);
    -- A super_admin sees no patient without.
    PERFORM clinic.declare_purpose('HOPERAT');
    EXECUTE query INTO answer;
    RAISE EXCEPTION USING ERRCODE = 'UNDO0', MESSAGE = coalesce('ok ' || answer, 'ok');
EXCEPTION
    WHEN SQLSTATE 'UNDO0' THEN
        RETURN SQLERRM;
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS facts = PG_EXCEPTION_DETAIL;
        RETURN concat_ws(' ', SQLSTATE, SQLERRM, facts);
END
$$;
CREATE FUNCTION pg_temp.state(login text, query text) RETURNS text LANGUAGE sql AS
    $$ SELECT pg_catalog.split_part(pg_temp.outcome(login, query), ' ', 1) $$;

RESET ALL;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL client_min_messages = error;

-- ---------------------------------------------------------------------------------------------------------------------
-- Without users:write there is nothing to attack with.

SELECT is(pg_temp.state('east_nurse', 'SELECT ' || q), '42501', 'without users:write: ' || q)
  FROM unnest(ARRAY['clinic.create_user(''staff'', ''X'')', 'clinic.update_user(pg_temp.u(''east_nurse''), ''{"name": "X"}'')',
                    'clinic.deactivate_user(pg_temp.u(''service''))', 'clinic.activate_user(pg_temp.u(''service''))',
                    'clinic.grant_role(pg_temp.u(''east_nurse''), ''super_admin'')', 'clinic.revoke_role(pg_temp.u(''root''), ''super_admin'')',
                    'clinic.assign_location(pg_temp.u(''east_nurse''), pg_temp.west())', 'clinic.withdraw_location(pg_temp.u(''service''), pg_temp.east())',
                    'clinic.set_staff_profile(pg_temp.u(''east_nurse''), ''{"npi": null}'')', 'clinic.add_identifier(pg_temp.u(''root''), ''email'', ''x@example.org'')',
                    'clinic.remove_identifier(pg_temp.u(''east_nurse''), ''email'', ''nurse@example.org'')', 'clinic.create_role(''x'', ''{}'')',
                    'clinic.update_role(''carer'', ''{"permissions": ["*"]}'')', 'clinic.remove_role(''unused'')', 'clinic.restore_shipped_roles()',
                    'clinic.add_dependant(pg_temp.id(1, 60, 1), pg_temp.id(1, 60, 2))', 'clinic.remove_dependant(pg_temp.id(1, 60, 1), pg_temp.id(1, 60, 2))']) q;

-- What the manager of a branch may do, so that the refusals below are not refusals of everything.
SELECT is(pg_temp.state('east_admin', 'SELECT ' || q), 'ok', 'the manager may: ' || q)
  FROM unnest(ARRAY['clinic.create_user(''staff'', ''X'', roles => ''{carer,desk}'', location_ids => ARRAY[pg_temp.east()])', 'clinic.create_user(''service'', ''X'')',
                    'clinic.create_user(''patient'', ''X'', patient_id => pg_temp.id(1, 60, 2))', 'clinic.create_user(''staff'', ''X'', roles => ''{manager}'')',
                    'clinic.update_user(pg_temp.u(''east_nurse''), ''{"name": "X"}'')', 'clinic.deactivate_user(pg_temp.u(''east_nurse''))',
                    'clinic.grant_role(pg_temp.u(''east_nurse''), ''manager'')', 'clinic.revoke_role(pg_temp.u(''east_nurse''), ''carer'')',
                    'clinic.assign_location(pg_temp.u(''nowhere''), pg_temp.east())', 'clinic.withdraw_location(pg_temp.u(''east_nurse''), pg_temp.east())',
                    'clinic.set_staff_profile(pg_temp.u(''east_nurse''), ''{"qualification": "RN"}'')', 'clinic.add_identifier(pg_temp.u(''account''), ''email'', ''x@example.org'')',
                    'clinic.remove_identifier(pg_temp.u(''east_nurse''), ''email'', ''nurse@example.org'')', 'clinic.create_role(''x'', ''{patients:*,billing:read}'')',
                    'clinic.update_role(''unused'', ''{"permissions": ["patients:read"]}'')', 'clinic.update_role(''unused'', ''{"description": "X"}'')', 'clinic.remove_role(''unused'')',
                    'clinic.update_user(pg_temp.u(''east_doctor''), ''{"provider_id": "00000001-0030-7000-8000-000000000003"}'')',
                    'clinic.add_dependant(pg_temp.id(1, 60, 1), pg_temp.id(1, 60, 2))']) q;

-- ---------------------------------------------------------------------------------------------------------------------
-- More permissions than one's own, by every path.

SELECT is(pg_temp.state('east_admin', 'SELECT ' || q), '42501', 'beyond the manager''s permissions: ' || q)
  FROM unnest(ARRAY['clinic.create_user(''staff'', ''X'', roles => ''{super_admin}'')', 'clinic.create_user(''staff'', ''X'', roles => ''{carer,doctor}'')',
                    'clinic.create_user(''service'', ''X'', roles => ''{super_admin}'')',
                    'clinic.grant_role(pg_temp.u(''east_nurse''), ''super_admin'')', 'clinic.grant_role(pg_temp.u(''east_admin''), ''super_admin'')',
                    'clinic.grant_role(pg_temp.u(''east_nurse''), ''doctor'')', 'clinic.grant_role(pg_temp.u(''service''), ''super_admin'')',
                    'clinic.create_role(''x'', ''{*}'')', 'clinic.create_role(''x'', ''{users:*}'')', 'clinic.create_role(''x'', ''{patients:read,consultations:read}'')',
                    'clinic.create_role(''x'', ''{users:delete}'')', 'clinic.create_role(''x'', ''{users:delete:own}'')',
                    'clinic.update_role(''unused'', ''{"permissions": ["*"]}'')', 'clinic.update_role(''unused'', ''{"permissions": ["appointments:read", "users:*"]}'')',
                    'clinic.update_role(''manager'', ''{"permissions": ["users:read", "users:write", "patients:*", "appointments:*", "billing:*", "*"]}'')',
                    'clinic.update_role(''manager'', ''{"permissions": ["users:*"]}'')',
                    -- Nor may one take from a role what one does not have, nor word it anew, nor remove it.
                    'clinic.update_role(''doctor'', ''{"permissions": []}'')', 'clinic.update_role(''super_admin'', ''{"description": "X"}'')', 'clinic.remove_role(''pharmacist'')',
                    'clinic.remove_role(''accountant'')']) q;
SELECT is(pg_temp.outcome('east_admin', 'SELECT clinic.grant_role(pg_temp.u(''east_nurse''), ''super_admin'')'),
          '42501 permission "*" is not yours to grant {"reason": "forbidden", "permission": "*"}', 'and the refusal names what is missing');

-- A wildcard takes a wildcard.
SELECT is(pg_temp.state('everywhere', 'SELECT clinic.create_role(''x'', ''{users:*}'')'), '42501', 'users:read, users:write and users:delete are not users:*');
SELECT is(pg_temp.state('everywhere', 'SELECT clinic.create_role(''x'', ''{users:read:*,users:write:branch}'')'), 'ok', 'but all scopes of users:read');
SELECT is(pg_temp.state('branch_clerk', 'SELECT clinic.create_user(''staff'', ''X'', roles => ''{' || r || '}'', location_ids => ARRAY[pg_temp.east()])'), s,
          'a scope does not give the whole: ' || r)
  FROM (VALUES ('manager', '42501'), ('personnel', '42501'), ('unused', 'ok'), ('clerk', 'ok')) AS cases (r, s);

-- "Own" of one is not "own" of another.
SELECT is(pg_temp.state('hr', 'SELECT clinic.grant_role(pg_temp.u(''own_doctor''), ''own_carer'')'), '42501', 'who has appointments:write:own cannot give it away');
SELECT is(pg_temp.state('hr', 'SELECT clinic.create_user(''staff'', ''X'', roles => ''{own_carer}'', provider_id => pg_temp.id(1, 30, 3))'), '42501', 'nor to a new user');
SELECT is(pg_temp.state('hr', 'SELECT clinic.update_user(pg_temp.u(''east_doctor''), ''{"provider_id": "00000001-0030-7000-8000-000000000003"}'')'), '42501',
          'nor move it to another provider');
SELECT is(pg_temp.state('hr', 'SELECT clinic.update_role(''unused'', ''{"permissions": ["appointments:write:own"]}'')'), 'ok', 'a role that nobody has may hold it');

-- ---------------------------------------------------------------------------------------------------------------------
-- Oneself.

SELECT is(pg_temp.state(login, 'SELECT ' || q), '42501', format('%s lifts themselves: %s', login, q))
  FROM (VALUES ('east_admin', 'clinic.grant_role(pg_temp.u(''east_admin''), ''super_admin'')'),
               ('everywhere', 'clinic.grant_role(pg_temp.u(''everywhere''), ''unused'')'),
               -- The login may more than the user behind it.
               ('everywhere', 'clinic.create_role(''x'', ''{users:read}''), clinic.grant_role(pg_temp.u(''everywhere''), ''x'')'),
               ('hr', 'clinic.update_role(''personnel'', ''{"permissions": ["users:read", "users:write", "appointments:*"]}'')'),
               ('east_admin', 'clinic.assign_location(pg_temp.u(''east_admin''), pg_temp.west())'),
               ('east_admin', 'clinic.update_user(pg_temp.u(''east_admin''), ''{"all_locations": true}'')'),
               ('east_admin', 'clinic.update_user(pg_temp.u(''east_admin''), ''{"provider_id": "00000001-0030-7000-8000-000000000003"}'')'),
               ('branch_clerk', 'clinic.grant_role(pg_temp.u(''branch_clerk''), ''manager'')')) AS cases (login, q);
SELECT is(pg_temp.state('root', 'SELECT clinic.grant_role(pg_temp.u(''root''), ''doctor'')'), 'ok', 'who has all gains nothing by a further role');
SELECT is(pg_temp.state('east_admin', 'SELECT clinic.revoke_role(pg_temp.u(''east_admin''), ''manager'')'), 'ok', 'one may step down');

-- ---------------------------------------------------------------------------------------------------------------------
-- Other branches.

SELECT is(pg_temp.state('east_admin', 'SELECT ' || q), '42501', 'outside the manager''s branch: ' || q)
  FROM unnest(ARRAY['clinic.create_user(''staff'', ''X'', location_ids => ARRAY[pg_temp.west()])', 'clinic.create_user(''staff'', ''X'', location_ids => ARRAY[pg_temp.east(), pg_temp.west()])',
                    'clinic.create_user(''staff'', ''X'', all_locations => true)', 'clinic.create_user(''service'', ''X'', all_locations => true)',
                    'clinic.assign_location(pg_temp.u(''east_nurse''), pg_temp.west())', 'clinic.update_user(pg_temp.u(''east_nurse''), ''{"all_locations": true}'')',
                    'clinic.update_role(''carer'', ''{"permissions": ["patients:read"]}'')', 'clinic.update_role(''carer'', ''{"permissions": ["patients:read", "appointments:read", "billing:read"]}'')']) q;
SELECT is(pg_temp.state('east_admin', format('SELECT clinic.%s', replace(call, '%u', quote_literal(pg_temp.u(target)::text)))), '42501',
          format('the manager of the east does not reach %s: %s', target, call))
  FROM unnest(ARRAY['west_nurse', 'both_nurse', 'everywhere', 'root', 'chief', 'branch_clerk']) target,
       unnest(ARRAY['update_user(%u, ''{"name": "X"}'')', 'update_user(%u, ''{"all_locations": false}'')', 'deactivate_user(%u)', 'activate_user(%u)',
                    'grant_role(%u, ''unused'')', 'revoke_role(%u, ''carer'')', 'assign_location(%u, pg_temp.east())', 'withdraw_location(%u, pg_temp.west())',
                    'set_staff_profile(%u, ''{"npi": null}'')', 'add_identifier(%u, ''email'', ''evil@example.org'')', 'remove_identifier(%u, ''email'', ''nurse@example.org'')']) call;
-- Where one may change users of one's own branches alone, acting everywhere does not widen that.
SELECT is(pg_temp.state('branch_clerk', 'SELECT ' || q), s, format('users:write:branch, %s: %s', s, q))
  FROM (VALUES ('clinic.create_user(''staff'', ''X'', location_ids => ARRAY[pg_temp.east()])', 'ok'), ('clinic.create_user(''staff'', ''X'')', '42501'),
               ('clinic.create_user(''staff'', ''X'', location_ids => ARRAY[pg_temp.west()])', '42501'), ('clinic.create_user(''staff'', ''X'', all_locations => true)', '42501'),
               ('clinic.create_user(''patient'', ''X'', patient_id => pg_temp.id(1, 60, 2))', '42501'),
               ('clinic.update_user(pg_temp.u(''west_nurse''), ''{"name": "X"}'')', '42501'), ('clinic.update_user(pg_temp.u(''nowhere''), ''{"name": "X"}'')', '42501'),
               ('clinic.assign_location(pg_temp.u(''nowhere''), pg_temp.east())', '42501'), ('clinic.create_role(''x'', ''{appointments:read}'')', '42501'),
               ('clinic.update_role(''unused'', ''{"description": "X"}'')', '42501'), ('clinic.remove_role(''unused'')', '42501'), ('clinic.restore_shipped_roles()', '42501')) AS cases (q, s);

-- The role super_admin acts everywhere by its name: who administers one branch cannot give it, whatever it permits.
SELECT is(pg_temp.state('east_owner', 'SELECT ' || q), s, format('all permissions at one branch, %s: %s', s, q))
  FROM (VALUES ('clinic.grant_role(pg_temp.u(''east_nurse''), ''owner'')', 'ok'), ('clinic.grant_role(pg_temp.u(''east_nurse''), ''super_admin'')', '42501'),
               ('clinic.grant_role(pg_temp.u(''east_owner''), ''super_admin'')', '42501'), ('clinic.create_user(''staff'', ''X'', roles => ''{super_admin}'')', '42501'),
               ('clinic.update_user(pg_temp.u(''root''), ''{"name": "X"}'')', '42501'), ('clinic.deactivate_user(pg_temp.u(''second_root''))', '42501'),
               ('clinic.update_role(''super_admin'', ''{"permissions": ["users:*"]}'')', '42501')) AS cases (q, s);

-- A provider who reads the patients in their care lets nobody read all.
SELECT is(pg_temp.state('care_chief', 'SELECT ' || q), s, format('care, %s: %s', s, q))
  FROM (VALUES ('clinic.create_user(''staff'', ''X'', roles => ''{reader}'')', '42501'), ('clinic.grant_role(pg_temp.u(''nowhere''), ''reader'')', '42501'),
               ('clinic.create_user(''staff'', ''X'', roles => ''{reader}'', provider_id => pg_temp.id(1, 30, 3))', 'ok'),
               ('clinic.create_user(''service'', ''X'', roles => ''{reader}'')', '42501'), ('clinic.create_user(''staff'', ''X'')', 'ok')) AS cases (q, s);
SELECT is(pg_temp.state('east_admin', 'SELECT clinic.grant_role(pg_temp.u(''nowhere''), ''reader'')'), 'ok', 'who reads all, may');

-- ---------------------------------------------------------------------------------------------------------------------
-- Accounts of patients: who can sign in as a patient reads what the patient reads.

SELECT is(pg_temp.state('hr', 'SELECT ' || q), '42501', 'without patients:read and patients:write: ' || q)
  FROM unnest(ARRAY['clinic.create_user(''patient'', ''X'', patient_id => pg_temp.id(1, 60, 2))', 'clinic.add_identifier(pg_temp.u(''account''), ''email'', ''evil@example.org'')',
                    'clinic.update_user(pg_temp.u(''account''), ''{"name": "X"}'')', 'clinic.deactivate_user(pg_temp.u(''account''))']) q;
SELECT is(pg_temp.state('root', 'SELECT clinic.grant_role(pg_temp.u(''account''), ' || quote_literal(r) || ')'), '22023', 'a patient cannot have the role ' || r)
  FROM unnest(ARRAY['super_admin', 'carer', 'nurse']) r;
SELECT is(pg_temp.state('root', 'SELECT clinic.update_role(''patient'', ''{"permissions": ["patients:read"]}'')'), '22023', 'nor is the role that patients have widened');

-- ---------------------------------------------------------------------------------------------------------------------
-- Identifiers of somebody else.

SELECT is(pg_temp.state('east_admin', 'SELECT clinic.add_identifier(pg_temp.u(''service''), ''email'', '' NURSE@example.org'')'), 'CL017', 'an address of another user cannot be taken over');
SELECT is(pg_temp.state('east_admin', 'SELECT clinic.create_user(''staff'', ''X'', email => ''Nurse@Example.org'')'), 'CL017', 'nor by a new user');
SELECT is(pg_temp.state('east_admin', 'SELECT clinic.remove_identifier(pg_temp.u(''service''), ''email'', ''nurse@example.org'')'), 'CL001', 'nor removed by the wrong user');
SELECT is(pg_temp.state('east_admin', 'SELECT clinic.add_identifier(pg_temp.u(''service''), ''email'', ''hill@example.org'')'), 'ok', 'an address of another tenant is free here');

-- ---------------------------------------------------------------------------------------------------------------------
-- An id of another tenant gets the answer of an id that nobody has.

SELECT is(regexp_replace(pg_temp.outcome('root', 'SELECT clinic.' || replace(q, '%i', quote_literal(pg_temp.id(2, k)::text))), pg_temp.id(2, k)::text, 'ID', 'g'),
          regexp_replace(pg_temp.outcome('root', 'SELECT clinic.' || replace(q, '%i', quote_literal(pg_temp.id(9, k)::text))), pg_temp.id(9, k)::text, 'ID', 'g'),
          'another tenant''s id and nobody''s: ' || q)
  FROM (VALUES (90, 'update_user(%i, ''{"name": "X"}'')'), (90, 'deactivate_user(%i)'), (90, 'activate_user(%i)'), (90, 'grant_role(%i, ''carer'')'),
               (90, 'revoke_role(%i, ''super_admin'')'), (90, 'assign_location(%i, pg_temp.east())'), (90, 'withdraw_location(%i, pg_temp.east())'),
               (90, 'set_staff_profile(%i, ''{"npi": null}'')'), (90, 'add_identifier(%i, ''email'', ''x@example.org'')'),
               (90, 'remove_identifier(%i, ''email'', ''hill@example.org'')'), (20, 'assign_location(pg_temp.u(''nowhere''), %i)'),
               (20, 'create_user(''staff'', ''X'', location_ids => ARRAY[%i]::uuid[])'), (30, 'create_user(''staff'', ''X'', provider_id => %i)'),
               (60, 'create_user(''patient'', ''X'', patient_id => %i)'), (60, 'add_dependant(pg_temp.id(1, 60), %i)'), (60, 'add_dependant(%i, pg_temp.id(1, 60))'),
               (60, 'remove_dependant(%i, pg_temp.id(1, 60))')) AS calls (k, q);
SELECT matches(pg_temp.outcome('root', 'SELECT clinic.update_user(pg_temp.id(2, 90), ''{"name": "X"}'')'), '^CL001', 'which is that it does not exist');
SELECT is(pg_temp.state('root', 'SELECT clinic.grant_role(pg_temp.u(''nowhere''), ''hill_role'')'), 'CL001', 'nor does a role of another tenant');
SELECT is(pg_temp.outcome('root', 'SELECT clinic.create_user(''staff'', ''X'', user_id => pg_temp.id(2, 90))'), 'ok ' || pg_temp.id(2, 90),
          'the person of another tenant becomes a user here, without a word about there');
SELECT is(pg_temp.outcome('root', 'SELECT string_agg(u.name, '','') FROM clinic.users u WHERE u.name LIKE ''Hill%'''), 'ok', 'nobody of another tenant is listed');

-- ---------------------------------------------------------------------------------------------------------------------
-- An id that a mapped login has already is nobody's to make a user of.

SET LOCAL ROLE clinic_admin;
SELECT clinic.use_tenant('delegation-lake'), clinic.map_login('delegation_hr', 'admin', '{*}', user_id => pg_temp.id(1, 99)) \g /dev/null
RESET ALL;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL client_min_messages = error;
SELECT is(pg_temp.state('east_admin', 'SELECT clinic.create_user(''staff'', ''X'', user_id => pg_temp.id(1, 99), location_ids => ARRAY[pg_temp.east()])'), '42501',
          'a mapped administrator cannot be confined to a branch by a manager');
SELECT is(pg_temp.state('hr', 'SELECT clinic.create_user(''staff'', ''X'', user_id => pg_temp.id(1, 99), roles => ''{super_admin}'', all_locations => true)'), '42501',
          'nor make a user of themselves');

-- ---------------------------------------------------------------------------------------------------------------------
-- Who sees what.

SELECT is(pg_temp.outcome('east_admin', 'SELECT string_agg(u.name, '', '' ORDER BY u.name) FROM clinic.users u'),
          'ok Account, Both, Care chief, Chief, Clerk, East admin, East doctor, East nurse, East owner, Everywhere, Nowhere, Own doctor, Personnel, Root, Second, Service',
          'users:read: those at one''s branches, at all and at none');
SELECT is(pg_temp.outcome('branch_clerk', 'SELECT string_agg(u.name, '', '' ORDER BY u.name) FROM clinic.users u'),
          'ok Both, Care chief, Chief, Clerk, East admin, East doctor, East nurse, East owner, Own doctor, Personnel, Service', 'users:read:branch: those at one''s own branches');
SELECT is(pg_temp.outcome('east_nurse', 'SELECT string_agg(u.name, '', '') FROM clinic.users u'), 'ok East nurse', 'without: oneself');
SELECT is(pg_temp.outcome('east_nurse', 'SELECT string_agg(r.role, '', '') FROM clinic.roles r'), 'ok carer', 'and one''s own roles');
SELECT is(pg_temp.outcome('east_nurse', 'SELECT count(*) FROM clinic.staff_profiles'), 'ok 1', 'and one''s own professional data');
SELECT is_empty($$ SELECT c.table_name, c.column_name FROM information_schema.columns c
                    WHERE c.table_schema = 'clinic' AND c.column_name ~ '(hash|secret|password|signing|verify_key)'
                      AND (c.table_name, c.column_name) <> ('audit_records', 'leaf_hash') $$, 'no view has a column for a secret');

-- ---------------------------------------------------------------------------------------------------------------------
-- The last administrator, whoever tries.

SELECT clinic.use_tenant('delegation-lake'), clinic.revoke_role(pg_temp.u('east_owner'), 'owner') \g /dev/null
RESET ALL;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL client_min_messages = error;
SELECT is(pg_temp.state('root', 'SELECT clinic.deactivate_user(pg_temp.u(''second_root'')), clinic.deactivate_user(pg_temp.u(''root''))'), 'CL029', 'not both administrators go');
SELECT is(pg_temp.state('root', 'SELECT clinic.deactivate_user(pg_temp.u(''second_root'')), clinic.revoke_role(pg_temp.u(''root''), ''super_admin'')'), 'CL029', 'nor step down');
SELECT is(pg_temp.state('root', 'SELECT clinic.update_role(''super_admin'', ''{"permissions": ["users:*"]}'')'), 'CL029', 'nor is the role emptied');
SELECT is(pg_temp.state('root', 'SELECT clinic.deactivate_user(pg_temp.u(''second_root''))'), 'ok', 'one of two may go');

SELECT * FROM finish();
ROLLBACK;
