-- Subscriptions: addresses outside that are told of events. What such a request says is in 53_events_deliveries.sql.

CREATE FUNCTION clinic.is_public_address(address inet)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN masklen(address) = CASE family(address) WHEN 4 THEN 32 ELSE 128 END
       AND (family(address) = 4 OR address <<= '2000::/3')
       AND address <<= ANY ('{0.0.0.0/8,10.0.0.0/8,100.64.0.0/10,127.0.0.0/8,169.254.0.0/16,172.16.0.0/12,192.0.0.0/24,192.0.2.0/24,
                              192.88.99.0/24,192.168.0.0/16,198.18.0.0/15,198.51.100.0/24,203.0.113.0/24,224.0.0.0/4,240.0.0.0/4,
                              2001::/23,2001:db8::/32,2002::/16,3fff::/20}'::inet[]) IS FALSE;
COMMENT ON FUNCTION clinic.is_public_address(inet) IS
    'Tells whether an address is one of the public internet: not loopback, private, link-local, shared, multicast, reserved, for documentation,
nor one that holds another address (mapped, 6to4, NAT64). What sends to subscribers asks it of what a name resolves to, before it connects.';

CREATE FUNCTION clinic_private.webhook_url(url text)
    RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    parts text[];
    host text;
    problem text;
    literal inet;
BEGIN
    IF webhook_url.url !~* '^https://' THEN
        problem := 'url must begin with https://';
    ELSIF webhook_url.url ~ '^[^:]*://[^/?#]*@' THEN
        problem := 'url must hold no credentials';
    ELSIF length(webhook_url.url) > 2000 THEN
        problem := 'url must have 2000 characters at most';
    ELSE
        parts := regexp_match(webhook_url.url,
            '^[A-Za-z]+://(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9.-]{1,253})(?::([0-9]{1,5}))?((?:/[A-Za-z0-9._~!$&''()*+,;=:@%/-]*)?(?:\?[A-Za-z0-9._~!$&''()*+,;=:@%/?-]*)?)$');
        host := lower(parts[1]);
        IF parts IS NULL THEN
            problem := 'url must be a plain URL: a name or address, a port perhaps, path and query in ASCII, no fragment';
        ELSIF coalesce(parts[2]::integer NOT IN (443, 8443), false) THEN
            problem := 'the port of url must be 443 or 8443';
        ELSIF host ~ '^\[' OR host ~ '(^|\.)([0-9]+|0x[0-9a-f]*)\.?$' THEN
            -- What programs may read as an address: only its plain form, and only of the public internet.
            IF host ~ '^\[' OR host ~ '^(0|[1-9][0-9]{0,2})(\.(0|[1-9][0-9]{0,2})){3}$' THEN
                BEGIN
                    literal := btrim(host, '[]')::inet;
                EXCEPTION WHEN data_exception THEN
                    literal := NULL;
                END;
            END IF;
            IF clinic.is_public_address(literal) IS NOT TRUE THEN
                problem := 'the address in url must be one of the public internet';
            END IF;
        ELSIF host !~ '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$' THEN
            problem := 'the host of url must be a full name such as hooks.example.org';
        ELSIF host ~ '(^|\.)(localhost|localdomain|local|internal|intranet|private|lan|home|corp|invalid|test|example|onion|arpa)$' THEN
            problem := 'the host of url must be a name of the public internet';
        END IF;
    END IF;
    IF problem IS NOT NULL THEN
        PERFORM clinic_private.refuse_argument('url', problem, hint => 'Write it like https://hooks.example.org/clinic.');
    END IF;
    RETURN 'https://' || host || coalesce(':' || nullif(parts[2], '443'), '') || coalesce(parts[3], '');
END
$$;
COMMENT ON FUNCTION clinic_private.webhook_url(text) IS
    'Returns the address of a subscription in one form, when requests may go there: https, port 443 or 8443, no credentials, no loopback, private
or link-local address in whatever spelling, no name of a local network. Errors: 22023, without the address.';
REVOKE ALL ON FUNCTION clinic_private.webhook_url FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.webhook_url TO clinic_owner;

