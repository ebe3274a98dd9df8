"""The other payment providers' side of the door: their signatures, headers, and bodies of theirs.

body(folder, name, who)    the bytes of tests/fixtures/FOLDER/NAME.json, told of somebody else and of
                           the last hour: a month of the fixture is some twenty minutes here, so that
                           nothing lies in the future and no mail is too old to be sent
paddle, lemonsqueezy, standard, svix
                           the headers of a body under a secret, as each of them signs
post(port, ...)            to a source's own path; headers are a dict, or pairs where one is doubled
"""
import base64
import hashlib
import hmac
import http.client
import json
import re
import time
from datetime import datetime, timezone

import kit

FIXTURES = kit.ROOT / "tests" / "fixtures"
BEGIN = 1790848800  # 2026-10-01T10:00:00Z, when Ada of the fixtures joins
HOUR, SQUEEZE = 3600, 2000
ISO = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?Z$")


def moved(seconds, now):
    return now - HOUR + (seconds - BEGIN) / SQUEEZE


def retold(value, who, now):
    """The value with its times moved and its person replaced, ids and all."""
    if isinstance(value, dict):
        return {key: retold(inner, who, now) for key, inner in value.items()}
    if isinstance(value, list):
        return [retold(inner, who, now) for inner in value]
    if isinstance(value, str):
        iso = ISO.match(value)
        if iso:
            at = datetime.fromisoformat(iso.group(1)).replace(tzinfo=timezone.utc).timestamp()
            when = datetime.fromtimestamp(moved(at + float(iso.group(2) or 0), now), timezone.utc)
            return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return value.replace("ada", who)
    if isinstance(value, int) and not isinstance(value, bool) and value > 10 ** 12:
        return int(moved(value / 1000, now) * 1000)
    return value


def body(folder, name, who="ada", now=None):
    with open(FIXTURES / folder / f"{name}.json", encoding="utf-8") as file:
        return json.dumps(retold(json.load(file), who, now or time.time())).encode()


def digest(key, data):
    return hmac.new(key, data, hashlib.sha256)


def paddle(data, secret, _id=None, at=None):
    at = int(time.time() if at is None else at)
    mac = digest(secret.encode(), b"%d:" % at + data).hexdigest()
    return {"Paddle-Signature": f"ts={at};h1={mac}"}


def lemonsqueezy(data, secret, _id=None, _at=None):
    name = json.loads(data)["meta"]["event_name"]
    return {"X-Signature": digest(secret.encode(), data).hexdigest(), "X-Event-Name": name}


def standard(data, secret, id_, at=None, prefix="webhook"):
    at = int(time.time() if at is None else at)
    key = (base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_")
           else secret.encode())
    mac = digest(key, f"{id_}.{at}.".encode() + data).digest()
    return {f"{prefix}-id": id_, f"{prefix}-timestamp": str(at),
            f"{prefix}-signature": "v1," + base64.b64encode(mac).decode()}


def svix(data, secret, id_, at=None):
    return standard(data, secret, id_, at, "svix")


def post(port, data, headers, source="", timeout=30):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        path = "/api/webhooks/payment" + (f"/{source}" if source else "")
        connection.putrequest("POST", path)
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(data)))
        for name, value in headers.items() if isinstance(headers, dict) else headers:
            connection.putheader(name, value)
        connection.endheaders(data)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
