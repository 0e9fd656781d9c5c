-- TAP over the functions of gates.cpp. The variable module is the library's path.
\set ON_ERROR_STOP on
\pset tuples_only on
\pset format unaligned
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS gates CASCADE;
CREATE SCHEMA gates;
CREATE TABLE gates.rows (n int);
CREATE FUNCTION gates.living() RETURNS int LANGUAGE c AS :'module', 'gates_living';
CREATE FUNCTION gates.throw(text) RETURNS void LANGUAGE c STRICT AS :'module', 'gates_throw';
CREATE FUNCTION gates.through_spi(text) RETURNS void LANGUAGE c STRICT AS :'module', 'gates_through_spi';
CREATE FUNCTION gates.subtransaction(text) RETURNS text LANGUAGE c STRICT AS :'module', 'gates_subtransaction';
CREATE FUNCTION gates.rethrow(text) RETURNS void LANGUAGE c STRICT AS :'module', 'gates_rethrow';
CREATE FUNCTION gates.count(text) RETURNS bigint LANGUAGE c STRICT AS :'module', 'gates_count';
CREATE FUNCTION gates.each(int, int) RETURNS int LANGUAGE c STRICT AS :'module', 'gates_each';
CREATE FUNCTION gates.wrong_column(text) RETURNS void LANGUAGE c STRICT AS :'module', 'gates_wrong_column';
CREATE FUNCTION gates.in_context() RETURNS int LANGUAGE c AS :'module', 'gates_in_context';
CREATE FUNCTION gates.values(uuid, timestamptz, timestamp, date, time, interval, uuid[], text[], timestamptz[], jsonb)
RETURNS TABLE (a uuid, b timestamptz, c timestamp, d date, e time, f interval, g uuid[], h text[], i timestamptz[], j jsonb)
LANGUAGE c AS :'module', 'gates_values';

