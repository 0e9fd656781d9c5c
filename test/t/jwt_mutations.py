#!/usr/bin/env python3
"""No mutation of a valid token verifies, and all that a refusal says is that the token is not valid.

Makes valid tokens of every algorithm, mutates them as text, as bytes and as JSON, and asks the server about each. Speaks
TAP. JWT_MUTATIONS is how many, JWT_SEED where the randomness begins. Needs a server at PGHOST and PGPORT.
"""
import base64
import hashlib
import hmac
import json
import os
import random
import subprocess
import time

MUTATIONS = int(os.environ.get("JWT_MUTATIONS", "8000"))
SEED = int(os.environ.get("JWT_SEED", "1"))
DATABASE = "jwt_mutations"
SECRET = bytes(range(32))
TENANT = "70cec000-0000-7000-8000-000000000001"
USER = "70cec000-0000-7000-8000-0000000000aa"
SESSION = "70cec000-0000-7000-8000-0000000000cc"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

SETUP = f"""
SET client_min_messages = warning;
CREATE EXTENSION pg_clinic CASCADE;
CALL clinic.install();
SELECT clinic.create_tenant('north', 'North', tenant_id => '{TENANT}');
SELECT clinic.create_signing_key('RS256', 'i', 'a');
SELECT clinic.add_token_key('hs', 'HS256', '{base64.urlsafe_b64encode(SECRET).decode().rstrip("=")}', 'i', 'a');
CREATE TABLE mutants (token text);
CREATE FUNCTION judge(token text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    facts text;
    help text;
BEGIN
    PERFORM FROM clinic_private.verify_token(token);
    RETURN 'verified';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS facts = PG_EXCEPTION_DETAIL, help = PG_EXCEPTION_HINT;
    RETURN concat_ws('|', SQLSTATE, SQLERRM, facts, help);
END
$$;
"""
SIGN = f"SELECT clinic_private.sign_access_token('{TENANT}', '{USER}', '{SESSION}', '1 day');"
REFUSED = '28000|the token is not valid|{"reason": "invalid_token"}|Sign in again.'


def psql(text, database=DATABASE):
    done = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database], input=text, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit("Bail out! " + done.stderr)
    return done.stdout.splitlines()


