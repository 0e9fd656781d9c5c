-- What clinic.lint() finds in the roles and settings of the server, in the way of 81_lint_objects.sql.

CREATE FUNCTION clinic_private.lint_roles()
    RETURNS TABLE (severity text, rule text, object text, finding text, fix text)
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH RECURSIVE members AS (
        -- Who is in a role, through which direct member of it.
        SELECT m.roleid, m.member AS direct, m.member, m.grantor FROM pg_auth_members m
        UNION
        SELECT u.roleid, u.direct, m.member, u.grantor FROM members u JOIN pg_auth_members m ON m.roleid = u.member
    ),
    memberships AS (
        SELECT g.rolname AS role_name, r.oid, r.rolname, r.rolsuper, r.rolbypassrls, r.rolcanlogin, u.direct = u.member AS is_direct,
               -- Since 16 a membership is taken back by, or in the name of, who granted it.
               format('REVOKE %I FROM %I', g.rolname, d.rolname)
                   || CASE WHEN current_setting('server_version_num')::integer >= 160000 AND u.grantor <> 10
                           THEN format(' GRANTED BY %I', pg_get_userbyid(u.grantor)) ELSE '' END AS fix
          FROM members u
          JOIN pg_roles g ON g.oid = u.roleid
          JOIN pg_roles r ON r.oid = u.member
          JOIN pg_roles d ON d.oid = u.direct
    )
    SELECT 'error', 'role_unfit', r.rolname::text,
           'The role can log in, is a superuser, may make roles or databases, replicate, or passes row security: it should do none of these.',
           format('ALTER ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION%s', r.rolname,
                  CASE WHEN r.rolname <> 'clinic_system' THEN ' NOBYPASSRLS' ELSE '' END)
      FROM pg_roles r
     WHERE r.rolname IN ('clinic_owner', 'clinic_gateway', 'clinic_anon', 'clinic_user', 'clinic_admin', 'clinic_system')
       AND (r.rolcanlogin OR r.rolsuper OR r.rolcreatedb OR r.rolcreaterole OR r.rolreplication
            OR r.rolbypassrls AND r.rolname <> 'clinic_system')
    UNION ALL
    SELECT 'warning', 'role_unfit', r.rolname::text, 'The jobs over all tenants see no row without BYPASSRLS.', 'ALTER ROLE clinic_system BYPASSRLS'
      FROM pg_roles r WHERE r.rolname = 'clinic_system' AND NOT r.rolbypassrls
    UNION ALL
    SELECT 'error', 'member_of_system', m.rolname::text, 'A member of clinic_system passes row security; it has no members.', m.fix
      FROM memberships m WHERE m.role_name = 'clinic_system' AND m.is_direct
    UNION ALL
    SELECT CASE WHEN m.rolname LIKE 'clinic\_%' THEN 'error' ELSE 'warning' END, 'member_of_owner', m.rolname::text,
           'A member of clinic_owner may install, and may change every table, policy and function of pg_clinic.', m.fix
      FROM memberships m WHERE m.role_name = 'clinic_owner' AND m.is_direct
    UNION ALL
    SELECT 'info', 'member_of_admin', m.rolname::text, 'A member of clinic_admin may choose every tenant.', m.fix
      FROM memberships m WHERE m.role_name = 'clinic_admin' AND m.is_direct
    UNION ALL
    SELECT 'info', 'member_of_gateway', m.rolname::text, 'What a member of clinic_gateway says about its callers is believed.', m.fix
      FROM memberships m WHERE m.role_name = 'clinic_gateway' AND m.is_direct
    UNION ALL
    SELECT 'error', 'gateway_too_strong', m.rolname::text,
           format('The login is believed as a gateway and %s: whoever takes it over has everything. Use a login of its own.',
                  CASE WHEN m.rolsuper THEN 'is a superuser' WHEN m.rolbypassrls THEN 'passes row security'
                       ELSE 'is a member of ' || s.roles END),
           CASE WHEN m.rolsuper THEN format('ALTER ROLE %I NOSUPERUSER', m.rolname)
                WHEN m.rolbypassrls THEN format('ALTER ROLE %I NOBYPASSRLS', m.rolname)
                ELSE m.fix END
      FROM memberships m
     CROSS JOIN LATERAL (SELECT string_agg(DISTINCT o.role_name::text, ', ' ORDER BY o.role_name::text) AS roles FROM memberships o
                          WHERE o.oid = m.oid AND o.role_name IN ('clinic_admin', 'clinic_owner', 'clinic_system')) s
     WHERE m.role_name = 'clinic_gateway' AND (m.rolsuper OR m.rolbypassrls OR s.roles IS NOT NULL)
    UNION ALL
    SELECT 'info', 'passes_row_security', r.rolname::text, 'The login passes row security and sees every tenant.',
           format('ALTER ROLE %I %s', r.rolname, CASE WHEN r.rolsuper THEN 'NOSUPERUSER' ELSE 'NOBYPASSRLS' END)
      FROM pg_roles r
     WHERE r.rolcanlogin AND (r.rolsuper OR r.rolbypassrls) AND r.oid <> 10 AND r.rolname NOT LIKE 'clinic\_%'
    UNION ALL
    SELECT 'warning', 'reads_server_files', m.rolname::text,
           format('A member of %s reaches the files of the tables, whatever row security says.', m.role_name), m.fix
      FROM memberships m
     WHERE m.role_name IN ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program') AND m.is_direct
    UNION ALL
    SELECT 'error', 'parameter_granted', format('%s: %s', p.parname, coalesce(quote_ident(o.rolname), 'PUBLIC')),
           format('%s has %s on a parameter that guards pg_clinic.', coalesce(quote_ident(o.rolname), 'PUBLIC'), a.privilege_type),
           format('REVOKE ALL ON PARAMETER %s FROM %s CASCADE', p.parname, coalesce(quote_ident(o.rolname), 'PUBLIC'))
      FROM pg_parameter_acl p CROSS JOIN LATERAL aclexplode(p.paracl) a LEFT JOIN pg_roles o ON o.oid = a.grantee
     WHERE (p.parname LIKE 'clinic.%' OR p.parname = 'session_replication_role') AND a.grantee <> 10;
