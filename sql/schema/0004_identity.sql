-- Who may do what: users, their roles and branches, what proves who they are, and what they were let in for.

ALTER TABLE clinic_data.tenants
    ADD COLUMN patient_access text NOT NULL DEFAULT 'care',
    ADD COLUMN published boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT tenants_patient_access_check CHECK (patient_access IN ('care', 'tenant'));
COMMENT ON COLUMN clinic_data.tenants.patient_access IS 'Which patients a user who is a provider reads with patients:read: care, those they treat; tenant, all of them.';
COMMENT ON COLUMN clinic_data.tenants.published IS 'Whether the tenant has a public booking page: visitors without identity see what is published.';

ALTER TABLE clinic_data.locations ADD COLUMN published boolean NOT NULL DEFAULT false;
ALTER TABLE clinic_data.resources ADD COLUMN published boolean NOT NULL DEFAULT false;
ALTER TABLE clinic_data.services ADD COLUMN published boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN clinic_data.locations.published IS 'Whether visitors of the public booking page see it.';
COMMENT ON COLUMN clinic_data.resources.published IS 'Whether visitors of the public booking page see it; of providers only.';
COMMENT ON COLUMN clinic_data.services.published IS 'Whether visitors of the public booking page see it.';

CREATE TABLE clinic_data.users (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    status text NOT NULL DEFAULT 'active',
    provider_id uuid,
    patient_id uuid,
    all_locations boolean NOT NULL DEFAULT false,
    signed_out_at timestamptz,
    last_login_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid,
    CONSTRAINT users_pkey PRIMARY KEY (tenant_id, user_id),
    CONSTRAINT users_tenant_id_patient_id_key UNIQUE (tenant_id, patient_id),
    CONSTRAINT users_tenant_id_provider_id_key UNIQUE (tenant_id, provider_id),
    CONSTRAINT users_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES clinic_data.tenants (tenant_id),
    CONSTRAINT users_provider_id_fkey FOREIGN KEY (tenant_id, provider_id)
        REFERENCES clinic_data.providers (tenant_id, provider_id),
    CONSTRAINT users_patient_id_fkey FOREIGN KEY (tenant_id, patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id),
    CONSTRAINT users_kind_check CHECK (kind IN ('staff', 'patient', 'service')),
    CONSTRAINT users_name_check CHECK (length(name) BETWEEN 1 AND 200),
    CONSTRAINT users_status_check CHECK (status IN ('active', 'inactive')),
    CONSTRAINT users_patient_check CHECK ((kind = 'patient') = (patient_id IS NOT NULL)),
    CONSTRAINT users_provider_check CHECK (provider_id IS NULL OR kind = 'staff')
);
COMMENT ON TABLE clinic_data.users IS 'People and programs that act in a tenant. One row is one membership: the same user_id in two tenants is the same person.';
COMMENT ON COLUMN clinic_data.users.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.users.user_id IS 'Identifies the user: sub of tokens, created_by of rows.';
COMMENT ON COLUMN clinic_data.users.kind IS 'staff, patient or service (a program).';
COMMENT ON COLUMN clinic_data.users.name IS 'Name shown to colleagues.';
COMMENT ON COLUMN clinic_data.users.status IS 'active, or inactive: has no context from the next transaction on.';
COMMENT ON COLUMN clinic_data.users.provider_id IS 'The provider that this member of staff is; scope own means this one.';
COMMENT ON COLUMN clinic_data.users.patient_id IS 'The patient that this user is.';
COMMENT ON COLUMN clinic_data.users.all_locations IS 'Acts at every location of the tenant; else at those of user_locations.';
COMMENT ON COLUMN clinic_data.users.signed_out_at IS 'Tokens issued up to then are dead.';
COMMENT ON COLUMN clinic_data.users.last_login_at IS 'When the user last signed in.';
COMMENT ON COLUMN clinic_data.users.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic_data.users.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.users.created_by IS 'User who made the row.';
COMMENT ON COLUMN clinic_data.users.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN clinic_data.users.updated_by IS 'User who last changed the row.';

