-- Who is told of events: subscriptions and their deliveries, a queue for one consumer inside. What runs by itself: the state of
-- jobs, and the daily snapshot they take.

ALTER TABLE clinic_data.tenants
    ADD COLUMN consumes_events boolean NOT NULL DEFAULT false,
    ADD COLUMN notifies_events boolean NOT NULL DEFAULT false,
    ADD COLUMN keep_deliveries_days integer NOT NULL DEFAULT 30,
    ADD COLUMN keep_messages_days integer NOT NULL DEFAULT 30,
    ADD COLUMN keep_sign_in_events_days integer NOT NULL DEFAULT 365,
    ADD COLUMN keep_holds_days integer NOT NULL DEFAULT 7,
    ADD COLUMN keep_claims_days integer NOT NULL DEFAULT 30,
    ADD CONSTRAINT tenants_keep_check CHECK (keep_deliveries_days BETWEEN 1 AND 3660 AND keep_messages_days BETWEEN 1 AND 3660
        AND keep_sign_in_events_days BETWEEN 1 AND 3660 AND keep_holds_days BETWEEN 1 AND 3660 AND keep_claims_days BETWEEN 1 AND 3660);
COMMENT ON COLUMN clinic_data.tenants.consumes_events IS 'Whether every event is queued for clinic.claim_events.';
COMMENT ON COLUMN clinic_data.tenants.notifies_events IS 'Whether every event wakes listeners of the channel clinic_events. Commits that notify wait for one another, in the whole server.';
COMMENT ON COLUMN clinic_data.tenants.keep_deliveries_days IS 'How long deliveries to subscribers are kept, in days: those that are done since then, others since they were made.';
COMMENT ON COLUMN clinic_data.tenants.keep_messages_days IS 'How long messages of the outbox are kept after they are done, in days.';
COMMENT ON COLUMN clinic_data.tenants.keep_sign_in_events_days IS 'How long the record of signing in is kept, in days.';
COMMENT ON COLUMN clinic_data.tenants.keep_holds_days IS 'How long the token of a hold is known after it was made, in days.';
COMMENT ON COLUMN clinic_data.tenants.keep_claims_days IS 'How long past visits keep their claims, for bookings entered afterwards, in days.';

CREATE TABLE clinic_data.subscriptions (
    tenant_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    name text NOT NULL,
    url text NOT NULL,
    events text[] NOT NULL,
    status text NOT NULL DEFAULT 'active',
    secret text NOT NULL,
    previous_secret text,
    previous_secret_until timestamptz,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid,
    CONSTRAINT subscriptions_pkey PRIMARY KEY (tenant_id, subscription_id),
    CONSTRAINT subscriptions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES clinic_data.tenants (tenant_id),
    CONSTRAINT subscriptions_name_check CHECK (length(name) BETWEEN 1 AND 200),
    CONSTRAINT subscriptions_url_check CHECK (length(url) <= 2000),
    CONSTRAINT subscriptions_events_check CHECK (cardinality(events) BETWEEN 1 AND 100),
    CONSTRAINT subscriptions_status_check CHECK (status IN ('active', 'paused', 'deleted')),
    CONSTRAINT subscriptions_previous_secret_check CHECK ((previous_secret IS NULL) = (previous_secret_until IS NULL))
);
CREATE INDEX subscriptions_live_idx ON clinic_data.subscriptions (tenant_id) WHERE status <> 'deleted';
COMMENT ON TABLE clinic_data.subscriptions IS 'Addresses outside that are told of events, by signed HTTP requests.';
COMMENT ON COLUMN clinic_data.subscriptions.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.subscriptions.subscription_id IS 'Identifies the subscription.';
COMMENT ON COLUMN clinic_data.subscriptions.name IS 'What it is for, in words.';
COMMENT ON COLUMN clinic_data.subscriptions.url IS 'Where requests go: https, a public address, port 443 or 8443.';
COMMENT ON COLUMN clinic_data.subscriptions.events IS 'Which events: names, subject.* for all of a subject, * for all.';
COMMENT ON COLUMN clinic_data.subscriptions.status IS 'active; paused: events wait; deleted: nothing is written or sent any more.';
COMMENT ON COLUMN clinic_data.subscriptions.secret IS 'What requests are signed with. Shown once, read by no caller; sealed by the master key if there was one.';
COMMENT ON COLUMN clinic_data.subscriptions.previous_secret IS 'The secret before the last rotation, which signs too for a while; kept likewise.';
COMMENT ON COLUMN clinic_data.subscriptions.previous_secret_until IS 'How long it does.';
COMMENT ON COLUMN clinic_data.subscriptions.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic_data.subscriptions.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.subscriptions.created_by IS 'User who made the row.';
COMMENT ON COLUMN clinic_data.subscriptions.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN clinic_data.subscriptions.updated_by IS 'User who last changed the row.';

