-- The read views of users, roles, staff and whom they act for; what holds for all views is said in 50_views.sql.

CALL clinic_private.ensure_view('emergency_accesses', $view$
    SELECT e.tenant_id,
           e.access_id,
           e.user_id,
           e.patient_id,
           e.reason,
           e.starts_at,
           e.expires_at,
           e.ended_at,
           e.reviewed_at,
           e.reviewed_by,
           e.review_note,
           e.request_id
      FROM clinic_data.emergency_accesses e
$view$);
COMMENT ON VIEW clinic.emergency_accesses IS 'Who broke the glass for which patient: one''s own accesses, and all for those who review them.';
COMMENT ON COLUMN clinic.emergency_accesses.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.emergency_accesses.access_id IS 'Identifies the access.';
COMMENT ON COLUMN clinic.emergency_accesses.user_id IS 'Who.';
COMMENT ON COLUMN clinic.emergency_accesses.patient_id IS 'Whose data.';
COMMENT ON COLUMN clinic.emergency_accesses.reason IS 'Why, in the user''s words.';
COMMENT ON COLUMN clinic.emergency_accesses.starts_at IS 'From when.';
COMMENT ON COLUMN clinic.emergency_accesses.expires_at IS 'Until when, exclusive.';
COMMENT ON COLUMN clinic.emergency_accesses.ended_at IS 'When it was ended early.';
COMMENT ON COLUMN clinic.emergency_accesses.reviewed_at IS 'When somebody else looked at it; null: it waits for that.';
COMMENT ON COLUMN clinic.emergency_accesses.reviewed_by IS 'Who did.';
COMMENT ON COLUMN clinic.emergency_accesses.review_note IS 'What they found.';
COMMENT ON COLUMN clinic.emergency_accesses.request_id IS 'The request in which it was asked for.';
CALL clinic_private.ensure_view('users', $view$
    SELECT u.tenant_id,
           u.user_id,
           u.kind,
           u.name,
           u.status,
           u.provider_id,
           u.patient_id,
           u.all_locations,
           ARRAY(SELECT l.location_id
                   FROM clinic_data.user_locations l
                  WHERE l.tenant_id = u.tenant_id AND l.user_id = u.user_id
                  ORDER BY l.is_primary DESC, l.location_id) AS location_ids,
           (SELECT l.location_id
              FROM clinic_data.user_locations l
             WHERE l.tenant_id = u.tenant_id AND l.user_id = u.user_id AND l.is_primary
             LIMIT 1) AS primary_location_id,
           ARRAY(SELECT g.role
                   FROM clinic_data.user_roles g
                  WHERE g.tenant_id = u.tenant_id AND g.user_id = u.user_id
                  ORDER BY g.role) AS roles,
           ARRAY(SELECT clinic_private.shown_identifier(i.value, i.identifier_hash)
                   FROM clinic_data.user_identifiers i
                  WHERE i.tenant_id = u.tenant_id AND i.user_id = u.user_id AND i.kind = 'email'
                  ORDER BY i.created_at, i.identifier_hash) AS emails,
           ARRAY(SELECT clinic_private.shown_identifier(i.value, i.identifier_hash)
                   FROM clinic_data.user_identifiers i
                  WHERE i.tenant_id = u.tenant_id AND i.user_id = u.user_id AND i.kind = 'phone'
                  ORDER BY i.created_at, i.identifier_hash) AS phones,
           u.last_login_at,
           u.version,
           u.created_at,
           u.updated_at
      FROM clinic_data.users u
     WHERE u.user_id = clinic.current_user_id()
        OR (u.kind <> 'patient'
            OR clinic.has_permission('patients:read')
               AND EXISTS (SELECT FROM clinic_data.patients p WHERE p.tenant_id = u.tenant_id AND p.patient_id = u.patient_id))
           AND (clinic.has_permission('users:read')
                AND (clinic.sees_all_locations()
                     OR u.all_locations
                     OR NOT EXISTS (SELECT FROM clinic_data.user_locations l
                                     WHERE l.tenant_id = u.tenant_id AND l.user_id = u.user_id)
                     OR EXISTS (SELECT FROM clinic_data.user_locations l
                                 WHERE l.tenant_id = u.tenant_id AND l.user_id = u.user_id AND clinic.sees_location(l.location_id)))
                OR clinic.has_permission('users:read:branch')
                   AND EXISTS (SELECT FROM clinic_data.user_locations l
                                 JOIN clinic_data.user_locations mine
                                   ON mine.tenant_id = l.tenant_id AND mine.location_id = l.location_id
                                      AND mine.user_id = clinic.current_user_id()
                                WHERE l.tenant_id = u.tenant_id AND l.user_id = u.user_id AND clinic.sees_location(l.location_id)))
$view$);
COMMENT ON VIEW clinic.users IS 'Users of the tenant. Needs users:read, for those at the caller''s branches, at all or at none; users:read:branch for those at the caller''s own branches. Accounts of patients need patients:read too. Everybody sees themselves.';
COMMENT ON COLUMN clinic.users.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.users.user_id IS 'Identifies the user; sub of tokens.';
COMMENT ON COLUMN clinic.users.kind IS 'staff, patient or service (a program).';
COMMENT ON COLUMN clinic.users.name IS 'Name shown to colleagues.';
COMMENT ON COLUMN clinic.users.status IS 'active, or inactive: has no access.';
COMMENT ON COLUMN clinic.users.provider_id IS 'The provider that this member of staff is.';
COMMENT ON COLUMN clinic.users.patient_id IS 'The patient that this user is.';
COMMENT ON COLUMN clinic.users.all_locations IS 'Acts at every location.';
COMMENT ON COLUMN clinic.users.location_ids IS 'The branches at which the user acts, the primary one first.';
COMMENT ON COLUMN clinic.users.primary_location_id IS 'Where the user is at home.';
COMMENT ON COLUMN clinic.users.roles IS 'Names of the user''s roles.';
COMMENT ON COLUMN clinic.users.emails IS 'E-mail addresses by which the user signs in.';
COMMENT ON COLUMN clinic.users.phones IS 'Phone numbers by which the user signs in, in E.164.';
COMMENT ON COLUMN clinic.users.last_login_at IS 'When the user last signed in.';
COMMENT ON COLUMN clinic.users.version IS 'Grows by one with each change, of roles and branches too.';
COMMENT ON COLUMN clinic.users.created_at IS 'When it was made.';
COMMENT ON COLUMN clinic.users.updated_at IS 'When it was last changed.';

