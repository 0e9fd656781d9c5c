-- Opened hours feed the waitlist. Triggers note which time was not open before; a job offers it, once the change has been committed, so that what
-- belongs together (hours, then their breaks) is seen together. Closures note nothing.

CREATE FUNCTION clinic_private.hours_opened_in(resource_id uuid, location_id uuid, opened tstzmultirange)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    coming tstzmultirange := hours_opened_in.opened * tstzmultirange(tstzrange(clinic.now(), clinic.now() + interval '365 days'));
BEGIN
    -- Who loads rows without a context loads a diary that nobody waits for yet.
    IF coming IS NULL OR isempty(coming) OR clinic.current_tenant_id() IS NULL OR NOT clinic_private.anybody_waits() THEN
        RETURN;
    END IF;
    INSERT INTO clinic_data.waitlist_openings (tenant_id, opening_id, resource_id, location_id, opened)
    VALUES (clinic.current_tenant_id(), clinic.new_id(), hours_opened_in.resource_id, hours_opened_in.location_id, coming);
END
$$;
COMMENT ON FUNCTION clinic_private.hours_opened_in(uuid, uuid, tstzmultirange) IS
    'Notes that time is open now that was not open before, for the waitlist; nothing where nobody waits.
resource_id: whose, null for everybody''s; location_id: where, null for everywhere.';
REVOKE ALL ON FUNCTION clinic_private.hours_opened_in FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.hours_opened_in TO clinic_owner;

CREATE FUNCTION clinic_private.hours_opened(resource_id uuid, range_start timestamptz, range_end timestamptz)
    RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT clinic_private.hours_opened_in($1, NULL, tstzmultirange(tstzrange($2, $3)))
$$;
COMMENT ON FUNCTION clinic_private.hours_opened(uuid, timestamptz, timestamptz) IS
    'Notes that a provider, room or device is open in a range in which it was not before; clinic_private.hours_opened_job() offers it to those who wait.
The triggers of the hours'' tables do so by themselves.';
REVOKE ALL ON FUNCTION clinic_private.hours_opened FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.hours_opened TO clinic_owner;

-- Triggers see every row that anybody writes: dates beyond the next year concern nobody who waits, infinite ones least of all.
CREATE FUNCTION clinic_private.near_date(given date)
    RETURNS date
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN greatest((clinic.now() AT TIME ZONE 'Etc/UTC')::date - 400, least((clinic.now() AT TIME ZONE 'Etc/UTC')::date + 400, near_date.given));
COMMENT ON FUNCTION clinic_private.near_date(date) IS 'The date, or the nearest one within 400 days of today.';
REVOKE ALL ON FUNCTION clinic_private.near_date FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.near_date TO clinic_owner;

-- The windows of the live rules of a resource; all of them, whatever overrides and holidays say.
CREATE FUNCTION clinic_private.windows_by_rules(
    tenant_id uuid,
    resource_id uuid,
    location_id uuid,
    service_ids uuid[],
    without_rule uuid,
    with_rule uuid,
    range_start timestamptz,
    range_end timestamptz)
    RETURNS tstzmultirange
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(range_agg(clinic.rule_hours(a.rule::text, a.dtstart_on, a.start_time, a.end_time, a.time_zone::text,
                                                greatest($7, clinic_private.near_date(a.valid_from)::timestamp AT TIME ZONE a.time_zone),
                                                least($8, (clinic_private.near_date(coalesce(a.valid_until, 'infinity')) + 1)::timestamp AT TIME ZONE a.time_zone))), '{}')
    FROM clinic_data.availability_rules AS a
    WHERE a.tenant_id = $1 AND a.resource_id = $2
      AND ($3 IS NULL OR a.location_id = $3)
      AND (a.service_ids IS NULL OR a.service_ids @> $4)
      AND (a.retired_at IS NULL OR a.rule_id = $6)
      AND a.rule_id IS DISTINCT FROM $5
      AND greatest($7, clinic_private.near_date(a.valid_from)::timestamp AT TIME ZONE a.time_zone)
          < least($8, (clinic_private.near_date(coalesce(a.valid_until, 'infinity')) + 1)::timestamp AT TIME ZONE a.time_zone)
