#!/usr/bin/env python3
"""Checks exports of a sealed audit without the database, and without any of its code.

    tools/verify_audit.py [--key PUBLIC_KEY] [--head KEPT_HEAD.json] FILE...

A FILE (- for standard input) holds JSON objects, one after the other: heads (clinic.audit_head(), the file of
clinic.seal_export_file), proofs of inclusion (clinic.audit_inclusion_proof), of consistency (clinic.audit_consistency_proof) and of a
purge (clinic.audit_purge_proof).

  --key   the public key that must have signed every head, 64 hexadecimal digits, known from elsewhere. Without it a
          signature is checked against the key that the head itself names, which tells of damage, not of forgery.
  --head  a head that was kept elsewhere. A proof of consistency is checked to begin with it; a head of the same size must
          have the same root. A purge is held against it too: a log does not grow backwards in time.

Prints a line for each thing checked. Exit status: 0 when all of it holds, 1 when something does not, 2 for what cannot be read.
Needs Python 3.8 and its standard library. What it computes is described in docs/audit.md, RFC 6962, RFC 9162 and RFC 8032.
"""

import argparse
import base64
import datetime
import hashlib
import json
import sys
import uuid


class Wrong(Exception):
    """Something does not hold."""


class Unreadable(Exception):
    """The input is not what it should be."""


def sha256(data):
    return hashlib.sha256(data).digest()


def node(left, right):
    return sha256(b"\x01" + left + right)


# ---------------------------------------------------------------------------------------------------------------------
# Ed25519 (RFC 8032, section 6)

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)


def point_add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def point_mul(s, p):
    q = (0, 1, 1, 0)
    while s > 0:
        if s & 1:
            q = point_add(q, p)
        p = point_add(p, p)
        s >>= 1
    return q


def point_equal(p, q):
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0


def recover_x(y, sign):
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if x2 == 0:
        return None if sign else 0
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P != 0:
        x = x * SQRT_M1 % P
    if (x * x - x2) % P != 0:
        return None
    return P - x if (x & 1) != sign else x


def decompress(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = recover_x(BASE_Y, 0)
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def ed25519_verifies(public, message, signature):
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r = decompress(public), decompress(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    return point_equal(point_mul(s, BASE), point_add(r, point_mul(h, a)))


# ---------------------------------------------------------------------------------------------------------------------
# Reading

def member(thing, name, kind, optional=False):
    value = thing.get(name)
    if value is None and optional:
        return None
    if not isinstance(value, kind) or isinstance(value, bool):
        raise Unreadable("%r is missing or is no %s" % (name, kind.__name__))
    return value


def hexadecimal(text, length, name):
    try:
        data = bytes.fromhex(text)
    except ValueError:
        raise Unreadable("%r is not hexadecimal" % name)
    if len(data) != length:
        raise Unreadable("%r is not %d bytes" % (name, length))
    return data


def path_of(proof):
    return [hexadecimal(member({"hash": h}, "hash", str), 32, "path") for h in member(proof, "path", list)]


# ---------------------------------------------------------------------------------------------------------------------
# The leaf of a record

EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)


def as_uuid(value):
    return uuid.UUID(value).bytes


def as_number(value):
    return int(value).to_bytes(8, "big", signed=True)


def as_xid(value):
    return int(value).to_bytes(8, "big")


def instant(value):
    return datetime.datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc)


