-- A table of twenty columns, written without audit and with what people use for it.
CREATE TABLE bench.none (
    tenant_id uuid NOT NULL, row_id uuid NOT NULL, patient_id uuid, kind text, status text, title text, note text, code text, amount numeric, paid numeric,
    quantity integer, size integer, weight double precision, starts_at timestamptz, ends_at timestamptz, on_date date, active boolean, tags text[],
    created_at timestamptz DEFAULT now(), version integer DEFAULT 1, PRIMARY KEY (tenant_id, row_id));
CREATE TABLE bench.ours (LIKE bench.none INCLUDING ALL);
CREATE TABLE bench.trigger (LIKE bench.none INCLUDING ALL);
CREATE TABLE bench.pgaudit (LIKE bench.none INCLUDING ALL);

-- Whole rows as jsonb, by a trigger in PL/pgSQL.
CREATE TABLE bench.trail (
    id bigserial PRIMARY KEY, table_name text, op text, tenant_id uuid, row_id uuid, at timestamptz DEFAULT clock_timestamp(), who text DEFAULT session_user,
    app text DEFAULT current_setting('application_name'), before jsonb, after jsonb);
CREATE INDEX ON bench.trail (tenant_id, row_id);
CREATE FUNCTION bench.keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO bench.trail (table_name, op, tenant_id, row_id, before, after)
    VALUES (TG_ARGV[0], TG_OP, coalesce(NEW.tenant_id, OLD.tenant_id), coalesce(NEW.row_id, OLD.row_id),
            CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END, CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
    RETURN NULL;
END $$;
CREATE TRIGGER keep AFTER INSERT OR UPDATE OR DELETE ON bench.trigger FOR EACH ROW EXECUTE FUNCTION bench.keep('trigger');