-- By month of its own id, as events are. Without foreign keys: a parallel restore makes those of a partitioned table before its
-- partitions are filled. Subscriptions are never deleted but by their status.
CREATE TABLE clinic_data.deliveries (
    tenant_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    event_id uuid NOT NULL,
    subject_id uuid NOT NULL,
    sequence integer NOT NULL,
    status text NOT NULL DEFAULT 'waiting',
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    claimed_until timestamptz,
    http_status integer,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    done_at timestamptz,
    CONSTRAINT deliveries_pkey PRIMARY KEY (tenant_id, delivery_id),
    CONSTRAINT deliveries_status_check CHECK (status IN ('waiting', 'delivered', 'dead')),
    CONSTRAINT deliveries_done_check CHECK ((status = 'waiting') = (done_at IS NULL))
) PARTITION BY RANGE (delivery_id);
CREATE TABLE clinic_data.deliveries_default PARTITION OF clinic_data.deliveries DEFAULT;
CREATE INDEX deliveries_due_idx ON clinic_data.deliveries (tenant_id, due_at, delivery_id) WHERE status = 'waiting';
CREATE INDEX deliveries_order_idx ON clinic_data.deliveries (tenant_id, subscription_id, subject_id, sequence, event_id) WHERE status = 'waiting';
CREATE INDEX deliveries_subscription_id_idx ON clinic_data.deliveries (tenant_id, subscription_id);
CREATE INDEX deliveries_done_idx ON clinic_data.deliveries (tenant_id, done_at) WHERE status <> 'waiting';
COMMENT ON TABLE clinic_data.deliveries IS 'One event for one subscription: written in the transaction of the event, sent by programs that claim and finish it.';
COMMENT ON TABLE clinic_data.deliveries_default IS 'Deliveries of months without a partition of their own.';
COMMENT ON COLUMN clinic_data.deliveries.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.deliveries.delivery_id IS 'Identifies the delivery; ordered by time.';
COMMENT ON COLUMN clinic_data.deliveries.subscription_id IS 'For whom.';
COMMENT ON COLUMN clinic_data.deliveries.event_id IS 'What happened.';
COMMENT ON COLUMN clinic_data.deliveries.subject_id IS 'To what: no later event of it is sent before an earlier one is done.';
COMMENT ON COLUMN clinic_data.deliveries.sequence IS 'Order among the events of the subject.';
COMMENT ON COLUMN clinic_data.deliveries.status IS 'waiting; delivered: answered with a status of 200 to 299; dead: given up, until somebody lets it be tried again.';
COMMENT ON COLUMN clinic_data.deliveries.attempts IS 'How often somebody has claimed it.';
COMMENT ON COLUMN clinic_data.deliveries.due_at IS 'Not to be sent before then.';
COMMENT ON COLUMN clinic_data.deliveries.claimed_until IS 'Somebody is sending it until then.';
COMMENT ON COLUMN clinic_data.deliveries.http_status IS 'How the last attempt was answered.';
COMMENT ON COLUMN clinic_data.deliveries.last_error IS 'What the last attempt met.';
COMMENT ON COLUMN clinic_data.deliveries.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.deliveries.done_at IS 'When it was delivered or given up.';

CREATE TABLE clinic_data.queued_events (
    tenant_id uuid NOT NULL,
    event_id uuid NOT NULL,
    subject_id uuid NOT NULL,
    sequence integer NOT NULL,
    claimed_until timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    CONSTRAINT queued_events_pkey PRIMARY KEY (tenant_id, event_id)
);
CREATE INDEX queued_events_order_idx ON clinic_data.queued_events (tenant_id, subject_id, sequence, event_id);
COMMENT ON TABLE clinic_data.queued_events IS 'Events that wait for the consumer inside, of tenants that have one; a row is gone when its event is finished.';
COMMENT ON COLUMN clinic_data.queued_events.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.queued_events.event_id IS 'The event.';
COMMENT ON COLUMN clinic_data.queued_events.subject_id IS 'To what it happened.';
COMMENT ON COLUMN clinic_data.queued_events.sequence IS 'Order among the events of the subject.';
COMMENT ON COLUMN clinic_data.queued_events.claimed_until IS 'Somebody deals with it until then.';
COMMENT ON COLUMN clinic_data.queued_events.attempts IS 'How often it was claimed.';

