-- The public booking page, and answers that a client may keep.

CREATE FUNCTION clinic_private.answer_cached(body jsonb, max_age_seconds integer, shared boolean)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    request jsonb;
    present jsonb;
    etag text;
    wanted text;
BEGIN
    IF coalesce(current_setting('request.method', true), '') NOT IN ('GET', 'HEAD') THEN
        RETURN answer_cached.body;
    END IF;
    -- Whoever is not PostgREST may have set these to anything: then nothing is cached.
    BEGIN
        request := coalesce(nullif(current_setting('request.headers', true), ''), '{}')::jsonb;
        present := coalesce(nullif(current_setting('response.headers', true), ''), '[]')::jsonb;
        IF jsonb_typeof(request) <> 'object' OR jsonb_typeof(present) <> 'array' THEN
            RETURN answer_cached.body;
        END IF;
    EXCEPTION WHEN data_exception THEN
        RETURN answer_cached.body;
    END;
    etag := '"' || substr(encode(sha256(convert_to(answer_cached.body::text, 'UTF8')), 'hex'), 1, 32) || '"';
    wanted := request ->> 'if-none-match';
    -- The other headers stay; one that says the same again would contradict.
    PERFORM set_config('response.headers', (
        coalesce((SELECT jsonb_agg(h.value ORDER BY h.place)
                  FROM jsonb_array_elements(present) WITH ORDINALITY AS h (value, place)
                  WHERE NOT EXISTS (SELECT FROM jsonb_object_keys(CASE jsonb_typeof(h.value) WHEN 'object' THEN h.value ELSE '{}' END) AS k (name)
                                    WHERE lower(k.name) IN ('etag', 'cache-control'))), '[]')
        || jsonb_build_array(
            jsonb_build_object('ETag', etag),
            jsonb_build_object('Cache-Control',
                -- What was asked for with an identity is nobody else's answer.
                CASE WHEN answer_cached.shared AND NOT request ?| '{authorization,x-api-key,cookie}' THEN 'public' ELSE 'private' END
                || CASE WHEN answer_cached.max_age_seconds > 0 THEN ', max-age=' || answer_cached.max_age_seconds ELSE ', no-cache' END))
        || CASE WHEN present @> '[{"Vary": "Authorization, X-Api-Key, X-Clinic-Tenant"}]' THEN '[]'
                ELSE '[{"Vary": "Authorization, X-Api-Key, X-Clinic-Tenant"}]'::jsonb END)::text, true);
    -- RFC 9110 §13.1.2: a list of tags compared weakly, or an asterisk.
    IF btrim(wanted) = '*' OR EXISTS (SELECT FROM regexp_matches(wanted, '(?:W/)?("[^"]*")', 'g') AS m (tag) WHERE m.tag[1] = etag) THEN
        PERFORM set_config('response.status', '304', true);
        RETURN NULL;
    END IF;
    RETURN answer_cached.body;
END
$$;
COMMENT ON FUNCTION clinic_private.answer_cached(jsonb, integer, boolean) IS
    'Returns an answer, and over HTTP (PostgREST, GET and HEAD) the headers by which a client may keep it; null with status 304 when it has it.
max_age_seconds: how long it may be used unasked; 0: ask each time, by its ETag. shared: whether caches between may keep it for
others; false for anything about a patient. A request with an identity is never answered for others.';
REVOKE ALL ON FUNCTION clinic_private.answer_cached FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.answer_cached TO clinic_owner;

CREATE FUNCTION clinic.booking_page()
    RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    page jsonb;
BEGIN
    SELECT jsonb_build_object(
        'slug', t.slug,
        'name', t.name,
        'locations', coalesce((
            SELECT jsonb_agg(jsonb_build_object('location_id', l.location_id, 'name', l.name, 'time_zone', l.time_zone, 'country', l.country)
                             ORDER BY l.name, l.location_id)
            FROM clinic_data.locations AS l
            WHERE l.tenant_id = t.tenant_id AND l.published AND l.status = 'active'), '[]'),
        'providers', coalesce((
            SELECT jsonb_agg(jsonb_build_object('provider_id', p.provider_id, 'name', r.name, 'specialty', p.specialty)
                             ORDER BY r.name, p.provider_id)
            FROM clinic_data.providers AS p
            JOIN clinic_data.resources AS r ON r.tenant_id = p.tenant_id AND r.resource_id = p.provider_id
            WHERE p.tenant_id = t.tenant_id AND r.published AND r.status = 'active'), '[]'),
        'services', coalesce((
            SELECT jsonb_agg(jsonb_build_object(
                       'service_id', s.service_id, 'name', s.name, 'duration_minutes', s.duration_minutes, 'color', s.color,
                       'provider_ids', coalesce((
                           SELECT jsonb_agg(o.provider_id ORDER BY o.provider_id)
                           FROM clinic_data.service_providers AS o
                           JOIN clinic_data.resources AS r ON r.tenant_id = o.tenant_id AND r.resource_id = o.provider_id
                           WHERE o.tenant_id = s.tenant_id AND o.service_id = s.service_id AND r.published AND r.status = 'active'), '[]'))
                   ORDER BY s.name, s.service_id)
            FROM clinic_data.services AS s
            WHERE s.tenant_id = t.tenant_id AND s.published AND s.status = 'active'), '[]'))
    INTO page
    FROM clinic_data.tenants AS t
    WHERE t.tenant_id = tenant AND t.published AND t.status = 'active';
    IF page IS NULL THEN
        PERFORM clinic_private.raise_error('not_found', 'there is no public booking page', NULL,
            'It appears when the tenant is published and active.');
    END IF;
    RETURN clinic_private.answer_cached(page, 60, shared => true);
END
$$;
ALTER FUNCTION clinic.booking_page OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.booking_page FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.booking_page TO clinic_user, clinic_anon;
COMMENT ON FUNCTION clinic.booking_page IS
    'Returns what the public booking page shows: the tenant, and of its active locations, providers and services those published.
An object with slug, name, locations, providers and services (with the provider_ids that offer each); the same for every caller.
Over HTTP a client may keep it for a minute, and asks by its ETag afterwards.
Errors: no_context, not_found when the tenant has no page.';
