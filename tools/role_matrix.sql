-- The matrix of shipped roles and functions, and its text: docs/role_matrix.md. For psql; needs pg_clinic in the database.
\ir function_permissions.sql

-- Whether a list of granted permissions covers a wanted one.
CREATE FUNCTION pg_temp.covers(granted text[], wanted text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT EXISTS (SELECT FROM unnest(granted) AS g (permission)
                   WHERE g.permission = wanted
                      OR starts_with(wanted, g.permission || ':')
                      OR right(g.permission, 1) = '*' AND starts_with(wanted || ':', left(g.permission, -1)))
$$;

CREATE TEMPORARY VIEW role_matrix AS
SELECT f.function, r.role,
       CASE WHEN f.executes NOT IN ('public', 'anon', 'user') THEN 'no'
            WHEN n.whole THEN 'yes'
            WHEN f.scopes AND n.scoped AND r.role <> 'patient' THEN 'own'
            WHEN f.patients AND r.role = 'patient' THEN 'own'
            ELSE 'no' END AS may
FROM pg_temp.function_permissions AS f
CROSS JOIN clinic_private.shipped_roles() AS r
CROSS JOIN LATERAL (
    SELECT coalesce(bool_and(a.whole), true) AS whole, coalesce(bool_and(a.whole OR a.scoped), true) AS scoped
    FROM unnest(string_to_array(nullif(f.needs, ''), ' ')) AS need (one)
    CROSS JOIN LATERAL (
        SELECT bool_or(pg_temp.covers(r.permissions, w.permission)) AS whole,
               bool_or(pg_temp.covers(r.permissions, w.permission || ':own') OR pg_temp.covers(r.permissions, w.permission || ':branch')) AS scoped
        FROM unnest(string_to_array(need.one, '|')) AS w (permission)) AS a) AS n;

CREATE FUNCTION pg_temp.role_matrix_text() RETURNS text LANGUAGE sql STABLE AS $$
    WITH columns AS (
        SELECT r.role, row_number() OVER () AS place FROM clinic_private.shipped_roles() AS r),
    lines AS (
        SELECT f.needs = '' AS last, f.needs, f.function,
               format('| `%s` | %s | %s |', f.function,
                      CASE f.needs WHEN '' THEN '' ELSE '`' || replace(replace(f.needs, ' ', '`, `'), '|', '` or `') || '`' END,
                      string_agg(CASE m.may WHEN 'no' THEN '·' ELSE m.may END, ' | ' ORDER BY c.place)) AS line
        FROM pg_temp.function_permissions AS f
        JOIN pg_temp.role_matrix AS m ON m.function = f.function
        JOIN columns AS c ON c.role = m.role
        WHERE f.executes IN ('user', 'anon')
        GROUP BY f.function, f.needs)
    SELECT concat_ws(E'\n',
        '# Who may call what',
        '',
        'Written by `tools/role_matrix.sh` from `tools/function_permissions.sql` and the shipped roles; a test holds it against the catalog and',
        'against real calls. A tenant may change its roles: then the column *needs* counts, by the rules of [security.md](security.md).',
        '',
        'yes: at the user''s branches. own: with the own provider, at own branches, or for the patient and their dependants. ·: refused.',
        '',
        '| function | needs | ' || (SELECT string_agg(replace(c.role, '_', ' '), ' | ' ORDER BY c.place) FROM columns AS c) || ' |',
        '|---|---|' || (SELECT string_agg('---', '|') FROM columns) || '|',
        (SELECT string_agg(l.line, E'\n' ORDER BY l.last, split_part(l.needs, ':', 1), l.needs, l.function) FROM lines AS l),
        '',
        'Members of `clinic_admin` only: ' ||
            (SELECT string_agg(format('`%s`', f.function), ', ' ORDER BY f.function) FROM pg_temp.function_permissions AS f WHERE f.executes IN ('admin', 'jobs')) || '.',
        'Members of `clinic_admin` and `clinic_gateway` only: ' ||
            (SELECT string_agg(format('`%s`', f.function), ', ' ORDER BY f.function) FROM pg_temp.function_permissions AS f WHERE f.executes = 'keys') || '.',
        'For requests of logins that are members of `clinic_gateway`: ' ||
            (SELECT string_agg(format('`%s`', f.function), ', ' ORDER BY f.function) FROM pg_temp.function_permissions AS f WHERE f.executes = 'gateway') || '.',
        'Superusers only: ' ||
            (SELECT string_agg(format('`%s`', f.function), ', ' ORDER BY f.function) FROM pg_temp.function_permissions AS f WHERE f.executes = 'owner') || '.',
        'Everybody, also without a tenant: ' ||
            (SELECT string_agg(format('`%s`', f.function), ', ' ORDER BY f.function) FROM pg_temp.function_permissions AS f WHERE f.executes = 'public') || '.',
        '',
        '## Shipped roles',
        '',
        '| role | permissions |',
        '|---|---|',
        (SELECT string_agg(format('| %s | %s |', r.role, (SELECT string_agg('`' || p.permission || '`', ' ' ORDER BY p.place)
                                                          FROM unnest(r.permissions) WITH ORDINALITY AS p (permission, place))), E'\n' ORDER BY c.place)
         FROM clinic_private.shipped_roles() AS r JOIN columns AS c ON c.role = r.role))
$$;
