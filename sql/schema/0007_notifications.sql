-- Messages to patients: where they are reached, in which language and when, by which plan and in which words, and what is to be
-- sent, was sent and came back.

ALTER TABLE clinic_data.tenants
    ADD COLUMN language text NOT NULL DEFAULT 'en',
    ADD COLUMN message_time_zone clinic_data.time_zone_name,
    ADD COLUMN quiet_from time NOT NULL DEFAULT '21:00',
    ADD COLUMN quiet_until time NOT NULL DEFAULT '08:00',
    ADD COLUMN message_channels jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN message_delay_minutes integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT tenants_language_check CHECK (language ~ '^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$'),
    ADD CONSTRAINT tenants_quiet_check CHECK (quiet_from < '24:00' AND quiet_until < '24:00'),
    ADD CONSTRAINT tenants_message_channels_check CHECK (jsonb_typeof(message_channels) = 'object'),
    ADD CONSTRAINT tenants_message_delay_check CHECK (message_delay_minutes BETWEEN 0 AND 1440);
COMMENT ON COLUMN clinic_data.tenants.language IS 'Language and form of messages to patients who have chosen none: a language tag such as en-IN.';
COMMENT ON COLUMN clinic_data.tenants.message_time_zone IS 'Zone of quiet hours for patients without a zone of their own; null: that of the visit''s location, and UTC without a visit.';
COMMENT ON COLUMN clinic_data.tenants.quiet_from IS 'From then on nobody is written to unasked, on the patient''s wall clock.';
COMMENT ON COLUMN clinic_data.tenants.quiet_until IS 'Until then, on the next day where it is not later; the same as quiet_from: there are no quiet hours.';
COMMENT ON COLUMN clinic_data.tenants.message_channels IS 'By kind of message, or * for the others, the channels in order of preference; an empty list: such messages are not sent.';
COMMENT ON COLUMN clinic_data.tenants.message_delay_minutes IS 'How long confirmations, changes and cancellations wait, in minutes, so that what is undone meanwhile is not told.';

ALTER TABLE clinic_data.services
    ADD COLUMN recall_days integer,
    ADD CONSTRAINT services_recall_days_check CHECK (recall_days BETWEEN 1 AND 3660);
COMMENT ON COLUMN clinic_data.services.recall_days IS 'How many days after a completed visit the patient is asked back, unless there is a later one; null: never.';

ALTER TABLE clinic_data.outbox
    ADD COLUMN delivery text,
    ADD COLUMN delivery_at timestamptz,
    ADD COLUMN reference text,
    DROP CONSTRAINT outbox_channel_check,
    ADD CONSTRAINT outbox_channel_check CHECK (channel IN ('sms', 'email', 'push', 'voice', 'whatsapp', 'webhook')),
    ADD CONSTRAINT outbox_delivery_check CHECK (delivery IN ('delivered', 'bounced', 'failed', 'read')),
    ADD CONSTRAINT outbox_reference_check CHECK (length(reference) BETWEEN 1 AND 200);
COMMENT ON COLUMN clinic_data.outbox.channel IS 'sms, email, push, voice, whatsapp or webhook.';
COMMENT ON COLUMN clinic_data.outbox.delivery IS 'What the channel said became of it: delivered, bounced, failed or read.';
COMMENT ON COLUMN clinic_data.outbox.delivery_at IS 'When it said so.';
COMMENT ON COLUMN clinic_data.outbox.reference IS 'The channel''s own id of the message.';