-- Of tenants, and with the nil uuid of jobs that concern the database as a whole.
CREATE TABLE clinic_data.job_states (
    tenant_id uuid NOT NULL,
    job text NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    succeeded_at timestamptz,
    duration_ms double precision,
    row_count bigint,
    runs bigint NOT NULL DEFAULT 0,
    failures bigint NOT NULL DEFAULT 0,
    failures_in_a_row integer NOT NULL DEFAULT 0,
    failed_at timestamptz,
    error_state text,
    error_message text,
    CONSTRAINT job_states_pkey PRIMARY KEY (tenant_id, job),
    CONSTRAINT job_states_job_check CHECK (job ~ '^[a-z][a-z0-9_]{0,62}$')
);
COMMENT ON TABLE clinic_data.job_states IS 'How each job last went in each tenant; the nil uuid stands for the database as a whole.';
COMMENT ON COLUMN clinic_data.job_states.tenant_id IS 'The tenant, or the nil uuid.';
COMMENT ON COLUMN clinic_data.job_states.job IS 'Name of the job.';
COMMENT ON COLUMN clinic_data.job_states.started_at IS 'When it last began.';
COMMENT ON COLUMN clinic_data.job_states.finished_at IS 'When it last ended, well or not.';
COMMENT ON COLUMN clinic_data.job_states.succeeded_at IS 'When it last ended well.';
COMMENT ON COLUMN clinic_data.job_states.duration_ms IS 'How long the last run took, in milliseconds of the real clock.';
COMMENT ON COLUMN clinic_data.job_states.row_count IS 'How many rows the last run that ended well dealt with.';
COMMENT ON COLUMN clinic_data.job_states.runs IS 'How often it ran.';
COMMENT ON COLUMN clinic_data.job_states.failures IS 'How often it ended in an error.';
COMMENT ON COLUMN clinic_data.job_states.failures_in_a_row IS 'How often since it last ended well.';
COMMENT ON COLUMN clinic_data.job_states.failed_at IS 'When it last ended in an error.';
COMMENT ON COLUMN clinic_data.job_states.error_state IS 'SQLSTATE of the last error.';
COMMENT ON COLUMN clinic_data.job_states.error_message IS 'Its message, without the detail.';

CREATE TABLE clinic_data.daily_counts (
    tenant_id uuid NOT NULL,
    on_date date NOT NULL,
    location_id uuid NOT NULL,
    provider_id uuid NOT NULL,
    service_id uuid NOT NULL,
    status text NOT NULL,
    appointments integer NOT NULL,
    minutes integer NOT NULL,
    late_cancellations integer NOT NULL DEFAULT 0,
    overbooked integer NOT NULL DEFAULT 0,
    taken_at timestamptz NOT NULL,
    CONSTRAINT daily_counts_pkey PRIMARY KEY (tenant_id, on_date, location_id, provider_id, service_id, status),
    CONSTRAINT daily_counts_location_id_fkey FOREIGN KEY (tenant_id, location_id) REFERENCES clinic_data.locations (tenant_id, location_id),
    CONSTRAINT daily_counts_provider_id_fkey FOREIGN KEY (tenant_id, provider_id) REFERENCES clinic_data.providers (tenant_id, provider_id),
    CONSTRAINT daily_counts_service_id_fkey FOREIGN KEY (tenant_id, service_id) REFERENCES clinic_data.services (tenant_id, service_id)
);
CREATE INDEX daily_counts_location_id_idx ON clinic_data.daily_counts (tenant_id, location_id, on_date);
CREATE INDEX daily_counts_provider_id_idx ON clinic_data.daily_counts (tenant_id, provider_id, on_date);
CREATE INDEX daily_counts_service_id_idx ON clinic_data.daily_counts (tenant_id, service_id, on_date);
COMMENT ON TABLE clinic_data.daily_counts IS 'The daily snapshot for reports: visits of a day that is over, counted. Days of the last week are counted anew, since visits are completed afterwards; older ones stay as they are.';
COMMENT ON COLUMN clinic_data.daily_counts.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.daily_counts.on_date IS 'Local date of the start, in the zone of the location.';
COMMENT ON COLUMN clinic_data.daily_counts.location_id IS 'Where.';
COMMENT ON COLUMN clinic_data.daily_counts.provider_id IS 'By whom.';
COMMENT ON COLUMN clinic_data.daily_counts.service_id IS 'What was done.';
COMMENT ON COLUMN clinic_data.daily_counts.status IS 'Status of the appointments.';
COMMENT ON COLUMN clinic_data.daily_counts.appointments IS 'How many there were.';
COMMENT ON COLUMN clinic_data.daily_counts.minutes IS 'How long they were together, in minutes, buffers not included.';
COMMENT ON COLUMN clinic_data.daily_counts.late_cancellations IS 'How many of them were cancelled late.';
COMMENT ON COLUMN clinic_data.daily_counts.overbooked IS 'How many of them were booked over others.';
COMMENT ON COLUMN clinic_data.daily_counts.taken_at IS 'When they were last counted.';