CREATE FUNCTION clinic_private.event_patterns(events text[])
    RETURNS text[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    pattern text;
BEGIN
    IF coalesce(cardinality(event_patterns.events), 0) NOT BETWEEN 1 AND 100 THEN
        PERFORM clinic_private.refuse_argument('events', 'events must name 1 to 100 events', hint => 'Write {*} for all.');
    END IF;
    FOREACH pattern IN ARRAY event_patterns.events LOOP
        IF pattern IS NULL
           OR pattern <> '*' AND NOT EXISTS (SELECT FROM clinic.event_names() AS n
                                             WHERE pattern IN (n.name, split_part(n.name, '.', 1) || '.*'))
        THEN
            PERFORM clinic_private.refuse_argument('events', format('there is no event "%s"', left(coalesce(pattern, 'null'), 64)),
                hint => 'clinic.event_names() lists them; appointment.* stands for all of appointments, * for all.');
        END IF;
    END LOOP;
    RETURN ARRAY(SELECT u.pattern FROM unnest(event_patterns.events) WITH ORDINALITY AS u (pattern, place)
                 GROUP BY u.pattern ORDER BY min(u.place));
END
$$;
COMMENT ON FUNCTION clinic_private.event_patterns(text[]) IS
    'Returns names of events and patterns without repetitions. Errors: 22023 for none, more than 100, and unknown ones.';
REVOKE ALL ON FUNCTION clinic_private.event_patterns FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.event_patterns TO clinic_owner;

CREATE FUNCTION clinic_private.new_subscription_secret()
    RETURNS text
    LANGUAGE sql VOLATILE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
RETURN 'whsec_' || clinic_private.to_base64url(clinic_private.random_bytes(32));
COMMENT ON FUNCTION clinic_private.new_subscription_secret() IS 'A secret of 256 random bits.';
REVOKE ALL ON FUNCTION clinic_private.new_subscription_secret FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.new_subscription_secret TO clinic_owner;

CREATE FUNCTION clinic_private.lock_subscription(tenant_id uuid, subscription_id uuid)
    RETURNS text
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    status text;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('subscription_id', lock_subscription.subscription_id));
    SELECT s.status INTO status
    FROM clinic_data.subscriptions AS s
    WHERE s.tenant_id = lock_subscription.tenant_id AND s.subscription_id = lock_subscription.subscription_id AND s.status <> 'deleted'
    FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found', format('subscription "%s" does not exist', lock_subscription.subscription_id),
            jsonb_build_object('subscription_id', lock_subscription.subscription_id), 'clinic.subscriptions lists those that do.');
    END IF;
    RETURN status;
END
$$;
COMMENT ON FUNCTION clinic_private.lock_subscription(uuid, uuid) IS
    'Locks a subscription that is not deleted, and returns its status. Errors: not_found, 22004.';
REVOKE ALL ON FUNCTION clinic_private.lock_subscription FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lock_subscription TO clinic_owner;

CREATE FUNCTION clinic.create_subscription(
    name text,
    url text,
    events text[] DEFAULT '{*}')
    RETURNS TABLE (subscription_id uuid, secret text)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 1 SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('setup:write');
    new_id uuid := clinic.new_id();
    new_secret text := clinic_private.new_subscription_secret();
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('name', create_subscription.name, 'url', create_subscription.url,
        'events', create_subscription.events));
    -- Every event is written once for each of them.
    IF (SELECT count(*) FROM clinic_data.subscriptions AS s WHERE s.tenant_id = tenant AND s.status <> 'deleted') >= 20 THEN
        PERFORM clinic_private.refuse_argument('name', 'there are 20 subscriptions already', 'More than 20 are refused.',
            'Delete one, or let one receiver pass events on.', 'limit_exceeded');
    END IF;
    PERFORM clinic_private.insert_row('subscriptions', jsonb_build_object(
        'subscription_id', new_id,
        'name', create_subscription.name,
        'url', clinic_private.webhook_url(create_subscription.url),
        'events', clinic_private.event_patterns(create_subscription.events),
        'status', 'active',
        'secret', clinic_private.keep_secret(new_secret, clinic_private.secret_place('subscriptions', new_id::text, 'secret'))));
    RETURN QUERY SELECT new_id, new_secret;
END
$$;
ALTER FUNCTION clinic.create_subscription OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.create_subscription FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.create_subscription TO clinic_user;
COMMENT ON FUNCTION clinic.create_subscription IS
    'Lets an address outside be told of events from now on, and returns the id and the secret of the subscription. Needs setup:write.
name: what it is for; url: where requests go: https, port 443 or 8443, no credentials, no address or name of a local network; events: names of
clinic.event_names(), subject.* for all of a subject, * for all.
The secret is shown this once: requests are signed with it, see clinic.claim_deliveries. A tenant has 20 subscriptions at most.
Errors: no_context, forbidden, 22004, 22023, 54000 for more than 20.';

CREATE FUNCTION clinic.update_subscription(subscription_id uuid, changes jsonb)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('setup:write');
    allowed text[] := ARRAY['name', 'url', 'events'];
    checked jsonb;
BEGIN
    PERFORM clinic_private.lock_subscription(tenant, update_subscription.subscription_id);
    checked := clinic_private.checked_changes(update_subscription.changes, allowed);
    IF checked ? 'url' THEN
        checked := jsonb_set(checked, '{url}', to_jsonb(clinic_private.webhook_url(coalesce(checked ->> 'url', ''))));
    END IF;
    IF checked ? 'events' THEN
        IF jsonb_typeof(checked -> 'events') <> 'array' THEN
            PERFORM clinic_private.refuse_argument('events', 'events must be an array of names');
        END IF;
        checked := jsonb_set(checked, '{events}', to_jsonb(clinic_private.event_patterns(
            ARRAY(SELECT e.name FROM jsonb_array_elements_text(checked -> 'events') WITH ORDINALITY AS e (name, place) ORDER BY e.place))));
    END IF;
    RETURN clinic_private.update_row('subscriptions', 'subscription_id', update_subscription.subscription_id, checked, allowed);