CREATE TABLE clinic_data.user_locations (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    location_id uuid NOT NULL,
    is_primary boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    CONSTRAINT user_locations_pkey PRIMARY KEY (tenant_id, user_id, location_id),
    CONSTRAINT user_locations_user_id_fkey FOREIGN KEY (tenant_id, user_id)
        REFERENCES clinic_data.users (tenant_id, user_id),
    CONSTRAINT user_locations_location_id_fkey FOREIGN KEY (tenant_id, location_id)
        REFERENCES clinic_data.locations (tenant_id, location_id)
);
CREATE INDEX user_locations_location_id_idx ON clinic_data.user_locations (tenant_id, location_id);
COMMENT ON TABLE clinic_data.user_locations IS 'The branches (locations) at which a user acts.';
COMMENT ON COLUMN clinic_data.user_locations.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.user_locations.user_id IS 'The user.';
COMMENT ON COLUMN clinic_data.user_locations.location_id IS 'The branch.';
COMMENT ON COLUMN clinic_data.user_locations.is_primary IS 'Where the user is at home.';
COMMENT ON COLUMN clinic_data.user_locations.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.user_locations.created_by IS 'User who made the row.';

CREATE TABLE clinic_data.roles (
    tenant_id uuid NOT NULL,
    role text NOT NULL,
    description text,
    permissions text[] NOT NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid,
    CONSTRAINT roles_pkey PRIMARY KEY (tenant_id, role),
    CONSTRAINT roles_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES clinic_data.tenants (tenant_id),
    CONSTRAINT roles_role_check CHECK (role ~ '^[a-z][a-z0-9_]{0,62}$')
);
COMMENT ON TABLE clinic_data.roles IS 'Roles of a tenant and what they permit; a new tenant begins with the shipped ones.';
COMMENT ON COLUMN clinic_data.roles.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.roles.role IS 'Name of the role, such as receptionist.';
COMMENT ON COLUMN clinic_data.roles.description IS 'What the role is for.';
COMMENT ON COLUMN clinic_data.roles.permissions IS 'Permissions: resource:action or resource:action:scope; * alone or as the last segment.';
COMMENT ON COLUMN clinic_data.roles.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic_data.roles.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.roles.created_by IS 'User who made the row.';
COMMENT ON COLUMN clinic_data.roles.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN clinic_data.roles.updated_by IS 'User who last changed the row.';

CREATE TABLE clinic_data.user_roles (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    CONSTRAINT user_roles_pkey PRIMARY KEY (tenant_id, user_id, role),
    CONSTRAINT user_roles_user_id_fkey FOREIGN KEY (tenant_id, user_id)
        REFERENCES clinic_data.users (tenant_id, user_id),
    CONSTRAINT user_roles_role_fkey FOREIGN KEY (tenant_id, role) REFERENCES clinic_data.roles (tenant_id, role)
);
CREATE INDEX user_roles_role_idx ON clinic_data.user_roles (tenant_id, role);
COMMENT ON TABLE clinic_data.user_roles IS 'Which roles a user has.';
COMMENT ON COLUMN clinic_data.user_roles.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.user_roles.user_id IS 'The user.';
COMMENT ON COLUMN clinic_data.user_roles.role IS 'The role.';
COMMENT ON COLUMN clinic_data.user_roles.created_at IS 'When it was granted.';
COMMENT ON COLUMN clinic_data.user_roles.created_by IS 'User who granted it.';