CALL clinic_private.ensure_view('roles', $view$
    SELECT r.tenant_id,
           r.role,
           r.description,
           r.permissions,
           r.version,
           r.created_at,
           r.updated_at
      FROM clinic_data.roles r
     WHERE clinic.has_permission('users:read')
        OR clinic.has_permission('users:read:branch')
        OR EXISTS (SELECT FROM clinic_data.user_roles g
                    WHERE g.tenant_id = r.tenant_id AND g.role = r.role AND g.user_id = clinic.current_user_id())
$view$);
COMMENT ON VIEW clinic.roles IS 'Roles of the tenant and what they permit: all for those with users:read, else the caller''s own.';
COMMENT ON COLUMN clinic.roles.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.roles.role IS 'Name of the role.';
COMMENT ON COLUMN clinic.roles.description IS 'What the role is for.';
COMMENT ON COLUMN clinic.roles.permissions IS 'Permissions: resource:action or resource:action:scope; * alone or as the last segment.';
COMMENT ON COLUMN clinic.roles.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic.roles.created_at IS 'When it was made.';
COMMENT ON COLUMN clinic.roles.updated_at IS 'When it was last changed.';

CALL clinic_private.ensure_view('staff', $view$
    SELECT u.tenant_id,
           u.user_id,
           u.name,
           u.provider_id,
           p.qualification,
           coalesce(p.specialisations, '{}') AS specialisations,
           coalesce(p.languages, '{}') AS languages
      FROM clinic_data.users u
      LEFT JOIN clinic_data.staff_profiles p ON p.tenant_id = u.tenant_id AND p.user_id = u.user_id
     WHERE u.kind = 'staff'
       AND u.status = 'active'
       AND (EXISTS (SELECT FROM clinic_data.resources r
                     WHERE r.tenant_id = u.tenant_id AND r.resource_id = u.provider_id AND r.status = 'active')
            OR clinic.has_permission('users:read')
            OR EXISTS (SELECT FROM clinic_data.users me
                        WHERE me.tenant_id = u.tenant_id AND me.user_id = clinic.current_user_id() AND me.kind = 'staff'))
$view$);
COMMENT ON VIEW clinic.staff IS 'Active staff, with what may be known of them: those who see patients to everybody in the tenant, all others to colleagues.';
COMMENT ON COLUMN clinic.staff.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.staff.user_id IS 'Identifies the user.';
COMMENT ON COLUMN clinic.staff.name IS 'Name shown to people.';
COMMENT ON COLUMN clinic.staff.provider_id IS 'The provider that this member of staff is.';
COMMENT ON COLUMN clinic.staff.qualification IS 'Degrees, as printed.';
COMMENT ON COLUMN clinic.staff.specialisations IS 'Specialisations.';
COMMENT ON COLUMN clinic.staff.languages IS 'Languages spoken, BCP 47 tags.';

