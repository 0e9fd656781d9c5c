-- Groups: parties, rooms that may be exchanged, planned sessions with seats.

ALTER TABLE clinic_data.appointment_resources
    ADD COLUMN pinned boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN clinic_data.appointment_resources.pinned IS 'Named by who booked, or not to be exchanged; false: the engine chose it, and may exchange it for another of its class to make room.';

ALTER TABLE clinic_data.claims
    ADD COLUMN seats integer NOT NULL DEFAULT 1,
    ADD CONSTRAINT claims_seats_check CHECK (seats BETWEEN 1 AND 1000);
COMMENT ON COLUMN clinic_data.claims.seats IS 'How many of the capacity it takes.';