CREATE TABLE clinic_data.staff_profiles (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    registration_number text,
    registration_council text,
    licence_number text,
    licence_expires_on date,
    npi text,
    hpr_id text,
    qualification text,
    specialisations text[] NOT NULL DEFAULT '{}',
    languages text[] NOT NULL DEFAULT '{}',
    signature_ref text,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid,
    CONSTRAINT staff_profiles_pkey PRIMARY KEY (tenant_id, user_id),
    CONSTRAINT staff_profiles_user_id_fkey FOREIGN KEY (tenant_id, user_id)
        REFERENCES clinic_data.users (tenant_id, user_id),
    CONSTRAINT staff_profiles_npi_check CHECK (npi ~ '^[0-9]{10}$'),
    CONSTRAINT staff_profiles_texts_check
        CHECK (length(registration_number) <= 50 AND length(registration_council) <= 100 AND length(licence_number) <= 50
               AND length(hpr_id) <= 50 AND length(qualification) <= 255 AND length(signature_ref) <= 500)
);
COMMENT ON TABLE clinic_data.staff_profiles IS 'Professional data of staff.';
COMMENT ON COLUMN clinic_data.staff_profiles.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.staff_profiles.user_id IS 'The member of staff.';
COMMENT ON COLUMN clinic_data.staff_profiles.registration_number IS 'Number in the register of the council.';
COMMENT ON COLUMN clinic_data.staff_profiles.registration_council IS 'The council that registered them.';
COMMENT ON COLUMN clinic_data.staff_profiles.licence_number IS 'Number of the licence to practise.';
COMMENT ON COLUMN clinic_data.staff_profiles.licence_expires_on IS 'Last day on which the licence holds.';
COMMENT ON COLUMN clinic_data.staff_profiles.npi IS 'National Provider Identifier (US), ten digits with a valid check digit.';
COMMENT ON COLUMN clinic_data.staff_profiles.hpr_id IS 'Healthcare Professionals Registry id (India).';
COMMENT ON COLUMN clinic_data.staff_profiles.qualification IS 'Degrees, as printed.';
COMMENT ON COLUMN clinic_data.staff_profiles.specialisations IS 'Specialisations, as searched for.';
COMMENT ON COLUMN clinic_data.staff_profiles.languages IS 'Languages spoken, BCP 47 tags such as en or hi-IN.';
COMMENT ON COLUMN clinic_data.staff_profiles.signature_ref IS 'Where the image of the signature is kept; never the image.';
COMMENT ON COLUMN clinic_data.staff_profiles.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic_data.staff_profiles.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.staff_profiles.created_by IS 'User who made the row.';
COMMENT ON COLUMN clinic_data.staff_profiles.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN clinic_data.staff_profiles.updated_by IS 'User who last changed the row.';

CREATE TABLE clinic_data.dependants (
    tenant_id uuid NOT NULL,
    guardian_patient_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    relationship text,
    until_on date,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    CONSTRAINT dependants_pkey PRIMARY KEY (tenant_id, guardian_patient_id, patient_id),
    CONSTRAINT dependants_guardian_patient_id_fkey FOREIGN KEY (tenant_id, guardian_patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id),
    CONSTRAINT dependants_patient_id_fkey FOREIGN KEY (tenant_id, patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id),
    CONSTRAINT dependants_distinct_check CHECK (guardian_patient_id <> patient_id),
    CONSTRAINT dependants_relationship_check CHECK (length(relationship) BETWEEN 1 AND 60)
);
CREATE INDEX dependants_patient_id_idx ON clinic_data.dependants (tenant_id, patient_id);
COMMENT ON TABLE clinic_data.dependants IS 'For whom a patient acts: children, and others in their care.';
COMMENT ON COLUMN clinic_data.dependants.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.dependants.guardian_patient_id IS 'Who acts.';
COMMENT ON COLUMN clinic_data.dependants.patient_id IS 'For whom.';
COMMENT ON COLUMN clinic_data.dependants.relationship IS 'In words: child, parent, spouse.';
COMMENT ON COLUMN clinic_data.dependants.until_on IS 'Last day (UTC) on which it holds, such as the day before coming of age; null: until taken back.';
COMMENT ON COLUMN clinic_data.dependants.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.dependants.created_by IS 'User who made the row.';

