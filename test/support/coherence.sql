-- What find, book and explain say of one clinic must be one answer. check_answers returns a line for each contradiction.

-- The code that booking this start ends with, or 'booked'; nothing remains of it.
CREATE FUNCTION book_code(service uuid, patient uuid, start timestamptz, provider uuid, place uuid, length interval)
    RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    facts text;
    state text;
BEGIN
    BEGIN
        PERFORM clinic.book_appointment(service, patient, start, provider, place, length);
        RAISE EXCEPTION USING ERRCODE = 'ZZ000';
    EXCEPTION
        WHEN SQLSTATE 'ZZ000' THEN
            RETURN 'booked';
        WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS facts = PG_EXCEPTION_DETAIL, state = RETURNED_SQLSTATE;
            IF facts LIKE '{%' THEN
                RETURN facts::jsonb ->> 'reason';
            END IF;
            RETURN state || ' ' || SQLERRM;
    END;
END
$$;

-- How many patients, from a list, can be booked one after the other; nothing remains of it.
CREATE FUNCTION seats(service uuid, patients uuid[], start timestamptz, provider uuid, place uuid, length interval)
    RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    n integer := 0;
    patient uuid;
BEGIN
    BEGIN
        FOREACH patient IN ARRAY patients LOOP
            PERFORM clinic.book_appointment(service, patient, start, provider, place, length);
            n := n + 1;
        END LOOP;
        RAISE EXCEPTION USING ERRCODE = 'ZZ000';
    EXCEPTION WHEN OTHERS THEN
        RETURN n;
    END;
END
$$;

-- Books about so many of the slots on offer, spread by chance, and lays a live and an expired hold over one each.
CREATE FUNCTION fill(service uuid, patients uuid[], opens timestamptz, closes timestamptz, wanted integer)
    RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    slot record;
    n integer := 0;
BEGIN
    FOR slot IN
        SELECT s.* FROM clinic.available_slots(service, opens, closes) AS s ORDER BY random() LIMIT wanted
    LOOP
        BEGIN
            PERFORM clinic.book_appointment(service, patients[1 + floor(random() * cardinality(patients))::integer], slot.starts_at,
                                            slot.provider_id, slot.location_id);
            n := n + 1;
        EXCEPTION WHEN SQLSTATE 'CL013' OR SQLSTATE 'CL014' OR SQLSTATE 'CL015' OR SQLSTATE 'CL016' OR SQLSTATE 'CL017'
                    OR SQLSTATE 'CL018' OR SQLSTATE 'CL011' THEN
            -- an earlier one of these took it
        END;
    END LOOP;
    FOR slot IN
        SELECT a.*, row_number() OVER () AS place
          FROM (SELECT * FROM clinic.available_slots(service, opens, closes) ORDER BY random() LIMIT 2) AS a
    LOOP
        BEGIN
            INSERT INTO clinic_data.claims (tenant_id, claim_id, resource_id, calendar_no, during, starts_at, ends_at, kind, service_id,
                                            location_id, expires_at)
            SELECT c.tenant_id, clinic.new_id(), c.resource_id, c.calendar_no, tstzrange(slot.starts_at, slot.ends_at), slot.starts_at,
                   slot.ends_at, 'hold', service, slot.location_id, clinic.now() + (slot.place - 1) * interval '1 hour'
              FROM clinic_data.calendars AS c WHERE c.resource_id = slot.provider_id AND c.lane = 1;
        EXCEPTION WHEN SQLSTATE 'CL013' OR exclusion_violation THEN
            -- a visit has that lane
        END;
    END LOOP;
    RETURN n;
END
$$;

CREATE FUNCTION check_answers(service uuid, patient uuid, patients uuid[], opens timestamptz, closes timestamptz, length interval,
                              sample integer)
    RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    middle timestamptz := opens + (closes - opens) * random();
    slot record;
    said text;
    n integer;
    m integer;
