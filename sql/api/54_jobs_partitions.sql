-- The job that keeps partitions: of every table of clinic_data that is partitioned by the month of its own id and has a default partition.
-- A month's partition is a table beside it first, into which the default partition's rows of that month move; then it is attached. All in
-- one transaction under locks, for which the job waits a fraction of a second only: while somebody else is busy it fails, and comes again.

CREATE FUNCTION clinic_private.month_of(id uuid)
    RETURNS date
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN date_trunc('month', timestamp '1970-01-01' + interval '1 millisecond'
           * ('x' || left(replace(month_of.id::text, '-', ''), 12))::bit(48)::bigint)::date;
COMMENT ON FUNCTION clinic_private.month_of(uuid) IS 'First day of the month (UTC) in which a time-ordered id was made.';
REVOKE ALL ON FUNCTION clinic_private.month_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.month_of TO clinic_owner;

CREATE FUNCTION clinic_private.months_by_id()
    RETURNS TABLE (table_name name, key_column name, default_partition regclass)
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.relname, a.attname, p.partdefid::regclass
    FROM pg_partitioned_table AS p
    JOIN pg_class AS c ON c.oid = p.partrelid
    JOIN pg_attribute AS a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
    WHERE c.relnamespace = to_regnamespace('clinic_data') AND c.relowner = to_regrole('clinic_owner')
      AND p.partstrat = 'r' AND p.partnatts = 1 AND p.partdefid <> 0 AND a.atttypid = 'uuid'::regtype
    ORDER BY c.relname
$$;
COMMENT ON FUNCTION clinic_private.months_by_id() IS 'The tables that are partitioned by the range of one uuid column and have a default partition.';
REVOKE ALL ON FUNCTION clinic_private.months_by_id FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.months_by_id TO clinic_owner;

CREATE FUNCTION clinic_private.make_month(table_name name, key_column name, default_partition regclass, month date)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    partition name := format('%s_%s', make_month.table_name, to_char(make_month.month, 'YYYY_MM'));
    first_id uuid := clinic.uuid_floor(make_month.month::timestamp AT TIME ZONE 'UTC');
    next_id uuid := clinic.uuid_floor((make_month.month + interval '1 month') AT TIME ZONE 'UTC');
    moved bigint;
    command record;
BEGIN
    EXECUTE format('CREATE TABLE clinic_data.%I (LIKE clinic_data.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMMENTS)',
                   partition, make_month.table_name);
    EXECUTE format('COMMENT ON TABLE clinic_data.%I IS %L', partition,
                   format('Rows of clinic_data.%s of %s.', make_month.table_name, to_char(make_month.month, 'YYYY-MM')));
    -- The rows are of every tenant, and their owner is held to row security but for the length of this: nobody else sees the table meanwhile.
    CALL clinic_private.open_append_only(make_month.default_partition, true);
    EXECUTE format('WITH moved AS (DELETE FROM %1$s WHERE %2$I >= $1 AND %2$I < $2 RETURNING *) INSERT INTO clinic_data.%3$I SELECT * FROM moved',
                   make_month.default_partition, make_month.key_column, partition)
        USING first_id, next_id;
    GET DIAGNOSTICS moved = ROW_COUNT;
    CALL clinic_private.open_append_only(make_month.default_partition, false);

    EXECUTE format('ALTER TABLE clinic_data.%I ENABLE ROW LEVEL SECURITY', partition);
    EXECUTE format('ALTER TABLE clinic_data.%I FORCE ROW LEVEL SECURITY', partition);
    FOR command IN
        SELECT c.name, c.suffix, c.clause
        FROM (VALUES ('SELECT', 'select', 'USING'), ('INSERT', 'insert', 'WITH CHECK'), ('UPDATE', 'update', 'USING'),
                     ('DELETE', 'delete', 'USING')) AS c (name, suffix, clause)
        -- Those commands that the parent has a rule for.
        WHERE EXISTS (SELECT FROM pg_policy AS p
                      WHERE p.polrelid = format('clinic_data.%I', make_month.table_name)::regclass
                        AND p.polname = format('%s_%s', make_month.table_name, c.suffix))
    LOOP
        CALL clinic_private.ensure_policy(format('clinic_data.%I', partition)::regclass, format('%s_%s', partition, command.suffix)::name,
            command.name, format('%s (tenant_id = clinic.current_tenant_id())', command.clause), 'Rows of the caller''s tenant.');
    END LOOP;
    EXECUTE format('ALTER TABLE clinic_data.%I ATTACH PARTITION clinic_data.%I FOR VALUES FROM (%L) TO (%L)',
                   make_month.table_name, partition, first_id, next_id);
    CALL clinic_private.ensure_silent();
    -- The refusal to change rows comes with the parent's; that to empty the table does not.
    IF EXISTS (SELECT FROM pg_trigger AS t
               WHERE t.tgrelid = format('clinic_data.%I', make_month.table_name)::regclass AND t.tgname = '00_append_only') THEN
        CALL clinic_private.ensure_append_only(format('clinic_data.%I', partition)::regclass, make_month.table_name);
    END IF;
    RETURN moved;