$$;
COMMENT ON FUNCTION clinic_private.windows_by_rules(uuid, uuid, uuid, uuid[], uuid, uuid, timestamptz, timestamptz) IS
    'The windows that rules give a resource in a range of at most 366 days. location_id: there, null for anywhere; service_ids: only rules that serve all of
these, null for rules of every service; without_rule: all but this one; with_rule: this one too, retired or not.';
REVOKE ALL ON FUNCTION clinic_private.windows_by_rules FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.windows_by_rules TO clinic_owner;

CREATE FUNCTION clinic_private.note_opened_rule()
    RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    from_at timestamptz := greatest(clinic.now(), clinic_private.near_date(NEW.valid_from)::timestamp AT TIME ZONE NEW.time_zone);
    until_at timestamptz := least(clinic.now() + interval '365 days',
                                  (clinic_private.near_date(coalesce(NEW.valid_until, 'infinity')) + 1)::timestamp AT TIME ZONE NEW.time_zone);
BEGIN
    IF NEW.retired_at IS NULL AND from_at < until_at AND clinic.current_tenant_id() IS NOT DISTINCT FROM NEW.tenant_id AND clinic_private.anybody_waits() THEN
        PERFORM clinic_private.hours_opened_in(NEW.resource_id, NEW.location_id,
            clinic.rule_hours(NEW.rule::text, NEW.dtstart_on, NEW.start_time, NEW.end_time, NEW.time_zone::text, from_at, until_at)
            -- What was open already, by other rules or by the version that this one replaces.
            - clinic_private.windows_by_rules(NEW.tenant_id, NEW.resource_id, NEW.location_id, NEW.service_ids, NEW.rule_id,
                                              NEW.replaces_rule_id, from_at, until_at));
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clinic_private.note_opened_rule() IS 'AFTER ROW trigger of clinic_data.availability_rules: notes hours that are new.';
REVOKE ALL ON FUNCTION clinic_private.note_opened_rule FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.note_opened_rule TO clinic_owner;

CREATE FUNCTION clinic_private.note_opened_date()
    RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    zone text := coalesce(NEW.time_zone::text, clinic_private.home_zone(NEW.resource_id), 'Etc/UTC');
    from_at timestamptz := clinic_private.near_date(NEW.on_date)::timestamp AT TIME ZONE zone;
    until_at timestamptz := (clinic_private.near_date(NEW.on_date) + 1)::timestamp AT TIME ZONE zone;
    by_rules tstzmultirange;
    window_of_date tstzmultirange := '{}';
BEGIN
    IF clinic.current_tenant_id() IS DISTINCT FROM NEW.tenant_id OR clinic_private.near_date(NEW.on_date) <> NEW.on_date
       OR NOT clinic_private.anybody_waits() THEN
        RETURN NULL;
    END IF;
    by_rules := clinic_private.windows_by_rules(NEW.tenant_id, NEW.resource_id, NEW.location_id, NULL, NULL, NULL, from_at, until_at);
    IF NEW.kind = 'open' THEN
        window_of_date := clinic.rule_hours('FREQ=DAILY;COUNT=1', NEW.on_date, NEW.start_time, NEW.end_time, zone,
                                            from_at, until_at + interval '2 days');
    END IF;
    IF TG_OP = 'INSERT' AND NEW.retired_at IS NULL THEN
        PERFORM clinic_private.hours_opened_in(NEW.resource_id, NEW.location_id, window_of_date - by_rules);
    ELSIF TG_OP = 'UPDATE' THEN
        PERFORM clinic_private.hours_opened_in(NEW.resource_id, NEW.location_id, by_rules - window_of_date);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clinic_private.note_opened_date() IS
    'AFTER ROW trigger of clinic_data.date_overrides: notes what a date opens, and what taking it back opens.';
REVOKE ALL ON FUNCTION clinic_private.note_opened_date FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.note_opened_date TO clinic_owner;

CREATE FUNCTION clinic_private.note_opened_block()
    RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    zone text := coalesce(NEW.time_zone::text, 'Etc/UTC');
    from_at timestamptz := greatest(clinic.now(), clinic_private.near_date(NEW.from_on)::timestamp AT TIME ZONE zone);
    until_at timestamptz := least(clinic.now() + interval '365 days',
                                  (clinic_private.near_date(coalesce(NEW.until_on, 'infinity')) + 1)::timestamp AT TIME ZONE zone);
