-- The smallest demonstration: install, and say which version answers.
CREATE EXTENSION pg_clinic CASCADE;
CALL clinic.install();
SELECT clinic.version();
