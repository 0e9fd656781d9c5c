-- Jobs: what has to happen by itself, in every tenant. clinic.run_jobs() runs them, called by pg_cron (clinic.schedule_jobs()) or by
-- anything else, at any time, twice, and at once. A job is a function clinic_private.<name>_job() that deals with the tenant of the
-- context in bounded batches and returns how many rows it dealt with.

CREATE FUNCTION clinic_private.jobs()
    RETURNS TABLE (place integer, job text, of_database boolean, in_suspended boolean, rhythm interval, cron text, purpose text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 8
    SET search_path = pg_catalog, pg_temp
AS $$
    VALUES
        (1, 'sweep_claims', false, true, interval '1 minute', '* * * * *',
         'Cancels holds and requests that have expired, and deletes claims that can no longer conflict.'),
        (2, 'expire_offers', false, true, interval '1 minute', '* * * * *',
         'Ends offers of the waitlist whose time is over, and passes them on.'),
        (3, 'flag_no_shows', false, false, interval '1 minute', '* * * * *',
         'Flags patients who have not come.'),
        (4, 'plan_notifications', false, false, interval '1 minute', '* * * * *',
         'Plans reminders and other messages that become due.'),
        (5, 'extend_series', false, false, interval '1 day', '10 1 * * *',
         'Extends series without an end to the horizon.'),
        (6, 'daily_snapshot', false, false, interval '1 hour', '5 * * * *',
         'Counts the visits of days that are over, for reports.'),
        (7, 'retention', false, true, interval '1 hour', '25 * * * *',
         'Deletes what is kept no longer: idempotency keys, tokens of holds, codes, messages, deliveries, the record of signing in.'),
        (8, 'partitions', true, true, interval '1 day', '40 1 * * *',
         'Makes the partitions of the next months, and drops empty ones of the past.'),
        (9, 'hours_opened', false, false, interval '1 minute', '* * * * *',
         'Offers newly opened hours to the waitlist.'),
        (10, 'rotate_keys', false, true, interval '1 minute', '* * * * *',
         'Goes on with replacing keys of encrypted fields.'),
        (11, 'purge_audit', false, true, interval '1 day', '50 2 * * *',
         'Purges records of the audit whose time is over, that have been sealed as long and that no legal hold keeps.'),
        (12, 'ingest_reads', true, true, interval '1 minute', '* * * * *',
         'Brings records of reads from the spool into the audit.'),
        (13, 'consent_expiring', false, false, interval '1 hour', '15 * * * *',
         'Writes to patients whose consents are about to end, of each once.'),
        (20, 'seal_audit', false, true, interval '1 minute', '* * * * *',
         'Seals the records of the audit.'),
        (21, 'seal_database_audit', true, true, interval '1 minute', '* * * * *',
         'Seals the records of the audit that concern no tenant.')
$$;
COMMENT ON FUNCTION clinic_private.jobs() IS
    'The jobs there are, in the order they run. of_database: once for the database instead of once for each tenant; in_suspended: also in
suspended tenants; rhythm: how often clinic.run_jobs() runs it by itself; cron: when clinic.schedule_jobs() lets pg_cron run it.';
REVOKE ALL ON FUNCTION clinic_private.jobs FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.jobs TO clinic_owner, clinic_admin;

CREATE FUNCTION clinic_private.require_jobs(jobs text[])
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    unknown text;
BEGIN
    SELECT string_agg(coalesce(left(u.job, 63), 'null'), ', ') INTO unknown
    FROM unnest(require_jobs.jobs) AS u (job)
    WHERE NOT EXISTS (SELECT FROM clinic_private.jobs() AS j WHERE j.job = u.job);
    IF unknown IS NOT NULL THEN
        PERFORM clinic_private.refuse_argument('jobs', format('there is no job %s', unknown),
            format('They are: %s.', (SELECT string_agg(j.job, ', ' ORDER BY j.place) FROM clinic_private.jobs() AS j)));
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_jobs(text[]) IS 'Refuses names that are no job''s; null passes. Errors: 22023.';
REVOKE ALL ON FUNCTION clinic_private.require_jobs FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_jobs TO clinic_owner;

-- Messages of the server about data show the data, between quotes.
CREATE FUNCTION clinic_private.error_without_values(state text, message text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN left(CASE WHEN state ~ '^(22|23)' THEN regexp_replace(message, '"[^"]*"', '"..."', 'g') ELSE message END, 500);
COMMENT ON FUNCTION clinic_private.error_without_values(text, text) IS
    'The message of an error, the first 500 characters; of one about data without what stands between quotes.';
REVOKE ALL ON FUNCTION clinic_private.error_without_values FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.error_without_values TO clinic_owner;

CREATE FUNCTION clinic_private.record_job(
    tenant_id uuid,
    job text,
    duration_ms double precision,
    row_count bigint,
    error_state text,
    error_message text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_now timestamptz := clinic.now();
    v_good boolean := record_job.error_state IS NULL;
BEGIN
    INSERT INTO clinic_data.job_states AS s (tenant_id, job, started_at, finished_at, succeeded_at, duration_ms, row_count, runs, failures,
                                             failures_in_a_row, failed_at, error_state, error_message)
    VALUES (record_job.tenant_id, record_job.job, v_now, v_now, CASE WHEN v_good THEN v_now END, record_job.duration_ms,
            record_job.row_count, 1, CASE WHEN v_good THEN 0 ELSE 1 END, CASE WHEN v_good THEN 0 ELSE 1 END,
            CASE WHEN NOT v_good THEN v_now END, record_job.error_state, record_job.error_message)
    ON CONFLICT ON CONSTRAINT job_states_pkey DO UPDATE
    SET started_at = excluded.started_at,
        finished_at = excluded.finished_at,
        succeeded_at = coalesce(excluded.succeeded_at, s.succeeded_at),
        duration_ms = excluded.duration_ms,
        row_count = coalesce(excluded.row_count, s.row_count),
        runs = s.runs + 1,
        failures = s.failures + excluded.failures,
        failures_in_a_row = CASE excluded.failures WHEN 0 THEN 0 ELSE s.failures_in_a_row + 1 END,
        failed_at = coalesce(excluded.failed_at, s.failed_at),
        error_state = coalesce(excluded.error_state, s.error_state),
        error_message = coalesce(excluded.error_message, s.error_message);
END
$$;
COMMENT ON FUNCTION clinic_private.record_job(uuid, text, double precision, bigint, text, text) IS
    'Writes how a job went; error_state null: well.';
REVOKE ALL ON FUNCTION clinic_private.record_job FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.record_job TO clinic_owner;

-- A job that has locked resources holds them to the end of the transaction, and may then wait for others: a booking that has those could
-- wait for ours. So a job gives up waiting well before the server looks for deadlocks: it fails and comes again, and no booking ever does.
CREATE FUNCTION clinic.run_jobs(jobs text[] DEFAULT NULL, tenant_ids uuid[] DEFAULT NULL)
    RETURNS TABLE (job text, tenant_id uuid, outcome text, row_count bigint, duration interval, error_message text)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on SET lock_timeout = '400ms'
AS $$
#variable_conflict error
DECLARE
    nobody constant uuid := '00000000-0000-0000-0000-000000000000';
    saved constant text := clinic_private.saved_context();
    patience integer := (SELECT p.setting::integer FROM pg_settings AS p WHERE p.name = 'deadlock_timeout');
    tenant record;
    task record;
    as_system text;
    began timestamptz;
    done bigint;
    v_state text;
    v_message text;
BEGIN
    PERFORM clinic_private.require_jobs(run_jobs.jobs);
    PERFORM set_config('lock_timeout', greatest(1, least(400, patience * 4 / 10))::text, true);

    FOR tenant IN
        SELECT nobody AS id, true AS active, 0 AS place
        UNION ALL
        SELECT k.tenant_id, k.active, 1
        FROM clinic_private.known_tenants() AS k
        WHERE coalesce(k.tenant_id = ANY (run_jobs.tenant_ids), true)
        ORDER BY 3, 1
    LOOP
        as_system := NULL;
        FOR task IN
            SELECT j.job, j.rhythm, format('clinic_private.%I()', j.job || '_job') AS call
            FROM clinic_private.jobs() AS j
            WHERE j.of_database = (tenant.id = nobody)
              AND (tenant.active OR j.in_suspended)
              AND coalesce(j.job = ANY (run_jobs.jobs), true)
            ORDER BY j.place
        LOOP
            IF as_system IS NULL THEN
                PERFORM clinic_private.enter_system(tenant.id);
                as_system := clinic_private.saved_context();
            ELSE
                PERFORM clinic_private.restore_context(as_system);
            END IF;
            -- By itself when it is due: a little early rather than a whole turn of the caller's late.
            CONTINUE WHEN run_jobs.jobs IS NULL AND EXISTS (
                SELECT FROM clinic_data.job_states AS s
                WHERE s.tenant_id = tenant.id AND s.job = task.job
                  AND s.started_at <= clinic.now() AND s.started_at + task.rhythm * 0.9 > clinic.now());

            job := task.job;
            tenant_id := nullif(tenant.id, nobody);
            row_count := NULL;
            duration := NULL;
            error_message := NULL;
            IF to_regprocedure(task.call) IS NULL THEN
                outcome := 'missing';
            ELSIF NOT clinic_private.try_job_lock(tenant.id, task.job) THEN
                outcome := 'busy';
            ELSE
                began := clock_timestamp();
                done := NULL;
                v_state := NULL;
                v_message := NULL;
                BEGIN
                    EXECUTE 'SELECT ' || task.call INTO done;
                EXCEPTION WHEN OTHERS THEN
                    GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_message = MESSAGE_TEXT;
                    v_message := clinic_private.error_without_values(v_state, v_message);
                END;
                PERFORM clinic_private.restore_context(as_system);
                duration := clock_timestamp() - began;
                outcome := CASE WHEN v_state IS NULL THEN 'ok' ELSE 'failed' END;
                row_count := done;
                error_message := v_message;
                PERFORM clinic_private.record_job(tenant.id, task.job, extract(epoch FROM clock_timestamp() - began) * 1000, done, v_state,
                    v_message);
                IF v_state IS NOT NULL THEN
                    RAISE WARNING 'job "%" failed with SQLSTATE % in %', task.job, v_state,
                        CASE WHEN tenant.id = nobody THEN 'the database' ELSE format('tenant "%s"', tenant.id) END
                        USING HINT = 'clinic.job_status() says more.';
                END IF;
            END IF;
            RETURN NEXT;
        END LOOP;
    END LOOP;
    PERFORM clinic_private.restore_context(saved);
END
$$;
ALTER FUNCTION clinic.run_jobs OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.run_jobs FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.run_jobs TO clinic_admin, clinic_system;
COMMENT ON FUNCTION clinic.run_jobs IS
    'Runs the jobs in every tenant, and tells how each went. For administrators, pg_cron (clinic.schedule_jobs()) and any other scheduler.
jobs: names, to run now; null: those that are due by their rhythm, for a call every minute. tenant_ids: in these tenants only.
One row for each job and tenant; tenant_id null: the job is of the database as a whole. outcome: ok; failed (error_message and a warning say why; what it did is undone,
all other jobs go on); busy (somebody else runs it at this moment); missing (not in this version). row_count: rows dealt with. Each job works in bounded
batches, and picks up the rest the next time. It never waits longer than a fraction of deadlock_timeout, so that bookings come first.
Errors: 22023 for an unknown job.';

CREATE FUNCTION clinic.job_status()
    RETURNS TABLE (
        job text,
        tenant_id uuid,
        state text,
        started_at timestamptz,
        succeeded_at timestamptz,
        lag interval,
        duration interval,
        row_count bigint,
        runs bigint,
        failures bigint,
        failures_in_a_row integer,
        failed_at timestamptz,
        error_state text,
        error_message text,
        rhythm interval,
        purpose text)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    nobody constant uuid := '00000000-0000-0000-0000-000000000000';
    saved constant text := clinic_private.saved_context();
    tenant record;
BEGIN
    FOR tenant IN
        SELECT nobody AS id, true AS active, 0 AS place
        UNION ALL
        SELECT k.tenant_id, k.active, 1 FROM clinic_private.known_tenants() AS k
        ORDER BY 3, 1
    LOOP
        PERFORM clinic_private.enter_system(tenant.id);
        RETURN QUERY
        SELECT j.job, nullif(tenant.id, nobody),
               CASE WHEN to_regprocedure(format('clinic_private.%I()', j.job || '_job')) IS NULL THEN 'missing'
                    WHEN s.job IS NULL THEN 'never'
                    WHEN s.failures_in_a_row > 0 THEN 'failed'
                    WHEN clinic.now() - s.succeeded_at > 2 * j.rhythm THEN 'late'
                    ELSE 'ok' END,
               s.started_at, s.succeeded_at,
               greatest(clinic.now() - s.succeeded_at - j.rhythm, interval '0'),
               make_interval(secs => s.duration_ms / 1000), s.row_count, s.runs, s.failures, s.failures_in_a_row, s.failed_at, s.error_state,
               s.error_message, j.rhythm, j.purpose
        FROM clinic_private.jobs() AS j
        LEFT JOIN clinic_data.job_states AS s ON s.tenant_id = tenant.id AND s.job = j.job
        WHERE j.of_database = (tenant.id = nobody) AND (tenant.active OR j.in_suspended)
        ORDER BY j.place;
    END LOOP;
    PERFORM clinic_private.restore_context(saved);
END
$$;
ALTER FUNCTION clinic.job_status OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.job_status FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.job_status TO clinic_admin;
COMMENT ON FUNCTION clinic.job_status() IS
    'Shows how each job stands in each tenant; tenant_id null: the job is of the database as a whole. For administrators; a tenant sees its own in clinic.job_runs.
state: ok, failed (the last run did), late (two rhythms without success), never (has not run yet) or missing (not in this version). lag: how long it is
overdue; duration: of the last run; row_count: rows the last good run dealt with; error_state, error_message: of the last failure, whenever it was.';

-- ---------------------------------------------------------------------------------------------------------------------
-- pg_cron

CREATE FUNCTION clinic_private.require_cron()
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM FROM pg_extension AS e WHERE e.extname = 'pg_cron';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'pg_cron is not installed in this database'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = 'It runs in one database of a server, which the setting cron.database_name names.',
                  HINT = 'CREATE EXTENSION pg_cron; or call clinic.run_jobs() every minute from another scheduler.';
    END IF;
    IF NOT has_schema_privilege('cron', 'USAGE') THEN
        RAISE EXCEPTION 'permission denied to use pg_cron'
            USING ERRCODE = 'insufficient_privilege', HINT = format('As a superuser: GRANT USAGE ON SCHEMA cron TO %I;', CURRENT_USER);
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_cron() IS 'Refuses where pg_cron is not installed, or not open to the caller. Errors: 55000, 42501.';
REVOKE ALL ON FUNCTION clinic_private.require_cron FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_cron TO clinic_admin;

-- The next ones run with the rights of the caller, as whom pg_cron will run the jobs, and reach nothing else of clinic_private.
CREATE FUNCTION clinic_private.put_into_cron(jobs text[], schedules text[])
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    place integer;
BEGIN
    IF NOT (SELECT r.rolcanlogin FROM pg_roles AS r WHERE r.rolname = CURRENT_USER) THEN
        RAISE EXCEPTION 'role "%" cannot log in, and so can run no job', CURRENT_USER
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Call without SET ROLE, as a login that is a member of clinic_admin.';
    END IF;
    FOR place IN 1..cardinality(put_into_cron.jobs) LOOP
        PERFORM cron.schedule('pg_clinic: ' || put_into_cron.jobs[place], put_into_cron.schedules[place],
            format('SELECT count(*) FROM clinic.run_jobs(%L)', ARRAY[put_into_cron.jobs[place]]));
    END LOOP;
    -- pg_cron keeps a row for each run.
    PERFORM cron.schedule('pg_clinic: history', '50 2 * * *',
        'DELETE FROM cron.job_run_details AS d USING cron.job AS j'
        ' WHERE j.jobid = d.jobid AND starts_with(j.jobname, ''pg_clinic: '') AND d.end_time < now() - interval ''7 days''');
    RETURN cardinality(put_into_cron.jobs);
END
$$;
COMMENT ON FUNCTION clinic_private.put_into_cron(text[], text[]) IS
    'Schedules jobs in pg_cron as the caller, and the clearing of what pg_cron itself keeps of their runs, and returns how many jobs. Errors: 55000 for a role that cannot log in.';
REVOKE ALL ON FUNCTION clinic_private.put_into_cron FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.put_into_cron TO clinic_admin;

CREATE FUNCTION clinic_private.take_out_of_cron()
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    removed integer;
BEGIN
    SELECT count(*) FILTER (WHERE j.jobname <> 'pg_clinic: history') INTO removed
    FROM (SELECT s.jobname, cron.unschedule(s.jobid)
          FROM cron.job AS s
          WHERE starts_with(s.jobname, 'pg_clinic: ') AND s.database = current_database()
          ORDER BY s.jobid) AS j;
    RETURN removed;
END
$$;
COMMENT ON FUNCTION clinic_private.take_out_of_cron() IS 'Takes out of pg_cron the jobs that the caller sees there, and returns how many.';
REVOKE ALL ON FUNCTION clinic_private.take_out_of_cron FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.take_out_of_cron TO clinic_admin;

CREATE FUNCTION clinic.schedule_jobs()
    RETURNS integer
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT clinic_private.require_cron();
    SELECT clinic_private.put_into_cron(array_agg(j.job ORDER BY j.place), array_agg(j.cron ORDER BY j.place)) FROM clinic_private.jobs() AS j;
END;
REVOKE ALL ON FUNCTION clinic.schedule_jobs() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.schedule_jobs() TO clinic_admin;
COMMENT ON FUNCTION clinic.schedule_jobs() IS
    'Lets pg_cron run the jobs from now on, each at its own times and in a transaction of its own, and returns how many; again, it brings them up to date. For administrators.
They run as the caller, who must be a login, and so a member of clinic_admin as long as they run. pg_cron has to be installed in this database
(shared_preload_libraries, cron.database_name), and open to the caller: GRANT USAGE ON SCHEMA cron. Errors: 55000, 42501.';

CREATE FUNCTION clinic.unschedule_jobs()
    RETURNS integer
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT clinic_private.require_cron();
    SELECT clinic_private.take_out_of_cron();
END;
REVOKE ALL ON FUNCTION clinic.unschedule_jobs() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.unschedule_jobs() TO clinic_admin;
COMMENT ON FUNCTION clinic.unschedule_jobs() IS
    'Ends what clinic.schedule_jobs() began: takes the caller''s jobs (a superuser: everybody''s) out of pg_cron, and returns how many. For administrators.
Errors: 55000, 42501.';
