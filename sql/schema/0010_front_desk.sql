-- The front desk: tickets of those who wait, and what follows from patients who did not come.

ALTER TABLE clinic_data.tenants
    ADD COLUMN late_keeps_place_minutes integer NOT NULL DEFAULT 15,
    ADD COLUMN no_show_grace_minutes integer NOT NULL DEFAULT 15,
    ADD COLUMN no_show_policy text NOT NULL DEFAULT 'none',
    ADD COLUMN no_show_limit integer NOT NULL DEFAULT 3,
    ADD COLUMN no_show_window_months integer NOT NULL DEFAULT 12,
    ADD COLUMN prepayment_amount numeric,
    ADD COLUMN no_show_fee_amount numeric,
    ADD COLUMN charge_currency text,
    ADD CONSTRAINT tenants_late_keeps_place_check CHECK (late_keeps_place_minutes BETWEEN 0 AND 1440),
    ADD CONSTRAINT tenants_no_show_grace_check CHECK (no_show_grace_minutes BETWEEN 0 AND 1440),
    ADD CONSTRAINT tenants_no_show_policy_check CHECK (no_show_policy IN ('none', 'block_online', 'prepayment', 'fee')),
    ADD CONSTRAINT tenants_no_show_limit_check CHECK (no_show_limit BETWEEN 0 AND 1000),
    ADD CONSTRAINT tenants_no_show_window_check CHECK (no_show_window_months BETWEEN 1 AND 120),
    ADD CONSTRAINT tenants_charge_amounts_check
        CHECK (prepayment_amount BETWEEN 0 AND 1000000 AND no_show_fee_amount BETWEEN 0 AND 1000000
               AND scale(prepayment_amount) <= 3 AND scale(no_show_fee_amount) <= 3),
    ADD CONSTRAINT tenants_charge_currency_check CHECK (charge_currency ~ '^[A-Z]{3}$'),
    ADD CONSTRAINT tenants_no_show_charge_check
        CHECK ((no_show_policy <> 'prepayment' OR prepayment_amount IS NOT NULL AND charge_currency IS NOT NULL)
               AND (no_show_policy <> 'fee' OR no_show_fee_amount IS NOT NULL AND charge_currency IS NOT NULL));
COMMENT ON COLUMN clinic_data.tenants.late_keeps_place_minutes IS 'Who arrives up to so many minutes after the start keeps the place in the queue; who comes later waits from the arrival.';
COMMENT ON COLUMN clinic_data.tenants.no_show_grace_minutes IS 'From so many minutes after the start on, a patient who did not check in is flagged and may be marked as a no-show.';
COMMENT ON COLUMN clinic_data.tenants.no_show_policy IS 'What more no-shows than the limit lead to: none, block_online (patients cannot book for themselves), prepayment or fee.';
COMMENT ON COLUMN clinic_data.tenants.no_show_limit IS 'How many no-shows are tolerated: the policy applies above this number.';
COMMENT ON COLUMN clinic_data.tenants.no_show_window_months IS 'No-shows of so many months back count.';
COMMENT ON COLUMN clinic_data.tenants.prepayment_amount IS 'What is due in advance under the policy prepayment, where the service does not say.';
COMMENT ON COLUMN clinic_data.tenants.no_show_fee_amount IS 'What a no-show costs under the policy fee, where the service does not say.';
COMMENT ON COLUMN clinic_data.tenants.charge_currency IS 'ISO 4217 code of the currency of these amounts.';

ALTER TABLE clinic_data.services
    ADD COLUMN ticket_prefix text NOT NULL DEFAULT '',
    ADD COLUMN prepayment_amount numeric,
    ADD COLUMN no_show_fee_amount numeric,
    ADD CONSTRAINT services_ticket_prefix_check CHECK (ticket_prefix ~ '^[A-Z]{0,3}$'),
    ADD CONSTRAINT services_charge_amounts_check
        CHECK (prepayment_amount BETWEEN 0 AND 1000000 AND no_show_fee_amount BETWEEN 0 AND 1000000
               AND scale(prepayment_amount) <= 3 AND scale(no_show_fee_amount) <= 3);
