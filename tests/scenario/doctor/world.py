"""A whole healthy world around one fleet: everything that `usher doctor` looks at, played by stand-ins
that can be made ill one at a time.

    with World() as world:
        world.doctor()                     what it says, as a dict: name -> check
        world.found()                      the names of what is wrong
        with world.config(webhook_url=...):    another usher.cfg for so long
        world.stripe.key_state = "expired"     and so on; world.heal() makes all well again
"""
import contextlib
import http.server
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request

import dnslib
import dnslib.server

from kit import BIN, free_port
from sinks import Answer, HttpSink, SmtpSink

DOMAIN = "club.test"
HOST = "hooks.localhost"  # a name of this machine that is not just "localhost"
TAGS = ["member", "trial", "payment-failed", "refunded", "disputed", "ending", "cancelled",
        "needs-support", "paused"]
EVENTS = ["*"]

CONFIG = """\
webhook
    listen = "127.0.0.1:{door}"
    url = "{url}"
    payment
        provider = stripe
        mode = {mode}
        secret = "file:secrets/stripe"
        key = "{stripe_key}"
        api = "{stripe}"
crm
    provider = hubspot
    url = "{crm}"
    key = "{crm_key}"
support
    provider = zendesk
    url = "{desk}"
    user = "agent@club.test"
    key = "file:secrets/zendesk"
mailer
    provider = smtp
    url = "{smtp}"
    from = "Club <hello@{from_domain}>"
    user = "club"
    key = "file:secrets/mailer"
    tls = required
    ca = "{smtp_ca}"
    dkim
        domain = "{dkim_domain}"
        rsa
            key = "file:secrets/dkim-rsa"
        ed25519
            key = "file:secrets/dkim-ed25519"
alert
    disk = {disk}
    hook
        provider = local
console
    listen = "127.0.0.1:{console}"
{more}"""


def ill(checks):
    """name -> check of what is wrong"""
    return {name: check for name, check in checks.items()
            if check["health"] in ("trouble", "warning")}