CREATE TABLE clinic_data.patient_contacts (
    tenant_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    channel text NOT NULL,
    destination bytea NOT NULL,
    destination_index bytea,
    verified_at timestamptz,
    opted_out_at timestamptz,
    bounced_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid,
    CONSTRAINT patient_contacts_pkey PRIMARY KEY (tenant_id, contact_id),
    CONSTRAINT patient_contacts_tenant_id_patient_id_key UNIQUE (tenant_id, patient_id, channel, destination_index),
    CONSTRAINT patient_contacts_patient_id_fkey FOREIGN KEY (tenant_id, patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id),
    CONSTRAINT patient_contacts_channel_check CHECK (channel IN ('sms', 'email', 'push', 'voice', 'whatsapp'))
);
CREATE INDEX patient_contacts_destination_index_idx ON clinic_data.patient_contacts (tenant_id, destination_index);
COMMENT ON TABLE clinic_data.patient_contacts IS 'Where patients are reached. One number may belong to several: families share a phone.';
COMMENT ON COLUMN clinic_data.patient_contacts.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.patient_contacts.contact_id IS 'Identifies the contact.';
COMMENT ON COLUMN clinic_data.patient_contacts.patient_id IS 'Whose.';
COMMENT ON COLUMN clinic_data.patient_contacts.channel IS 'sms, email, push, voice or whatsapp.';
COMMENT ON COLUMN clinic_data.patient_contacts.destination IS 'Phone number (E.164), e-mail address, or token of a device; encrypted by the patient''s key.';
COMMENT ON COLUMN clinic_data.patient_contacts.destination_index IS 'Its blind index; null after shredding.';
COMMENT ON COLUMN clinic_data.patient_contacts.verified_at IS 'When the patient proved it; null: never.';
COMMENT ON COLUMN clinic_data.patient_contacts.opted_out_at IS 'Since when the patient wants nothing there; null: writing is allowed.';
COMMENT ON COLUMN clinic_data.patient_contacts.bounced_at IS 'Since when nothing arrives there; null: as far as is known it does.';
COMMENT ON COLUMN clinic_data.patient_contacts.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic_data.patient_contacts.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.patient_contacts.created_by IS 'User who made the row.';
COMMENT ON COLUMN clinic_data.patient_contacts.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN clinic_data.patient_contacts.updated_by IS 'User who last changed the row.';

CREATE TABLE clinic_data.communication_preferences (
    tenant_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    language text,
    time_zone clinic_data.time_zone_name,
    quiet_from time,
    quiet_until time,
    channels jsonb NOT NULL DEFAULT '{}',
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid,
    CONSTRAINT communication_preferences_pkey PRIMARY KEY (tenant_id, patient_id),
    CONSTRAINT communication_preferences_patient_id_fkey FOREIGN KEY (tenant_id, patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id),
    CONSTRAINT communication_preferences_language_check CHECK (language ~ '^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$'),
    CONSTRAINT communication_preferences_quiet_check
        CHECK ((quiet_from IS NULL) = (quiet_until IS NULL) AND quiet_from < '24:00' AND quiet_until < '24:00'),
    CONSTRAINT communication_preferences_channels_check CHECK (jsonb_typeof(channels) = 'object')
);
COMMENT ON TABLE clinic_data.communication_preferences IS 'How a patient wants to be written to; what is null is as the tenant has it.';
COMMENT ON COLUMN clinic_data.communication_preferences.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.communication_preferences.patient_id IS 'The patient.';
COMMENT ON COLUMN clinic_data.communication_preferences.language IS 'Language and form: a language tag such as hi-IN.';
COMMENT ON COLUMN clinic_data.communication_preferences.time_zone IS 'Zone in which the patient lives, for the quiet hours.';
COMMENT ON COLUMN clinic_data.communication_preferences.quiet_from IS 'Start of the quiet hours on the wall clock.';
COMMENT ON COLUMN clinic_data.communication_preferences.quiet_until IS 'Their end, on the next day where it is not later; the same as quiet_from: none.';
COMMENT ON COLUMN clinic_data.communication_preferences.channels IS 'By kind of message, or * for the others, the channels in order of preference; an empty list: such messages are not wanted.';
COMMENT ON COLUMN clinic_data.communication_preferences.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic_data.communication_preferences.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.communication_preferences.created_by IS 'User who made the row.';
COMMENT ON COLUMN clinic_data.communication_preferences.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN clinic_data.communication_preferences.updated_by IS 'User who last changed the row.';

CREATE TABLE clinic_data.reminder_plans (
    tenant_id uuid NOT NULL,
    plan_id uuid NOT NULL,
    service_id uuid,
    patient_id uuid,
    reminders jsonb NOT NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid,
    CONSTRAINT reminder_plans_pkey PRIMARY KEY (tenant_id, plan_id),
    CONSTRAINT reminder_plans_tenant_id_service_id_patient_id_key UNIQUE NULLS NOT DISTINCT (tenant_id, service_id, patient_id),
    CONSTRAINT reminder_plans_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES clinic_data.tenants (tenant_id),
    CONSTRAINT reminder_plans_service_id_fkey FOREIGN KEY (tenant_id, service_id)
        REFERENCES clinic_data.services (tenant_id, service_id),
    CONSTRAINT reminder_plans_patient_id_fkey FOREIGN KEY (tenant_id, patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id),
    CONSTRAINT reminder_plans_reminders_check CHECK (jsonb_typeof(reminders) = 'array')
);
CREATE INDEX reminder_plans_patient_id_idx ON clinic_data.reminder_plans (tenant_id, patient_id);
COMMENT ON TABLE clinic_data.reminder_plans IS
    'When patients are reminded of a visit. Of those that match the most particular counts: patient and service, patient, service, tenant; without any 72, 24 and 2 hours before.';
