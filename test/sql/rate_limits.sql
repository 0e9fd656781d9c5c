-- Rate limits in a server that has not preloaded the library: the settings are there, and nothing is counted. What counting
-- does is in test/t/rate_limits.sh.
SELECT * FROM clinic.rate_limits();
SELECT v.* FROM generate_series(1, 6) AS call CROSS JOIN LATERAL clinic_private.count_call('login', 'somebody' || left(call::text, 0)) AS v;
SELECT * FROM clinic_private.count_call('api_key', '', 1000000);

-- Arguments are looked at all the same.
\set VERBOSITY terse
SELECT * FROM clinic_private.count_call('burst', 'x');
SELECT * FROM clinic_private.count_call(NULL, 'x');
SELECT * FROM clinic_private.count_call('login', NULL);
SELECT * FROM clinic_private.count_call('login', 'x', 0);
SELECT * FROM clinic_private.count_call('login', 'x', 1000001);

-- Settings of the server, not of a session; how many keys there are is a setting of a server that has preloaded.
SET clinic.rate_limit_public = '';
SET clinic.rate_limit_slots = 1024;
SHOW clinic.rate_limit_burst;

-- Rights.
SET ROLE clinic_user;
SELECT * FROM clinic.rate_limits();
SELECT * FROM clinic_private.count_call('login', 'x');
SET ROLE clinic_admin;
SELECT count(*) FROM clinic.rate_limits();
SELECT * FROM clinic_private.count_call('login', 'x');
SET ROLE clinic_owner;
SELECT allowed FROM clinic_private.count_call('login', 'x');
RESET ROLE;
\set VERBOSITY default
