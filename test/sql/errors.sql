-- The error catalogue, and raising its errors from SQL.

SELECT code, sqlstate, http_status, message FROM clinic.error_codes();

-- 28000 stands for everything about identity; every other state belongs to one code.
SELECT count(*) = count(DISTINCT code) AS codes_differ,
    count(*) FILTER (WHERE sqlstate <> '28000') = count(DISTINCT sqlstate) FILTER (WHERE sqlstate <> '28000') AS states_differ,
    bool_and(hint <> '') AS all_have_hints, bool_and(sqlstate !~ '^(40|PT)') AS none_is_retried,
    bool_and(http_status IN (401, 403, 404, 409, 410, 422, 429, 500, 503)) AS known_statuses
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

-- Errors of one argument: in words, and the argument's name as COLUMN_NAME.
DO $$
DECLARE
    call text;
    state text;
    field text;
    facts text;
    advice text;
BEGIN
    FOREACH call IN ARRAY ARRAY[
        $c$clinic_private.refuse_argument('kind', 'kind must be room or device')$c$,
        $c$clinic_private.refuse_argument('starts_at, ends_at', 'not so', 'Because.', 'Otherwise.')$c$,
        $c$clinic_private.refuse_argument('rule', 'too long', code => 'limit_exceeded')$c$,
        $c$clinic_private.refuse_argument('day', code => 'datetime_overflow', message => NULL)$c$,
        $c$clinic_private.refuse_argument('kind', 'm', code => 'slot_taken')$c$,
        $c$clinic_private.refuse_argument('kind', 'm', code => 'nonsense')$c$,
        $c$clinic_private.require_arguments('{"name": null, "aa": null, "x": 0, "y": [null], "z": {"a": null}}')$c$,
        $c$clinic_private.require_arguments('{"one": null}')$c$,
        $c$clinic_private.require_arguments('{"one": false}')$c$,
        $c$clinic_private.require_arguments('[null]')$c$,
        $c$clinic_private.require_arguments('{}')$c$,
        $c$clinic_private.require_arguments(NULL)$c$,
        $c$clinic.describe_rrule('FREQ=NEVER')$c$,
        $c$clinic.next_occurrence('FREQ=DAILY', NULL, 'Europe/Vienna', '2026-01-01')$c$,
        $c$clinic.next_occurrence('FREQ=DAILY', '2026-01-01 10:00', 'Mars/Olympus', '2026-01-01')$c$,
        $c$clinic.available_slots(NULL, '2026-01-02', '2026-01-01')$c$]
    LOOP
        BEGIN
            EXECUTE 'SELECT ' || call;
            RAISE INFO '% passes', call;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, field = COLUMN_NAME, facts = PG_EXCEPTION_DETAIL, advice = PG_EXCEPTION_HINT;
            RAISE INFO E'%\n% [%] % | % | %', call, state, field, SQLERRM, facts, advice;
        END;
    END LOOP;
END
$$;

-- Not for everybody.
SET ROLE clinic_user;
SELECT clinic_private.raise_error('full');
SELECT count(*) FROM clinic.error_codes();
RESET ROLE;