CREATE TABLE clinic_data.emergency_accesses (
    tenant_id uuid NOT NULL,
    access_id uuid NOT NULL,
    user_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    reason text NOT NULL,
    starts_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    reviewed_at timestamptz,
    reviewed_by uuid,
    review_note text,
    request_id text,
    CONSTRAINT emergency_accesses_pkey PRIMARY KEY (tenant_id, access_id),
    CONSTRAINT emergency_accesses_patient_id_fkey FOREIGN KEY (tenant_id, patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id),
    CONSTRAINT emergency_accesses_reason_check CHECK (length(btrim(reason)) BETWEEN 10 AND 1000),
    CONSTRAINT emergency_accesses_times_check CHECK (expires_at > starts_at AND expires_at <= starts_at + interval '24:00:00')
);
CREATE INDEX emergency_accesses_user_id_idx ON clinic_data.emergency_accesses (tenant_id, user_id, expires_at);
CREATE INDEX emergency_accesses_patient_id_idx ON clinic_data.emergency_accesses (tenant_id, patient_id, starts_at);
COMMENT ON TABLE clinic_data.emergency_accesses IS 'Who broke the glass for which patient, why and how long; every row waits for a review.';
COMMENT ON COLUMN clinic_data.emergency_accesses.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.emergency_accesses.access_id IS 'Identifies the access.';
COMMENT ON COLUMN clinic_data.emergency_accesses.user_id IS 'Who.';
COMMENT ON COLUMN clinic_data.emergency_accesses.patient_id IS 'Whose data.';
COMMENT ON COLUMN clinic_data.emergency_accesses.reason IS 'Why, in the user''s words.';
COMMENT ON COLUMN clinic_data.emergency_accesses.starts_at IS 'From when.';
COMMENT ON COLUMN clinic_data.emergency_accesses.expires_at IS 'Until when, exclusive.';
COMMENT ON COLUMN clinic_data.emergency_accesses.ended_at IS 'When it was ended early.';
COMMENT ON COLUMN clinic_data.emergency_accesses.reviewed_at IS 'When somebody else looked at it.';
COMMENT ON COLUMN clinic_data.emergency_accesses.reviewed_by IS 'Who did.';
COMMENT ON COLUMN clinic_data.emergency_accesses.review_note IS 'What they found.';
COMMENT ON COLUMN clinic_data.emergency_accesses.request_id IS 'The request in which it was asked for.';

-- What proves who somebody is. No view shows these tables, and no function returns a secret of them.

CREATE TABLE clinic_data.user_identifiers (
    tenant_id uuid NOT NULL,
    kind text NOT NULL,
    identifier_hash bytea NOT NULL,
    value text NOT NULL,
    user_id uuid NOT NULL,
    verified_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    CONSTRAINT user_identifiers_pkey PRIMARY KEY (tenant_id, kind, identifier_hash),
    CONSTRAINT user_identifiers_user_id_fkey FOREIGN KEY (tenant_id, user_id)
        REFERENCES clinic_data.users (tenant_id, user_id),
    CONSTRAINT user_identifiers_kind_check CHECK (kind IN ('email', 'phone')),
    CONSTRAINT user_identifiers_hash_check CHECK (octet_length(identifier_hash) = 32),
    CONSTRAINT user_identifiers_value_check
        CHECK (value LIKE 'sealed %' OR CASE kind WHEN 'phone' THEN value ~ '^\+[1-9][0-9]{6,14}$'
                         ELSE value ~ '^[^@\s]+@[^@\s]+\.[^@\s]+$' AND length(value) <= 254 AND value = lower(value) END)
);
CREATE INDEX user_identifiers_user_id_idx ON clinic_data.user_identifiers (tenant_id, user_id);
COMMENT ON TABLE clinic_data.user_identifiers IS 'By what users sign in: e-mail addresses and phone numbers.';
COMMENT ON COLUMN clinic_data.user_identifiers.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.user_identifiers.kind IS 'email or phone.';
COMMENT ON COLUMN clinic_data.user_identifiers.identifier_hash IS 'HMAC-SHA256 of kind and value under the tenant''s secret (identifier_secrets), by which it is found.';
COMMENT ON COLUMN clinic_data.user_identifiers.value IS 'The address in lower case, or the number in E.164, sealed by the master key if there was one.';
COMMENT ON COLUMN clinic_data.user_identifiers.user_id IS 'Whose.';
COMMENT ON COLUMN clinic_data.user_identifiers.verified_at IS 'When the user proved to receive what is sent there.';
COMMENT ON COLUMN clinic_data.user_identifiers.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.user_identifiers.created_by IS 'User who made the row.';

CREATE TABLE clinic_data.credentials (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    password_hash text,
    password_changed_at timestamptz,
    failed_count integer NOT NULL DEFAULT 0,
    last_failed_at timestamptz,
    locked_until timestamptz,
    CONSTRAINT credentials_pkey PRIMARY KEY (tenant_id, user_id),
    CONSTRAINT credentials_user_id_fkey FOREIGN KEY (tenant_id, user_id)
        REFERENCES clinic_data.users (tenant_id, user_id)
);
COMMENT ON TABLE clinic_data.credentials IS 'Passwords (bcrypt) and how often signing in went wrong.';
COMMENT ON COLUMN clinic_data.credentials.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.credentials.user_id IS 'The user.';
COMMENT ON COLUMN clinic_data.credentials.password_hash IS 'bcrypt hash, cost 12; null: signs in by one-time code only.';
COMMENT ON COLUMN clinic_data.credentials.password_changed_at IS 'When the password was set.';
COMMENT ON COLUMN clinic_data.credentials.failed_count IS 'Failures since the last success.';
COMMENT ON COLUMN clinic_data.credentials.last_failed_at IS 'When the last one was.';
COMMENT ON COLUMN clinic_data.credentials.locked_until IS 'No sign-in before then.';

