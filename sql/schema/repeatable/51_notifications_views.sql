-- Read views of messages: what is planned and was sent, by which plans and words, where patients are reached and what they answered.
-- The rules of 50_views.sql hold here too.

CALL clinic_private.ensure_view('notifications', $view$
    SELECT n.tenant_id,
           n.notification_id,
           n.kind,
           n.recipient,
           n.patient_id,
           n.appointment_id,
           n.channel,
           n.planned_at,
           n.due_at,
           n.expires_at,
           n.status,
           n.status_reason,
           n.message_id,
           n.sent_at,
           n.delivery,
           n.delivery_at,
           n.created_at
      FROM clinic_data.notifications n
     WHERE (n.recipient = 'patient' OR NOT clinic_private.is_own_patient(n.patient_id))
       AND (n.appointment_id IS NULL
            OR EXISTS (SELECT FROM clinic_data.appointments a
                        WHERE a.tenant_id = n.tenant_id AND a.appointment_id = n.appointment_id))
$view$);
COMMENT ON VIEW clinic.notifications IS 'Messages to patients, planned, sent and taken back, without their words: of patients and appointments that the caller may see.';
COMMENT ON COLUMN clinic.notifications.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.notifications.notification_id IS 'Identifies the notification.';
COMMENT ON COLUMN clinic.notifications.kind IS
    'reminder, confirmation, change, cancellation, waitlist_offer, running_late, possible_no_show, recall, consent_expiring or welcome.';
COMMENT ON COLUMN clinic.notifications.recipient IS 'patient, or the provider of the appointment.';
COMMENT ON COLUMN clinic.notifications.patient_id IS 'The patient it is about.';
COMMENT ON COLUMN clinic.notifications.appointment_id IS 'The appointment it is about.';
COMMENT ON COLUMN clinic.notifications.channel IS 'The channel it takes or took: sms, email, push, voice or whatsapp; null: nobody can be reached.';
COMMENT ON COLUMN clinic.notifications.planned_at IS 'When it would be due without quiet hours.';
COMMENT ON COLUMN clinic.notifications.due_at IS 'When it is due.';
COMMENT ON COLUMN clinic.notifications.expires_at IS 'Of no use from then on.';
COMMENT ON COLUMN clinic.notifications.status IS 'waiting, queued (in the outbox), sent, failed, expired, skipped or void.';
COMMENT ON COLUMN clinic.notifications.status_reason IS
    'Why skipped or void: overdue, coincides (with another reminder), no_contact, unwanted, cancelled, moved, undone, arrived, plan_changed or past.';
COMMENT ON COLUMN clinic.notifications.message_id IS 'The message of the outbox.';
COMMENT ON COLUMN clinic.notifications.sent_at IS 'When it was sent.';
COMMENT ON COLUMN clinic.notifications.delivery IS 'What the channel reported: delivered, bounced, failed or read.';
COMMENT ON COLUMN clinic.notifications.delivery_at IS 'When it did.';
COMMENT ON COLUMN clinic.notifications.created_at IS 'When it was planned.';

CALL clinic_private.ensure_view('notification_plans', $view$
    SELECT p.tenant_id,
           p.plan_id,
           p.service_id,
           p.patient_id,
           p.reminders,
           p.version,
           p.created_at,
           p.updated_at
      FROM clinic_data.reminder_plans p
     WHERE (p.patient_id IS NULL OR clinic.sees_patient(p.patient_id))
       AND NOT clinic_private.is_public()
$view$);
COMMENT ON VIEW clinic.notification_plans IS 'When patients are reminded: the most particular plan counts; without any 72, 24 and 2 hours before. Those of patients that the caller may see.';
COMMENT ON COLUMN clinic.notification_plans.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.notification_plans.plan_id IS 'Identifies the plan.';
COMMENT ON COLUMN clinic.notification_plans.service_id IS 'The service it is for; null: every service.';
COMMENT ON COLUMN clinic.notification_plans.patient_id IS 'The patient it is for; null: every patient.';
COMMENT ON COLUMN clinic.notification_plans.reminders IS 'A list of objects: before_minutes, or days_before and perhaps at; perhaps channel.';
COMMENT ON COLUMN clinic.notification_plans.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic.notification_plans.created_at IS 'When it was made.';
COMMENT ON COLUMN clinic.notification_plans.updated_at IS 'When it was last changed.';

CALL clinic_private.ensure_view('message_templates', $view$
    SELECT t.tenant_id,
           t.kind,
           t.language,
           t.channel,
           t.subject,
           t.body,
           false AS shipped,
           t.updated_at
      FROM clinic_data.message_templates t
     WHERE NOT clinic_private.is_public()
     UNION ALL
    SELECT t.tenant_id,
           s.kind,
           s.language,
           '*'::text,
           s.subject,
           s.body,
           true,
           t.created_at
      FROM clinic_data.tenants t
     CROSS JOIN clinic_private.shipped_templates() s
     WHERE NOT clinic_private.is_public()
       AND NOT EXISTS (SELECT FROM clinic_data.message_templates o
                        WHERE o.tenant_id = t.tenant_id AND o.kind = s.kind AND o.language = s.language AND o.channel = '*')
$view$);
COMMENT ON VIEW clinic.message_templates IS 'The words of messages: the tenant''s own, and those that are shipped where there are no own.';
COMMENT ON COLUMN clinic.message_templates.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.message_templates.kind IS 'Kind of message.';
COMMENT ON COLUMN clinic.message_templates.language IS 'Language tag.';
COMMENT ON COLUMN clinic.message_templates.channel IS 'The channel it is for; *: every other.';
COMMENT ON COLUMN clinic.message_templates.subject IS 'Subject of e-mails, title of push messages.';
COMMENT ON COLUMN clinic.message_templates.body IS 'The text, with variables as {{name}}.';
COMMENT ON COLUMN clinic.message_templates.shipped IS 'Whether it came with pg_clinic.';
COMMENT ON COLUMN clinic.message_templates.updated_at IS 'When it was last changed.';