def encode(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def hs_token():
    claims = {"sub": USER, "tenant_id": TENANT, "iss": "i", "aud": ["a", "b"], "exp": int(time.time()) + 86400, "jti": "x"}
    part = encode(b'{"alg":"HS256","kid":"hs"}') + "." + encode(json.dumps(claims).encode())
    return part + "." + encode(hmac.new(SECRET, part.encode(), hashlib.sha256).digest())


class Mutator:
    def __init__(self, originals):
        self.random = random.Random(SEED)
        self.originals = originals

    def one(self):
        token = self.random.choice(self.originals)
        for _ in range(self.random.choice([1, 1, 1, 2, 3])):
            token = self.random.choice([self.letters, self.letters, self.bits, self.last_bits, self.json_text, self.claims, self.header,
                                        self.splice])(token)
        return token

    def letters(self, token):
        """Replaces, adds, removes or doubles letters."""
        at = self.random.randrange(len(token) + 1)
        end = min(len(token), at + self.random.choice([0, 1, 1, 1, 4, 30]))
        new = "".join(self.random.choice(LETTERS + ".=+/ {}") for _ in range(self.random.choice([0, 1, 1, 2, 5])))
        return token[:at] + self.random.choice([new, new, token[at:end] * 2]) + token[end:]

    def last_bits(self, token):
        """Changes the bits of a part's last letter: some of them belong to no byte."""
        parts = token.split(".")
        which = self.random.randrange(len(parts))
        last = LETTERS.find(parts[which][-1:] or ".")
        if last >= 0:
            parts[which] = parts[which][:-1] + LETTERS[last ^ self.random.choice([1, 2, 3, 4, 8, 12])]
        return ".".join(parts)

    def part(self, token, change, which=None):
        """Changes the bytes of one part; a part that is no base64 any more stays."""
        parts = token.split(".")
        which = self.random.randrange(len(parts)) if which is None else which % len(parts)
        try:
            parts[which] = encode(change(decode(parts[which])))
        except (ValueError, TypeError, AttributeError):
            return token + self.random.choice(LETTERS)
        return ".".join(parts)

    def bits(self, token):
        def change(data):
            data = bytearray(data)
            for _ in range(self.random.choice([1, 1, 2, 8])):
                if data:
                    data[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)
            return bytes(data)
        return self.part(token, change)

    def json_text(self, token):
        """Adds a member, or white space, in the text of header or payload."""
        def change(data):
            text = data.decode()
            extra = self.random.choice(['"alg":"none"', '"kid":"hs"', f'"sub":"{SESSION}"', '"exp":9999999999', '"role":"postgres"', '"x":1', '"jwk":{}'])
            return self.random.choice([text[:1] + extra + "," + text[1:], text[:-1] + "," + extra + text[-1:], " " + text, text + "\n"]).encode()
        return self.part(token, change, self.random.randrange(2))

    def edit(self, token, which, edits):
        def change(data):
            value = json.loads(data)
            value.update(self.random.choice(edits))
            return json.dumps(value).encode()
        return self.part(token, change, which)

    def claims(self, token):
        return self.edit(token, 1, [{"sub": SESSION}, {"tenant_id": USER}, {"exp": 9999999999}, {"exp": None}, {"aud": "a"}, {"jti": "y"}, {"sid": USER}])

    def header(self, token):
        return self.edit(token, 0, [{"alg": a} for a in ("none", "None", "HS256", "ES256", "RS256", "PS256", "")] +
                         [{"kid": "hs"}, {"kid": ""}, {"crit": []}, {"jku": "https://evil.example"}, {"typ": "JWT"}, {"typ": "x"}])

    def splice(self, token):
        """Takes one part of another token, or none."""
        parts = token.split(".")
        which = self.random.randrange(len(parts))
        other = self.random.choice(self.originals).split(".")
        parts[which] = self.random.choice([other[which % 3], "", encode(bytes(len(parts[which]) * 3 // 4))])
        return ".".join(parts)


def main():
    psql(f"DROP DATABASE IF EXISTS {DATABASE};\nCREATE DATABASE {DATABASE};", "postgres")
    failures = 0

    def check(number, good, what, found=()):
        nonlocal failures
        failures += not good
        print(("ok" if good else "not ok"), number, "-", what)
        for line in list(found)[:20]:
            print("#", line)

    try:
        psql(SETUP)
        originals = psql(SIGN * 3) + psql("SELECT clinic.create_signing_key('ES256', 'i', 'a');" + SIGN * 5)[1:] + [hs_token()]
        quoted = ", ".join(f"('{t}')" for t in originals)
        good = f"SELECT judge(t) FROM (VALUES {quoted}) AS v (t);"
        algorithms = {json.loads(decode(t.split(".")[0]))["alg"] for t in originals}
        check(1, algorithms == {"HS256", "RS256", "ES256"} and set(psql(good)) == {"verified"}, f"{len(originals)} tokens verify", psql(good))

        mutator = Mutator(originals)
        mutants = set()
        while len(mutants) < MUTATIONS:
            mutants.add(mutator.one())
        mutants -= set(originals)
        rows = "\n".join(t.replace("\\", "\\\\").replace("\n", "\\n") for t in sorted(mutants))
        # In the session that has just found the tokens right, so that nothing it remembers of them helps a mutation.
        found = psql(f"COPY mutants FROM STDIN;\n{rows}\n\\.\nSELECT count(*) FROM mutants;\nDO $$ BEGIN PERFORM {good[7:-1]}; END $$;\n"
                     f"SELECT judge(token) || ' : ' || token FROM mutants WHERE judge(token) <> $${REFUSED}$$;")
        check(2, int(found[0]) == len(mutants) >= MUTATIONS * 9 // 10, f"{len(mutants)} mutations were tried")
        check(3, len(found) == 1, "every one is refused, with one error that says nothing", found[1:])
        check(4, set(psql(good)) == {"verified"}, "the tokens still verify")
    finally:
        psql(f"DROP DATABASE {DATABASE};", "postgres")
    print("1..4")
    raise SystemExit(failures > 0)


main()
