-- What people write for free slots: open hours and busy rows, no zones, buffers, limits, blocks, holidays or rooms.
-- Tables busy (resource, starts_at, ends_at) and open (resource, hours) hold what the clinic's diary holds.

-- Open hours less busy time as multiranges of each resource, cut into half hours.
CREATE FUNCTION bench.multirange_slots(resources bigint[], range_start timestamptz, range_end timestamptz)
RETURNS TABLE (resource bigint, starts_at timestamptz) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT f.resource, s.s
      FROM (SELECT o.resource, o.hours - coalesce(b.taken, '{}') AS free
              FROM (SELECT o.resource, range_agg(o.hours) AS hours FROM bench.open o
                     WHERE o.resource = ANY (resources) AND o.opens_at < range_end AND o.opens_at >= range_start GROUP BY o.resource) o
              LEFT JOIN (SELECT b.resource, range_agg(tstzrange(b.starts_at, b.ends_at)) AS taken FROM bench.busy b
                          WHERE b.resource = ANY (resources) AND b.starts_at >= range_start AND b.starts_at < range_end GROUP BY b.resource) b USING (resource)) f,
           unnest(f.free) AS r, generate_series(lower(r), upper(r) - interval '30 min', '30 min') AS s (s);
END;

-- Every half hour for which no busy row overlaps.
CREATE FUNCTION bench.anti_join_slots(resources bigint[], range_start timestamptz, range_end timestamptz)
RETURNS TABLE (resource bigint, starts_at timestamptz) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT o.resource, s.s
      FROM bench.open o, generate_series(lower(o.hours), upper(o.hours) - interval '30 min', '30 min') AS s (s)
     WHERE o.resource = ANY (resources) AND o.opens_at < range_end AND o.opens_at >= range_start
       AND NOT EXISTS (SELECT FROM bench.busy b WHERE b.resource = o.resource AND tstzrange(b.starts_at, b.ends_at) && tstzrange(s.s, s.s + interval '30 min'));
END;