CREATE TABLE clinic_data.sessions (
    tenant_id uuid NOT NULL,
    session_id uuid NOT NULL,
    user_id uuid NOT NULL,
    refresh_hash bytea NOT NULL,
    generation integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    refreshed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoke_reason text,
    method text NOT NULL,
    client_address text,
    user_agent text,
    CONSTRAINT sessions_pkey PRIMARY KEY (tenant_id, session_id),
    CONSTRAINT sessions_user_id_fkey FOREIGN KEY (tenant_id, user_id)
        REFERENCES clinic_data.users (tenant_id, user_id),
    CONSTRAINT sessions_revoke_reason_check CHECK (revoke_reason IN ('signed_out', 'reused', 'password_changed', 'administrator')),
    CONSTRAINT sessions_method_check CHECK (method IN ('password', 'code'))
);
CREATE INDEX sessions_user_id_idx ON clinic_data.sessions (tenant_id, user_id, created_at);
COMMENT ON TABLE clinic_data.sessions IS 'What began with a sign-in: one row for the whole chain of refresh tokens.';
COMMENT ON COLUMN clinic_data.sessions.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.sessions.session_id IS 'Identifies the session; sid of its access tokens.';
COMMENT ON COLUMN clinic_data.sessions.user_id IS 'Whose.';
COMMENT ON COLUMN clinic_data.sessions.refresh_hash IS 'SHA-256 of the refresh token that is good now.';
COMMENT ON COLUMN clinic_data.sessions.generation IS 'Number of that token in the chain; an older one coming back is theft.';
COMMENT ON COLUMN clinic_data.sessions.created_at IS 'When the user signed in.';
COMMENT ON COLUMN clinic_data.sessions.refreshed_at IS 'When the last refresh token was made.';
COMMENT ON COLUMN clinic_data.sessions.expires_at IS 'When that token dies.';
COMMENT ON COLUMN clinic_data.sessions.revoked_at IS 'When the session was ended; its access tokens die with it.';
COMMENT ON COLUMN clinic_data.sessions.revoke_reason IS 'signed_out, reused (a used refresh token came back), password_changed or administrator.';
COMMENT ON COLUMN clinic_data.sessions.method IS 'How the user signed in: password or code.';
COMMENT ON COLUMN clinic_data.sessions.client_address IS 'From where, as claimed.';
COMMENT ON COLUMN clinic_data.sessions.user_agent IS 'By which program, as claimed.';

CREATE TABLE clinic_data.one_time_codes (
    tenant_id uuid NOT NULL,
    code_id uuid NOT NULL,
    identifier_hash bytea NOT NULL,
    purpose text NOT NULL,
    user_id uuid,
    code_hash bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    used_at timestamptz,
    CONSTRAINT one_time_codes_pkey PRIMARY KEY (tenant_id, code_id),
    CONSTRAINT one_time_codes_user_id_fkey FOREIGN KEY (tenant_id, user_id)
        REFERENCES clinic_data.users (tenant_id, user_id),
    CONSTRAINT one_time_codes_purpose_check CHECK (purpose IN ('sign_in', 'reset_password', 'verify'))
);
CREATE INDEX one_time_codes_user_id_idx ON clinic_data.one_time_codes (tenant_id, user_id);
CREATE INDEX one_time_codes_identifier_hash_idx ON clinic_data.one_time_codes (tenant_id, identifier_hash, created_at);
COMMENT ON TABLE clinic_data.one_time_codes IS 'Codes sent to a phone or an e-mail address, hashed; asked for three times a minute at most.';
COMMENT ON COLUMN clinic_data.one_time_codes.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.one_time_codes.code_id IS 'Identifies the code.';
COMMENT ON COLUMN clinic_data.one_time_codes.identifier_hash IS 'As of user_identifiers: also for identifiers that belong to nobody.';
COMMENT ON COLUMN clinic_data.one_time_codes.purpose IS 'sign_in, reset_password or verify.';
COMMENT ON COLUMN clinic_data.one_time_codes.user_id IS 'Whose identifier it is; null: nobody''s, and nothing was sent.';
COMMENT ON COLUMN clinic_data.one_time_codes.code_hash IS 'SHA-256 of code_id and code.';
COMMENT ON COLUMN clinic_data.one_time_codes.created_at IS 'When it was asked for.';
COMMENT ON COLUMN clinic_data.one_time_codes.expires_at IS 'When it dies.';
COMMENT ON COLUMN clinic_data.one_time_codes.attempts IS 'Wrong answers so far; five kill it.';
COMMENT ON COLUMN clinic_data.one_time_codes.used_at IS 'When it was used, or replaced by a newer one.';