COMMENT ON COLUMN clinic_data.reminder_plans.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.reminder_plans.plan_id IS 'Identifies the plan.';
COMMENT ON COLUMN clinic_data.reminder_plans.service_id IS 'The service it is for; null: every service.';
COMMENT ON COLUMN clinic_data.reminder_plans.patient_id IS 'The patient it is for; null: every patient.';
COMMENT ON COLUMN clinic_data.reminder_plans.reminders IS
    'A list of objects: before_minutes (elapsed), or days_before with at (local time of the visit''s zone; without: that of the visit); channel, where the reminder has one of its own.';
COMMENT ON COLUMN clinic_data.reminder_plans.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic_data.reminder_plans.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.reminder_plans.created_by IS 'User who made the row.';
COMMENT ON COLUMN clinic_data.reminder_plans.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN clinic_data.reminder_plans.updated_by IS 'User who last changed the row.';

CREATE TABLE clinic_data.message_templates (
    tenant_id uuid NOT NULL,
    kind text NOT NULL,
    language text NOT NULL,
    channel text NOT NULL,
    subject text,
    body text NOT NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid,
    CONSTRAINT message_templates_pkey PRIMARY KEY (tenant_id, kind, language, channel),
    CONSTRAINT message_templates_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES clinic_data.tenants (tenant_id),
    CONSTRAINT message_templates_kind_check
        CHECK (kind IN ('reminder', 'confirmation', 'change', 'cancellation', 'waitlist_offer', 'running_late', 'possible_no_show',
                        'recall', 'consent_expiring', 'welcome')),
    CONSTRAINT message_templates_channel_check CHECK (channel IN ('sms', 'email', 'push', 'voice', 'whatsapp', '*')),
    CONSTRAINT message_templates_language_check CHECK (language ~ '^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$'),
    CONSTRAINT message_templates_length_check CHECK (length(subject) BETWEEN 1 AND 200 AND length(body) BETWEEN 1 AND 5000)
);
COMMENT ON TABLE clinic_data.message_templates IS 'A tenant''s own words, in place of those that are shipped.';
COMMENT ON COLUMN clinic_data.message_templates.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.message_templates.kind IS 'Kind of message.';
COMMENT ON COLUMN clinic_data.message_templates.language IS 'Language tag, such as en or hi-IN.';
COMMENT ON COLUMN clinic_data.message_templates.channel IS 'The channel it is for; * for every one that has none of its own.';
COMMENT ON COLUMN clinic_data.message_templates.subject IS 'Subject of an e-mail, title of a push message.';
COMMENT ON COLUMN clinic_data.message_templates.body IS 'The text, with variables as {{name}}.';
COMMENT ON COLUMN clinic_data.message_templates.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic_data.message_templates.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.message_templates.created_by IS 'User who made the row.';
COMMENT ON COLUMN clinic_data.message_templates.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN clinic_data.message_templates.updated_by IS 'User who last changed the row.';

CREATE TABLE clinic_data.notifications (
    tenant_id uuid NOT NULL,
    notification_id uuid NOT NULL,
    kind text NOT NULL,
    recipient text NOT NULL DEFAULT 'patient',
    patient_id uuid NOT NULL,
    appointment_id uuid,
    planned_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    expires_at timestamptz,
    wanted_channel text,
    channel text,
    contact_id uuid,
    status text NOT NULL DEFAULT 'waiting',
    status_reason text,
    message_id uuid,
    data jsonb,
    sent_at timestamptz,
    delivery text,
    delivery_at timestamptz,
    done_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT notifications_pkey PRIMARY KEY (tenant_id, notification_id),
    CONSTRAINT notifications_patient_id_fkey FOREIGN KEY (tenant_id, patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id),
    CONSTRAINT notifications_appointment_id_fkey FOREIGN KEY (tenant_id, appointment_id)
        REFERENCES clinic_data.appointments (tenant_id, appointment_id) ON DELETE CASCADE,
    CONSTRAINT notifications_kind_check
        CHECK (kind IN ('reminder', 'confirmation', 'change', 'cancellation', 'waitlist_offer', 'running_late', 'possible_no_show',
                        'recall', 'consent_expiring', 'welcome')),
    CONSTRAINT notifications_recipient_check CHECK (recipient IN ('patient', 'provider')),
    CONSTRAINT notifications_channel_check CHECK (channel IN ('sms', 'email', 'push', 'voice', 'whatsapp')),
    CONSTRAINT notifications_status_check
        CHECK (status IN ('waiting', 'queued', 'sent', 'failed', 'expired', 'skipped', 'void')),
    CONSTRAINT notifications_delivery_check CHECK (delivery IN ('delivered', 'bounced', 'failed', 'read')),
    CONSTRAINT notifications_message_check CHECK (status NOT IN ('queued', 'sent', 'failed') OR message_id IS NOT NULL)
);
CREATE UNIQUE INDEX notifications_reminder_key ON clinic_data.notifications (tenant_id, appointment_id, planned_at)
    WHERE kind = 'reminder' AND status <> 'void';
