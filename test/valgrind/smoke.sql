CREATE EXTENSION pg_clinic CASCADE;

CALL clinic.install();

SELECT clinic.version();