CREATE TABLE clinic_data.api_keys (
    tenant_id uuid NOT NULL,
    key_id uuid NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL,
    key_hash bytea NOT NULL,
    permissions text[] NOT NULL,
    calls_per_hour integer NOT NULL DEFAULT 1000,
    expires_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    CONSTRAINT api_keys_pkey PRIMARY KEY (tenant_id, key_id),
    CONSTRAINT api_keys_user_id_fkey FOREIGN KEY (tenant_id, user_id)
        REFERENCES clinic_data.users (tenant_id, user_id),
    CONSTRAINT api_keys_name_check CHECK (length(name) BETWEEN 1 AND 100),
    CONSTRAINT api_keys_calls_check CHECK (calls_per_hour BETWEEN 1 AND 1000000)
);
CREATE INDEX api_keys_user_id_idx ON clinic_data.api_keys (tenant_id, user_id);
COMMENT ON TABLE clinic_data.api_keys IS 'Keys of service accounts; shown once, kept hashed.';
COMMENT ON COLUMN clinic_data.api_keys.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.api_keys.key_id IS 'Identifies the key; part of it.';
COMMENT ON COLUMN clinic_data.api_keys.user_id IS 'The service account that it acts as.';
COMMENT ON COLUMN clinic_data.api_keys.name IS 'What it is used for.';
COMMENT ON COLUMN clinic_data.api_keys.key_hash IS 'SHA-256 of its secret part.';
COMMENT ON COLUMN clinic_data.api_keys.permissions IS 'What it may do, of what the service account may.';
COMMENT ON COLUMN clinic_data.api_keys.calls_per_hour IS 'How often it may call, where rate limits are on.';
COMMENT ON COLUMN clinic_data.api_keys.expires_at IS 'When it dies; null: when revoked.';
COMMENT ON COLUMN clinic_data.api_keys.revoked_at IS 'When it was revoked.';
COMMENT ON COLUMN clinic_data.api_keys.created_at IS 'When it was made.';
COMMENT ON COLUMN clinic_data.api_keys.created_by IS 'User who made it.';

CREATE TABLE clinic_data.revoked_tokens (
    tenant_id uuid NOT NULL,
    jti text NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz NOT NULL DEFAULT now(),
    revoked_by uuid,
    CONSTRAINT revoked_tokens_pkey PRIMARY KEY (tenant_id, jti),
    CONSTRAINT revoked_tokens_jti_check CHECK (length(jti) BETWEEN 1 AND 200)
);
CREATE INDEX revoked_tokens_expires_at_idx ON clinic_data.revoked_tokens (tenant_id, expires_at);
COMMENT ON TABLE clinic_data.revoked_tokens IS 'Tokens that are dead before they expire; a row may go once the token would have expired.';
COMMENT ON COLUMN clinic_data.revoked_tokens.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.revoked_tokens.jti IS 'The token''s id.';
COMMENT ON COLUMN clinic_data.revoked_tokens.expires_at IS 'When it would have died anyhow.';
COMMENT ON COLUMN clinic_data.revoked_tokens.revoked_at IS 'When it was revoked.';
COMMENT ON COLUMN clinic_data.revoked_tokens.revoked_by IS 'User who revoked it.';