CREATE UNIQUE INDEX notifications_message_id_key ON clinic_data.notifications (tenant_id, message_id) WHERE message_id IS NOT NULL;
CREATE INDEX notifications_waiting_idx ON clinic_data.notifications (tenant_id, due_at) WHERE status = 'waiting';
CREATE INDEX notifications_patient_id_idx ON clinic_data.notifications (tenant_id, patient_id, due_at);
CREATE INDEX notifications_appointment_id_idx ON clinic_data.notifications (tenant_id, appointment_id, due_at);
CREATE INDEX notifications_contact_id_idx ON clinic_data.notifications (tenant_id, contact_id, due_at) WHERE contact_id IS NOT NULL;
COMMENT ON TABLE clinic_data.notifications IS
    'What is to be told to whom and when. At its time a notification becomes a message of the outbox, once; the words are made then, and kept there only.';
COMMENT ON COLUMN clinic_data.notifications.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.notifications.notification_id IS 'Identifies the notification; ordered by time.';
COMMENT ON COLUMN clinic_data.notifications.kind IS 'Kind of message.';
COMMENT ON COLUMN clinic_data.notifications.recipient IS 'patient (or those who act for them, when the patient has no contact), or the provider of the appointment.';
COMMENT ON COLUMN clinic_data.notifications.patient_id IS 'The patient it is about.';
COMMENT ON COLUMN clinic_data.notifications.appointment_id IS 'The appointment it is about, where there is one.';
COMMENT ON COLUMN clinic_data.notifications.planned_at IS 'When it would be due without quiet hours.';
COMMENT ON COLUMN clinic_data.notifications.due_at IS 'When it is due.';
COMMENT ON COLUMN clinic_data.notifications.expires_at IS 'Of no use from then on; null: always of use.';
COMMENT ON COLUMN clinic_data.notifications.wanted_channel IS 'The channel that the plan asks for; null: by preference.';
COMMENT ON COLUMN clinic_data.notifications.channel IS 'The channel it will take, or took; null: nobody can be reached.';
COMMENT ON COLUMN clinic_data.notifications.contact_id IS 'The contact it went to; replies from there are about it.';
COMMENT ON COLUMN clinic_data.notifications.status IS
    'waiting, queued (in the outbox), sent, failed, expired, skipped (never sent, for a reason) or void (no longer wanted).';
COMMENT ON COLUMN clinic_data.notifications.status_reason IS
    'Why skipped or void: overdue, coincides, no_contact, unwanted, no_consent, unreadable (how to reach them does not decrypt), cancelled, moved, undone, arrived, plan_changed, past.';
COMMENT ON COLUMN clinic_data.notifications.message_id IS 'The message of the outbox that it became.';
COMMENT ON COLUMN clinic_data.notifications.data IS 'What the words need beside the appointment; erased when it is done.';
COMMENT ON COLUMN clinic_data.notifications.sent_at IS 'When it was sent.';
COMMENT ON COLUMN clinic_data.notifications.delivery IS 'What the channel said became of it: delivered, bounced, failed or read.';
COMMENT ON COLUMN clinic_data.notifications.delivery_at IS 'When it said so.';
COMMENT ON COLUMN clinic_data.notifications.done_at IS 'When nothing more was to be done.';
COMMENT ON COLUMN clinic_data.notifications.created_at IS 'When it was planned.';