CREATE FUNCTION gates.run(query text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE query;
END
$$;

-- The error of a statement: state, message, detail, hint, constraint.
CREATE FUNCTION gates.error_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
    hint text;
    broken text;
BEGIN
    EXECUTE query;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, broken = CONSTRAINT_NAME;
    RETURN concat_ws('|', SQLSTATE, SQLERRM, nullif(detail, ''), nullif(hint, ''), nullif(broken, ''));
END
$$;

CREATE SEQUENCE gates.tests;
CREATE FUNCTION gates.is(got anyelement, wanted anyelement, name text) RETURNS text LANGUAGE sql AS $$
    SELECT format('%s %s - %s%s', CASE WHEN got IS NOT DISTINCT FROM wanted THEN 'ok' ELSE 'not ok' END, nextval('gates.tests'), name,
        CASE WHEN got IS NOT DISTINCT FROM wanted THEN '' ELSE format(E'\n# got    %s\n# wanted %s', got, wanted) END)
$$;

SELECT gates.is(gates.error_of($$SELECT gates.throw('core')$$), '22023|a core error|Its detail.|Its hint.', 'a core error');
SELECT gates.is(gates.error_of($$SELECT gates.throw('domain')$$),
    'CL013|that time is taken|{"reason": "slot_taken", "a": 1, "b": "x\"\u000a"}|Choose one of the alternatives.', 'a domain error');
SELECT gates.is(gates.error_of($$SELECT gates.throw('runtime_error')$$), 'XX000|a standard exception', 'a standard exception');
SELECT gates.is(left(gates.error_of($$SELECT gates.throw('length_error')$$), 6), 'XX000|', 'another standard exception');
SELECT gates.is(gates.error_of($$SELECT gates.throw('int')$$), 'XX000|unknown C++ exception', 'something that is no exception');
SELECT gates.is(gates.error_of($$SELECT gates.throw('bad_alloc')$$), '53200|out of memory', 'no memory');
SELECT gates.is(length(gates.error_of($$SELECT gates.throw('long')$$)), 6 + 16 * 1024, 'a message is clipped');
SELECT gates.is(gates.living(), 0, 'every destructor has run');

SELECT gates.is(gates.error_of($$SELECT gates.through_spi('SELECT 1/0')$$), '22012|division by zero', 'an error of the server');
SELECT gates.is(gates.error_of($$SELECT gates.through_spi('SELECT gates.throw(''core'')')$$), '22023|a core error|Its detail.|Its hint.',
    'a core error through the server');
SELECT gates.is(gates.error_of($$SELECT gates.through_spi('SELECT gates.through_spi(''SELECT gates.through_spi(''''SELECT 1/0'''')'')')$$),
    '22012|division by zero', 'an error through three levels');
ALTER TABLE gates.rows ADD CONSTRAINT rows_n_check CHECK (n < 100);
SELECT gates.is(gates.error_of($$SELECT gates.through_spi('INSERT INTO gates.rows VALUES (100)')$$),
    '23514|new row for relation "rows" violates check constraint "rows_n_check"|Failing row contains (100).|rows_n_check',
    'detail and constraint survive');
SELECT gates.is(gates.living(), 0, 'every destructor has run');

SELECT gates.is(gates.subtransaction('SELECT 1'), 'ok', 'a subtransaction that succeeds');
SELECT gates.is(array_agg(n ORDER BY n), ARRAY[1, 2, 3], 'keeps its work') FROM gates.rows;
TRUNCATE gates.rows;
SELECT gates.is(gates.subtransaction('SELECT 1/0'), '22012 division by zero', 'one that ends in an error gives it back');
SELECT gates.is(array_agg(n ORDER BY n), ARRAY[1, 3], 'and loses its work only') FROM gates.rows;
TRUNCATE gates.rows;
SELECT gates.is(gates.error_of($$SELECT gates.subtransaction('throw')$$), '22023|thrown in a subtransaction', 'other exceptions fly on');
SELECT gates.is(count(*), 0::bigint, 'and everything is rolled back') FROM gates.rows;
SELECT gates.is(gates.error_of($$SELECT gates.rethrow('INSERT INTO gates.rows VALUES (200)')$$),
    '23514|new row for relation "rows" violates check constraint "rows_n_check"|Failing row contains (200).|rows_n_check',
    'an error brought back can be passed on whole');
SELECT gates.is(gates.subtransaction('SELECT gates.subtransaction(''SELECT 1/0'')'), 'ok', 'subtransactions nest');
SELECT gates.is(array_agg(n ORDER BY n), ARRAY[1, 1, 2, 3, 3], 'each loses its own work') FROM gates.rows;
SELECT gates.is(gates.living(), 0, 'every destructor has run');

SELECT gates.is(gates.each(2500, 1000000), 2500, 'all rows of a large result');
SELECT gates.is(gates.each(100000, 1500), 1500, 'a large result left early');
SELECT gates.is(gates.error_of($$SELECT gates.wrong_column('type')$$), 'XX000|result column 0 has type 23, not 25', 'a wrong type');
SELECT gates.is(gates.error_of($$SELECT gates.wrong_column('null')$$), 'XX000|result column 2 is null', 'an unexpected null');
SELECT gates.is(gates.error_of($$SELECT gates.wrong_column('column')$$), 'XX000|no result column 3', 'a missing column');

-- A row committed after this transaction's snapshot: the latest view alone sees it.
TRUNCATE gates.rows;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT gates.is(gates.count('transaction'), 0::bigint, 'the snapshot is taken');
\! psql -Xqc 'INSERT INTO gates.rows VALUES (7)'
SELECT gates.is(gates.count('transaction'), 0::bigint, 'the transaction does not see what came later');
SELECT gates.is(gates.count('active'), 0::bigint, 'nor does a read-only query');
SELECT gates.is(gates.count('latest'), 1::bigint, 'the latest view does');
COMMIT;

SELECT gates.is(v::text, w::text, 'values there and back') FROM gates.values('0197a000-0000-7000-8000-000000000001', '2026-03-29 01:00Z',
    '2026-03-29 02:30', '2026-03-29', '24:00', '1 day 02:00', '{0197a000-0000-7000-8000-000000000001}', ARRAY['a', '', 'ä'],
    '{-infinity,2026-03-29 01:00Z}', '{"a": [1, null]}') v,
    (SELECT '0197a000-0000-7000-8000-000000000001'::uuid, '2026-03-29 01:00Z'::timestamptz, '2026-03-29 02:30'::timestamp,
    '2026-03-29'::date, '24:00'::time, '26:00'::interval, '{0197a000-0000-7000-8000-000000000001}'::uuid[], ARRAY['a', '', 'ä'],
    '{-infinity,2026-03-29 01:00Z}'::timestamptz[], '{"a": [1, null]}'::jsonb) w;
SELECT gates.is(v::text, '(,,,,,,,,,)', 'nulls there and back') FROM gates.values(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) v;
SELECT gates.is(array_length(h, 1), 5000, 'a large, compressed array')
FROM gates.values(NULL, NULL, NULL, NULL, NULL, NULL, NULL, array_fill(repeat('x', 1000), ARRAY[5000]), NULL, NULL);
SELECT gates.is(h, '{}'::text[], 'an empty array') FROM gates.values(NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL);
SELECT gates.is(split_part(gates.error_of($$SELECT gates.values(NULL, NULL, NULL, NULL, NULL, '1 month', NULL, NULL, NULL, NULL)$$), '|', 1),
    '22023', 'an interval with months');
SELECT gates.is(split_part(gates.error_of($$SELECT gates.values(NULL, NULL, NULL, NULL, NULL, '178000000 days', NULL, NULL, NULL, NULL)$$),
    '|', 1), '22008', 'an interval out of range');
SELECT gates.is(split_part(gates.error_of($$SELECT gates.values(NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{a,NULL}', NULL, NULL)$$), '|', 1),
    '22004', 'an array with a null');

SELECT gates.is(max(gates.in_context()) > 0, true, 'an object lives in its context') FROM generate_series(1, 3);
SELECT gates.is(gates.living(), 0, 'and dies with it');
SELECT gates.is(left(gates.error_of($$SELECT gates.in_context() / 0$$), 5), '22012', 'also by an error');
SELECT gates.is(gates.living(), 0, 'and dies with it');

SELECT '1..' || last_value FROM gates.tests;
DROP SCHEMA gates CASCADE;