END
$$;
COMMENT ON FUNCTION clinic_private.make_month(name, name, regclass, date) IS
    'Makes the partition of a month, with the rows of that month that lie in the default partition, and returns how many these are.';
REVOKE ALL ON FUNCTION clinic_private.make_month FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.make_month TO clinic_owner;

CREATE FUNCTION clinic_private.months_in_default(key_column name, default_partition regclass)
    RETURNS date[]
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    months date[];
BEGIN
    IF pg_relation_size(months_in_default.default_partition) = 0 THEN
        RETURN '{}';
    END IF;
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', months_in_default.default_partition);
    EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', months_in_default.default_partition);
    EXECUTE format('SELECT coalesce(array_agg(DISTINCT clinic_private.month_of(%I)), ''{}'') FROM %s', months_in_default.key_column,
                   months_in_default.default_partition)
        INTO months;
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', months_in_default.default_partition);
    RETURN months;
END
$$;
COMMENT ON FUNCTION clinic_private.months_in_default(name, regclass) IS 'The months whose rows lie in a default partition; locks it when it is not empty.';
REVOKE ALL ON FUNCTION clinic_private.months_in_default FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.months_in_default TO clinic_owner;

CREATE FUNCTION clinic_private.drop_if_empty(partition regclass)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    empty boolean;
BEGIN
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', drop_if_empty.partition);
    EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', drop_if_empty.partition);
    EXECUTE format('SELECT NOT EXISTS (SELECT FROM %s)', drop_if_empty.partition) INTO empty;
    IF empty THEN
        EXECUTE format('DROP TABLE %s', drop_if_empty.partition);
    ELSE
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', drop_if_empty.partition);
    END IF;
    RETURN empty;
END
$$;
COMMENT ON FUNCTION clinic_private.drop_if_empty(regclass) IS 'Drops a partition without rows, of any tenant; tells whether it did.';
REVOKE ALL ON FUNCTION clinic_private.drop_if_empty FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.drop_if_empty TO clinic_owner;

CREATE FUNCTION clinic_private.partitions_job()
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    this_month constant date := date_trunc('month', clinic.now() AT TIME ZONE 'UTC')::date;
    parent record;
    wanted date;
    old record;
    done bigint := 0;
BEGIN
    FOR parent IN
        SELECT t.table_name, t.key_column, t.default_partition FROM clinic_private.months_by_id() AS t
    LOOP
        -- Of the past only what lies in the default partition; ids that are no times of this century stay there.
        FOR wanted IN
            SELECT m.month
            FROM (SELECT this_month + make_interval(months => n) FROM generate_series(0, 3) AS n
                  UNION
                  SELECT d.month FROM unnest(clinic_private.months_in_default(parent.key_column, parent.default_partition)) AS d (month)
                  WHERE d.month BETWEEN '2000-01-01' AND this_month + interval '3 months') AS m (month)
            WHERE to_regclass(format('clinic_data.%I', format('%s_%s', parent.table_name, to_char(m.month, 'YYYY_MM')))) IS NULL
            ORDER BY m.month
        LOOP
            done := done + 1 + clinic_private.make_month(parent.table_name, parent.key_column, parent.default_partition, wanted);
        END LOOP;
    END LOOP;

    -- Deliveries are deleted one by one, as long as each tenant keeps them; what is empty then is of no use.
    FOR old IN
        SELECT c.oid::regclass AS partition
        FROM pg_inherits AS i
        JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = to_regclass('clinic_data.deliveries') AND c.relname ~ '^deliveries_\d{4}_\d\d$'
          AND to_date(right(c.relname, 7), 'YYYY_MM') < this_month - interval '1 month'
        ORDER BY c.relname
    LOOP
        IF clinic_private.drop_if_empty(old.partition) THEN
            done := done + 1;
        END IF;
    END LOOP;
    RETURN done;
END
$$;
COMMENT ON FUNCTION clinic_private.partitions_job() IS
    'Job: makes the partitions of this month and the next three, moves into their months the rows that lie in default partitions, and drops empty partitions of
deliveries from before the last month. Returns how many partitions it made or dropped and rows it moved. Bookings wait while rows move: let it run from the beginning.';
REVOKE ALL ON FUNCTION clinic_private.partitions_job FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.partitions_job TO clinic_owner;