-- Work that a change of plan leaves behind; clinic_private.plan_notifications_job() does it in batches.
CREATE TABLE clinic_data.notification_replans (
    tenant_id uuid NOT NULL,
    replan_id uuid NOT NULL,
    service_id uuid,
    after_id uuid,
    seen_before xid8,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT notification_replans_pkey PRIMARY KEY (tenant_id, replan_id),
    CONSTRAINT notification_replans_service_id_fkey FOREIGN KEY (tenant_id, service_id)
        REFERENCES clinic_data.services (tenant_id, service_id)
);
CREATE INDEX notification_replans_service_id_idx ON clinic_data.notification_replans (tenant_id, service_id);
COMMENT ON TABLE clinic_data.notification_replans IS 'Appointments whose reminders are to be planned afresh, because a plan or a setting has changed.';
COMMENT ON COLUMN clinic_data.notification_replans.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.notification_replans.replan_id IS 'Identifies the task.';
COMMENT ON COLUMN clinic_data.notification_replans.service_id IS 'Appointments of this service only; null: of all.';
COMMENT ON COLUMN clinic_data.notification_replans.after_id IS 'Appointments up to this id are done.';
COMMENT ON COLUMN clinic_data.notification_replans.seen_before IS
    'Second round: transactions before this one may have planned by the old rules, and it begins when they are over. Null: first round.';
COMMENT ON COLUMN clinic_data.notification_replans.created_at IS 'When the change was made.';

-- Changes of appointments made by transactions that do not plan themselves; no foreign key, since they read nothing either.
CREATE TABLE clinic_data.notification_tasks (
    tenant_id uuid NOT NULL,
    task_id uuid NOT NULL,
    before jsonb,
    after jsonb NOT NULL,
    by_patient boolean NOT NULL,
    by_system boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT notification_tasks_pkey PRIMARY KEY (tenant_id, task_id)
);
COMMENT ON TABLE clinic_data.notification_tasks IS 'Changes of appointments whose messages are still to be planned; done before anything is sent.';
COMMENT ON COLUMN clinic_data.notification_tasks.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.notification_tasks.task_id IS 'Identifies the task; ordered by time.';
COMMENT ON COLUMN clinic_data.notification_tasks.before IS 'The appointment before; null for a new one.';
COMMENT ON COLUMN clinic_data.notification_tasks.after IS 'The appointment after the change.';
COMMENT ON COLUMN clinic_data.notification_tasks.by_patient IS 'Whether the patient made the change.';
COMMENT ON COLUMN clinic_data.notification_tasks.by_system IS 'Whether the system made it.';
COMMENT ON COLUMN clinic_data.notification_tasks.created_at IS 'When it was made.';

CREATE TABLE clinic_data.message_replies (
    tenant_id uuid NOT NULL,
    reply_id uuid NOT NULL,
    channel text NOT NULL,
    contact_id uuid,
    notification_id uuid,
    appointment_id uuid,
    action text NOT NULL,
    outcome text NOT NULL,
    reason text,
    received_at timestamptz NOT NULL,
    CONSTRAINT message_replies_pkey PRIMARY KEY (tenant_id, reply_id),
    CONSTRAINT message_replies_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES clinic_data.tenants (tenant_id),
    CONSTRAINT message_replies_appointment_id_fkey FOREIGN KEY (tenant_id, appointment_id)
        REFERENCES clinic_data.appointments (tenant_id, appointment_id),
    CONSTRAINT message_replies_action_check
        CHECK (action IN ('confirm', 'cancel', 'accept', 'decline', 'stop', 'start', 'unknown')),
    CONSTRAINT message_replies_outcome_check CHECK (outcome IN ('done', 'refused', 'nothing'))
);
CREATE INDEX message_replies_contact_id_idx ON clinic_data.message_replies (tenant_id, contact_id, received_at);
CREATE INDEX message_replies_notification_id_idx ON clinic_data.message_replies (tenant_id, notification_id);
CREATE INDEX message_replies_appointment_id_idx ON clinic_data.message_replies (tenant_id, appointment_id);
COMMENT ON TABLE clinic_data.message_replies IS 'What patients answered to messages, as far as it was understood; never their words.';
COMMENT ON COLUMN clinic_data.message_replies.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.message_replies.reply_id IS 'Identifies the reply; ordered by time.';
COMMENT ON COLUMN clinic_data.message_replies.channel IS 'The channel it came by.';
COMMENT ON COLUMN clinic_data.message_replies.contact_id IS 'The contact it came from, where one is known.';
COMMENT ON COLUMN clinic_data.message_replies.notification_id IS 'The message it answers.';
COMMENT ON COLUMN clinic_data.message_replies.appointment_id IS 'The appointment it concerned.';
COMMENT ON COLUMN clinic_data.message_replies.action IS 'What it asked for: confirm, cancel, accept or decline (an offer), stop, start, or unknown.';
COMMENT ON COLUMN clinic_data.message_replies.outcome IS 'done, refused (see reason), or nothing (there was nothing to do it to).';
COMMENT ON COLUMN clinic_data.message_replies.reason IS 'The error''s code when it was refused.';
COMMENT ON COLUMN clinic_data.message_replies.received_at IS 'When it came in.';