COMMENT ON COLUMN clinic_data.services.ticket_prefix IS 'Up to three capital letters before the numbers of its queue tickets, which are then counted apart.';
COMMENT ON COLUMN clinic_data.services.prepayment_amount IS 'What is due in advance under the tenant''s policy prepayment; null: the tenant''s amount; 0: nothing.';
COMMENT ON COLUMN clinic_data.services.no_show_fee_amount IS 'What a no-show costs under the tenant''s policy fee; null: the tenant''s amount; 0: nothing.';

ALTER TABLE clinic_data.appointments
    ADD COLUMN no_show_cleared_at timestamptz;
COMMENT ON COLUMN clinic_data.appointments.no_show_cleared_at IS 'When staff cleared the flag: it is not flagged again for this start.';

CREATE TABLE clinic_data.ticket_counters (
    tenant_id uuid NOT NULL,
    location_id uuid NOT NULL,
    on_date date NOT NULL,
    prefix text NOT NULL,
    last_number integer NOT NULL,
    CONSTRAINT ticket_counters_pkey PRIMARY KEY (tenant_id, location_id, on_date, prefix),
    CONSTRAINT ticket_counters_location_id_fkey FOREIGN KEY (tenant_id, location_id)
        REFERENCES clinic_data.locations (tenant_id, location_id),
    CONSTRAINT ticket_counters_last_number_check CHECK (last_number >= 1)
);
COMMENT ON TABLE clinic_data.ticket_counters IS 'The last ticket number of each location, day and prefix. A row and not a sequence: what is rolled back leaves no gap.';
COMMENT ON COLUMN clinic_data.ticket_counters.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.ticket_counters.location_id IS 'Where.';
COMMENT ON COLUMN clinic_data.ticket_counters.on_date IS 'On which local date.';
COMMENT ON COLUMN clinic_data.ticket_counters.prefix IS 'The letters before the number; may be empty.';
COMMENT ON COLUMN clinic_data.ticket_counters.last_number IS 'The number that was given last.';

CREATE TABLE clinic_data.tickets (
    tenant_id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    location_id uuid NOT NULL,
    on_date date NOT NULL,
    prefix text NOT NULL DEFAULT '',
    number integer NOT NULL,
    state text NOT NULL DEFAULT 'waiting',
    appointment_id uuid,
    patient_id uuid,
    service_id uuid,
    provider_id uuid,
    room_id uuid,
    urgency integer NOT NULL DEFAULT 0,
    walk_in boolean NOT NULL DEFAULT false,
    due_at timestamptz NOT NULL,
    late_minutes integer NOT NULL DEFAULT 0,
    expected_minutes integer NOT NULL,
    calls integer NOT NULL DEFAULT 0,
    issued_at timestamptz NOT NULL,
    called_at timestamptz,
    served_at timestamptz,
    ended_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid,
    CONSTRAINT tickets_pkey PRIMARY KEY (tenant_id, ticket_id),
    CONSTRAINT tickets_tenant_id_location_id_on_date_prefix_number_key UNIQUE (tenant_id, location_id, on_date, prefix, number),
    CONSTRAINT tickets_location_id_fkey FOREIGN KEY (tenant_id, location_id)
        REFERENCES clinic_data.locations (tenant_id, location_id),
    CONSTRAINT tickets_appointment_id_fkey FOREIGN KEY (tenant_id, appointment_id)
        REFERENCES clinic_data.appointments (tenant_id, appointment_id),
    CONSTRAINT tickets_patient_id_fkey FOREIGN KEY (tenant_id, patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id),
    CONSTRAINT tickets_service_id_fkey FOREIGN KEY (tenant_id, service_id)
        REFERENCES clinic_data.services (tenant_id, service_id),
    CONSTRAINT tickets_provider_id_fkey FOREIGN KEY (tenant_id, provider_id)
        REFERENCES clinic_data.providers (tenant_id, provider_id),
    CONSTRAINT tickets_room_id_fkey FOREIGN KEY (tenant_id, room_id)
        REFERENCES clinic_data.resources (tenant_id, resource_id),
    CONSTRAINT tickets_prefix_check CHECK (prefix ~ '^[A-Z]{0,3}$'),
    CONSTRAINT tickets_number_check CHECK (number >= 1),
    CONSTRAINT tickets_state_check CHECK (state IN ('waiting', 'called', 'serving', 'done', 'left')),
    CONSTRAINT tickets_urgency_check CHECK (urgency BETWEEN 0 AND 9),
    CONSTRAINT tickets_expected_minutes_check CHECK (expected_minutes BETWEEN 1 AND 10080),
    CONSTRAINT tickets_counts_check CHECK (late_minutes >= 0 AND calls >= 0),
    CONSTRAINT tickets_ended_check CHECK ((state IN ('done', 'left')) = (ended_at IS NOT NULL))
);
CREATE UNIQUE INDEX tickets_live_appointment_id_idx ON clinic_data.tickets (tenant_id, appointment_id)
    WHERE state IN ('waiting', 'called', 'serving');
