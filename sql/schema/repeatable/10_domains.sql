-- Checks that need the engine: zones this server knows, rules that can be hours and match at least one date.
-- DROP EXTENSION ... CASCADE takes them away and leaves the data; here they come back. Adding one checks the rows there are.
-- A check is recognised by its name: one that changes gets a new name, and a numbered migration drops the old one.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_constraint c
                    WHERE c.contypid = 'clinic_data.time_zone_name'::regtype AND c.conname = 'time_zone_name_check') THEN
        ALTER DOMAIN clinic_data.time_zone_name
            ADD CONSTRAINT time_zone_name_check CHECK (clinic.is_time_zone(VALUE));
    END IF;

    IF NOT EXISTS (SELECT FROM pg_catalog.pg_constraint c
                    WHERE c.contypid = 'clinic_data.hours_rule'::regtype AND c.conname = 'hours_rule_check') THEN
        ALTER DOMAIN clinic_data.hours_rule
            ADD CONSTRAINT hours_rule_check CHECK (clinic.is_hours_rule(VALUE));
    END IF;

    IF NOT EXISTS (SELECT FROM pg_catalog.pg_constraint c
                    WHERE c.contypid = 'clinic_data.encrypted'::regtype AND c.conname = 'encrypted_check') THEN
        ALTER DOMAIN clinic_data.encrypted
            ADD CONSTRAINT encrypted_check CHECK (clinic.is_encrypted(VALUE));
    END IF;

    -- The domain knows the rule alone; whether it ever matches depends on its first date too.
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_constraint c
                    WHERE c.conrelid = 'clinic_data.availability_rules'::regclass
                      AND c.conname = 'availability_rules_rule_check') THEN
        ALTER TABLE clinic_data.availability_rules
            ADD CONSTRAINT availability_rules_rule_check CHECK (clinic_private.check_hours_rule(rule, dtstart_on));
    END IF;

    IF NOT EXISTS (SELECT FROM pg_catalog.pg_constraint c
                    WHERE c.conrelid = 'clinic_data.blocks'::regclass AND c.conname = 'blocks_rule_check') THEN
        ALTER TABLE clinic_data.blocks
            ADD CONSTRAINT blocks_rule_check CHECK (rule IS NULL OR clinic_private.check_hours_rule(rule, from_on));
    END IF;
END
$$;
