-- Columns whose values planner statistics must not keep: see sql/api/79_statistics.sql.

CALL clinic_private.ensure_silent();