CREATE INDEX tickets_appointment_id_idx ON clinic_data.tickets (tenant_id, appointment_id);
CREATE INDEX tickets_provider_id_idx ON clinic_data.tickets (tenant_id, provider_id, on_date);
CREATE INDEX tickets_patient_id_idx ON clinic_data.tickets (tenant_id, patient_id);
CREATE INDEX tickets_service_id_idx ON clinic_data.tickets (tenant_id, service_id);
CREATE INDEX tickets_room_id_idx ON clinic_data.tickets (tenant_id, room_id);
COMMENT ON TABLE clinic_data.tickets IS 'Queue tickets: who waits at a location today, for whom, and since when; kept afterwards. A ticket is never deleted, so that the numbers have no gap.';
COMMENT ON COLUMN clinic_data.tickets.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.tickets.ticket_id IS 'Identifies the ticket.';
COMMENT ON COLUMN clinic_data.tickets.location_id IS 'Where.';
COMMENT ON COLUMN clinic_data.tickets.on_date IS 'On which local date of the location.';
COMMENT ON COLUMN clinic_data.tickets.prefix IS 'The letters before the number; may be empty.';
COMMENT ON COLUMN clinic_data.tickets.number IS 'From 1 for each location, date and prefix.';
COMMENT ON COLUMN clinic_data.tickets.state IS 'waiting, called, serving, done, or left without having been served.';
COMMENT ON COLUMN clinic_data.tickets.appointment_id IS 'The visit; null for who comes for something else.';
COMMENT ON COLUMN clinic_data.tickets.patient_id IS 'Who waits; null for somebody without a record.';
COMMENT ON COLUMN clinic_data.tickets.service_id IS 'For what; may be null.';
COMMENT ON COLUMN clinic_data.tickets.provider_id IS 'For whom the ticket waits, or who called it; null: any, or a desk.';
COMMENT ON COLUMN clinic_data.tickets.room_id IS 'Where it was called to.';
COMMENT ON COLUMN clinic_data.tickets.urgency IS '0 to 9; above 0 goes before all that are less urgent.';
COMMENT ON COLUMN clinic_data.tickets.walk_in IS 'Came without a booking.';
COMMENT ON COLUMN clinic_data.tickets.due_at IS 'The place in the order: the start of who came in time, the arrival of everybody else.';
COMMENT ON COLUMN clinic_data.tickets.late_minutes IS 'How many whole minutes after the start the patient arrived.';
COMMENT ON COLUMN clinic_data.tickets.expected_minutes IS 'How long it will probably take.';
COMMENT ON COLUMN clinic_data.tickets.calls IS 'How often it was called.';
COMMENT ON COLUMN clinic_data.tickets.issued_at IS 'When it was given out.';
COMMENT ON COLUMN clinic_data.tickets.called_at IS 'When it was last called.';
COMMENT ON COLUMN clinic_data.tickets.served_at IS 'Since when it is being served.';
COMMENT ON COLUMN clinic_data.tickets.ended_at IS 'When it was done, or left.';
COMMENT ON COLUMN clinic_data.tickets.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic_data.tickets.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.tickets.created_by IS 'User who made the row.';
COMMENT ON COLUMN clinic_data.tickets.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN clinic_data.tickets.updated_by IS 'User who last changed the row.';

