-- What is kept of patients: the form of it, checked before it is encrypted. Errors name the field and never show what it held.

-- Fields as 'name type longest !', separated by commas; types: text, date, uuid, phone, email, country, object, array.
CREATE FUNCTION clinic_private.checked_object(argument text, given jsonb, fields text)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    field record;
    label text;
    unknown text;
    value text;
    checked jsonb := '{}';
BEGIN
    IF jsonb_typeof(checked_object.given) IS DISTINCT FROM 'object' THEN
        PERFORM clinic_private.refuse_argument(checked_object.argument, format('%s must be an object', checked_object.argument));
    END IF;
    SELECT string_agg(k.name, ', ' ORDER BY k.name) INTO unknown
    FROM jsonb_object_keys(checked_object.given) AS k (name)
    WHERE k.name <> ALL (SELECT split_part(f.line, ' ', 1) FROM regexp_split_to_table(btrim(checked_object.fields, '{}'), ',') AS f (line));
    IF unknown IS NOT NULL THEN
        PERFORM clinic_private.refuse_argument(checked_object.argument, format('%s has an unknown field', checked_object.argument),
            hint => format('These are known: %s.', (SELECT string_agg(split_part(f.line, ' ', 1), ', ')
                                                    FROM regexp_split_to_table(btrim(checked_object.fields, '{}'), ',') AS f (line))));
    END IF;
    FOR field IN
        SELECT split_part(f.line, ' ', 1) AS name, split_part(f.line, ' ', 2) AS type, coalesce(nullif(split_part(f.line, ' ', 3), ''), '200')::integer AS longest,
               split_part(f.line, ' ', 4) = '!' AS required
        FROM regexp_split_to_table(btrim(checked_object.fields, '{}'), ',') AS f (line)
    LOOP
        label := CASE checked_object.argument WHEN 'details' THEN field.name WHEN 'changes' THEN field.name
                      ELSE checked_object.argument || '.' || field.name END;
        IF jsonb_typeof(checked_object.given -> field.name) IS NULL OR jsonb_typeof(checked_object.given -> field.name) = 'null' THEN
            IF field.required THEN
                PERFORM clinic_private.refuse_argument(label, format('%s must not be missing', label), code => 'missing_argument');
            END IF;
            CONTINUE;
        END IF;
        IF field.type IN ('object', 'array') THEN
            IF jsonb_typeof(checked_object.given -> field.name) <> field.type THEN
                PERFORM clinic_private.refuse_argument(label, format('%s must be an %s', label, field.type));
            END IF;
            checked := checked || jsonb_build_object(field.name, checked_object.given -> field.name);
            CONTINUE;
        END IF;
        value := btrim(checked_object.given ->> field.name);
        IF jsonb_typeof(checked_object.given -> field.name) <> 'string' OR length(value) NOT BETWEEN 1 AND field.longest THEN
            PERFORM clinic_private.refuse_argument(label, format('%s must be a text of 1 to %s characters', label, field.longest));
        END IF;
        CASE field.type
            WHEN 'date' THEN
                IF NOT clinic_private.is_plain_date(value) THEN
                    PERFORM clinic_private.refuse_argument(label, format('%s must be a date', label), hint => 'Write it like 2024-05-31.');
                END IF;
            WHEN 'uuid' THEN
                IF value !~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' THEN
                    PERFORM clinic_private.refuse_argument(label, format('%s must be an id', label));
                END IF;
            WHEN 'country' THEN
                value := upper(value);
                IF value !~ '^[A-Z]{2}$' THEN
                    PERFORM clinic_private.refuse_argument(label, format('%s must be an ISO 3166-1 code of two letters', label), hint => 'Write it like US or IN.');
                END IF;
            ELSE NULL;
        END CASE;
        checked := checked || jsonb_build_object(field.name, value);
    END LOOP;
    RETURN checked;
END
$$;
COMMENT ON FUNCTION clinic_private.checked_object(text, jsonb, text) IS
    'An object of texts, trimmed and checked, without what is null. fields: name, type (text, date, uuid, country, phone, object, array), longest and ! where it
must be there, separated by blanks, one field from the next by a comma. Errors name argument.field: 22004, 22023; none shows a value.';

CREATE FUNCTION clinic_private.is_plain_date(value text)
    RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN value ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' AND value::date BETWEEN '1800-01-01' AND '9999-12-31';
EXCEPTION WHEN data_exception THEN
    RETURN false;
