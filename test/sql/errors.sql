-- The error catalogue, and raising its errors from SQL.

SELECT code, sqlstate, message FROM clinic.error_codes();

SELECT count(*) AS codes, count(DISTINCT code) AS different_codes, count(DISTINCT sqlstate) AS different_states,
    bool_and(hint <> '') AS all_have_hints, bool_and(sqlstate !~ '^(40|PT)') AS none_is_retried
FROM clinic.error_codes();

-- The defaults of the catalogue.
SELECT clinic_private.raise_error('slot_taken');

-- Message, facts and hint of one's own; the reason always comes first, and is never the caller's.
SELECT clinic_private.raise_error('slot_taken', 'the room is taken', '{"room": "a \"b\"", "reason": "x", "n": [1, {"m": null}]}',
    'Take another room.');
SELECT clinic_private.raise_error('forbidden', detail => '{}');

-- The detail is JSON.
DO $$
DECLARE
    facts text;
BEGIN
    PERFORM clinic_private.raise_error('limit', 'too many', '{"per": "day", "limit": 8}');
EXCEPTION WHEN SQLSTATE 'CL018' THEN
    GET STACKED DIAGNOSTICS facts = PG_EXCEPTION_DETAIL;
    RAISE INFO 'reason %, limit %', facts::jsonb ->> 'reason', facts::jsonb -> 'limit';
END
$$;

-- Every code can be raised, with its own state.
DO $$
DECLARE
    entry record;
    facts text;
    raised int := 0;
BEGIN
    FOR entry IN SELECT * FROM clinic.error_codes() LOOP
        BEGIN
            PERFORM clinic_private.raise_error(entry.code);
            RAISE WARNING 'not raised: %', entry.code;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS facts = PG_EXCEPTION_DETAIL;
            IF SQLSTATE = entry.sqlstate AND SQLERRM = entry.message AND facts::jsonb = jsonb_build_object('reason', entry.code) THEN
                raised := raised + 1;
            ELSE
                RAISE WARNING 'wrong for %: % % %', entry.code, SQLSTATE, SQLERRM, facts;
            END IF;
        END;
    END LOOP;
    RAISE INFO '% raised', raised;
END
$$;

-- Misuse.
\set VERBOSITY sqlstate
SELECT clinic_private.raise_error(NULL);
SELECT clinic_private.raise_error('no_such_code');
SELECT clinic_private.raise_error('full', detail => '[1]');
SELECT clinic_private.raise_error('full', detail => '"text"');
\set VERBOSITY default

-- Not for everybody.
SET ROLE clinic_user;
SELECT clinic_private.raise_error('full');
SELECT count(*) FROM clinic.error_codes();
RESET ROLE;