-- One row for each announcement of a delay to a patient, so that nobody is told the same again.
CREATE TABLE clinic_data.delay_notices (
    tenant_id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    announced_at timestamptz NOT NULL,
    late_minutes integer NOT NULL,
    expected_at timestamptz NOT NULL,
    announced_by uuid,
    CONSTRAINT delay_notices_pkey PRIMARY KEY (tenant_id, appointment_id, announced_at),
    CONSTRAINT delay_notices_appointment_id_fkey FOREIGN KEY (tenant_id, appointment_id)
        REFERENCES clinic_data.appointments (tenant_id, appointment_id),
    CONSTRAINT delay_notices_late_minutes_check CHECK (late_minutes >= 0)
);
COMMENT ON TABLE clinic_data.delay_notices IS 'Which delays patients were told of.';
COMMENT ON COLUMN clinic_data.delay_notices.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.delay_notices.appointment_id IS 'The appointment that begins late.';
COMMENT ON COLUMN clinic_data.delay_notices.announced_at IS 'When it was announced.';
COMMENT ON COLUMN clinic_data.delay_notices.late_minutes IS 'How many minutes late it was said to begin.';
COMMENT ON COLUMN clinic_data.delay_notices.expected_at IS 'When it was said to begin.';
COMMENT ON COLUMN clinic_data.delay_notices.announced_by IS 'User who announced it.';

CREATE TABLE clinic_data.appointment_charges (
    tenant_id uuid NOT NULL,
    charge_id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    kind text NOT NULL,
    amount numeric NOT NULL,
    currency text NOT NULL,
    state text NOT NULL DEFAULT 'due',
    state_reason text,
    settled_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid,
    CONSTRAINT appointment_charges_pkey PRIMARY KEY (tenant_id, charge_id),
    CONSTRAINT appointment_charges_appointment_id_fkey FOREIGN KEY (tenant_id, appointment_id)
        REFERENCES clinic_data.appointments (tenant_id, appointment_id),
    CONSTRAINT appointment_charges_kind_check CHECK (kind IN ('prepayment', 'no_show_fee')),
    CONSTRAINT appointment_charges_amount_check CHECK (amount > 0),
    CONSTRAINT appointment_charges_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT appointment_charges_state_check CHECK (state IN ('due', 'paid', 'waived', 'cancelled')),
    CONSTRAINT appointment_charges_settled_check CHECK ((state = 'due') = (settled_at IS NULL))
);
CREATE INDEX appointment_charges_appointment_id_idx ON clinic_data.appointment_charges (tenant_id, appointment_id);
CREATE UNIQUE INDEX appointment_charges_live_idx ON clinic_data.appointment_charges (tenant_id, appointment_id, kind)
    WHERE state <> 'cancelled';
COMMENT ON TABLE clinic_data.appointment_charges IS 'What the policy on no-shows makes due for an appointment: a prepayment, or a fee.';
COMMENT ON COLUMN clinic_data.appointment_charges.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.appointment_charges.charge_id IS 'Identifies the charge.';
COMMENT ON COLUMN clinic_data.appointment_charges.appointment_id IS 'The appointment.';
COMMENT ON COLUMN clinic_data.appointment_charges.kind IS 'prepayment or no_show_fee.';
COMMENT ON COLUMN clinic_data.appointment_charges.amount IS 'How much, as stamped when it became due.';
COMMENT ON COLUMN clinic_data.appointment_charges.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN clinic_data.appointment_charges.state IS 'due, paid, waived, or cancelled because its ground is gone.';
COMMENT ON COLUMN clinic_data.appointment_charges.state_reason IS 'Why it was waived or cancelled, or how it was paid.';
COMMENT ON COLUMN clinic_data.appointment_charges.settled_at IS 'Since when it is no longer due.';
COMMENT ON COLUMN clinic_data.appointment_charges.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic_data.appointment_charges.created_at IS 'When it became due.';
COMMENT ON COLUMN clinic_data.appointment_charges.created_by IS 'User whose action made it due.';
COMMENT ON COLUMN clinic_data.appointment_charges.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN clinic_data.appointment_charges.updated_by IS 'User who last changed the row.';