def as_instant(value):
    return as_number((instant(value) - EPOCH) // datetime.timedelta(microseconds=1))


def as_text(value):
    return value.encode()


def as_uuids(value):
    return len(value).to_bytes(4, "big") + b"".join(as_uuid(v) for v in value)


STUB = (
    ("tenant_id", as_uuid), ("audit_id", as_uuid), ("transaction_id", as_xid), ("recorded_at", as_instant), ("class", as_text),
    ("content_digest", bytes.fromhex))
CONTENT = (
    ("action", as_text), ("table_name", as_text), ("row_id", as_text), ("patient_id", as_uuid), ("user_id", as_uuid), ("actor", as_text),
    ("login", as_text), ("session_id", as_uuid), ("purpose", as_text), ("reason", as_text), ("request_id", as_text),
    ("client_address", as_text), ("peer_address", as_text), ("user_agent", as_text), ("application_name", as_text), ("before", as_text),
    ("after", as_text), ("row_ids", as_uuids), ("row_count", as_number), ("statement_id", as_number), ("salt", bytes.fromhex))


def form_of(record, columns):
    form = b"\x01"
    for name, encoded in columns:
        if name not in record:
            raise Unreadable("the record has no %r" % name)
        value = record[name]
        if value is None:
            form += b"\x00"
            continue
        try:
            data = encoded(value)
        except (ValueError, TypeError, AttributeError, OverflowError):
            raise Unreadable("%r of the record cannot be read" % name)
        form += b"\x01" + len(data).to_bytes(4, "big") + data
    return form


def leaf_of_stub(stub):
    return sha256(b"\x00" + form_of(stub, STUB))


def leaf_of(record):
    return leaf_of_stub(dict(record, content_digest=sha256(form_of(record, CONTENT)).hex()))


# ---------------------------------------------------------------------------------------------------------------------
# Proofs (RFC 9162, sections 2.1.3.2 and 2.1.4.2)

def root_by_inclusion(index, size, leaf, path):
    if not 0 <= index < size:
        raise Wrong("the position is not within the tree")
    fn, sn, r = index, size - 1, leaf
    for p in path:
        if sn == 0:
            raise Wrong("the path is too long")
        if fn & 1 or fn == sn:
            r = node(p, r)
            while fn & 1 == 0 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node(r, p)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise Wrong("the path is too short")
    return r


def check_consistency(first, second, first_root, second_root, path):
    if not 0 < first <= second:
        raise Wrong("the later log is shorter than the earlier one")
    if first == second:
        if path or first_root != second_root:
            raise Wrong("two heads of the same size have different roots")
        return
    if first & (first - 1) == 0:
        path = [first_root] + path
    if not path:
        raise Wrong("the proof is too short")
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            raise Wrong("the proof is too long")
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while fn & 1 == 0 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    if fr != first_root:
        raise Wrong("the log does not begin with the earlier one")
    if sr != second_root or sn != 0:
        raise Wrong("the proof does not lead to the later head")


# ---------------------------------------------------------------------------------------------------------------------
# How long records are kept where the log does not say otherwise

DEFAULT_MONTHS = {"medical": 84, "security": 72, "access": 12}
CLOCK_TOLERANCE = datetime.timedelta(minutes=5)


def months_before(at, months):
    month = at.year * 12 + at.month - 1 - months
    year, month = month // 12, month % 12 + 1
    for day in (at.day, 30, 29, 28):
        try:
            return at.replace(year=year, month=month, day=min(day, at.day))
        except ValueError:
            pass
    raise Wrong("the period is longer than time")


# ---------------------------------------------------------------------------------------------------------------------
# Checks

class Checker:
    def __init__(self, key, kept):
        self.key = key
        self.kept = kept

    def head(self, head):
        """Checks a head by itself; returns log, size and root."""
        log = str(uuid.UUID(member(head, "tenant_id", str)))
        size, root = member(head, "tree_size", int), hexadecimal(member(head, "root_hash", str), 32, "root_hash")
        name = "the head of log %s, %d records," % (log, size)
        text = "pg_clinic/audit/%s\n%d\n%s\nsealed_at %s\n" % (log, size, base64.b64encode(root).decode(), member(head, "sealed_at", str))
        signature = member(head, "signature", str, True)
        if signature is None:
            if self.key is not None:
                raise Wrong(name + " is not signed")
        else:
            public = hexadecimal(member(head, "public_key", str), 32, "public_key")
            if self.key is not None and public != self.key:
                raise Wrong(name + " is signed by another key")
            if sha256(public).hex() != member(head, "key_id", str):
                raise Wrong(name + " names a key_id that is not that of its public key")
            if not ed25519_verifies(public, text.encode(), hexadecimal(signature, 64, "signature")):
                raise Wrong(name + " has a wrong signature")
        if self.kept is not None and (log, size) == self.kept[:2] and root != self.kept[2]:
            raise Wrong(name + " has another root than the one kept of this size")
        return log, size, root

    def inclusion(self, proof):
        log, size, root = self.head(member(proof, "head", dict))
        record = self.record_in(proof, log, size, root)
        return "record %s is at position %d of the %d of log %s" % (record["audit_id"], proof["position"], size, log)

    def consistency(self, proof):
        log, size, root = self.head(member(proof, "head", dict))
        if self.kept is None:
            raise Unreadable("a proof of consistency needs --head, the earlier head")
        if log != self.kept[0]:
            raise Wrong("the head kept is of another log")
        if member(proof, "from_size", int) != self.kept[1]:
            raise Wrong("the proof is from %d, and the head kept of %d records" % (proof["from_size"], self.kept[1]))
        check_consistency(self.kept[1], size, self.kept[2], root, path_of(proof))
        return "log %s of %d records grew to %d" % (log, self.kept[1], size)

    def purge(self, proof):
        head, aged = member(proof, "head", dict), member(proof, "aged_head", dict)
        log, size, root = self.head(head)
        record = self.record_in(proof, log, size, root)
        if record["class"] != "retention" or record["action"] != "purge":
            raise Wrong("the record tells of no purge")
        told = member({"after": json.loads(member(record, "after", str))}, "after", dict)
        of_class, months = member(told, "class", str), member(told, "keep_months", int)
        purged_at = instant(record["recorded_at"])
        if purged_at > instant(head["sealed_at"]) + CLOCK_TOLERANCE:
            raise Wrong("the purge is dated after its seal")
        if of_class == "retention":
            raise Wrong("records of class retention are kept for ever")
        if months < max(12, self.period(proof.get("period"), log, size, root, of_class, purged_at, proof["position"])):
            raise Wrong("the class was kept for %d months only" % months)
        before = months_before(purged_at, months)
        leaves = self.leaves_of(proof, aged, (log, size, root), of_class, before)
        if len(leaves) != member(told, "record_count", int) or sha256(b"".join(leaves)).hex() != member(told, "leaves_digest", str):
            raise Wrong("what went is not what the purge tells of")
        return "purge %s of log %s took %d records of class %s, kept for %d months" % (record["row_id"], log, len(leaves), of_class, months)

    @staticmethod
    def record_in(proof, log, size, root):
        record = member(proof, "record", dict)
        if record.get("tenant_id") != log:
            raise Wrong("the record is of another log")
        if root_by_inclusion(member(proof, "position", int), size, leaf_of(record), path_of(proof)) != root:
            raise Wrong("the record is not in the log, or was changed")
        return record

    def period(self, proof, log, size, root, of_class, purged_at, position):
        """How long the class had to be kept, by the record that set it: that there is no later one is not proven."""
        months = DEFAULT_MONTHS.get(of_class, max(DEFAULT_MONTHS.values()))
        if proof is None:
            return months
        record = self.record_in(member({"period": proof}, "period", dict), log, size, root)
        if (record["class"], record["table_name"], record["row_id"]) != ("retention", "retention_classes", of_class):
            raise Wrong("the record sets no period of class " + of_class)
        if instant(record["recorded_at"]) > purged_at and proof["position"] > position:
            raise Wrong("the period was set after the purge")
        if record["action"] == "delete":
            return months
        return member({"after": json.loads(member(record, "after", str))}, "after", dict).get("keep_months", 1200)

    def leaves_of(self, proof, aged, later, of_class, before):
        """The leaves of the records that went: of the class, recorded and sealed long enough ago."""
        log, size, root = self.head(aged)
        if log != later[0]:
            raise Wrong("the older head is of another log")
        if aged.get("signature") is None and (self.kept is None or (log, size, root) != self.kept[:3]):
            raise Wrong("the head of log %s, %d records, is not signed, and so proves no time" % (log, size))
        sealed_at = instant(aged["sealed_at"])
        if sealed_at > before:
            raise Wrong("no head proves that the records were sealed long enough ago")
        if self.kept is not None and log == self.kept[0] and (size - self.kept[1]) * (sealed_at - self.kept[3]).total_seconds() < 0:
            raise Wrong("the head of log %s, %d records, is not of the time between those beside the one kept" % (log, size))
        check_consistency(size, later[1], root, later[2], path_of({"path": proof.get("consistency")}))
        leaves, last = [], -1
        for stub in member(proof, "purged", list):
            position, leaf = member(stub, "position", int), leaf_of_stub(dict(stub, tenant_id=log))
            if position <= last:
                raise Wrong("the records are not in the order they were sealed in")
            last = position
            if stub["class"] != of_class:
                raise Wrong("record %s was of another class" % stub["audit_id"])
            if instant(stub["recorded_at"]) >= before:
                raise Wrong("record %s went before its time" % stub["audit_id"])
            if root_by_inclusion(position, size, leaf, path_of(stub)) != root:
                raise Wrong("record %s was not in the log then, or something else is left of it" % stub["audit_id"])
            leaves.append(leaf)
        return leaves

    def check(self, thing):
        if not isinstance(thing, dict):
            raise Unreadable("no JSON object")
        try:
            if thing.get("kind") == "inclusion":
                return self.inclusion(thing)
            if thing.get("kind") == "consistency":
                return self.consistency(thing)
            if thing.get("kind") == "purge":
                return self.purge(thing)
            log, size, _ = self.head(thing)
        except (ValueError, KeyError, TypeError) as error:
            raise Unreadable(str(error))
        return "head of log %s, %d records, %s" % (log, size, "not signed" if thing.get("signature") is None else "signed")


def kept_head(key, head):
    return Checker(key, None).head(head) + (instant(member(head, "sealed_at", str)),)


def objects_in(text):
    decoder, at = json.JSONDecoder(), 0
    while True:
        while at < len(text) and text[at].isspace():
            at += 1
        if at == len(text):
            return
        thing, at = decoder.raw_decode(text, at)
        yield from thing if isinstance(thing, list) else [thing]


def read(name):
    if name == "-":
        return sys.stdin.read()
    with open(name, encoding="utf-8") as file:
        return file.read()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--key", help="the public key, 64 hexadecimal digits")
    parser.add_argument("--head", help="a file with a head that was kept elsewhere")
    parser.add_argument("files", nargs="+", metavar="FILE")
    options = parser.parse_args()
    status = 0
    try:
        key = None if options.key is None else hexadecimal(options.key, 32, "--key")
        kept = None if options.head is None else kept_head(key, next(objects_in(read(options.head))))
        checker = Checker(key, kept)
        count = 0
        for name in options.files:
            for thing in objects_in(read(name)):
                count += 1
                try:
                    print("good: " + checker.check(thing))
                except Wrong as wrong:
                    print("WRONG: %s" % wrong)
                    status = 1
        if count == 0:
            raise Unreadable("there is nothing to check")
    except Wrong as wrong:
        print("WRONG: %s" % wrong)
        return 1
    except (Unreadable, OSError, ValueError, StopIteration, RecursionError) as error:
        print("cannot be read: %s" % error, file=sys.stderr)
        return 2
    return status


if __name__ == "__main__":
    sys.exit(main())
