"""Row security on a table of one's own beside the same statements with the tenant in WHERE, and the overlap search beside what ranges cost."""
from harness.database import Session, psql
from harness.suite import duration

from .recurrence import compare


def run(suite, database):
    tenants, rows = suite.size(100, 5), suite.size(500_000, 5_000)
    psql(database, f"""
BEGIN;
SELECT clinic.create_tenant('bench-' || t, 'Bench', tenant_id => bench.id('0000', t)) FROM generate_series(1, 2) t;
COMMIT;
BEGIN;
SELECT clinic.use_tenant('bench-2');
SELECT clinic.map_login('bench_desk', 'staff', '{{*}}');
COMMIT;
CREATE TABLE bench.visits (
    tenant_id uuid NOT NULL, visit_id uuid NOT NULL, resource_id integer NOT NULL, starts_at timestamptz NOT NULL, ends_at timestamptz NOT NULL, note text, PRIMARY KEY (tenant_id, visit_id));
INSERT INTO bench.visits
    SELECT bench.id('0000', 1 + n % {tenants}), bench.id('0060', n), n / {tenants} % 20, s, s + interval '30 minutes', 'a note of some words'
      FROM generate_series(1, {rows}) n, LATERAL (SELECT timestamptz '2025-01-01Z' + n / {tenants} / 20 * interval '30 minutes' AS s OFFSET 0) x;
CREATE INDEX ON bench.visits (tenant_id, starts_at);
CREATE INDEX ON bench.visits (tenant_id, resource_id, starts_at);
CREATE TABLE bench.bare AS SELECT * FROM bench.visits;
ALTER TABLE bench.bare ADD PRIMARY KEY (tenant_id, visit_id);
CREATE INDEX ON bench.bare (tenant_id, starts_at);
CREATE INDEX ON bench.bare (tenant_id, resource_id, starts_at);
GRANT SELECT ON bench.visits, bench.bare TO bench_desk;
SELECT clinic.enable_tenant_rls('bench.visits');
VACUUM ANALYZE bench.visits, bench.bare;
""")
    session = Session(database, "bench_desk")
    tenant = "tenant_id = '00000000-0000-7000-8000-000000000002'"
    key = f"00000000-0060-7000-8000-{tenants * 3 + 1:012d}"
    cases = [("by key", "SELECT count(note) FROM {} WHERE {} visit_id = '" + key + "'", 1.05), ("range", "SELECT count(note) FROM {} WHERE {} starts_at >= '2025-01-02Z' AND starts_at < '2025-01-04Z'", 1.05),
             ("count", "SELECT count(*) FROM {} WHERE {} true", 1.05),
             ("overlap search", "SELECT count(note) FROM {} WHERE {} resource_id = 7 AND starts_at < '2025-01-03 10:00Z' AND ends_at > '2025-01-03 09:00Z' AND starts_at > '2025-01-02 10:00Z'", 1.1)]
    for name, statement, limit in cases:
        ours, theirs = statement.format("bench.visits", ""), statement.format("bench.bare", tenant + " AND")
        suite.same(name, session.run(ours), session.run(theirs))
        got = compare(suite, session, {"policy": ours, "where": theirs})
        suite.line(f"row security, {name}", got.ratio("policy", "where"), f"<= {limit}x", limit, "less", duration(got.spread("policy").median), "explicit WHERE " + duration(got.spread("where").median))
    session.close()