END;
COMMENT ON FUNCTION clinic_private.lint_roles() IS
    'Findings about roles: those of pg_clinic, their members, logins that pass row security, rights on parameters.';
REVOKE ALL ON FUNCTION clinic_private.lint_roles() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lint_roles() TO clinic_admin;

-- Mapped logins of every tenant for who may read the table of them, else those of the tenant of the context.
CREATE FUNCTION clinic_private.lint_logins()
    RETURNS TABLE (severity text, rule text, object text, finding text, fix text)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    own_tenant constant uuid := clinic.current_tenant_id();
    sees_all constant boolean := (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = CURRENT_USER);
BEGIN
    PERFORM FROM pg_class c WHERE c.relname = 'logins' AND c.relnamespace = to_regnamespace('clinic_data')::oid;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF sees_all THEN
        RETURN QUERY
            SELECT CASE WHEN strong.rolname IS NULL THEN 'warning' ELSE 'error' END, 'login_mapping', format('%s: %I', l.tenant_id, l.login),
                   CASE WHEN strong.rolname IS NULL THEN 'The mapped login does not do what was meant: ' || array_to_string(p.problems, '; ') || '.'
                        ELSE 'The mapped login passes row security, or may change it.' END,
                   format('SELECT clinic.use_tenant(%L), clinic.unmap_login(%L)', l.tenant_id, l.login)
              FROM clinic_data.logins l
              LEFT JOIN pg_roles strong ON strong.rolname = l.login
                                       AND (strong.rolsuper OR strong.rolbypassrls OR pg_has_role(strong.oid, 'clinic_owner', 'MEMBER'))
             CROSS JOIN LATERAL (SELECT clinic_private.login_problems(l.login, l.actor, l.permissions) AS problems) p
             WHERE l.active AND (strong.rolname IS NOT NULL OR cardinality(p.problems) > 0);
    ELSIF own_tenant IS NOT NULL AND clinic.has_permission('setup:write') THEN
        RETURN QUERY
            SELECT CASE WHEN strong.rolname IS NULL THEN 'warning' ELSE 'error' END, 'login_mapping', format('%s: %I', own_tenant, l.login),
                   CASE WHEN strong.rolname IS NULL THEN 'The mapped login does not do what was meant: ' || array_to_string(l.problems, '; ') || '.'
                        ELSE 'The mapped login passes row security, or may change it.' END,
                   format('SELECT clinic.use_tenant(%L), clinic.unmap_login(%L)', own_tenant, l.login)
              FROM clinic.mapped_logins() l
              LEFT JOIN pg_roles strong ON strong.rolname = l.login
                                       AND (strong.rolsuper OR strong.rolbypassrls OR pg_has_role(strong.oid, 'clinic_owner', 'MEMBER'))
             WHERE l.active AND (strong.rolname IS NOT NULL OR cardinality(l.problems) > 0);
    END IF;
    IF NOT sees_all THEN
        RETURN QUERY
            SELECT 'info', 'not_seen', 'clinic_data.logins', 'Mapped logins of other tenants than that of the context were not looked at.',
                   'Call clinic.lint() as a superuser, or in each tenant';
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.lint_logins() IS
    'Findings about mapped logins: those that do not do what was meant, and those that row security does not hold.';
