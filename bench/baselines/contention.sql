-- The race that a unique index decides: whoever inserts first has the time. It is no protection against overlaps of other lengths.
CREATE TABLE bench.race (resource bigint NOT NULL, starts_at timestamptz NOT NULL, client bigint NOT NULL, PRIMARY KEY (resource, starts_at));

-- Attempts go round eight hot slots until each was tried often enough, then to the next eight.
CREATE SEQUENCE bench.race_attempt CACHE 1;
CREATE SEQUENCE bench.our_attempt CACHE 1;
CREATE FUNCTION bench.hot_slot(attempt bigint, clients bigint) RETURNS bigint LANGUAGE sql IMMUTABLE
    AS $$ SELECT attempt / (8 * clients) * 8 + attempt % 8 $$;
CREATE FUNCTION bench.slot_at(slot bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE
    AS $$ SELECT '2035-01-01 00:00Z'::timestamptz + slot / 8 * interval '30 minutes' $$;
CREATE FUNCTION bench.try_race(clients bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE slot bigint := bench.hot_slot(nextval('bench.race_attempt'), clients);
BEGIN
    INSERT INTO bench.race (resource, starts_at, client) VALUES (slot % 8, bench.slot_at(slot), pg_backend_pid()) ON CONFLICT DO NOTHING;
END $$;
CREATE FUNCTION bench.try_ours(clients bigint, patient bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE slot bigint := bench.hot_slot(nextval('bench.our_attempt'), clients);
BEGIN
    PERFORM clinic.book_appointment(bench.id('0040', 1), bench.id('0050', patient), bench.slot_at(slot), bench.id('0020', 1 + slot % 8));
EXCEPTION WHEN SQLSTATE 'CL013' OR SQLSTATE 'CL030' THEN -- taken, or others are in the way
    NULL;
END $$;
