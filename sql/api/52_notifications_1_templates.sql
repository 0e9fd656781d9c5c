-- The words of messages: shipped in English and Hindi, a tenant's own in their place, in the nearest language that there is.

CREATE FUNCTION clinic_private.notification_kinds()
    RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN ARRAY['reminder', 'confirmation', 'change', 'cancellation', 'waitlist_offer', 'running_late', 'possible_no_show', 'recall',
             'consent_expiring', 'welcome'];
COMMENT ON FUNCTION clinic_private.notification_kinds() IS 'The kinds of messages.';

CREATE FUNCTION clinic_private.require_kind(kind text)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF require_kind.kind <> ALL (clinic_private.notification_kinds()) THEN
        PERFORM clinic_private.refuse_argument('kind', 'kind must be a kind of message',
            hint => format('It is one of %s.', array_to_string(clinic_private.notification_kinds(), ', ')));
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_kind(text) IS 'Refuses what is no kind of message; null passes. Errors: 22023.';

CREATE FUNCTION clinic_private.require_channel(channel text)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF require_channel.channel <> ALL (clinic_private.message_channels()) THEN
        PERFORM clinic_private.refuse_argument('channel', 'channel must be sms, email, push, voice or whatsapp');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_channel(text) IS 'Refuses what is no channel to a person; null passes. Errors: 22023.';

CREATE FUNCTION clinic_private.require_channels_by_kind(argument text, channels jsonb)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF require_channels_by_kind.channels IS NULL THEN
        RETURN;
    END IF;
    IF jsonb_typeof(require_channels_by_kind.channels) <> 'object' OR EXISTS (
           SELECT FROM jsonb_each(CASE jsonb_typeof(require_channels_by_kind.channels) WHEN 'object' THEN require_channels_by_kind.channels
                                  ELSE '{}' END) AS e
           WHERE e.key <> ALL (clinic_private.notification_kinds() || '*'::text)
              OR jsonb_typeof(e.value) <> 'array'
              OR NOT e.value <@ to_jsonb(clinic_private.message_channels())) THEN
        PERFORM clinic_private.refuse_argument(require_channels_by_kind.argument,
            format('%s must be an object of kinds of messages and lists of channels', require_channels_by_kind.argument),
            hint => 'Write it like {"reminder": ["whatsapp", "sms"], "*": ["email"]}.');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_channels_by_kind(text, jsonb) IS
    'Refuses what is no object of kinds (or *) and lists of channels; null passes. Errors: 22023.';

CREATE FUNCTION clinic_private.require_language(argument text, tag text)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    -- No language has a subtag of more than three letters: Hindi is a name, hi the tag.
    IF cardinality(clinic_private.language_chain(require_language.tag)) = 0 OR require_language.tag ~ '^[A-Za-z]{4}' THEN
        PERFORM clinic_private.refuse_argument(require_language.argument,
            format('%s must be a language tag of BCP 47', require_language.argument), hint => 'Write it like en, hi-IN or zh-Hant-TW.');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_language(text, text) IS 'Refuses what is no language tag; null passes. Errors: 22023.';

-- Which variables the words of a kind may have.
CREATE FUNCTION clinic_private.message_variables(kind text)
    RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN ARRAY['patient_name', 'clinic', 'service', 'provider', 'location', 'date', 'weekday', 'time', 'code', 'also', 'amount']
    || CASE message_variables.kind
           WHEN 'change' THEN ARRAY['old_date', 'old_weekday', 'old_time', 'old_service', 'old_provider', 'old_location']
           WHEN 'waitlist_offer' THEN ARRAY['expires_date', 'expires_weekday', 'expires_time']
           WHEN 'running_late' THEN ARRAY['minutes']
           WHEN 'consent_expiring' THEN ARRAY['consent', 'expires_date', 'expires_weekday']
           ELSE '{}'::text[]
       END;
COMMENT ON FUNCTION clinic_private.message_variables(text) IS
    'The variables that templates of a kind may use. also: the other visits that one message tells of, each on a line of its own.';