END
$$;
ALTER FUNCTION clinic.update_subscription OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.update_subscription FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.update_subscription TO clinic_user;
COMMENT ON FUNCTION clinic.update_subscription IS
    'Changes a subscription, and returns its new version. Needs setup:write.
changes: an object of columns and new values: name, url, events; with "version", only that version is changed. What waits is sent to the new url.
Errors: no_context, forbidden, not_found, 22004, 22023, stale_version.';

CREATE FUNCTION clinic_private.set_subscription_status(subscription_id uuid, status text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('setup:write');
BEGIN
    PERFORM clinic_private.lock_subscription(tenant, set_subscription_status.subscription_id);
    UPDATE clinic_data.subscriptions AS s
    SET status = set_subscription_status.status
    WHERE s.tenant_id = tenant AND s.subscription_id = set_subscription_status.subscription_id AND s.status <> set_subscription_status.status;
END
$$;
COMMENT ON FUNCTION clinic_private.set_subscription_status(uuid, text) IS
    'Gives a subscription that is not deleted a status; the same one again changes nothing. Errors: no_context, forbidden, not_found, 22004.';
REVOKE ALL ON FUNCTION clinic_private.set_subscription_status FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.set_subscription_status TO clinic_owner;

CREATE FUNCTION clinic.pause_subscription(subscription_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.set_subscription_status(pause_subscription.subscription_id, 'paused');
END
$$;
ALTER FUNCTION clinic.pause_subscription OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.pause_subscription FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.pause_subscription TO clinic_user;
COMMENT ON FUNCTION clinic.pause_subscription IS
    'Lets the events of a subscription wait, until clinic.resume_subscription; those that wait longer than the tenant keeps deliveries
(keep_deliveries_days) are dropped. What is being sent is sent. Needs setup:write. Errors: no_context, forbidden, not_found, 22004.';

CREATE FUNCTION clinic.resume_subscription(subscription_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.set_subscription_status(resume_subscription.subscription_id, 'active');
END
$$;
ALTER FUNCTION clinic.resume_subscription OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.resume_subscription FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.resume_subscription TO clinic_user;
COMMENT ON FUNCTION clinic.resume_subscription IS
    'Lets the events of a paused subscription be sent again, those that waited first. Needs setup:write. Errors: no_context, forbidden, not_found, 22004.';

CREATE FUNCTION clinic.delete_subscription(subscription_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('setup:write');
BEGIN
    PERFORM clinic_private.set_subscription_status(delete_subscription.subscription_id, 'deleted');
    UPDATE clinic_data.subscriptions AS s
    SET secret = '', previous_secret = NULL, previous_secret_until = NULL
    WHERE s.tenant_id = tenant AND s.subscription_id = delete_subscription.subscription_id;
    DELETE FROM clinic_data.deliveries AS d
    WHERE d.tenant_id = tenant AND d.subscription_id = delete_subscription.subscription_id AND d.status = 'waiting';
END
$$;
ALTER FUNCTION clinic.delete_subscription OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.delete_subscription FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.delete_subscription TO clinic_user;
COMMENT ON FUNCTION clinic.delete_subscription IS
    'Ends a subscription: what waits is dropped, its secret erased; what was delivered stays on record for a while. Needs setup:write.
Errors: no_context, forbidden, not_found, 22004.';

CREATE FUNCTION clinic.rotate_subscription_secret(subscription_id uuid, keep_hours integer DEFAULT 24)
    RETURNS text
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('setup:write');
    new_secret text := clinic_private.new_subscription_secret();
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('keep_hours', rotate_subscription_secret.keep_hours));
    IF rotate_subscription_secret.keep_hours NOT BETWEEN 0 AND 168 THEN
        PERFORM clinic_private.refuse_argument('keep_hours', 'keep_hours must be between 0 and 168 (a week)',
            hint => 'Write 0 when the old secret is known to somebody who should not know it.');
    END IF;
    PERFORM clinic_private.lock_subscription(tenant, rotate_subscription_secret.subscription_id);
    UPDATE clinic_data.subscriptions AS s
    SET previous_secret = CASE WHEN rotate_subscription_secret.keep_hours > 0 THEN s.secret END,
        previous_secret_until = CASE WHEN rotate_subscription_secret.keep_hours > 0
                                     THEN clinic.now() + make_interval(hours => rotate_subscription_secret.keep_hours) END,
        secret = clinic_private.keep_secret(new_secret, clinic_private.secret_place('subscriptions', s.subscription_id::text, 'secret'))
    WHERE s.tenant_id = tenant AND s.subscription_id = rotate_subscription_secret.subscription_id;
    RETURN new_secret;
END
$$;
ALTER FUNCTION clinic.rotate_subscription_secret OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.rotate_subscription_secret FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.rotate_subscription_secret TO clinic_user;
COMMENT ON FUNCTION clinic.rotate_subscription_secret IS
    'Gives a subscription a new secret, and returns it, this once. Needs setup:write.
keep_hours: how long requests are signed with the old one too (a signature for each), 0 to 168. Errors: no_context, forbidden, not_found, 22004,
22023.';
