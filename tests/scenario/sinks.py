"""Targets that misbehave on command: an HTTP one that behaves as HubSpot's contacts and Zendesk's
tickets do as far as usher can see, and a mail server. Each keeps its own log of everything it was
sent, so that a test has a witness outside of the fleet.

    with HttpSink() as sink:                         sink.url
        sink.script(Answer(429, retry_after=1), LOST, path="/crm/")   the next two calls there
        sink.key = "new"                             every other key is refused from now on
        sink.down = True                             connections are refused
        sink.contacts, sink.tickets, sink.log

    with SmtpSink(tls=True, login=("user", "secret")) as sink:        sink.url, sink.ca
        sink.drop_after_dot = 1                      take the mail, then hang up without a 250
        sink.mails                                   [{"id", "to", "from", "text", "time"}]
"""
import base64
import email
import http.server
import json
import pathlib
import re
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


class Answer:
    """Instead of what the target would say."""

    def __init__(self, status=200, body=None, retry_after=None, headers=None, slow_s=0.0,
                 act=False, lost=False):
        self.status, self.body, self.headers = status, body, dict(headers or {})
        self.slow_s, self.act, self.lost = slow_s, act, lost
        if retry_after is not None:
            self.headers["Retry-After"] = str(retry_after)


LOST = Answer(act=True, lost=True)  # does it, and hangs up without an answer
GARBAGE = Answer(200, body=b"<html>a proxy's page</html>")
REDIRECT = Answer(302, headers={"Location": "http://127.0.0.1:9/elsewhere"})


class HttpSink:
    """One server for both targets; usher tells them apart by the path."""

    def __init__(self, options=("member", "payment-failed", "refunded", "trial", "vip")):
        self.key = None  # the only one that is taken; None: any
        self.down = False
        self.options = set(options)  # of the property usher_tags; None: there is no such property
        self.contacts = {}  # id -> properties
        self.tickets = {}  # id -> ticket
        self.log = []
        self.keys_seen = {}  # Idempotency-Key -> ticket id
        self.lock = threading.Lock()
        self._scripts = []
        self._next = 100
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_all(self):
                sink._handle(self)

            do_GET = do_POST = do_PUT = do_PATCH = handle_all

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def verify_request(self, *_):
                return not sink.down

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def script(self, *answers, path="", method=""):
        """The next calls to that path get these answers, in order."""
        with self.lock:
            self._scripts += [[path, method, answer] for answer in answers]

    def unscript(self):
        """As before any script()."""
        with self.lock:
            self._scripts.clear()

    def scripts_left(self):
        return len(self._scripts)

    def calls(self, method="", path=""):
        """What was sent, in order."""
        with self.lock:
            return [c for c in self.log if c["method"].startswith(method) and path in c["path"]]

    # --- one request

    def _handle(self, request):
        length = int(request.headers.get("Content-Length") or 0)
        body = request.rfile.read(length) if length else b""
        path = urllib.parse.urlsplit(request.path)
        tree = json.loads(body) if body else None
        record = {"time": time.monotonic(), "method": request.command, "path": request.path,
                  "body": tree, "raw": body, "headers": dict(request.headers), "status": None}
        with self.lock:
            self.log.append(record)
            scripted = self._take(request.command, request.path)
            answer = scripted
            if scripted is None or scripted.act:
                answer = self._act(request, path, tree)
            record["status"] = "lost" if scripted and scripted.lost else answer.status
        if scripted and scripted.slow_s:
            time.sleep(scripted.slow_s)
        if scripted and scripted.lost:
            request.close_connection = True
            request.connection.shutdown(socket.SHUT_RDWR)
            return
        self._say(request, answer)

    def _take(self, method, path):
        for row in self._scripts:
            if row[0] in path and method.startswith(row[1]):
                self._scripts.remove(row)
                return row[2]
        return None

    @staticmethod
    def _say(request, answer):
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        try:
            request.send_response(answer.status)
            for name, value in answer.headers.items():
                request.send_header(name, value)
            request.send_header("Content-Type", "application/json")
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)
        except OSError:
            pass  # usher did not wait

    def _act(self, request, path, tree):
        if self.key is not None and not self._key_taken(request.headers.get("Authorization", "")):
            return Answer(401, {"status": "error", "message": "expired", "category": "X"})
        if path.path.startswith("/crm/v3/objects/contacts"):
            return self._contacts(request.command, path, tree)
        if path.path.startswith("/api/v2/tickets"):
            return self._tickets(request, path, tree)
        if path.path.startswith("/api/v2/users/search"):
            return Answer(200, {"users": []})
        return Answer(404, {"error": "RecordNotFound"})

    def _key_taken(self, header):
        kind, _, value = header.partition(" ")
        if kind == "Basic":
            value = base64.b64decode(value).decode().partition(":")[2]
        return value == self.key

    def _new_id(self):
        self._next += 1
        return str(self._next)

    # --- HubSpot

    def _wrong_property(self, properties):
        value = properties.get("usher_tags")
        if self.options is None and value is not None:
            return "PROPERTY_DOESNT_EXIST: Property \"usher_tags\" does not exist"
        for option in filter(None, (value or "").split(";")):
            if option not in self.options:
                return f"INVALID_OPTION: {option} was not one of the allowed options of usher_tags"
        return None

    def _owner(self, address, but=None):
        for number, contact in self.contacts.items():
            if contact.get("email", "").lower() == address.lower() and number != but:
                return number
        return None

    def _contacts(self, method, path, tree):
        number = path.path.removeprefix("/crm/v3/objects/contacts").strip("/")
        if method == "GET" and not number:
            return Answer(200, {"results": []})
        if number and number not in self.contacts:
            return Answer(404, {"status": "error", "category": "OBJECT_NOT_FOUND",
                                "message": "resource not found"})
        if method == "GET":
            return Answer(200, {"id": number, "properties": self.contacts[number]})
        properties = tree["properties"]
        wrong = self._wrong_property(properties)
        if wrong:
            return Answer(400, {"status": "error", "category": "VALIDATION_ERROR",
                                "message": f"Property values were not valid: [{wrong}]"})
        owner = self._owner(properties.get("email", ""), number) if "email" in properties else None
        if owner:
            return Answer(409, {"status": "error", "category": "CONFLICT", "correlationId": "x",
                                "message": f"Contact already exists. Existing ID: {owner}"})
        if method == "POST":
            number = self._new_id()
            self.contacts[number] = {}
        self.contacts[number].update(properties)
        return Answer(201 if method == "POST" else 200,
                      {"id": number, "properties": self.contacts[number]})

    # --- Zendesk

    def _tickets(self, request, path, tree):
        rest = path.path.removeprefix("/api/v2/tickets").strip("/").removesuffix(".json")
        number, _, what = rest.partition("/")
        number = number.removesuffix(".json")
        if not number and request.command == "POST":
            return self._new_ticket(request, tree["ticket"])
        if not number:
            wanted = urllib.parse.parse_qs(path.query).get("external_id", [None])[0]
            found = [t for t in self.tickets.values() if t.get("external_id") == wanted]
            return Answer(200, {"tickets": found, "count": len(found)})
        if number not in self.tickets:
            return Answer(404, {"error": "RecordNotFound"})
        ticket = self.tickets[number]
        if what == "comments":
            return Answer(200, {"comments": ticket["comments"]})
        if what == "tags":
            ticket["tags"] = sorted(set(ticket["tags"]) | set(tree["tags"]))
            return Answer(200, {"tags": ticket["tags"]})
        comment = tree["ticket"].get("comment")
        if comment:
            ticket["comments"].append(comment)
        return Answer(200, {"ticket": ticket})

    def _new_ticket(self, request, wanted):
        key = request.headers.get("Idempotency-Key")
        if key in self.keys_seen:
            return Answer(201, {"ticket": self.tickets[self.keys_seen[key]]},
                          headers={"x-idempotency-lookup": "hit"})
        number = self.add_ticket(**{k: v for k, v in wanted.items() if k != "comment"})
        self.tickets[number]["comments"].append(wanted["comment"])
        if key:
            self.keys_seen[key] = number
        return Answer(201, {"ticket": self.tickets[number]},
                      headers={"x-idempotency-lookup": "miss"})

    def add_ticket(self, **fields):
        """A ticket that a customer opened."""
        number = self._new_id()
        self.tickets[number] = {"id": int(number), "tags": [], "comments": [], **fields}
        return number