CREATE FUNCTION clinic_private.shipped_templates()
    RETURNS TABLE (kind text, language text, subject text, body text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 20
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT t.*
    FROM (VALUES
        ('reminder', 'en', 'Reminder: {{service}} on {{date}}',
         'Dear {{patient_name}}, a reminder of your {{service}} with {{provider}} at {{location}} on {{date}} at {{time}}. Reply CONFIRM to confirm or CANCEL to cancel. {{clinic}}'),
        ('confirmation', 'en', 'Your appointment on {{date}}',
         'Dear {{patient_name}}, your {{service}} with {{provider}} at {{location}} is booked for {{date}} at {{time}}. Your code is {{code}}. {{clinic}}{{also}}'),
        ('change', 'en', 'Your appointment has moved to {{date}}',
         'Dear {{patient_name}}, your {{service}} of {{old_date}} at {{old_time}} has changed. It is now on {{date}} at {{time}} with {{provider}} at {{location}}. Reply CONFIRM to confirm or CANCEL to cancel. {{clinic}}{{also}}'),
        ('cancellation', 'en', 'Your appointment on {{date}} is cancelled',
         'Dear {{patient_name}}, your {{service}} with {{provider}} on {{date}} at {{time}} is cancelled. {{clinic}}{{also}}'),
        ('waitlist_offer', 'en', 'A time has become free on {{date}}',
         'Dear {{patient_name}}, a {{service}} with {{provider}} at {{location}} has become free on {{date}} at {{time}}. Reply YES to take it or NO to pass it on. We keep it for you until {{expires_time}}. {{clinic}}'),
        ('running_late', 'en', 'We are running late today',
         'Dear {{patient_name}}, we are running about {{minutes}} minutes late for your {{service}} at {{time}}. We are sorry for the wait. {{clinic}}'),
        ('possible_no_show', 'en', 'Patient has not arrived',
         'The patient of {{time}} ({{service}}, {{code}}) has not arrived at {{location}}.'),
        ('recall', 'en', 'Time for your next {{service}}',
         'Dear {{patient_name}}, it is time for your next {{service}}. Please book a time that suits you. {{clinic}}'),
        ('consent_expiring', 'en', 'A consent is about to end',
         'Dear {{patient_name}}, your consent {{consent}} ends on {{expires_date}}. Please renew it at your next visit. {{clinic}}'),
        ('welcome', 'en', 'Welcome to {{clinic}}',
         'Dear {{patient_name}}, welcome to {{clinic}}. We will write to you here about your appointments. Reply STOP if you do not want that.'),
        ('reminder', 'hi', 'स्मरण: {{date}} को {{service}}',
         'प्रिय {{patient_name}}, याद दिला दें कि {{date}} को {{time}} {{location}} में {{provider}} के साथ आपका अपॉइंटमेंट ({{service}}) है। पुष्टि के लिए "पुष्टि" और रद्द करने के लिए "रद्द" लिखकर उत्तर दें। {{clinic}}'),
        ('confirmation', 'hi', '{{date}} को आपका अपॉइंटमेंट',
         'प्रिय {{patient_name}}, {{date}} को {{time}} {{location}} में {{provider}} के साथ आपका अपॉइंटमेंट ({{service}}) बुक हो गया है। आपका कोड {{code}} है। {{clinic}}{{also}}'),
        ('change', 'hi', 'आपके अपॉइंटमेंट का नया समय: {{date}}',
         'प्रिय {{patient_name}}, {{old_date}}, {{old_time}} का आपका अपॉइंटमेंट ({{service}}) बदल गया है। अब यह {{date}} को {{time}} {{location}} में {{provider}} के साथ है। पुष्टि के लिए "पुष्टि" और रद्द करने के लिए "रद्द" लिखकर उत्तर दें। {{clinic}}{{also}}'),
        ('cancellation', 'hi', '{{date}} का आपका अपॉइंटमेंट रद्द',
         'प्रिय {{patient_name}}, {{date}} को {{time}} {{provider}} के साथ आपका अपॉइंटमेंट ({{service}}) रद्द कर दिया गया है। {{clinic}}{{also}}'),
        ('waitlist_offer', 'hi', '{{date}} को समय खाली हुआ है',
         'प्रिय {{patient_name}}, {{date}} को {{time}} {{location}} में {{provider}} के साथ {{service}} का समय खाली हुआ है। लेने के लिए "हाँ", छोड़ने के लिए "नहीं" लिखकर उत्तर दें। यह समय {{expires_time}} तक आपके लिए सुरक्षित है। {{clinic}}'),
        ('running_late', 'hi', 'आज हमें देर हो रही है',
         'प्रिय {{patient_name}}, {{time}} के आपके अपॉइंटमेंट ({{service}}) में लगभग {{minutes}} मिनट की देर होगी। असुविधा के लिए खेद है। {{clinic}}'),
        ('possible_no_show', 'hi', 'मरीज़ नहीं पहुँचे',
         '{{time}} के मरीज़ ({{service}}, {{code}}) अभी तक {{location}} नहीं पहुँचे हैं।'),
        ('recall', 'hi', 'आपके अगले {{service}} का समय',
         'प्रिय {{patient_name}}, आपके अगले {{service}} का समय हो गया है। कृपया अपनी सुविधा का समय बुक करें। {{clinic}}'),
        ('consent_expiring', 'hi', 'आपकी सहमति समाप्त होने वाली है',
         'प्रिय {{patient_name}}, आपकी सहमति {{consent}} {{expires_date}} को समाप्त हो रही है। कृपया अगली बार आने पर इसे नवीनीकृत करें। {{clinic}}'),
        ('welcome', 'hi', '{{clinic}} में आपका स्वागत है',
         'प्रिय {{patient_name}}, {{clinic}} में आपका स्वागत है। आपके अपॉइंटमेंट के बारे में हम आपको यहीं लिखेंगे। यदि आप यह नहीं चाहते तो "बंद" लिखकर उत्तर दें।')
    ) AS t (kind, language, subject, body)
$$;
COMMENT ON FUNCTION clinic_private.shipped_templates() IS 'The words that are there before a tenant has its own: every kind in English and Hindi, for every channel.';

CREATE FUNCTION clinic.set_message_template(
    kind text,
    language text,
    body text,
    subject text DEFAULT NULL,
    channel text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('setup:write');
    wanted_channel text := coalesce(set_message_template.channel, '*');
    given record;
    unknown text;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('kind', set_message_template.kind, 'language', set_message_template.language));
    PERFORM clinic_private.require_kind(set_message_template.kind);
    PERFORM clinic_private.require_language('language', set_message_template.language);
    PERFORM clinic_private.require_channel(set_message_template.channel);
    IF set_message_template.body IS NULL THEN
        DELETE FROM clinic_data.message_templates AS t
        WHERE t.tenant_id = tenant AND t.kind = set_message_template.kind AND t.language = set_message_template.language
          AND t.channel = wanted_channel;
        RETURN;
    END IF;
    IF length(set_message_template.body) NOT BETWEEN 1 AND 5000 THEN
        PERFORM clinic_private.refuse_argument('body', 'body must have 1 to 5000 characters');
    END IF;
    IF length(set_message_template.subject) NOT BETWEEN 1 AND 200 OR set_message_template.subject ~ '[[:cntrl:]]' THEN
        PERFORM clinic_private.refuse_argument('subject', 'subject must have 1 to 200 characters and be one line');
    END IF;
    FOR given IN SELECT * FROM (VALUES ('subject', set_message_template.subject), ('body', set_message_template.body)) AS v (name, template) LOOP
        IF given.template IS NOT NULL AND clinic_private.message_names(given.template) IS NULL THEN
            PERFORM clinic_private.refuse_argument(given.name, format('%s has braces that hold no variable', given.name),
                hint => 'Write variables like {{patient_name}}.');
        END IF;
        SELECT string_agg(n.name, ', ') INTO unknown
        FROM unnest(clinic_private.message_names(given.template)) AS n (name)
        WHERE n.name <> ALL (clinic_private.message_variables(set_message_template.kind));
        IF unknown IS NOT NULL THEN
            PERFORM clinic_private.refuse_argument(given.name, format('%s has variables that messages of this kind do not have', given.name),
                hint => format('There are %s.', array_to_string(clinic_private.message_variables(set_message_template.kind), ', ')));
        END IF;
    END LOOP;
    INSERT INTO clinic_data.message_templates AS t (tenant_id, kind, language, channel, subject, body)
    VALUES (tenant, set_message_template.kind, set_message_template.language, wanted_channel, set_message_template.subject,
            set_message_template.body)
    ON CONFLICT ON CONSTRAINT message_templates_pkey DO UPDATE SET subject = excluded.subject, body = excluded.body;
END
$$;
ALTER FUNCTION clinic.set_message_template OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.set_message_template FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.set_message_template TO clinic_user;
COMMENT ON FUNCTION clinic.set_message_template IS
    'Sets the tenant''s own words for a kind of message in a language; they count from the next message on. Needs setup:write.
kind: reminder, confirmation, change, cancellation, waitlist_offer, running_late, possible_no_show, recall, consent_expiring or welcome;
language: a tag such as en or hi-IN; a message takes the nearest language of the patient, else of the tenant, else English; body: the text with variables such as
{{patient_name}}; null: the shipped words again; subject: of e-mails and push messages; channel: only for sms, email, push, voice or whatsapp; null: for every one
without words of its own. Variables: patient_name, clinic, service, provider, location, date, weekday, time, code, also, amount; change has old_date, old_weekday,
old_time, old_service, old_provider, old_location; waitlist_offer expires_date, expires_weekday, expires_time; running_late minutes; consent_expiring consent,
expires_date, expires_weekday. date is in full, with its weekday ("Wednesday, 4 March 2026"), weekday the weekday alone, time as the
language says it ("10:00 am"); also: the other visits that the message tells of, each on a line of its own; a variable without a value is empty.
Errors: no_context, forbidden, 22004, 22023; none shows the text.';

-- The nearest words: by language first, then the tenant's own, then those of the channel.
CREATE FUNCTION clinic_private.find_template(tenant_id uuid, kind text, channel text, languages text[],
    OUT locale text, OUT language text, OUT subject text, OUT body text)
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH tags AS (
        SELECT l.tag AS locale, c.tag, row_number() OVER (ORDER BY l.place, c.place) AS place
        FROM unnest(find_template.languages || 'en'::text) WITH ORDINALITY AS l (tag, place)
        CROSS JOIN LATERAL unnest(clinic_private.language_chain(l.tag)) WITH ORDINALITY AS c (tag, place)
        WHERE l.tag IS NOT NULL),
    words AS (
        SELECT t.language, t.subject, t.body, 1 AS origin, CASE t.channel WHEN '*' THEN 2 ELSE 1 END AS nearness
        FROM clinic_data.message_templates AS t
        WHERE t.tenant_id = find_template.tenant_id AND t.kind = find_template.kind AND t.channel IN (find_template.channel, '*')
        UNION ALL
        SELECT s.language, s.subject, s.body, 2, 2
        FROM clinic_private.shipped_templates() AS s
        WHERE s.kind = find_template.kind)
    SELECT g.locale, w.language, w.subject, w.body
    FROM tags AS g
    JOIN words AS w ON lower(w.language) = lower(g.tag)
    ORDER BY g.place, w.origin, w.nearness
    LIMIT 1
$$;
COMMENT ON FUNCTION clinic_private.find_template(uuid, text, text, text[]) IS
    'The words for a kind of message and a channel in the first of some languages that has any, English at last. locale: the wanted tag that led to them, for dates and money.';

REVOKE ALL ON FUNCTION clinic_private.find_template FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.find_template TO clinic_owner;
