#!/usr/bin/env python3
"""Changes every bit of every hash and every field of exports of the audit, and expects tools/verify_audit.py to find each.

    audit_flips.py VERIFIER INCLUSION.json CONSISTENCY.json KEPT_HEAD.json [PURGE.json]
"""
import copy
import importlib.util
import json
import sys

sys.dont_write_bytecode = True
spec = importlib.util.spec_from_file_location("verify_audit", sys.argv[1])
verifier = importlib.util.module_from_spec(spec)
spec.loader.exec_module(verifier)
inclusion, consistency, kept = (json.load(open(name, encoding="utf-8")) for name in sys.argv[2:5])

# Signatures are slow to check, and have a test of their own.
real = verifier.ed25519_verifies
key = bytes.fromhex(kept["public_key"])
checker = verifier.Checker(key, verifier.kept_head(key, kept))
known = {}
verifier.ed25519_verifies = lambda *a: known.setdefault(a, real(*a) if len(known) < 40 else False)

# As they are, they are good.
purges = [json.load(open(name, encoding="utf-8")) for name in sys.argv[5:]]
for proof in (inclusion, consistency, *purges):
    checker.check(proof)
missed = []


def found(thing, what):
    try:
        checker.check(thing)
        missed.append(what)
    except (verifier.Wrong, verifier.Unreadable):
        pass


def flips(text):
    data = bytes.fromhex(text)
    for bit in range(8 * len(data)):
        yield (data[:bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1:]).hex()


for proof in (inclusion, consistency):
    for i, text in enumerate(proof["path"]):
        for other in flips(text):
            changed = copy.deepcopy(proof)
            changed["path"][i] = other
            found(changed, "path %d" % i)
    for length in range(len(proof["path"])):
        changed = copy.deepcopy(proof)
        del changed["path"][length]
        found(changed, "a shorter path")
    changed = copy.deepcopy(proof)
    changed["path"].append(proof["head"]["root_hash"])
    found(changed, "a longer path")
    for name in ("root_hash", "public_key", "key_id", "signature"):
        for n, other in enumerate(flips(proof["head"][name])):
            if name == "root_hash" or n % 16 == 0:
                changed = copy.deepcopy(proof)
                changed["head"][name] = other
                found(changed, "head " + name)
    for name, other in (("tree_size", proof["head"]["tree_size"] + 1), ("sealed_at", "2020-01-01T00:00:00.000000Z"),
                        ("tenant_id", "00000000-0000-0000-0000-000000000000"), ("signature", None)):
        changed = copy.deepcopy(proof)
        changed["head"][name] = other
        found(changed, "head " + name)
for name, value in inclusion["record"].items():
    others = [None] if value is not None else ["0" * 32 if name in ("salt",) else "1"]
    if isinstance(value, str) and name not in ("tenant_id",):
        others.append(value[:-1] + ("0" if value[-1] != "0" else "1"))
    if isinstance(value, list):
        others += [[], value + value]
    for other in others:
        changed = copy.deepcopy(inclusion)
        changed["record"][name] = other
        found(changed, "record " + name)
    changed = copy.deepcopy(inclusion)
    del changed["record"][name]
    found(changed, "record without " + name)
for position in range(0, inclusion["head"]["tree_size"] + 2):
    if position != inclusion["position"]:
        changed = copy.deepcopy(inclusion)
        changed["position"] = position
        found(changed, "position %d" % position)


# Whatever is changed in what is left of purged records, in the record of the purge, in the path from one head to the other.
def changes(value):
    if isinstance(value, str):
        yield value[:-1] + ("0" if value[-1:] != "0" else "1")
    elif isinstance(value, int):
        yield value + 1
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield value[:i] + value[i + 1:]
            for other in changes(item):
                yield value[:i] + [other] + value[i + 1:]
    elif isinstance(value, dict):
        for name, item in value.items():
            for other in changes(item):
                yield dict(value, **{name: other})


for proof in purges:
    for name in ("position", "path", "record", "consistency", "purged"):
        for other in changes(proof[name]):
            found(dict(proof, **{name: other}), "purge " + name)
    found(dict(proof, aged_head=proof["head"]), "purge by a young head")
    found(dict(proof, aged_head=dict(proof["aged_head"], signature=None)), "purge by a head that is not signed")
    for name in proof:
        if name != "period":
            found({n: value for n, value in proof.items() if n != name and n != "kind"}, "purge without " + name)
print("\n".join("missed: " + m for m in missed) if missed else "all found")