class Quiet(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def say(self, status, body=b"", headers=None, date=None):
        """One answer; `date` in place of the right time."""
        self.send_response_only(status)
        self.send_header("Date", self.date_time_string(date))
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server:
    """An HTTP server in a thread; handle(request, body) answers. `trick` spoils every answer."""

    def __init__(self, certificate=None):
        stand = self
        self.trick = None
        self.skew_s = 0

        class Handler(Quiet):
            def handle_all(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                try:
                    stand.spoil(self) or stand.handle(self, body)
                except OSError:
                    pass  # whoever asked is gone

            do_GET = do_POST = do_HEAD = handle_all

        class Threaded(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

        self.server = Threaded(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def spoil(self, request):
        """What a broken target says instead."""
        if self.trick == "html":
            request.say(200, b"<html><h1>Welcome to nginx</h1></html>", {"Content-Type": "text/html"})
        elif self.trick == "type":
            request.say(200, b'["a", "list"]')
        elif self.trick == "cut":
            request.send_response(200)
            request.send_header("Content-Length", "1000")
            request.end_headers()
            request.wfile.write(b'{"object": "li')
            request.close_connection = True
            request.connection.shutdown(socket.SHUT_RDWR)
        elif self.trick == "endless":
            request.send_response(200)
            request.send_header("Transfer-Encoding", "chunked")
            request.end_headers()
            while True:
                request.wfile.write(b"4000\r\n" + b" " * 0x4000 + b"\r\n")
        elif self.trick == "silent":
            request.rfile.read(1)  # until the other side gives up
        else:
            return False
        return True

    def now(self):
        return time.time() + self.skew_s

    def say(self, request, status, tree, **headers):
        request.say(status, json.dumps(tree).encode(), headers, date=self.now())


class Stripe(Server):
    """The API as far as the doctor looks at it. A write that would be one is counted."""

    def __init__(self):
        super().__init__()
        self.heal()

    def heal(self):
        self.trick, self.skew_s = None, 0
        self.key_state = "good"  # refused, expired
        self.forbidden = set()  # paths without the right to read
        self.may_write = False
        self.endpoints = []
        self.failed = []
        self.writes = []

    def error(self, request, status, code, words):
        self.say(request, status, {"error": {"type": "invalid_request_error", "code": code,
                                             "message": words}})

    def handle(self, request, _body):
        path = urllib.parse.urlsplit(request.path)
        query = urllib.parse.parse_qs(path.query)
        if self.key_state == "refused":
            self.error(request, 401, None, "Invalid API Key provided")
        elif self.key_state == "expired":
            self.error(request, 401, "api_key_expired", "Expired API Key provided")
        elif request.command != "GET":
            self.write(request, path.path)
        elif path.path in self.forbidden:
            self.error(request, 403, "more_permissions_required", "does not have the permissions")
        else:
            self.say(request, 200, {"object": "list", "has_more": False,
                                    "data": self.rows(path.path, query)})

    def rows(self, path, query):
        if path == "/v1/webhook_endpoints":
            return self.endpoints
        if path == "/v1/events" and query.get("delivery_success") == ["false"]:
            return self.failed
        return []

    def write(self, request, path):
        if not self.may_write:
            self.error(request, 403, "more_permissions_required", "does not have the permissions")
        elif path.startswith("/v1/customers/cus_"):
            self.error(request, 404, "resource_missing", "No such customer")
        else:
            self.writes.append(path)
            self.say(request, 200, {"id": "made"})


class Keys(Server):
    """Any API that takes one key and answers nothing of interest."""

    def __init__(self, path, shown):
        super().__init__()
        self.path, self.shown = path, shown  # shown(headers, body) -> is it the right key?

    def handle(self, request, body):
        if request.path != self.path:
            self.say(request, 404, {"error": "nothing here"})
        elif self.shown(request.headers, body.decode()):
            self.say(request, 200, {"user": {"id": 1}})
        else:
            self.say(request, 401, {"error": "who are you?"})


class Tools(HttpSink):
    """HubSpot and Zendesk with what the doctor asks beyond what the effects use."""

    def __init__(self):
        super().__init__(options=TAGS)
        tools, handler = self, self.server.RequestHandlerClass
        right = handler.date_time_string
        handler.date_time_string = lambda request: right(request, time.time() + tools.skew_s)
        self.heal()

    def heal(self):
        self.unscript()
        self.key = None
        self.skew_s = 0
        self.agent = True
        self.properties = {"usher_tags": TAGS, "usher_state": [], "usher_active": []}
        self.html = False

    def _act(self, request, path, tree):
        prefix = "/crm/v3/properties/contacts/"
        if self.html:
            return Answer(200, b"<html>a web site</html>", headers={"Content-Type": "text/html"})
        if path.path == "/api/v2/users/me.json":
            known = self.agent is True
            return Answer(200 if known else 401,
                          {"user": {"id": 7}} if known else {"error": "Couldn't authenticate you"})
        if path.path.startswith(prefix) and (self.key is None or
                                             self._key_taken(request.headers["Authorization"])):
            options = self.properties.get(path.path.removeprefix(prefix))
            if options is None:
                return Answer(404, {"status": "error", "category": "OBJECT_NOT_FOUND"})
            return Answer(200, {"options": [{"label": each, "value": each} for each in options]})
        return super()._act(request, path, tree)


class Names:
    """A name server. `mode`: None, "silent", "garbage"."""

    def __init__(self):
        self.zone = {}
        self.mode = None
        self.server = dnslib.server.DNSServer(self, address="127.0.0.1", port=0,
                                              handler=self.handler(), logger=self)
        self.port = self.server.server.server_address[1]
        self.server.start_thread()

    def handler(self):
        names = self

        class Handler(dnslib.server.DNSHandler):
            def handle(self):
                data, connection = self.request
                if names.mode == "silent":
                    return
                if names.mode == "garbage":
                    connection.sendto(data[:2] + b"\x81\x80\x00\x01\x00\xff" + os.urandom(40),
                                      self.client_address)
                    return
                reply = names.resolve(dnslib.DNSRecord.parse(data), self)
                connection.sendto(reply.pack(), self.client_address)

        return Handler

    def resolve(self, request, _handler):
        reply = request.reply()
        texts = self.zone.get(str(request.q.qname).rstrip(".").lower())
        if texts is None:
            reply.header.rcode = dnslib.RCODE.NXDOMAIN
        for text in texts or []:
            parts = [text[i:i + 200].encode() for i in range(0, len(text), 200)]
            reply.add_answer(dnslib.RR(request.q.qname, dnslib.QTYPE.TXT,
                                       rdata=dnslib.TXT(parts), ttl=1))
        return reply

    def __getattr__(self, name):
        if name.startswith("log_"):
            return lambda *_: None
        raise AttributeError(name)

    def close(self):
        self.server.stop()
        self.server.server.server_close()


class Front(Server):
    """The proxy with TLS in front of the door."""

    def __init__(self, certificate, door):
        super().__init__(certificate)
        self.door = door
        self.url = f"https://{HOST}:{self.port}"
        self.instead = None  # (status, body, headers)

    def handle(self, request, body):
        if self.instead:
            status, text, headers = self.instead
            request.say(status, text, headers)
            return
        onward = urllib.request.Request(f"http://127.0.0.1:{self.door}{request.path}", body,
                                        {"Content-Type": request.headers["Content-Type"]})
        try:
            with urllib.request.urlopen(onward, timeout=5) as answer:
                self.pass_on(request, answer)
        except urllib.error.HTTPError as answer:
            self.pass_on(request, answer)
        except OSError:
            request.say(502, b"<html>Bad Gateway</html>", {"Content-Type": "text/html"})

    @staticmethod
    def pass_on(request, answer):
        request.say(answer.status, answer.read(), {"Content-Type": answer.headers["Content-Type"]})


class Certificates:
    """An authority of our own and what it signs."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.ca = self.folder / "ca.pem"
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-days", "400", "-subj", "/CN=an authority", "-keyout", "ca.key", "-out",
                     "ca.pem")

    def openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

    def make(self, label, name=HOST, days=90, signed=True):
        """(certificate, key)"""
        (self.folder / "names").write_text(f"subjectAltName=DNS:{name}\n", encoding="utf-8")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                     f"/CN={name}", "-keyout", f"{label}.key", "-out", f"{label}.csr")
        signer = ["-CA", "ca.pem", "-CAkey", "ca.key"] if signed else ["-signkey", f"{label}.key"]
        self.openssl("x509", "-req", "-in", f"{label}.csr", *signer, "-days", str(days), "-extfile",
                     "names", "-out", f"{label}.pem")
        return self.folder / f"{label}.pem", self.folder / f"{label}.key"


class World:
    """The fleet and everything around it; see above."""

    def __enter__(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="ushdoc", dir="/tmp"))
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ushdocca", dir="/tmp"))
        self.stack = contextlib.ExitStack()
        self.certificates = Certificates(self.folder)
        self.door, self.console = free_port(), free_port()
        self.stripe, self.names = Stripe(), Names()
        self.tools = self.stack.enter_context(Tools())
        self.mail = self.stack.enter_context(SmtpSink(tls=True, login=("club", "pass"),
                                                      folder=self.folder))
        self.front = Front(self.certificates.make("front"), self.door)
        self.more = []  # further servers of a test
        self.usher("init", "--ports", f"{self.door},{self.console}")
        for name, text in {"stripe_key": "rk_test_0123456789", "hubspot": "pat-key",
                           "zendesk": "token", "mailer": "pass"}.items():
            self.secret(name, text)
        self.values = {
            "door": self.door, "console": self.console, "url": self.front.url, "mode": "test",
            "stripe": self.stripe.url, "stripe_key": "file:secrets/stripe_key",
            "crm": self.tools.url, "crm_key": "file:secrets/hubspot", "desk": self.tools.url,
            "smtp": self.mail.url, "smtp_ca": self.mail.ca, "from_domain": DOMAIN,
            "dkim_domain": DOMAIN, "disk": 99, "more": ""}
        self.write()
        made = json.loads(self.usher("dkim", DOMAIN, "--json").stdout)
        self.records = {row["name"]: row["value"] for row in made["records"]}
        self.heal()
        self.usher("up")
        return self

    def __exit__(self, *_):
        self.usher("down", code=None)
        for server in [self.stripe, self.names, self.front, *self.more]:
            server.close()
        self.stack.close()
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- the home

    def usher(self, *words, code=0, seconds=60):
        done = subprocess.run([BIN / "usher", *words, "--home", self.home], text=True,
                              capture_output=True, timeout=seconds, check=False)
        assert code is None or done.returncode == code, \
            f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def secret(self, name, text):
        path = self.home / "secrets" / name
        path.write_text(text + "\n", encoding="utf-8")
        path.chmod(0o600)

    def write(self, **changes):
        (self.home / "usher.cfg").write_text(CONFIG.format(**{**self.values, **changes}),
                                             encoding="utf-8")

    @contextlib.contextmanager
    def config(self, **changes):
        self.write(**changes)
        try:
            yield
        finally:
            self.write()

    @contextlib.contextmanager
    def secrets(self, **texts):
        before = {name: (self.home / "secrets" / name).read_text() for name in texts}
        for name, text in texts.items():
            self.secret(name, text)
        try:
            yield
        finally:
            for name, text in before.items():
                self.secret(name, text.rstrip("\n"))

    def heal(self):
        """All stand-ins well."""
        self.stripe.heal()
        self.tools.heal()
        self.front.trick = self.front.instead = None
        self.mail.login = ("club", "pass")
        self.names.mode = None
        self.names.zone = {DOMAIN: [f"v=spf1 a:{HOST} -all", "some-site-verification=abc"],
                           f"_dmarc.{DOMAIN}": ["v=DMARC1; p=none"],
                           **{name: [text] for name, text in self.records.items()}}
        self.stripe.endpoints = [self.endpoint()]

    def endpoint(self, **changes):
        return {"id": "we_1", "object": "webhook_endpoint", "livemode": False, "status": "enabled",
                "enabled_events": EVENTS, "url": f"{self.front.url}/api/webhooks/payment", **changes}

    def open_front(self, certificate, **more):
        """A proxy with another certificate."""
        front = Front(certificate, self.door)
        for name, value in more.items():
            setattr(front, name, value)
        self.more.append(front)
        self.stripe.endpoints = [self.endpoint(url=f"{front.url}/api/webhooks/payment")]
        return front

    # --- the doctor

    def doctor(self, *words, code=None, seconds=60):
        """name -> check"""
        done = self.usher("doctor", "--json", "--dns", f"127.0.0.1:{self.names.port}", "--ca",
                          str(self.certificates.ca), *words, code=code, seconds=seconds)
        assert "Sanitizer" not in done.stderr, done.stderr
        answer = json.loads(done.stdout)
        assert done.returncode == (0 if answer["healthy"] else 1), done.stderr
        self.last = done.stdout
        return {check["name"]: check for check in answer["checks"]}

    def found(self, **options):
        """Of doctor(), what is wrong."""
        return ill(self.doctor(**options))
