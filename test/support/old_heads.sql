-- Makes the sealed log of a tenant as old as a test of retention needs it: pg_temp.age_log(tenant, by). Heads are dated back and signed
-- anew, by Ed25519 (RFC 8032) written down as its description says, with a key that only tests have or with the server's own.

CREATE FUNCTION pg_temp.ed_p() RETURNS numeric LANGUAGE sql IMMUTABLE AS $$ SELECT 57896044618658097711785492504343953926634992332820282019728792003956564819949 $$;
CREATE FUNCTION pg_temp.ed_l() RETURNS numeric LANGUAGE sql IMMUTABLE AS $$ SELECT 7237005577332262213973186563042994240857116359379907606001950938285454250989 $$;

-- Bytes are little-endian.
CREATE FUNCTION pg_temp.ed_number(bytes bytea) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    n numeric := 0;
BEGIN
    FOR i IN REVERSE length(bytes) - 1..0 LOOP
        n := n * 256 + get_byte(bytes, i);
    END LOOP;
    RETURN n;
END $$;
CREATE FUNCTION pg_temp.ed_bytes(n numeric) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    bytes bytea := decode(repeat('00', 32), 'hex');
BEGIN
    FOR i IN 0..31 LOOP
        bytes := set_byte(bytes, i, mod(n, 256)::integer);
        n := div(n, 256);
    END LOOP;
    RETURN bytes;
END $$;

-- Points are {x, y, z, t}, as in RFC 8032, section 5.1.4.
CREATE FUNCTION pg_temp.ed_add(a numeric[], b numeric[]) RETURNS numeric[] LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    m constant numeric := pg_temp.ed_p();
    d2 constant numeric := 16295367250680780974490674513165176452449235426866156013048779062215315747161; -- 2 d
    aa constant numeric := mod((m + a[2] - a[1]) * (m + b[2] - b[1]), m);
    bb constant numeric := mod((a[2] + a[1]) * (b[2] + b[1]), m);
    cc constant numeric := mod(mod(a[4] * d2, m) * b[4], m);
    dd constant numeric := mod(2 * a[3] * b[3], m);
    e constant numeric := m + bb - aa;
    f constant numeric := m + dd - cc;
    g constant numeric := dd + cc;
    h constant numeric := bb + aa;
BEGIN
    RETURN ARRAY[mod(e * f, m), mod(g * h, m), mod(f * g, m), mod(e * h, m)];
END $$;
CREATE FUNCTION pg_temp.ed_times_base(n numeric) RETURNS numeric[] LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    q numeric[] := '{0, 1, 1, 0}';
    power numeric[] := ARRAY[15112221349535400772501151409588531511454012693041857206046113283949847762202,
                             46316835694926478169428394003475163141307993866256225615783033603165251855960, 1,
                             46827403850823179245072216630277197565144205554125654976674165829533817101731];
BEGIN
    WHILE n > 0 LOOP
        IF mod(n, 2) = 1 THEN
            q := pg_temp.ed_add(q, power);
        END IF;
        power := pg_temp.ed_add(power, power);
        n := div(n, 2);
    END LOOP;
    RETURN q;
END $$;
CREATE FUNCTION pg_temp.ed_encoded(point numeric[]) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    m constant numeric := pg_temp.ed_p();
    exponent numeric := m - 2;
    power numeric := point[3];
    inverse numeric := 1;
    bytes bytea;
BEGIN
    WHILE exponent > 0 LOOP
        IF mod(exponent, 2) = 1 THEN
            inverse := mod(inverse * power, m);
        END IF;
        power := mod(power * power, m);
        exponent := div(exponent, 2);
    END LOOP;
    bytes := pg_temp.ed_bytes(mod(point[2] * inverse, m));
    RETURN set_byte(bytes, 31, get_byte(bytes, 31) + 128 * mod(mod(point[1] * inverse, m), 2)::integer);
END $$;
CREATE FUNCTION pg_temp.ed_scalar(seed bytea) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    bytes bytea := substr(sha512(seed), 1, 32);
BEGIN
    bytes := set_byte(bytes, 0, get_byte(bytes, 0) & 248);
    RETURN pg_temp.ed_number(set_byte(bytes, 31, get_byte(bytes, 31) & 127 | 64));
END $$;
CREATE FUNCTION pg_temp.ed_public(seed bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT pg_temp.ed_encoded(pg_temp.ed_times_base(pg_temp.ed_scalar(seed)))
$$;
CREATE FUNCTION pg_temp.ed_signature(seed bytea, public_key bytea, message bytea) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    l constant numeric := pg_temp.ed_l();
    r constant numeric := mod(pg_temp.ed_number(sha512(substr(sha512(seed), 33, 32) || message)), l);
    big_r constant bytea := pg_temp.ed_encoded(pg_temp.ed_times_base(r));
    k constant numeric := mod(pg_temp.ed_number(sha512(big_r || public_key || message)), l);
BEGIN
    RETURN big_r || pg_temp.ed_bytes(mod(r + k * pg_temp.ed_scalar(seed), l));
END $$;

-- All heads that there are, made older; signed by the key of the seed. As a superuser.
CREATE FUNCTION pg_temp.age_log(tenant uuid, by interval, seed bytea DEFAULT sha256('a key of tests')) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    public_key constant bytea := pg_temp.ed_public(seed);
    aged bigint;
BEGIN
    INSERT INTO clinic_data.audit_seal_keys (tenant_id, key_id, public_key, first_used_at)
    VALUES (tenant, encode(sha256(public_key), 'hex'), public_key, now() - by)
    ON CONFLICT DO NOTHING;
    ALTER TABLE clinic_data.audit_heads DISABLE TRIGGER "00_append_only";
    UPDATE clinic_data.audit_heads AS h
    SET sealed_at = h.sealed_at - by, key_id = encode(sha256(public_key), 'hex'),
        signature = pg_temp.ed_signature(seed, public_key,
            convert_to(clinic_private.head_text(h.tenant_id, h.tree_size, h.root_hash, h.sealed_at - by), 'UTF8'))
    WHERE h.tenant_id = tenant;
    GET DIAGNOSTICS aged = ROW_COUNT;
    ALTER TABLE clinic_data.audit_heads ENABLE ALWAYS TRIGGER "00_append_only";
    RETURN aged;
END $$;