CALL clinic_private.ensure_view('patient_contacts', $view$
    SELECT c.tenant_id,
           c.contact_id,
           c.patient_id,
           c.channel,
           clinic_private.shown_contact(c.patient_id, c.contact_id, c.destination, c.destination_index) AS destination,
           c.verified_at,
           c.opted_out_at,
           c.bounced_at,
           c.version,
           c.created_at,
           c.updated_at
      FROM clinic_data.patient_contacts c
$view$);
COMMENT ON VIEW clinic.patient_contacts IS 'Where patients are reached: of those whom the caller may see whole.';
COMMENT ON COLUMN clinic.patient_contacts.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.patient_contacts.contact_id IS 'Identifies the contact.';
COMMENT ON COLUMN clinic.patient_contacts.patient_id IS 'Whose.';
COMMENT ON COLUMN clinic.patient_contacts.channel IS 'sms, email, push, voice or whatsapp.';
COMMENT ON COLUMN clinic.patient_contacts.destination IS 'Phone number, e-mail address, or token of a device, decrypted; null after shredding.';
COMMENT ON COLUMN clinic.patient_contacts.verified_at IS 'When the patient proved it.';
COMMENT ON COLUMN clinic.patient_contacts.opted_out_at IS 'Since when the patient wants nothing there.';
COMMENT ON COLUMN clinic.patient_contacts.bounced_at IS 'Since when nothing arrives there.';
COMMENT ON COLUMN clinic.patient_contacts.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic.patient_contacts.created_at IS 'When it was made.';
COMMENT ON COLUMN clinic.patient_contacts.updated_at IS 'When it was last changed.';

CALL clinic_private.ensure_view('communication_preferences', $view$
    SELECT p.tenant_id,
           p.patient_id,
           p.language,
           p.time_zone::text AS time_zone,
           p.quiet_from,
           p.quiet_until,
           p.channels,
           p.version,
           p.created_at,
           p.updated_at
      FROM clinic_data.communication_preferences p
$view$);
COMMENT ON VIEW clinic.communication_preferences IS 'How patients want to be written to, where they have said so: of those whom the caller may see whole.';
COMMENT ON COLUMN clinic.communication_preferences.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.communication_preferences.patient_id IS 'The patient.';
COMMENT ON COLUMN clinic.communication_preferences.language IS 'Language tag; null: the tenant''s.';
COMMENT ON COLUMN clinic.communication_preferences.time_zone IS 'Zone of the quiet hours; null: the tenant''s, or that of the visit.';
COMMENT ON COLUMN clinic.communication_preferences.quiet_from IS 'Start of the quiet hours; null: the tenant''s.';
COMMENT ON COLUMN clinic.communication_preferences.quiet_until IS 'Their end; the same as quiet_from: none.';
COMMENT ON COLUMN clinic.communication_preferences.channels IS 'By kind of message, or *, the channels in order of preference.';
COMMENT ON COLUMN clinic.communication_preferences.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic.communication_preferences.created_at IS 'When it was made.';
COMMENT ON COLUMN clinic.communication_preferences.updated_at IS 'When it was last changed.';

CALL clinic_private.ensure_view('message_replies', $view$
    SELECT r.tenant_id,
           r.reply_id,
           r.channel,
           c.patient_id,
           r.notification_id,
           r.appointment_id,
           r.action,
           r.outcome,
           r.reason,
           r.received_at
      FROM clinic_data.message_replies r
      JOIN clinic_data.patient_contacts c ON c.tenant_id = r.tenant_id AND c.contact_id = r.contact_id
$view$);
COMMENT ON VIEW clinic.message_replies IS 'What patients answered to messages, as far as it was understood: of those whom the caller may see whole.';
COMMENT ON COLUMN clinic.message_replies.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.message_replies.reply_id IS 'Identifies the reply.';
COMMENT ON COLUMN clinic.message_replies.channel IS 'The channel it came by.';
COMMENT ON COLUMN clinic.message_replies.patient_id IS 'Whose contact it came from.';
COMMENT ON COLUMN clinic.message_replies.notification_id IS 'The message it answers.';
COMMENT ON COLUMN clinic.message_replies.appointment_id IS 'The appointment it concerned.';
COMMENT ON COLUMN clinic.message_replies.action IS 'confirm, cancel, accept, decline, stop, start or unknown.';
COMMENT ON COLUMN clinic.message_replies.outcome IS 'done, refused, or nothing.';
COMMENT ON COLUMN clinic.message_replies.reason IS 'The error''s code when it was refused.';
COMMENT ON COLUMN clinic.message_replies.received_at IS 'When it came in.';