-- Keys of the whole database: which tokens are believed, and with what the engine signs its own. No caller reads this table.
CREATE TABLE clinic_data.token_keys (
    kid text NOT NULL,
    tenant_id uuid,
    algorithm text NOT NULL,
    verify_key text NOT NULL,
    signing_key text,
    issuer text NOT NULL,
    audience text NOT NULL,
    leeway_seconds integer NOT NULL DEFAULT 30,
    not_before timestamptz,
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT token_keys_pkey PRIMARY KEY (kid),
    CONSTRAINT token_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES clinic_data.tenants (tenant_id),
    CONSTRAINT token_keys_kid_check CHECK (kid ~ '^[A-Za-z0-9._-]{1,64}$'),
    CONSTRAINT token_keys_algorithm_check CHECK (algorithm IN ('HS256', 'RS256', 'ES256')),
    CONSTRAINT token_keys_leeway_check CHECK (leeway_seconds BETWEEN 0 AND 60)
);
CREATE INDEX token_keys_tenant_id_idx ON clinic_data.token_keys (tenant_id);
COMMENT ON TABLE clinic_data.token_keys IS 'Keys by which tokens are verified (and signed); a table of the database, not of a tenant, like the directory of slugs.';
COMMENT ON COLUMN clinic_data.token_keys.kid IS 'Identifies the key in the header of a token.';
COMMENT ON COLUMN clinic_data.token_keys.tenant_id IS 'The only tenant that tokens of this key may name; null: any.';
COMMENT ON COLUMN clinic_data.token_keys.algorithm IS 'The one algorithm that the key is good for: HS256, RS256 or ES256.';
COMMENT ON COLUMN clinic_data.token_keys.verify_key IS 'HS256: the secret in base64url, kept as signing_key is. RS256, ES256: the public key in PEM.';
COMMENT ON COLUMN clinic_data.token_keys.signing_key IS 'The private key in PEM, where the engine signs with this key, sealed by the master key if there was one; null for keys of others.';
COMMENT ON COLUMN clinic_data.token_keys.issuer IS 'iss that tokens must have.';
COMMENT ON COLUMN clinic_data.token_keys.audience IS 'aud that tokens must have, alone or in a list.';
COMMENT ON COLUMN clinic_data.token_keys.leeway_seconds IS 'How far the clocks may differ, in seconds; at most 60.';
COMMENT ON COLUMN clinic_data.token_keys.not_before IS 'Not used before then.';
COMMENT ON COLUMN clinic_data.token_keys.expires_at IS 'Not used from then on.';
COMMENT ON COLUMN clinic_data.token_keys.created_at IS 'When it was added; the newest of its kind signs.';

CREATE TABLE clinic_data.sign_in_events (
    tenant_id uuid NOT NULL,
    event_id uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    kind text NOT NULL,
    outcome text NOT NULL,
    user_id uuid,
    identifier_hash bytea,
    session_id uuid,
    request_id text,
    client_address text,
    peer_address text,
    user_agent text,
    CONSTRAINT sign_in_events_pkey PRIMARY KEY (tenant_id, event_id),
    CONSTRAINT sign_in_events_outcome_check CHECK (outcome IN ('success', 'refused'))
);
CREATE INDEX sign_in_events_user_id_idx ON clinic_data.sign_in_events (tenant_id, user_id, occurred_at);
COMMENT ON TABLE clinic_data.sign_in_events IS 'Every success and failure of signing in, refreshing, codes and keys; failures stay when their transaction is rolled back.';
COMMENT ON COLUMN clinic_data.sign_in_events.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.sign_in_events.event_id IS 'Identifies the event; ordered by time.';
COMMENT ON COLUMN clinic_data.sign_in_events.occurred_at IS 'When.';
COMMENT ON COLUMN clinic_data.sign_in_events.kind IS 'sign_in, refresh, sign_out, code_requested, code_used, password_changed, password_reset, api_key_made, api_key_revoked, authenticate.';
COMMENT ON COLUMN clinic_data.sign_in_events.outcome IS 'success or refused.';
COMMENT ON COLUMN clinic_data.sign_in_events.user_id IS 'The user, where there is one.';
COMMENT ON COLUMN clinic_data.sign_in_events.identifier_hash IS 'As of user_identifiers: of the identifier that was given.';
COMMENT ON COLUMN clinic_data.sign_in_events.session_id IS 'The session, where there is one.';
COMMENT ON COLUMN clinic_data.sign_in_events.request_id IS 'The request.';
COMMENT ON COLUMN clinic_data.sign_in_events.client_address IS 'From where, as claimed.';
COMMENT ON COLUMN clinic_data.sign_in_events.peer_address IS 'Who was connected.';
COMMENT ON COLUMN clinic_data.sign_in_events.user_agent IS 'By which program, as claimed.';