BEGIN
    IF clinic.current_tenant_id() IS DISTINCT FROM NEW.tenant_id OR NOT clinic_private.anybody_waits() THEN
        RETURN NULL;
    END IF;
    IF NEW.starts_at IS NOT NULL THEN
        PERFORM clinic_private.hours_opened_in(NEW.resource_id, NEW.location_id, tstzmultirange(tstzrange(NEW.starts_at, NEW.ends_at)));
    ELSIF from_at < until_at AND NEW.rule IS NOT NULL THEN
        PERFORM clinic_private.hours_opened_in(NEW.resource_id, NEW.location_id,
            clinic.rule_hours(NEW.rule::text, NEW.from_on, NEW.start_time, NEW.end_time, zone, from_at, until_at));
    ELSIF from_at < until_at THEN
        PERFORM clinic_private.hours_opened_in(NEW.resource_id, NEW.location_id, tstzmultirange(tstzrange(from_at, until_at)));
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clinic_private.note_opened_block() IS
    'AFTER ROW trigger of clinic_data.blocks: notes the time that a block, leave or break gave back.';
REVOKE ALL ON FUNCTION clinic_private.note_opened_block FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.note_opened_block TO clinic_owner;

CREATE FUNCTION clinic_private.note_opened_holiday()
    RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    zone text := coalesce(clinic_private.time_zone_of_location(NEW.location_id), 'Etc/UTC');
BEGIN
    IF clinic.current_tenant_id() IS NOT DISTINCT FROM NEW.tenant_id AND clinic_private.near_date(NEW.on_date) = NEW.on_date THEN
        PERFORM clinic_private.hours_opened_in(NULL, NEW.location_id, tstzmultirange(tstzrange(
            NEW.on_date::timestamp AT TIME ZONE zone, (NEW.on_date + 1)::timestamp AT TIME ZONE zone)));
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clinic_private.note_opened_holiday() IS 'AFTER ROW trigger of clinic_data.holidays: notes the date that is a holiday no longer.';
REVOKE ALL ON FUNCTION clinic_private.note_opened_holiday FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.note_opened_holiday TO clinic_owner;

CREATE FUNCTION clinic_private.hours_opened_job()
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    most constant integer := 50;
    opening record;
    provider uuid;
    coming tstzmultirange;
    dealt bigint := 0;
BEGIN
    FOR opening IN
        SELECT o.opening_id, o.resource_id, o.location_id, o.opened
        FROM clinic_data.waitlist_openings AS o
        WHERE o.tenant_id = tenant
        ORDER BY o.opening_id LIMIT 10
        FOR UPDATE SKIP LOCKED
    LOOP
        dealt := dealt + 1;
        coming := opening.opened * tstzmultirange(tstzrange(clinic.now(), NULL));
        SELECT p.provider_id INTO provider
        FROM clinic_data.providers AS p WHERE p.tenant_id = tenant AND p.provider_id = opening.resource_id;
        IF NOT isempty(coming) THEN
            IF provider IS NOT NULL AND opening.location_id IS NOT NULL THEN
                PERFORM clinic_private.lock_resources(tenant, provider || ARRAY(
                    SELECT clinic_private.lockable_for_offers(provider, opening.location_id)));
            END IF;
            IF clinic_private.make_offers(NULL, 'opened', NULL, NULL, provider, opening.location_id, coming, NULL, most) >= most THEN
                CONTINUE; -- there is more to offer, the next time
            END IF;
        END IF;
        DELETE FROM clinic_data.waitlist_openings AS o WHERE o.tenant_id = tenant AND o.opening_id = opening.opening_id;
    END LOOP;
    RETURN dealt;
END
$$;
COMMENT ON FUNCTION clinic_private.hours_opened_job() IS
    'Offers hours that have been opened to those who wait, in order, one start to each; at most ten openings at a time. Returns how many it dealt with. For the
engine itself.';
REVOKE ALL ON FUNCTION clinic_private.hours_opened_job FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.hours_opened_job TO clinic_owner;