# --- mail --------------------------------------------------------------------------------------


def self_signed(folder):
    """(certificate, key) for 127.0.0.1."""
    folder = pathlib.Path(folder)
    certificate, key = folder / "smtp.pem", folder / "smtp.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out",
                    str(certificate)], check=True, capture_output=True)
    return str(certificate), str(key)


class SmtpSink:
    """A mail server. `answers` are replies to the next mails instead of 250, after the dot."""

    def __init__(self, tls=False, login=None, folder=None):
        self.mails = []
        self.sessions = 0
        self.answers = []  # "451 later", ...
        self.rcpt_answers = []
        self.drop_after_dot = 0  # how many mails are taken and not acknowledged
        self.slow_s = 0.0
        self.login = login
        self.ca = None
        options = {}
        if tls:
            self.ca, key = self_signed(folder)
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(self.ca, key)
            options = {"tls_context": context, "require_starttls": True}
        if login:
            options.update(authenticator=self._authenticate, auth_required=True,
                           auth_require_tls=tls)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port, **options)
        self.url = f"smtp://127.0.0.1:{self.port}"

    def __enter__(self):
        self.controller.start()
        return self

    def __exit__(self, *_):
        self.controller.stop()

    def _authenticate(self, _server, _session, _envelope, _mechanism, data):
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == self.login, handled=False)

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        if self.rcpt_answers:
            return self.rcpt_answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, _session, envelope):
        message = email.message_from_bytes(envelope.content)
        if self.answers:
            return self.answers.pop(0)
        self.mails.append({"id": message["Message-ID"], "to": envelope.rcpt_tos,
                           "from": envelope.mail_from, "text": envelope.content,
                           "message": message, "time": time.monotonic()})
        if self.drop_after_dot > 0:
            self.drop_after_dot -= 1
            server.transport.abort()
        return "250 OK"

    def ids(self):
        return [mail["id"] for mail in self.mails]


def marker_of(key):
    return f"[usher:{key}]"


def words(text):
    """A pattern that does not care about spacing."""
    return re.compile(r"\s+".join(map(re.escape, text.split())))