-- What is to be sent, written in the transaction that wants it sent.
CREATE TABLE clinic_data.outbox (
    tenant_id uuid NOT NULL,
    message_id uuid NOT NULL,
    topic text NOT NULL,
    channel text NOT NULL,
    destination text,
    payload text,
    created_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    expires_at timestamptz,
    claimed_until timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    status text NOT NULL DEFAULT 'waiting',
    done_at timestamptz,
    last_error text,
    CONSTRAINT outbox_pkey PRIMARY KEY (tenant_id, message_id),
    CONSTRAINT outbox_channel_check CHECK (channel IN ('sms', 'email', 'push', 'voice', 'webhook')),
    CONSTRAINT outbox_status_check CHECK (status IN ('waiting', 'sent', 'failed', 'expired'))
);
CREATE INDEX outbox_waiting_idx ON clinic_data.outbox (tenant_id, due_at) WHERE status = 'waiting';
CREATE INDEX outbox_done_idx ON clinic_data.outbox (tenant_id, done_at) WHERE status <> 'waiting';
COMMENT ON TABLE clinic_data.outbox IS 'Messages to be sent, for programs that claim and finish them. Destination and payload are erased when a message is done.';
COMMENT ON COLUMN clinic_data.outbox.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.outbox.message_id IS 'Identifies the message; ordered by time.';
COMMENT ON COLUMN clinic_data.outbox.topic IS 'What it is about, such as one_time_code.';
COMMENT ON COLUMN clinic_data.outbox.channel IS 'sms, email, push, voice or webhook.';
COMMENT ON COLUMN clinic_data.outbox.destination IS 'Phone number, address or URL, sealed by the master key if there was one; erased when done.';
COMMENT ON COLUMN clinic_data.outbox.payload IS 'What to say, a JSON object, kept likewise; erased when done.';
COMMENT ON COLUMN clinic_data.outbox.created_at IS 'When it was written.';
COMMENT ON COLUMN clinic_data.outbox.due_at IS 'Not to be sent before then.';
COMMENT ON COLUMN clinic_data.outbox.expires_at IS 'Not to be sent from then on.';
COMMENT ON COLUMN clinic_data.outbox.claimed_until IS 'Somebody is sending it until then.';
COMMENT ON COLUMN clinic_data.outbox.attempts IS 'How often somebody has claimed it.';
COMMENT ON COLUMN clinic_data.outbox.status IS 'waiting, sent, failed or expired.';
COMMENT ON COLUMN clinic_data.outbox.done_at IS 'When it was finished.';
COMMENT ON COLUMN clinic_data.outbox.last_error IS 'What the last attempt met.';

-- By what identifiers are hashed. A row for each tenant, made with it; the secret never changes, for what it hashed is not there to be hashed anew.
CREATE TABLE clinic_data.identifier_secrets (
    tenant_id uuid NOT NULL,
    secret text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT identifier_secrets_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT identifier_secrets_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES clinic_data.tenants (tenant_id)
);
COMMENT ON TABLE clinic_data.identifier_secrets IS 'The key of each tenant by which e-mail addresses and phone numbers that people sign in by are hashed. Read by functions only.';
COMMENT ON COLUMN clinic_data.identifier_secrets.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.identifier_secrets.secret IS '32 random bytes in hexadecimal, sealed by the master key if there was one.';
COMMENT ON COLUMN clinic_data.identifier_secrets.created_at IS 'When it was made.';
INSERT INTO clinic_data.identifier_secrets (tenant_id, secret)
SELECT t.tenant_id, clinic_private.new_identifier_secret(t.tenant_id) FROM clinic_data.tenants AS t;

-- Tenants that were here before begin with the shipped roles, as new ones do.
INSERT INTO clinic_data.roles (tenant_id, role, description, permissions)
SELECT t.tenant_id, s.role, s.description, s.permissions
  FROM clinic_data.tenants AS t
 CROSS JOIN clinic_private.shipped_roles() AS s;

-- Lists of patients in the order of their names.
CREATE INDEX patients_name_idx ON clinic_data.patients (tenant_id, name, patient_id);