REVOKE ALL ON FUNCTION clinic_private.lint_logins() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lint_logins() TO clinic_admin;

-- Settings and what they should be. A value that the configuration files give is mended there (ALTER SYSTEM, which no transaction
-- block takes); one of a database or role where it was set; one of the session in the session.
CREATE FUNCTION clinic_private.lint_settings()
    RETURNS TABLE (severity text, rule text, object text, finding text, fix text)
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH advice (name, severity, rule, unsafe, better, reason) AS (
        VALUES
        ('log_statement', 'warning', 'setting_leaks', '^(mod|all)$', 'none', 'Statements are logged, with what they say of patients.'),
        ('log_min_duration_statement', 'warning', 'setting_leaks', '^\d', '-1', 'Slow statements are logged, with what they say of patients.'),
        ('log_min_duration_sample', 'warning', 'setting_leaks', '^\d', '-1', 'A sample of statements is logged, with what they say of patients.'),
        ('log_transaction_sample_rate', 'warning', 'setting_leaks', '[1-9]', '0', 'A sample of transactions is logged, with what they say of patients.'),
        ('log_parameter_max_length', 'info', 'setting_leaks', '^(-1|[1-9])', '0', 'Where a statement is logged, its parameters are too, tokens among them.'),
        ('log_parameter_max_length_on_error', 'warning', 'setting_leaks', '^(-1|[1-9])', '0', 'With an error the parameters are logged, tokens among them.'),
        ('log_min_error_statement', 'warning', 'setting_leaks', '^(debug|info|notice|warning|error)', 'panic', 'With an error the statement is logged, with what it says of patients.'),
        ('log_error_verbosity', 'warning', 'setting_leaks', '^(default|verbose)$', 'terse', 'With an error its detail is logged, which may be a row of a table.'),
        ('log_min_messages', 'warning', 'setting_leaks', '^debug', 'warning', 'What is for developers of the server is logged.'),
        ('debug_print_parse', 'warning', 'setting_leaks', '^on$', 'off', 'Statements are logged as trees, values and all.'),
        ('debug_print_rewritten', 'warning', 'setting_leaks', '^on$', 'off', 'Statements are logged as trees, values and all.'),
        ('debug_print_plan', 'warning', 'setting_leaks', '^on$', 'off', 'Statements are logged as trees, values and all.'),
        ('auto_explain.log_min_duration', 'warning', 'setting_leaks', '^\d', '-1', 'Plans are logged, with the values that they look for.'),
        ('pg_stat_statements.track_utility', 'warning', 'setting_leaks', '^on$', 'off', 'Utility statements are kept word by word, passwords and values among them.'),
        ('pgaudit.log_parameter', 'warning', 'setting_leaks', '^on$', 'off', 'The parameters of audited statements are logged, tokens among them.'),
        ('pgaudit.log', 'warning', 'setting_leaks', '(read|write|all|misc)', 'role, ddl', 'Audited statements are logged, with what they say of patients.'),
        ('password_encryption', 'warning', 'setting_weak', '^md5$', 'scram-sha-256', 'Passwords are kept as MD5, which is guessed fast.'),
        ('fsync', 'warning', 'setting_loses_data', '^off$', 'on', 'A crash of the machine can destroy the database.'),
        ('full_page_writes', 'warning', 'setting_loses_data', '^off$', 'on', 'A crash of the machine can destroy pages of the database.'),
        ('session_replication_role', 'error', 'setting_switches_off', '^(replica|local)$', 'origin', 'Triggers and foreign keys do not fire.'),
        ('clinic.clock', 'error', 'frozen_clock', '.', '', 'The engine''s clock stands still: nothing is past, nothing expires. For tests alone.')
    ),
    present AS (
        SELECT s.name, s.setting, s.source, s.context, a.severity, a.rule, a.better, a.reason
          FROM advice a JOIN pg_settings s ON s.name = a.name
         WHERE s.setting ~ a.unsafe
           AND (a.name <> 'log_min_duration_sample' OR current_setting('log_statement_sample_rate')::double precision > 0)
    ),
    stored AS (
        SELECT split_part(c.setting, '=', 1) AS name, substr(c.setting, strpos(c.setting, '=') + 1) AS value, d.datname, r.rolname,
               CASE WHEN s.setrole = 0 THEN format('DATABASE %I', d.datname)
                    WHEN s.setdatabase = 0 THEN format('ROLE %I', r.rolname)
                    ELSE format('ROLE %I IN DATABASE %I', r.rolname, d.datname) END AS place
          FROM pg_db_role_setting s
         CROSS JOIN LATERAL unnest(s.setconfig) AS c (setting)
          LEFT JOIN pg_database d ON d.oid = s.setdatabase
          LEFT JOIN pg_roles r ON r.oid = s.setrole
         WHERE s.setdatabase = 0 OR d.datname = current_database()
    )
    SELECT p.severity, p.rule, p.name,
           format('The value is %s. %s%s', quote_literal(p.setting), p.reason,
                  CASE WHEN p.source IN ('session', 'client', 'interactive') THEN '' WHEN p.context = 'postmaster' THEN ' Needs a restart.'
                       ELSE ' Then SELECT pg_reload_conf();' END),
           CASE WHEN p.source IN ('session', 'client', 'interactive') THEN format('SET %s = %L', p.name, p.better)
                ELSE format('ALTER SYSTEM SET %s = %L', p.name, p.better) END
      FROM present p WHERE p.source NOT IN ('database', 'user', 'database user', 'global')
    UNION ALL
    SELECT a.severity, a.rule, format('%s of %s', s.name, lower(split_part(s.place, ' ', 1)) || substr(s.place, strpos(s.place, ' '))),
           format('The value is %L. %s', s.value, a.reason), format('ALTER %s RESET %s', s.place, s.name)
      FROM stored s JOIN advice a ON a.name = s.name WHERE s.value ~ a.unsafe
    UNION ALL
    SELECT 'warning', 'setting_of_role', format('%s of %s', s.name, lower(split_part(s.place, ' ', 1)) || substr(s.place, strpos(s.place, ' '))),
           'A setting of pg_clinic differs here from that of the server.', format('ALTER %s RESET %s', s.place, s.name)
      FROM stored s WHERE s.name LIKE 'clinic.%' AND s.name <> 'clinic.clock'
    UNION ALL
    SELECT 'warning', 'connection_open_text', 'ssl', 'The server listens beyond the machine, and passwords and patients'' data cross the network unencrypted.',
           'ALTER SYSTEM SET ssl = on'
      FROM pg_settings s, pg_settings l
     WHERE s.name = 'ssl' AND s.setting = 'off' AND l.name = 'listen_addresses'
       AND EXISTS (SELECT FROM regexp_split_to_table(l.setting, '\s*,\s*') AS a (address)
                    WHERE a.address NOT IN ('', 'localhost', '127.0.0.1', '::1'))
    UNION ALL
    SELECT 'warning', 'not_preloaded', 'shared_preload_libraries',
           'pg_clinic is not preloaded: there are no rate limits, its settings are not there before its first call, and neither is the audit of reads: what a superuser reads of a table of patients before it leaves no record. Needs a restart.',
           format('ALTER SYSTEM SET shared_preload_libraries = %s',
                  concat_ws(', ', (SELECT string_agg(quote_ident(btrim(n.name, ' "')), ', ')
                                     FROM regexp_split_to_table(s.setting, ',') AS n (name) WHERE btrim(n.name) <> ''), 'pg_clinic'))
      FROM pg_settings s WHERE s.name = 'shared_preload_libraries' AND s.setting !~ '(^|[,/ "])pg_clinic(\.so)?("? *,|"? *$)'
    UNION ALL
    SELECT 'info', 'not_seen', 'shared_preload_libraries', 'Some settings of the server are hidden from the caller and were not looked at.',
           format('GRANT pg_read_all_settings TO %I', CURRENT_USER)
     WHERE NOT pg_has_role('pg_read_all_settings', 'USAGE');
END;
COMMENT ON FUNCTION clinic_private.lint_settings() IS
    'Findings about settings: what leaks into logs, what is weak, what loses data, what is switched off.';
REVOKE ALL ON FUNCTION clinic_private.lint_settings() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lint_settings() TO clinic_admin;
