-- Triggers. Those of one table and time fire in the order of their names. Definitions are written as the server prints
-- them back, so that a trigger that is there and says the same is left alone, and no writer waits for a second install.

DO $$
DECLARE
    target record;
    changed text;
    fixed text;
BEGIN
    -- Identity: a row never moves to another tenant nor takes another id. Fixed are the columns of the primary key,
    -- tenant_id and who made the row when; of the hours' versions everything but their retirement.
    FOR target IN
        SELECT c.oid::regclass AS name, c.relname,
               array_agg(a.attname ORDER BY a.attnum) AS columns,
               -- How a column is printed: one of a domain with a cast to its base type.
               array_agg(CASE t.typtype WHEN 'd' THEN pg_catalog.format('(%%s.%I)::%s', a.attname, t.typbasetype::regtype)
                                        ELSE pg_catalog.format('%%s.%I', a.attname) END ORDER BY a.attnum) AS printed
          FROM pg_catalog.pg_class c
          JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
          JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
         WHERE c.relnamespace = 'clinic_data'::regnamespace
           AND c.relkind IN ('r', 'p')
           AND NOT c.relispartition
           AND (a.attnum = ANY (k.conkey)
                OR a.attname IN ('tenant_id', 'created_at', 'created_by')
                OR c.relname = 'availability_rules'
                   AND a.attname IN ('resource_id', 'location_id', 'rule', 'dtstart_on', 'start_time', 'end_time', 'time_zone',
                                     'valid_from', 'valid_until', 'service_ids', 'max_appointments', 'replaces_rule_id'))
         GROUP BY c.oid, c.relname
         ORDER BY c.relname
    LOOP
        SELECT string_agg(pg_catalog.format('(%s IS DISTINCT FROM %s)', pg_catalog.format(printed, 'old'),
                                            pg_catalog.format(printed, 'new')), ' OR ' ORDER BY place),
               string_agg(pg_catalog.quote_literal(column_name), ', ' ORDER BY place)
          INTO changed, fixed
          FROM unnest(target.columns, target.printed) WITH ORDINALITY AS u (column_name, printed, place);
        IF cardinality(target.columns) > 1 THEN
            changed := '(' || changed || ')';
        END IF;
        CALL clinic_private.ensure_trigger(target.name, target.relname || '_10_identity', 'BEFORE UPDATE',
            pg_catalog.format('WHEN (%s) ', changed), pg_catalog.format('clinic_private.refuse_change(%s)', fixed), 'O',
            'What identifies a row does not change.');
    END LOOP;

    -- Version and stamps, wherever a table has them.
    FOR target IN
        SELECT c.oid::regclass AS name, c.relname
          FROM pg_catalog.pg_class c
          JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname IN ('version', 'updated_at', 'updated_by')
                                            AND NOT a.attisdropped
         WHERE c.relnamespace = 'clinic_data'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
         GROUP BY c.oid, c.relname
        HAVING count(*) = 3
         ORDER BY c.relname
    LOOP
        CALL clinic_private.ensure_trigger(target.name, target.relname || '_20_stamp', 'BEFORE UPDATE',
            -- Signing in changes nothing that somebody may be editing.
            CASE target.relname WHEN 'users'
                THEN 'WHEN (((old.* IS DISTINCT FROM new.*) AND (NOT (old.last_login_at IS DISTINCT FROM new.last_login_at)))) '
                ELSE 'WHEN ((old.* IS DISTINCT FROM new.*)) ' END, 'clinic_private.stamp_change()', 'O',
            'A changed row gets its next version, and who changed it when.');
    END LOOP;

    CALL clinic_private.ensure_trigger('clinic_data.patients', 'patients_05_name_key', 'BEFORE INSERT OR UPDATE', '',
        'clinic_private.fill_name_key()', 'O', 'The names are kept as the search compares them.');
    CALL clinic_private.ensure_trigger('clinic_data.patients', 'patients_40_search_keys', 'AFTER INSERT', '',
        'clinic_private.write_search_keys()', 'O', 'How the names sound and begin.');
    CALL clinic_private.ensure_trigger('clinic_data.patients', 'patients_41_search_keys', 'AFTER UPDATE', 'WHEN ((old.name_key IS DISTINCT FROM new.name_key)) ',
        'clinic_private.write_search_keys()', 'O', 'How the names sound and begin.');
    CALL clinic_private.ensure_trigger('clinic_data.patients', 'patients_30_resource', 'AFTER INSERT', '',
        'clinic_private.add_patient_resource()', 'O', 'A patient is a resource too.');
    CALL clinic_private.ensure_trigger('clinic_data.resources', 'resources_30_calendar', 'AFTER INSERT', '',
        'clinic_private.add_first_calendar()', 'O', 'Every resource has a first lane.');

    -- What backends keep of the setup is forgotten when it changes; always, so that replication's apply says so too.
    IF pg_catalog.to_regprocedure('clinic_private.setup_changed()') IS NOT NULL THEN
        FOR target IN
            SELECT c.oid::regclass AS name, c.relname
              FROM unnest('{tenants,locations,travel_times,services,service_providers,service_resources,service_participants,'
                          'service_participant_candidates,providers,resources,availability_rules,date_overrides,stays,holidays,'
                          'blocks}'::name[]) AS t (name)
              JOIN pg_catalog.pg_class c ON c.relname = t.name AND c.relnamespace = 'clinic_data'::regnamespace
        LOOP
            CALL clinic_private.ensure_trigger(target.name, target.relname || '_00_setup', 'BEFORE INSERT OR DELETE OR UPDATE', '',
                'clinic_private.setup_changed()', 'A', 'Searches and bookings read again what they kept of it.');
        END LOOP;
    END IF;

    -- Whoever writes a claim takes its resource's lock first; always, so that replication's apply does too.
    IF pg_catalog.to_regprocedure('clinic_private.claims_guard()') IS NOT NULL THEN
        CALL clinic_private.ensure_trigger('clinic_data.claims', 'claims_40_guard', 'BEFORE INSERT OR UPDATE', '',
            'clinic_private.claims_guard()', 'A',
            'Takes the lock of the resource before the row is written, so that writers wait in order instead of deadlocking.');
    END IF;
    IF pg_catalog.to_regprocedure('clinic_private.record_appointment_event()') IS NOT NULL THEN
        CALL clinic_private.ensure_trigger('clinic_data.appointments', 'appointments_50_event', 'AFTER INSERT OR UPDATE', '',
            'clinic_private.record_appointment_event()', 'O', 'Each change of an appointment is an event, whoever makes it.');
    END IF;
END
$$;
