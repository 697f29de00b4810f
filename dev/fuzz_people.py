"""For dev/fuzz: signs in whoever asks, and tells which operations were served.

    fuzz_people.py sign-in BASE DEMO.JSON          three bearers, as lines for a shell
    fuzz_people.py served OPENAPI.JSON REPORT...   fails if an operation let nobody in
"""

import base64
import hashlib
import hmac
import json
import struct
import sys
import urllib.request
from datetime import datetime

# Answers of the door: nobody came to where the request is read.
DOOR = {401, 403, 429}


def ask(base, path, body, bearer=None):
    request = urllib.request.Request(base + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    if bearer:
        request.add_header("Authorization", f"Bearer {bearer}")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def code(secret, now):
    """RFC 6238."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(now) // 30), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


def sign_in(base, demo):
    with open(demo) as file:
        demo = json.load(file)
    password = demo["password"]
    bearers = {"key": demo["api_key"]}
    for who, email in (("admin", demo["admin_email"]), ("platform", demo["super_admin_email"])):
        signed = ask(base, "/v1/auth/sign-in", {"email": email, "password": password, "refresh_token": "body"})
        bearers[who] = signed["access_token"]
    # Nothing else is allowed before.
    proposed = ask(base, "/v1/me/second-factor", {"password": password}, bearers["platform"])
    # The demo's clock, which may be ahead of this machine's.
    now = datetime.fromisoformat(signed["expires_at"].replace("Z", "+00:00")).timestamp() - signed["expires_in"]
    confirm = {"code": code(proposed["secret"], now)}
    ask(base, "/v1/me/second-factor/confirm", confirm, bearers["platform"])
    for who, bearer in bearers.items():
        print(f"{who}={bearer}")


def statuses(event):
    """Of every exchange that a line of the report tells: its operation and the status of its answer."""
    recorder = event.get("ScenarioFinished", {}).get("recorder", {})
    for id, exchange in recorder.get("interactions", {}).items():
        case = recorder["cases"].get(id, {}).get("value")
        if case and exchange.get("response"):
            yield f"{case['method']} {case['path']}", exchange["response"]["status_code"]


def served(contract, reports):
    with open(contract) as file:
        paths = json.load(file)["paths"]
    operations = {f"{method.upper()} {path}": about for path, methods in paths.items() for method, about in methods.items()}
    told = {label: {} for label in operations}
    for report in reports:
        with open(report) as file:
            for line in file:
                for label, status in statuses(json.loads(line)):
                    if label in told:
                        told[label][status] = told[label].get(status, 0) + 1
    # What a browser reads isn't JSON, and a vendor's webhook needs its signature.
    closed = [
        label
        for label, of in told.items()
        if not set(of) - DOOR and "signature" not in json.dumps(operations[label].get("security", [])) and label.startswith(("GET /v1", "P", "D"))
    ]
    done = [label for label, of in told.items() if any(200 <= status < 300 for status in of)]
    print(f"    {len(done)} of {len(told)} operations succeeded for somebody; each of the others was asked and refused:")
    for label in sorted(set(told) - set(done) - set(closed)):
        print(f"      {label}: {', '.join(f'{status} {times} times' for status, times in sorted(told[label].items())) or 'not asked'}")
    for label in closed:
        print(f"    let nobody in: {label} {told[label]}")
    return 1 if closed else 0


if __name__ == "__main__":
    if sys.argv[1] == "sign-in":
        sign_in(*sys.argv[2:])
    else:
        sys.exit(served(sys.argv[2], sys.argv[3:]))
