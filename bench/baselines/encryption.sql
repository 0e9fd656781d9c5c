-- AES-256-CBC and then HMAC-SHA-256 over it, as people combine them of pgcrypto.
CREATE FUNCTION bench.seal(plaintext text, key bytea, mac_key bytea) RETURNS bytea LANGUAGE sql VOLATILE AS $$
    SELECT s.iv || s.body || hmac(s.iv || s.body, mac_key, 'sha256')
      FROM (SELECT r.iv, encrypt_iv(convert_to(plaintext, 'UTF8'), key, r.iv, 'aes-cbc') AS body FROM (SELECT gen_random_bytes(16) AS iv OFFSET 0) r OFFSET 0) s
$$;
CREATE FUNCTION bench.unseal(sealed bytea, key bytea, mac_key bytea) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN hmac(substr(sealed, 1, length(sealed) - 32), mac_key, 'sha256') = substr(sealed, length(sealed) - 31)
                THEN convert_from(decrypt_iv(substr(sealed, 17, length(sealed) - 48), key, substr(sealed, 1, 16), 'aes-cbc'), 'UTF8') END
$$;
