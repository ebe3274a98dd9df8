"""A stand-in for Resend's API, as far as usher can see: POST /emails with idempotency keys that are
kept for a while, GET /emails newest first, keys that may only send.

    with ResendSink() as sink:     sink.url, sink.mails, sink.log
        sink.restricted = True     the key may send and nothing else
        sink.forget_keys()         a day is over
"""
import datetime
import json

from sinks import GARBAGE, Answer, HttpSink


def limit(name, **more):
    """A 429, of which there are three kinds."""
    return Answer(429, {"statusCode": 429, "name": name, "message": "slow down"}, **more)


class ResendSink(HttpSink):
    def __init__(self):
        super().__init__()
        self.mails = []
        self.garble = 0  # so many mails are taken, and a proxy's page is the answer
        self.keys = {}  # Idempotency-Key -> (body, id)
        self.restricted = False

    def forget_keys(self):
        with self.lock:
            self.keys.clear()

    @staticmethod
    def error(status, name):
        return Answer(status, {"statusCode": status, "name": name, "message": "no"})

    def _act(self, request, path, tree):
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not given:
            return self.error(401, "missing_api_key")
        if self.key is not None and given != self.key:
            return self.error(403, "invalid_api_key")
        if path.path != "/emails":
            return self.error(404, "not_found")
        if request.command == "GET":
            return self.error(401, "restricted_api_key") if self.restricted else self._list()
        return self._send(request.headers.get("Idempotency-Key"), tree)

    def _list(self):
        rows = [{k: m[k] for k in ("id", "to", "subject", "created_at")} for m in self.mails]
        return Answer(200, {"object": "list", "has_more": False, "data": rows[::-1][:100]})

    def _send(self, key, tree):
        if not tree.get("from") or not tree.get("to") or not tree.get("subject"):
            return self.error(422, "missing_required_field")
        body = json.dumps(tree, sort_keys=True)
        if key in self.keys:
            before, number = self.keys[key]
            if before != body:
                return self.error(409, "invalid_idempotent_request")
            return Answer(200, {"id": number})
        number = f"email_{self._new_id()}"
        now = datetime.datetime.now(datetime.timezone.utc)
        self.mails.append({**tree, "id": number, "key": key,
                           "created_at": now.strftime("%Y-%m-%d %H:%M:%S.%f+00")})
        self.keys[key] = (body, number)
        if self.garble > 0:
            self.garble -= 1
            return GARBAGE
        return Answer(200, {"id": number})