BEGIN
    CREATE TEMPORARY TABLE offered ON COMMIT DROP AS
        SELECT * FROM clinic.available_slots(service, opens, closes, patient_id => patient, duration => length) WITH ORDINALITY;
    RETURN QUERY SELECT '# slots ' || count(*) FROM offered;

    -- Ordered, distinct, inside the range, the same again, and whatever way the range and the providers are asked for.
    IF EXISTS (SELECT FROM (SELECT ordinality, row_number() OVER (ORDER BY starts_at, provider_id, location_id) AS place FROM offered) o
                WHERE o.ordinality <> o.place)
       OR EXISTS (SELECT FROM offered GROUP BY starts_at, provider_id, location_id HAVING count(*) > 1) THEN
        RETURN NEXT 'the slots are out of order';
    END IF;
    IF EXISTS (SELECT FROM offered WHERE starts_at < opens OR starts_at >= closes OR remaining < 1 OR ends_at <= starts_at
                   OR (starts_at AT TIME ZONE time_zone) IS DISTINCT FROM local_date + local_time) THEN
        RETURN NEXT 'a slot contradicts itself';
    END IF;
    IF EXISTS (SELECT * FROM offered EXCEPT
               SELECT * FROM clinic.available_slots(service, opens, closes, patient_id => patient, duration => length) WITH ORDINALITY) THEN
        RETURN NEXT 'a second search found something else';
    END IF;
    CREATE TEMPORARY TABLE parts ON COMMIT DROP AS
        SELECT * FROM clinic.available_slots(service, opens, middle, patient_id => patient, duration => length)
        UNION ALL
        SELECT * FROM clinic.available_slots(service, middle, closes, patient_id => patient, duration => length);
    CREATE TEMPORARY TABLE by_provider ON COMMIT DROP AS
        SELECT s.* FROM clinic_data.service_providers AS p,
               clinic.available_slots(service, opens, closes, p.provider_id, patient_id => patient, duration => length) AS s
         WHERE p.service_id = service;
    ALTER TABLE offered DROP COLUMN ordinality;
    IF EXISTS (SELECT * FROM offered EXCEPT SELECT * FROM parts) OR EXISTS (SELECT * FROM parts EXCEPT SELECT * FROM offered) THEN
        RETURN NEXT format('the slots depend on how the range is split, at %s', middle);
    END IF;
    IF EXISTS (SELECT * FROM offered EXCEPT SELECT * FROM by_provider) OR EXISTS (SELECT * FROM by_provider EXCEPT SELECT * FROM offered) THEN
        RETURN NEXT 'the slots depend on whether the provider is named';
    END IF;

    -- The first one, under the stated rule for ties.
    FOR slot IN
        SELECT f.*, o.provider_id AS wanted_provider, o.location_id AS wanted_location, o.starts_at AS wanted_start
          FROM clinic.first_available(service, opens, closes, patient_id => patient, duration => length) AS f
          FULL JOIN (SELECT c.* FROM offered AS c
                       JOIN clinic_data.providers AS p USING (provider_id)
                      ORDER BY c.starts_at,
                               (SELECT count(*) FROM clinic_data.appointments AS a
                                 WHERE a.provider_id = c.provider_id AND a.status <> 'cancelled'
                                   AND (a.starts_at AT TIME ZONE p.time_zone)::date = (c.starts_at AT TIME ZONE p.time_zone)::date),
                               c.provider_id, c.location_id
                      LIMIT 1) AS o ON true
    LOOP
        IF (slot.provider_id, slot.location_id, slot.starts_at) IS DISTINCT FROM (slot.wanted_provider, slot.wanted_location, slot.wanted_start) THEN
            RETURN NEXT format('the first slot is %s at %s, not %s at %s', slot.starts_at, slot.provider_id, slot.wanted_start, slot.wanted_provider);
        END IF;
    END LOOP;
    IF EXISTS (SELECT provider_id, starts_at FROM clinic.first_available(service, opens, closes, patient_id => patient, duration => length, per_provider => true)
               EXCEPT SELECT provider_id, min(starts_at) FROM offered GROUP BY provider_id)
       OR EXISTS (SELECT provider_id, min(starts_at) FROM offered GROUP BY provider_id
                  EXCEPT SELECT provider_id, starts_at FROM clinic.first_available(service, opens, closes, patient_id => patient, duration => length, per_provider => true)) THEN
        RETURN NEXT 'the first slot of each provider is not its first slot';
    END IF;

    -- What is offered can be booked, and nothing speaks against it.
    FOR slot IN SELECT * FROM offered ORDER BY random() LIMIT sample LOOP
        said := book_code(service, patient, slot.starts_at, slot.provider_id, slot.location_id, length);
        IF said <> 'booked' THEN
            RETURN NEXT format('%s at %s is offered, but booking says %s', slot.starts_at, slot.provider_id, said);
        END IF;
        SELECT e.reason INTO said FROM clinic.explain_slot(service, slot.starts_at, slot.provider_id, slot.location_id, patient, length) AS e LIMIT 1;
        IF FOUND THEN
            RETURN NEXT format('%s at %s is offered, but explain says %s', slot.starts_at, slot.provider_id, said);
        END IF;
    END LOOP;
    FOR slot IN SELECT starts_at FROM (SELECT DISTINCT starts_at FROM offered) AS o ORDER BY random() LIMIT sample / 8 LOOP
        said := book_code(service, patient, slot.starts_at, NULL, NULL, length);
        IF said <> 'booked' THEN
            RETURN NEXT format('%s is offered somewhere, but booking anywhere says %s', slot.starts_at, said);
        END IF;
    END LOOP;

    -- As many as remain can be booked, and no more.
    FOR slot IN
        SELECT o.* FROM clinic.available_slots(service, opens, closes, duration => length) AS o ORDER BY random() LIMIT sample / 8
    LOOP
        n := seats(service, patients, slot.starts_at, slot.provider_id, slot.location_id, length);
        m := least(slot.remaining, cardinality(patients));
        IF n > m THEN
            RETURN NEXT format('%s at %s: %s remain, but %s could be booked', slot.starts_at, slot.provider_id, slot.remaining, n);
        END IF;
    END LOOP;

    -- What is not offered is refused, by the first reason that explain gives.
    FOR slot IN
        SELECT p.provider_id, l.location_id, t.start
          FROM clinic_data.service_providers AS p
         CROSS JOIN clinic_data.locations AS l
         CROSS JOIN LATERAL (
             -- anywhere, on a fine lattice and off it
             SELECT opens + make_interval(mins => 5 * floor(random() * extract(epoch FROM closes - opens) / 300)::integer,
                                          secs => CASE WHEN i % 16 = 0 THEN 1 ELSE 0 END) AS start
               FROM generate_series(1, sample) AS i
             UNION ALL
             -- where somebody else, or this patient, or a hold has been
             (SELECT a.starts_at FROM clinic_data.appointments AS a WHERE a.provider_id = p.provider_id OR a.patient_id = patient
               ORDER BY random() LIMIT sample / 2)
             UNION ALL
             (SELECT c.starts_at FROM clinic_data.claims AS c WHERE c.resource_id = p.provider_id AND c.kind = 'hold')
             UNION ALL
             -- where another provider or another patient would do
             (SELECT s.starts_at FROM clinic.available_slots(service, opens, closes, duration => length) AS s ORDER BY random() LIMIT sample / 2)
         ) AS t
         WHERE p.service_id = service AND t.start >= opens AND t.start < closes
         ORDER BY random() LIMIT 2 * sample
    LOOP
        said := book_code(service, patient, slot.start, slot.provider_id, slot.location_id, length);
        IF EXISTS (SELECT FROM offered AS o WHERE o.starts_at = slot.start AND o.provider_id = slot.provider_id AND o.location_id = slot.location_id) THEN
            IF said <> 'booked' THEN
                RETURN NEXT format('%s at %s is offered, but booking says %s', slot.start, slot.provider_id, said);
            END IF;
        ELSIF said = 'booked' THEN
            RETURN NEXT format('%s at %s is not offered, but can be booked', slot.start, slot.provider_id);
        ELSE
            RETURN NEXT '# refused ' || said;
            IF said IS DISTINCT FROM (SELECT e.reason FROM clinic.explain_slot(service, slot.start, slot.provider_id, slot.location_id, patient, length) AS e
                                       WHERE e.step = 1) THEN
                RETURN NEXT format('%s at %s: booking says %s, explain says %s', slot.start, slot.provider_id, said,
                    (SELECT string_agg(e.reason, ' ' ORDER BY e.step) FROM clinic.explain_slot(service, slot.start, slot.provider_id, slot.location_id, patient, length) AS e));
            END IF;
        END IF;
    END LOOP;

    -- Nothing of all this has left a trace, and the diary is sound.
    RETURN QUERY SELECT 'check_integrity(): ' || i.problem FROM clinic.check_integrity() AS i;
    RETURN;
END
$$;