CALL clinic_private.ensure_view('staff_profiles', $view$
    SELECT p.tenant_id,
           p.user_id,
           p.registration_number,
           p.registration_council,
           p.licence_number,
           p.licence_expires_on,
           p.npi,
           p.hpr_id,
           p.qualification,
           p.specialisations,
           p.languages,
           p.signature_ref,
           p.version,
           p.created_at,
           p.updated_at
      FROM clinic_data.staff_profiles p
     WHERE p.user_id = clinic.current_user_id()
        OR clinic.has_permission('users:read')
           AND (clinic.sees_all_locations()
                OR NOT EXISTS (SELECT FROM clinic_data.user_locations l
                                WHERE l.tenant_id = p.tenant_id AND l.user_id = p.user_id)
                OR EXISTS (SELECT FROM clinic_data.user_locations l
                            WHERE l.tenant_id = p.tenant_id AND l.user_id = p.user_id AND clinic.sees_location(l.location_id)))
        OR clinic.has_permission('users:read:branch')
           AND EXISTS (SELECT FROM clinic_data.user_locations l
                         JOIN clinic_data.user_locations mine
                           ON mine.tenant_id = l.tenant_id AND mine.location_id = l.location_id
                              AND mine.user_id = clinic.current_user_id()
                        WHERE l.tenant_id = p.tenant_id AND l.user_id = p.user_id AND clinic.sees_location(l.location_id))
$view$);
COMMENT ON VIEW clinic.staff_profiles IS 'Professional data of staff. Needs users:read, for staff at the caller''s branches or at none; users:read:branch for those at the caller''s own branches. Everybody sees their own.';
COMMENT ON COLUMN clinic.staff_profiles.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.staff_profiles.user_id IS 'The member of staff.';
COMMENT ON COLUMN clinic.staff_profiles.registration_number IS 'Number in the register of the council.';
COMMENT ON COLUMN clinic.staff_profiles.registration_council IS 'The council that registered them.';
COMMENT ON COLUMN clinic.staff_profiles.licence_number IS 'Number of the licence to practise.';
COMMENT ON COLUMN clinic.staff_profiles.licence_expires_on IS 'Last day on which the licence holds.';
COMMENT ON COLUMN clinic.staff_profiles.npi IS 'National Provider Identifier (US).';
COMMENT ON COLUMN clinic.staff_profiles.hpr_id IS 'Healthcare Professionals Registry id (India).';
COMMENT ON COLUMN clinic.staff_profiles.qualification IS 'Degrees, as printed.';
COMMENT ON COLUMN clinic.staff_profiles.specialisations IS 'Specialisations, as searched for.';
COMMENT ON COLUMN clinic.staff_profiles.languages IS 'Languages spoken, BCP 47 tags such as en or hi-IN.';
COMMENT ON COLUMN clinic.staff_profiles.signature_ref IS 'Where the image of the signature is kept.';
COMMENT ON COLUMN clinic.staff_profiles.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic.staff_profiles.created_at IS 'When it was made.';
COMMENT ON COLUMN clinic.staff_profiles.updated_at IS 'When it was last changed.';

CALL clinic_private.ensure_view('dependants', $view$
    SELECT d.tenant_id,
           d.guardian_patient_id,
           d.patient_id,
           d.relationship,
           d.until_on,
           d.created_at
      FROM clinic_data.dependants d
     WHERE d.guardian_patient_id = clinic.current_patient_id()
        OR d.patient_id = clinic.current_patient_id()
        OR clinic.has_permission('patients:read')
           AND EXISTS (SELECT FROM clinic_data.patients g WHERE g.tenant_id = d.tenant_id AND g.patient_id = d.guardian_patient_id)
           AND EXISTS (SELECT FROM clinic_data.patients p WHERE p.tenant_id = d.tenant_id AND p.patient_id = d.patient_id)
$view$);
COMMENT ON VIEW clinic.dependants IS 'For whom patients act. Needs patients:read, for patients that the caller sees; a patient sees who acts for them and for whom they act.';
COMMENT ON COLUMN clinic.dependants.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.dependants.guardian_patient_id IS 'Who acts.';
COMMENT ON COLUMN clinic.dependants.patient_id IS 'For whom.';
COMMENT ON COLUMN clinic.dependants.relationship IS 'In words: child, parent, spouse.';
COMMENT ON COLUMN clinic.dependants.until_on IS 'Last day (UTC) on which it holds; null: until taken back.';
COMMENT ON COLUMN clinic.dependants.created_at IS 'Since when it is known.';