END
$$;
COMMENT ON FUNCTION clinic_private.is_plain_date(text) IS 'Whether a text is a date as ISO 8601 writes it, of the years 1800 to 9999.';

CREATE FUNCTION clinic_private.calling_code(country text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT substring(' AD376 AE971 AF93 AG1 AI1 AL355 AM374 AO244 AR54 AS1 AT43 AU61 AW297 AX358 AZ994 BA387 BB1 BD880 BE32 BF226 BG359 BH973 BI257 BJ229 BL590 BM1 BN673 BO591 BR55 BS1 BT975 BW267 BY375 BZ501 CA1 CC61 CD243 CF236 CG242 CH41 CI225 CK682 CL56 CM237 CN86 CO57 CR506 CU53 CV238 CW599 CX61 CY357 CZ420 DE49 DJ253 DK45 DM1 DO1 DZ213 EC593 EE372 EG20 EH212 ER291 ES34 ET251 FI358 FJ679 FK500 FM691 FO298 FR33 GA241 GB44 GD1 GE995 GF594 GG44 GH233 GI350 GL299 GM220 GN224 GP590 GQ240 GR30 GT502 GU1 GW245 GY592 HK852 HN504 HR385 HT509 HU36 ID62 IE353 IL972 IM44 IN91 IO246 IQ964 IR98 IS354 IT39 JE44 JM1 JO962 JP81 KE254 KG996 KH855 KI686 KM269 KN1 KP850 KR82 KW965 KY1 KZ7 LA856 LB961 LC1 LI423 LK94 LR231 LS266 LT370 LU352 LV371 LY218 MA212 MC377 MD373 ME382 MF590 MG261 MH692 MK389 ML223 MM95 MN976 MO853 MP1 MQ596 MR222 MS1 MT356 MU230 MV960 MW265 MX52 MY60 MZ258 NA264 NC687 NE227 NF672 NG234 NI505 NL31 NO47 NP977 NR674 NU683 NZ64 OM968 PA507 PE51 PF689 PG675 PH63 PK92 PL48 PM508 PR1 PS970 PT351 PW680 PY595 QA974 RE262 RO40 RS381 RU7 RW250 SA966 SB677 SC248 SD249 SE46 SG65 SH290 SI386 SJ47 SK421 SL232 SM378 SN221 SO252 SR597 SS211 ST239 SV503 SX1 SY963 SZ268 TC1 TD235 TG228 TH66 TJ992 TK690 TL670 TM993 TN216 TO676 TR90 TT1 TV688 TW886 TZ255 UA380 UG256 US1 UY598 UZ998 VA39 VC1 VE58 VG1 VI1 VN84 VU678 WF681 WS685 XK383 YE967 YT262 ZA27 ZM260 ZW263 '
        FROM ' ' || upper(calling_code.country) || '([0-9]+) ')
    WHERE calling_code.country ~ '^[A-Za-z]{2}$'
$$;
COMMENT ON FUNCTION clinic_private.calling_code(text) IS 'The calling code (ITU-T E.164) of a country (ISO 3166-1); null for one that is not known.';

CREATE FUNCTION clinic_private.country_for_patient(tenant_id uuid, patient_id uuid)
    RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(
        (SELECT l.country
         FROM clinic_data.patients AS p
         JOIN clinic_data.locations AS l ON l.tenant_id = p.tenant_id AND l.location_id = p.first_location_id
         WHERE p.tenant_id = country_for_patient.tenant_id AND p.patient_id = country_for_patient.patient_id),
        (SELECT min(l.country) FROM clinic_data.locations AS l WHERE l.tenant_id = country_for_patient.tenant_id HAVING count(DISTINCT l.country) = 1))
$$;
COMMENT ON FUNCTION clinic_private.country_for_patient(uuid, uuid) IS
    'The country in which a patient''s phone numbers without a country code are read: of the first location, else that of all locations; null where they differ.';

CREATE FUNCTION clinic_private.international_phone(value text, country text)
    RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    digits text := regexp_replace(international_phone.value, '[\s()\[\]./\-]', '', 'g');
    code text := clinic_private.calling_code(international_phone.country);
BEGIN
    IF digits ~ '^\+' THEN
        RETURN digits;
    ELSIF digits ~ '^00[1-9]' AND code IS DISTINCT FROM '1' THEN
        RETURN '+' || substr(digits, 3);
    ELSIF code IS NULL OR digits !~ '^[0-9]+$' THEN
        RETURN digits;
    END IF;
    RETURN '+' || code || CASE
        -- Italy dials its zero from abroad; Hungary has 06 for it, Russia and Kazakhstan 8, North America 1.
        WHEN code IN ('39', '378') THEN digits
        WHEN code = '36' THEN regexp_replace(digits, '^06', '')
        WHEN code = '7' THEN regexp_replace(digits, '^8(?=[0-9]{10}$)', '')
        WHEN code = '1' THEN regexp_replace(digits, '^1(?=[0-9]{10}$)', '')
        ELSE regexp_replace(digits, '^0', '') END;
END
$$;
COMMENT ON FUNCTION clinic_private.international_phone(text, text) IS
    'A phone number with its country code, where it has none that of the country, and without what is dialled inside of the country only. What cannot be understood comes back
without blanks and signs, for clinic_private.normal_identifier to refuse.';

CREATE FUNCTION clinic_private.is_verhoeff(digits text)
    RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    -- The dihedral group of ten, and what its digits become place by place.
    product constant text := '0123456789123406789523401789563401289567401239567859876043216598710432765982104387659321049876543210';
    permuted constant text := '01234567891576283094580379614289160435279453126870428657390127938064157046913258';
    check_digit integer := 0;
    place integer := 0;
    digit text;
BEGIN
    FOREACH digit IN ARRAY regexp_split_to_array(reverse(is_verhoeff.digits), '') LOOP
        check_digit := substr(product, 1 + check_digit * 10 + substr(permuted, 1 + (place % 8) * 10 + digit::integer, 1)::integer, 1)::integer;
        place := place + 1;
    END LOOP;
    RETURN check_digit = 0;
END
$$;
COMMENT ON FUNCTION clinic_private.is_verhoeff(text) IS 'Whether the last of some digits is the check digit of Verhoeff.';

CREATE FUNCTION clinic_private.checked_identifier(system text, value text, system_argument text DEFAULT 'system', value_argument text DEFAULT 'value', OUT normal text, OUT form text, OUT is_unique boolean)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    given text := btrim(checked_identifier.value);
BEGIN
    IF length(given) NOT BETWEEN 1 AND 100 THEN
        PERFORM clinic_private.refuse_argument(checked_identifier.value_argument, 'value must have 1 to 100 characters');
    END IF;
    CASE
        WHEN checked_identifier.system = 'abha_number' THEN
            checked_identifier.normal := regexp_replace(given, '[ -]', '', 'g');
            IF checked_identifier.normal !~ '^[1-9][0-9]{13}$' OR NOT clinic_private.is_verhoeff(checked_identifier.normal) THEN
                PERFORM clinic_private.refuse_argument(checked_identifier.value_argument, 'an ABHA number has 14 digits, of which the last is the check digit', hint => 'Write it like 91-1234-5678-9012.');
            END IF;
            checked_identifier.form := 'exact';
            checked_identifier.is_unique := true;
        WHEN checked_identifier.system = 'abha_address' THEN
            checked_identifier.normal := lower(given);
            IF checked_identifier.normal !~ '^[a-z0-9](?:[a-z0-9]|[._](?=[a-z0-9])){6,16}[a-z0-9]@(abdm|sbx)$' THEN
                PERFORM clinic_private.refuse_argument(checked_identifier.value_argument, 'an ABHA address has 8 to 18 letters and digits, a dot or an underscore in between, and @abdm', hint => 'Write it like asha.rao1984@abdm.');
            END IF;
            checked_identifier.form := 'exact';
            checked_identifier.is_unique := true;
        WHEN checked_identifier.system ~ '^(national|insurance|external):[a-z0-9][a-z0-9_./-]{0,79}$' THEN
            -- Spaces and hyphens are for people.
            checked_identifier.normal := regexp_replace(upper(given), '[\s-]', '', 'g');
            IF checked_identifier.normal = '' THEN
                PERFORM clinic_private.refuse_argument(checked_identifier.value_argument, 'value must have letters or digits');
            END IF;
            checked_identifier.form := 'exact';
            checked_identifier.is_unique := checked_identifier.system !~ '^insurance:';
        ELSE
            PERFORM clinic_private.refuse_argument(checked_identifier.system_argument, 'system must be abha_number, abha_address, or national:, insurance: or external: and a name',
                hint => 'Write it like national:passport, insurance:star_health or external:old_system.');
    END CASE;
END
$$;
COMMENT ON FUNCTION clinic_private.checked_identifier(text, text, text, text) IS
    'An identifier as it is kept and found again, and whether no two patients may have the same: one policy insures a family. Errors: 22023; none shows the value.';

CREATE FUNCTION clinic_private.checked_health_item(kind text, item jsonb)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    today date := clinic_private.today_in('Etc/UTC');
    checked jsonb := clinic_private.checked_object(checked_health_item.kind, checked_health_item.item, CASE checked_health_item.kind
        WHEN 'allergy' THEN '{allergen text 100 !,reaction text 500,severity text 20 !,onset_on date,verified_by uuid,note text 1000}'
        WHEN 'condition' THEN '{name text 200 !,code text 50,code_system text 100,onset_on date,ended_on date,note text 1000}'
        WHEN 'medication' THEN '{name text 200 !,dosage text 100,frequency text 100,from_on date,until_on date,note text 1000}' END);
BEGIN
    IF checked ->> 'severity' NOT IN ('mild', 'moderate', 'severe', 'life_threatening') THEN
        PERFORM clinic_private.refuse_argument('allergy.severity', 'allergy.severity must be mild, moderate, severe or life_threatening');
    END IF;
    IF (checked ->> 'onset_on')::date > today + 1 THEN
        PERFORM clinic_private.refuse_argument(checked_health_item.kind || '.onset_on', 'onset_on must not lie in the future');
    END IF;
    IF (checked ->> 'ended_on')::date < (checked ->> 'onset_on')::date THEN
        PERFORM clinic_private.refuse_argument(checked_health_item.kind || '.ended_on', 'ended_on is before onset_on');
    END IF;
    IF (checked ->> 'until_on')::date < (checked ->> 'from_on')::date THEN
        PERFORM clinic_private.refuse_argument(checked_health_item.kind || '.until_on', 'until_on is before from_on');
    END IF;
    RETURN checked;
END
$$;
COMMENT ON FUNCTION clinic_private.checked_health_item(text, jsonb) IS 'An allergy, condition or medication, checked. Errors name the field, as in allergy.severity: 22004, 22023.';

CREATE FUNCTION clinic_private.checked_details(patient_id uuid, changes jsonb)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic.current_tenant_id();
    given jsonb := checked_details.changes;
    part jsonb;
BEGIN
    IF jsonb_typeof(given -> 'address') = 'object' THEN
        given := jsonb_set(given, '{address}', clinic_private.checked_object('address', given -> 'address',
            '{line1 text 200,line2 text 200,city text 100,district text 100,state text 100,postal_code text 20,country country 2}'));
    END IF;
    IF jsonb_typeof(given -> 'emergency_contact') = 'object' THEN
        part := clinic_private.checked_object('emergency_contact', given -> 'emergency_contact',
            '{name text 200 !,relationship text 60,phone text 40 !}');
        part := jsonb_set(part, '{phone}', to_jsonb(clinic_private.normal_identifier('phone',
            clinic_private.international_phone(part ->> 'phone', clinic_private.country_for_patient(tenant, checked_details.patient_id)), 'emergency_contact.phone')));
        given := jsonb_set(given, '{emergency_contact}', part);
    END IF;
    IF upper(given ->> 'blood_group') !~ '^(A|B|AB|O)[+-]$' THEN
        PERFORM clinic_private.refuse_argument('blood_group', 'blood_group must be A+, A-, B+, B-, AB+, AB-, O+ or O-');
    END IF;
    IF given ->> 'blood_group' IS NOT NULL THEN
        given := jsonb_set(given, '{blood_group}', to_jsonb(upper(given ->> 'blood_group')));
    END IF;
    RETURN given;
END
$$;
COMMENT ON FUNCTION clinic_private.checked_details(uuid, jsonb) IS 'address, emergency_contact and blood_group, checked. Errors name the field: 22004, 22023.';

REVOKE ALL ON FUNCTION clinic_private.checked_object, clinic_private.is_plain_date, clinic_private.calling_code, clinic_private.country_for_patient,
    clinic_private.international_phone, clinic_private.is_verhoeff, clinic_private.checked_identifier, clinic_private.checked_health_item,
    clinic_private.checked_details FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.checked_object, clinic_private.is_plain_date, clinic_private.calling_code, clinic_private.country_for_patient,
    clinic_private.international_phone, clinic_private.is_verhoeff, clinic_private.checked_identifier, clinic_private.checked_health_item,
    clinic_private.checked_details TO clinic_owner;
