#!/usr/bin/env python3
"""Verifies an exported audit trail (docs/audit.md) with Python's standard library alone: the same as the program beside it,
written once more from the description, so that one error of ours doesn't hide another.

    verify.py FILE [PUBLIC_KEY]...

Ends with 0 if the file is whole, 1 if it is not. Without a key it believes those in the file, and says so.
"""

import hashlib
import json
import re
import sys
from datetime import datetime, timedelta, timezone

sha256 = lambda *parts: hashlib.sha256(b"".join(parts)).digest()

# ---- Ed25519, verifying only (RFC 8032, section 5.1.7). Slow, and nothing here is secret. ------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(k, point):
    sum_ = (0, 1, 1, 0)
    while k:
        if k & 1:
            sum_ = add(sum_, point)
        point, k = add(point, point), k >> 1
    return sum_


def x_of(y, odd):
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and odd):
        return None
    return P - x if x & 1 != odd else x


def point(raw):
    y = int.from_bytes(raw, "little")
    odd, y = y >> 255, y & (2**255 - 1)
    x = x_of(y, odd) if y < P else None
    return None if x is None else (x, y, 1, x * y % P)


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = (x_of(BASE_Y, 0), BASE_Y, 1, x_of(BASE_Y, 0) * BASE_Y % P)


def signed(key, text, signature):
    if len(key) != 32 or len(signature) != 64:
        return False
    a, r, s = point(key), point(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + text).digest(), "little") % ORDER
    left, right = times(s, BASE), add(r, times(k, a))
    same = lambda i: (left[i] * right[2] - right[i] * left[2]) % P == 0
    return same(0) and same(1)


# ---- The file ----------------------------------------------------------------------------------------------------------

FIELDS = {
    "key": {"id", "public_key"},
    "begin": {"chain", "head"},
    "entry": {"n", "at", "actor", "action", "entity", "detail", "row_hash", "chain_hash"},
    "head": {"tenant", "chain", "serial", "n", "hash", "at", "previous", "key", "signature"},
    "end": {"chain", "n", "hash"},
}


class Fault(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Fault(what)


def once(pairs):
    need(len({name for name, _ in pairs}) == len(pairs), "a field stands twice")
    return dict(pairs)


def raw(text):
    need(isinstance(text, str) and re.fullmatch("([0-9a-f]{2})*", text), "no hexadecimal digits")
    return bytes.fromhex(text)


def micros(text):
    form = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
    need(isinstance(text, str) and re.fullmatch(form, text, re.ASCII), "no time")
    at = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    return (at - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)


def check_head(head, tenant, chain, keys):
    need(set(head) == FIELDS["head"] and all(type(head[f]) is int and head[f] >= 0 for f in ("serial", "n")), "no head")
    need((head["tenant"], head["chain"]) == (tenant, chain), "a head of another tenant or chain")
    raw(head["hash"]), raw(head["previous"])
    text = "|".join(str(part) for part in ("vioconcierge-audit-head-1", tenant, chain, head["serial"], head["n"],
                                           head["hash"], micros(head["at"]), head["previous"], head["key"])).encode()
    proven = head["key"] in keys
    if proven:
        need(signed(keys[head["key"]], text, raw(head["signature"])), f"head {head['serial']} was not signed as it stands")
    return sha256(text).hex(), proven


def verify(lines, trusted):
    first = json.loads(next(lines, "null"), object_pairs_hook=once)
    need(isinstance(first, dict) and set(first) == {"audit", "version", "tenant"}, "no export")
    need((first["audit"], first["version"]) == ("vioconcierge", 1), "no export of version 1")
    tenant, chain, seen = first["tenant"], None, []
    keys = {sha256(key).hex()[:16]: key for key in trusted}
    for line in lines:
        value = json.loads(line, object_pairs_hook=once)
        need(isinstance(value, dict) and len(value) == 1, "no line of an export")
        (kind, value), = value.items()
        need(kind in FIELDS and isinstance(value, dict) and set(value) == FIELDS[kind], "no line of an export")
        if kind == "key":
            need(chain is None and not seen, "a key does not belong here")
            key = raw(value["public_key"])
            need(len(key) == 32 and sha256(key).hex()[:16] == value["id"], "the key has another name than its own")
            if not trusted:
                keys[value["id"]] = key
        elif kind == "begin":
            need(chain is None and len(seen) < 2 and value["chain"] == ("changes", "accesses")[len(seen)], "this chain does not belong here")
            chain, head, n, last, serial, digest, proven, sealed = value["chain"], value["head"], 0, b"", 0, "", True, 0
            if head is not None:
                digest, proven = check_head(head, tenant, chain, keys)
                n, last, serial, sealed = head["n"], raw(head["hash"]), head["serial"], head["n"]
        elif kind == "entry":
            need(chain is not None, "an entry does not belong here")
            need(type(value["n"]) is int and value["n"] == n + 1, f"entry {value['n']} follows entry {n}")
            words = [tenant, chain, str(value["n"]), str(micros(value["at"])), value["actor"], value["action"], value["entity"]]
            need(all(isinstance(word, str) and "|" not in word for word in words) and len(value["entity"]) == 36, "not what was written")
            row = sha256("|".join(words).encode(), raw(value["detail"]))
            need(row.hex() == value["row_hash"], f"entry {n + 1} is not what was written")
            n, last = n + 1, sha256(last, row)
            need(last.hex() == value["chain_hash"], f"entry {n} does not continue the one before it")
        elif kind == "head":
            need(chain is not None, "a head does not belong here")
            need((value["serial"], value["previous"]) == (serial + 1, digest), f"head {value['serial']} does not continue head {serial}")
            need((value["n"], value["hash"]) == (n, last.hex()), f"head {value['serial']} is of other entries")
            digest, proven = check_head(value, tenant, chain, keys)
            serial, sealed = value["serial"], n
        else:
            need((value["chain"], value["n"], value["hash"]) == (chain, n, last.hex()), "the chain ends elsewhere than it says")
            need(sealed == n, f"no head covers what follows entry {sealed}")
            need(proven, f"head {serial} is signed by a key that you don't trust")
            seen.append(f"{chain} to entry {n}, head {serial}")
            chain = None
    need(chain is None and len(seen) == 2, "the file ends before its time")
    return f"tenant {tenant}: {'; '.join(seen)}"


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    at = 0

    def counted(file):
        nonlocal at
        for at, line in enumerate(file, 1):
            yield line

    try:
        trusted = [bytes.fromhex(key) for key in sys.argv[2:]]
        with open(sys.argv[1], encoding="utf-8", newline="\n") as file:
            told = verify(counted(file), trusted)
    except (Fault, ValueError, KeyError, TypeError) as fault:
        print(f"NOT WHOLE: line {at}: {fault}", file=sys.stderr)
        return 1
    print("whole:", told, "" if trusted else "(signed by keys that the file itself names)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
