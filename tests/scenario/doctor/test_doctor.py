"""`usher doctor`: in a healthy world it finds nothing, and each trouble that is planted by its name.

The tests share one fleet, which the last one takes down."""

import base64
import contextlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import stripe  # noqa: E402  pylint: disable=wrong-import-position
from kit import BIN, free_port, wait_until  # noqa: E402  pylint: disable=wrong-import-position
from sinks import SmtpSink  # noqa: E402  pylint: disable=wrong-import-position
from usher_client import Client  # noqa: E402  pylint: disable=wrong-import-position
from world import DOMAIN, HOST, TAGS, Keys, World, ill  # noqa: E402  pylint: disable=wrong-import-position

LIMIT_S = 15.0


@pytest.fixture(name="world", scope="module")
def fixture_world():
    with World() as world:
        yield world


@pytest.fixture(autouse=True)
def healed(world):
    yield
    world.heal()
    world.write()


def test_a_healthy_world(world):
    checks = world.doctor()
    assert not ill(checks), checks
    assert not untold(checks), checks
    fine = [name for name, check in checks.items() if check["health"] == "fine"]
    assert len(fine) >= 38, fine
    shown = world.usher("doctor", "--dns", f"127.0.0.1:{world.names.port}", "--ca",
                        str(world.certificates.ca)).stdout
    assert f"{len(fine)} checks fine" in shown and "Nothing is wrong" in shown


# --- what can be planted: each a context that makes one thing ill


@contextlib.contextmanager
def setting(owner, **values):
    before = {name: getattr(owner, name) for name in values}
    for name, value in values.items():
        setattr(owner, name, value)
    yield
    for name, value in before.items():
        setattr(owner, name, value)


@contextlib.contextmanager
def front(world, instead=None, config=None, **certificate):
    """Another proxy in front, with another certificate or another answer."""
    kept = "-".join(f"{name}{value}" for name, value in certificate.items()) or "front"
    pair = (world.folder / f"{kept}.pem", world.folder / f"{kept}.key")
    if not pair[0].exists():
        pair = world.certificates.make(kept, **certificate)
    server = world.open_front(pair, instead=instead)
    with world.config(url=server.url, **(config or {})):
        yield


HTML = {"Content-Type": "text/html; charset=utf-8"}
LOGIN = b"<html><form><input type='password' name='p'>Please log in</form></html>"


@contextlib.contextmanager
def mail_without_starttls(world):
    with SmtpSink() as sink, world.config(smtp=sink.url):
        yield


@contextlib.contextmanager
def names(world, **zone):
    for name, texts in zone.items():
        full = {"top": DOMAIN, "dmarc": f"_dmarc.{DOMAIN}", "rsa": f"usher-rsa._domainkey.{DOMAIN}",
                "ed": f"usher-ed25519._domainkey.{DOMAIN}"}[name]
        if texts is None:
            del world.names.zone[full]
        else:
            world.names.zone[full] = texts
    yield


@contextlib.contextmanager
def mode_of(path, mode):
    before = path.stat().st_mode
    path.chmod(mode)
    yield
    path.chmod(before)


@contextlib.contextmanager
def stopped(world, actor):
    folder = world.home / "run/s6" / actor
    subprocess.run(["s6-svc", "-wD", "-T", "20000", "-d", folder], check=True)
    yield
    subprocess.run(["s6-svc", "-wU", "-T", "20000", "-u", folder], check=True)
    wait_until(lambda: not world.found(), 20, f"{actor} back")


@contextlib.contextmanager
def of_another_version(world, actor):
    """One that goes by the actor's name and says that it is of long ago."""
    with stopped(world, actor):
        with Client(world.home, actor) as client:
            client.hello()
            client.beat(0, {"pid": 1, "version": "0.0.1"})
            yield


def post(world, event, secret):
    body = json.dumps(event).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{world.door}/api/webhooks/payment", body,
        {"Content-Type": "application/json", "Stripe-Signature": stripe.sign(body, secret)})
    try:
        return urllib.request.urlopen(request, timeout=10).status
    except urllib.error.HTTPError as error:
        return error.code


@contextlib.contextmanager
def forged_deliveries(world):
    person = stripe.Person("ada@club.test")
    for _ in range(3):
        event = person.event("customer.updated", {"id": person.customer, "object": "customer"})
        assert post(world, event, "whsec_of_another_endpoint") == 400
    yield
    subprocess.run(["s6-svc", "-wR", "-T", "20000", "-r", world.home / "run/s6/webhook"], check=True)
    wait_until(lambda: not world.found(), 20, "the counts start anew")


@contextlib.contextmanager
def deliveries_of_the_other_mode(world):
    secret = (world.home / "secrets/stripe").read_text().strip()
    events = []
    for live in (True, False, False):  # one, and two of ours to make up for it
        person = stripe.Person(f"{len(events)}@club.test", livemode=live)
        customer = {"id": person.customer, "object": "customer", "email": None, "name": None}
        events.append(person.event("customer.updated", customer))
    assert post(world, events[0], secret) == 200
    yield
    for event in events[1:]:
        assert post(world, event, secret) == 200
    wait_until(lambda: not world.found(), 20, "ours are heard of")


def endpoints(world, **changes):
    return setting(world.stripe, endpoints=[world.endpoint(**changes)])


@contextlib.contextmanager
def file_with(path, text):
    before = path.read_text()
    path.write_text(text)
    yield
    path.write_text(before)


@contextlib.contextmanager
def skewed(world, seconds):
    """All clocks outside agree that ours is wrong."""
    world.stripe.skew_s = world.tools.skew_s = seconds
    yield


FAILED = {"id": "evt_lost", "object": "event", "type": "invoice.paid", "pending_webhooks": 1}

# name of the finding -> (how to plant it, other findings that come with it)
PLANTS = {
    "config.unknown": (lambda w: w.config(more="crm\n    colour = blue\n"), ()),
    "config.unknown section": (lambda w: w.config(more="crmm\n    key = x\n"), ("config.secret",)),
    "config.mistake": (lambda w: w.config(more="broker\n    sync = \"perhaps\n"), None),
    "config.secret": (lambda w: w.config(stripe_key="rk_test_written_into_the_file"), ()),
    "config.readable": (lambda w: mode_of(w.home / "secrets/hubspot", 0o644), ()),
    "config.rules": (lambda w: file_with(w.home / "rules.cfg", "first_access\n    tagg = x\n"), ()),
    "disk.full": (lambda w: w.config(disk=1), ()),
    "fleet.actor": (lambda w: stopped(w, "crm"), ()),
    "fleet.version": (lambda w: of_another_version(w, "crm"), ("fleet.actor",)),
    "clock.off": (lambda w: skewed(w, 300), ()),
    "endpoint.address": (lambda w: w.config(url="", mode="live"), ("stripe.mode",)),
    "endpoint.reachable": (lambda w: w.config(url=f"https://{HOST}:9"), ("hook.missing",)),
    "endpoint.reachable name": (lambda w: w.config(url="https://no-such-host.invalid"),
                                ("hook.missing",)),
    "endpoint.redirect": (lambda w: front(w, (301, b"", {"Location": "https://www.club.test/x"})), ()),
    "endpoint.login page": (lambda w: front(w, (200, LOGIN, HTML)), ()),
    "endpoint.login 401": (lambda w: front(w, (401, b"{}", {"WWW-Authenticate": "Basic"})), ()),
    "endpoint.login 403": (lambda w: front(w, (403, b"no", HTML)), ()),
    "endpoint.login redirect": (lambda w: front(w, (302, b"", {"Location": "/login?next=%2F"})), ()),
    "endpoint.certificate name": (lambda w: front(w, name="www.club.test"), ()),
    "endpoint.certificate self-signed": (lambda w: front(w, signed=False), ()),
    "endpoint.certificate expired": (lambda w: front(w, days=-1), ()),
    "endpoint.expiring": (lambda w: front(w, days=5), ()),
    "endpoint.door page": (lambda w: front(w, (200, b"<html>Our blog</html>", HTML)), ()),
    "endpoint.door 404": (lambda w: front(w, (404, b'{"error":"nothing here"}', {})), ()),
    "endpoint.door 502": (lambda w: front(w, (502, b"<html>Bad Gateway</html>", HTML)), ()),
    "secret.missing": (lambda w: w.secrets(stripe=""), ("config.mistake",)),
    "secret.mode deliveries": (deliveries_of_the_other_mode, ()),
    "secret.mode endpoint": (lambda w: endpoints(w, livemode=True), ()),
    "secret.wrong": (forged_deliveries, ()),
    "secret.wrong kind": (lambda w: w.secrets(stripe="sk_test_not_a_signing_secret"), ()),
    "stripe.reachable": (lambda w: w.config(stripe="http://127.0.0.1:9"), ()),
    "stripe.mode": (lambda w: w.secrets(stripe_key="rk_live_0123456789"), ()),
    "stripe.refused": (lambda w: setting(w.stripe, key_state="refused"), ()),
    "stripe.expired": (lambda w: setting(w.stripe, key_state="expired"), ()),
    "stripe.rights": (lambda w: setting(w.stripe, forbidden={"/v1/charges"}), ()),
    "stripe.excess full": (lambda w: w.secrets(stripe_key="sk_test_0123456789"), ()),
    "stripe.excess write": (lambda w: setting(w.stripe, may_write=True), ()),
    "hook.missing": (lambda w: endpoints(w, url="https://elsewhere.test/hook"), ()),
    "hook.disabled": (lambda w: endpoints(w, status="disabled"), ()),
    "hook.events": (lambda w: endpoints(w, enabled_events=["invoice.paid"]), ()),
    "hook.failed": (lambda w: setting(w.stripe, failed=[FAILED]), ()),
    "crm.reachable": (lambda w: w.config(crm="http://127.0.0.1:9"), ()),
    "crm.key": (lambda w: setting(w.tools, key="another", agent=True), ()),
    "crm.property": (lambda w: setting(w.tools, properties={"usher_tags": TAGS, "usher_state": []}),
                     ()),
    "crm.option": (lambda w: setting(w.tools, properties={**w.tools.properties,
                                                          "usher_tags": TAGS[1:]}), ()),
    "desk.address": (lambda w: w.config(desk=w.stripe.url + "/nothing"), None),
    "desk.login": (lambda w: setting(w.tools, agent=False), ()),
    "mail.reachable": (lambda w: w.config(smtp="smtp://127.0.0.1:9"), ()),
    "mail.login": (lambda w: setting(w.mail, login=("club", "another")), ()),
    "mail.starttls": (mail_without_starttls, ()),
    "mail.certificate": (lambda w: w.config(smtp_ca=w.certificates.ca), ()),
    "mail.from example": (lambda w: w.config(from_domain="example.com"), ("config.mistake",)),
    "mail.from aligned": (lambda w: w.config(dkim_domain="other.test"), None),
    "spf.missing": (lambda w: names(w, top=["nothing of the kind"]), ()),
    "spf.missing name": (lambda w: names(w, top=None), ()),
    "spf.mismatch": (lambda w: names(w, top=["v=spf1 -all"]), ()),
    "spf.mismatch two": (lambda w: names(w, top=[f"v=spf1 a:{HOST} -all", "v=spf1 -all"]), ()),
    "spf.mismatch broken": (lambda w: names(w, top=["v=spf1 ip4:no-address -all"]), ()),
    "dkim.missing": (lambda w: names(w, rsa=None), ()),
    "dkim.mismatch": (lambda w: names(w, ed=["v=DKIM1; k=ed25519; p=" + "A" * 43 + "="]), ()),
    "dmarc.missing": (lambda w: names(w, dmarc=None), ()),
}


# finding -> the record to paste: its name, and its value where it is not a key
RECORDS = {
    "spf.missing": (DOMAIN, f"v=spf1 a:{HOST} ~all"),
    "spf.mismatch": (DOMAIN, f"v=spf1 a:{HOST} -all"),
    "dkim.missing": (f"usher-rsa._domainkey.{DOMAIN}", None),
    "dkim.mismatch": (f"usher-ed25519._domainkey.{DOMAIN}", None),
    "dmarc.missing": (f"_dmarc.{DOMAIN}", "v=DMARC1; p=none"),
}


def paste(world, check, record, value):
    """The record is in the words as a line of a zone file, and with it in the DNS all is well."""
    assert [row["name"] for row in check["records"]] == [record]
    said = check["records"][0]["value"]
    assert said == (value or world.records[record])
    line = check["todo"][0]
    assert f"{record}. IN TXT \"" in line and said in line.replace('" "', "")
    world.names.zone[record] = [said]
    assert not world.found()


@pytest.mark.parametrize("plant", PLANTS)
def test_a_plant_is_found(world, plant):
    name = plant.split()[0]
    make, others = PLANTS[plant]
    with make(world):
        found = world.found()
        said = world.last
        if plant in RECORDS:
            paste(world, found[plant], *RECORDS[plant])
    assert name in found, found
    if others is not None:
        assert set(found) == {name, *others}, found
    check = found[name]
    assert check["wrong"] and check["why"] and check["todo"] and check["todo"][0]
    for secret in ("rk_test_0123", "rk_live_0123", "sk_test_0123", "rk_test_written", "pat-key",
                   "whsec_", "PRIVATE KEY"):
        assert secret not in said.replace("begin with whsec_", ""), said
    assert not world.stripe.writes and not world.tools.calls("POST")


# --- what does not answer, or nonsense


def untold(checks):
    return {name for name, check in checks.items() if check["health"] == "could not tell"}


NAMES = {"spf.missing", "dkim.missing", "dmarc.missing"}


def test_nothing_answers(world):
    """Every target takes the connection and says nothing: all is named, and in time."""
    world.names.mode = "silent"
    world.stripe.trick = world.front.trick = "silent"
    begun = time.monotonic()
    with world.config(crm=world.stripe.url, desk=world.stripe.url,
                      smtp=f"smtp://127.0.0.1:{world.stripe.port}"):
        checks = world.doctor()
    found = ill(checks)
    assert time.monotonic() - begun < LIMIT_S
    assert NAMES <= untold(checks), checks  # a name server's silence is no fault of the domain's
    assert set(found) == {"endpoint.reachable", "stripe.reachable", "crm.reachable", "desk.address",
                          "mail.reachable"}, found


@pytest.mark.parametrize("trick", ["html", "cut", "type", "endless"])
def test_nonsense_from_everywhere(world, trick):
    world.stripe.trick = world.front.trick = trick
    world.names.mode = "garbage" if trick == "cut" else None
    begun = time.monotonic()
    with world.config(crm=world.stripe.url, desk=world.stripe.url):
        checks = world.doctor()
    found = ill(checks)
    assert time.monotonic() - begun < LIMIT_S
    assert NAMES <= untold(checks) or trick != "cut", checks
    assert {"stripe.reachable", "crm.reachable", "desk.address"} <= set(found), found
    assert {"endpoint.door", "endpoint.reachable"} & set(found), found
    assert "nginx" not in world.last


# --- every tool's key


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


# provider -> (actor, further settings, where it is asked, what shows the key "right")
KEYS = {
    "mailchimp": ("crm", "", "/3.0/ping",
                  lambda heads, _: heads["Authorization"] == basic("usher", "right")),
    "kit": ("crm", "", "/v4/account", lambda heads, _: heads["X-Kit-Api-Key"] == "right"),
    "intercom": ("support", "", "/me", lambda heads, _: heads["Authorization"] == "Bearer right"),
    "helpscout": ("support", "    app = \"an app\"\n", "/v2/oauth2/token",
                  lambda _, body: body == "grant_type=client_credentials&client_id=an%20app"
                                          "&client_secret=right"),
    "resend": ("mailer", "", "/domains", lambda heads, _: heads["Authorization"] == "Bearer right"),
    "postmark": ("mailer", "", "/server",
                 lambda heads, _: heads["X-Postmark-Server-Token"] == "right"),
}


CHECKS = {"crm": "crm.key", "support": "desk.login", "mailer": "mail.login"}


@pytest.mark.parametrize("key, health", [("right", "fine"), ("wrong", "trouble")])
@pytest.mark.parametrize("providers", [("mailchimp", "intercom", "resend"),
                                       ("kit", "helpscout", "postmark")], ids="-".join)
def test_a_key_is_tried(world, providers, key, health):
    text = ""
    for provider in providers:
        actor, more, path, shown = KEYS[provider]
        server = Keys(path, shown)
        world.more.append(server)
        text += (f"{actor}\n    provider = {provider}\n    url = \"{server.url}\"\n"
                 f"    key = \"file:secrets/tried\"\n{more}")
    world.secret("tried", key)
    (world.home / "usher.cfg").write_text(text)
    checks = world.doctor()
    (world.home / "secrets/tried").unlink()
    assert {actor: checks[check]["health"] for actor, check in CHECKS.items()} == \
        dict.fromkeys(CHECKS, health)


# --- what only looks wrong


def test_failed_elsewhere(world):
    """Stripe says "failed" of any endpoint of the account; what is in the journal has arrived."""
    person = stripe.Person("late@club.test")
    event = person.event("customer.updated", {"id": person.customer, "object": "customer",
                                              "email": None, "name": None})
    assert post(world, event, (world.home / "secrets/stripe").read_text().strip()) == 200
    world.stripe.failed = [event, {**FAILED, "type": "payout.paid"}]
    wait_until(lambda: not world.found(), 20, "the ledger knows it")


# --- several sources, other homes


def test_two_sources(world):
    """Each is looked at by its own name."""
    more = ("webhook\n    payment\n        name = second\n        mode = test\n"
            "        secret = \"file:secrets/second\"\n"
            f"        key = \"file:secrets/stripe_key\"\n        api = \"{world.stripe.url}\"\n")
    text = (world.home / "usher.cfg").read_text()
    world.secret("second", "whsec_of_the_second")
    try:
        (world.home / "usher.cfg").write_text(text.replace("crm\n", more.removeprefix("webhook\n")
                                                           + "crm\n", 1))
        found = world.found()
        assert set(found) == {"endpoint.door", "hook.missing"}, found  # not started with it yet
        assert "/payment/second" in found["endpoint.door"]["seen"][0]
        assert found["endpoint.door"]["todo"][0].endswith("usher up")
        assert [line.split(":")[0] for line in found["hook.missing"]["seen"]] == ["second"]
    finally:
        (world.home / "secrets/second").unlink()


def test_many_sources(world):
    """More calls than can be under way at once: the rest waits its turn, and nothing is lost."""
    more = "".join(f"    payment\n        name = source{i}\n        secret = \"file:secrets/stripe\"\n"
                   f"        key = \"file:secrets/stripe_key\"\n        api = \"{world.stripe.url}\"\n"
                   for i in range(8))
    world.stripe.forbidden = {"/v1/disputes"}
    path = world.home / "usher.cfg"
    path.write_text(path.read_text().replace("crm\n", more + "crm\n", 1))
    found = world.found()
    assert set(found) == {"endpoint.door", "hook.missing", "stripe.rights"}, found
    assert len(found["stripe.rights"]["seen"]) == 9, found


def files_of(home):
    return {path: (path.read_bytes(), path.stat().st_mode) for path in home.rglob("*")
            if path.is_file() and "data" not in path.parts and "s6" not in path.parts}


def test_it_changes_nothing(world):
    before = files_of(world.home)
    head = json.loads(world.usher("status", "--json").stdout)["broker"]["head"]
    world.stripe.may_write = True
    world.doctor()
    assert files_of(world.home) == before
    assert json.loads(world.usher("status", "--json").stdout)["broker"]["head"] == head
    assert not world.stripe.writes and not world.mail.mails
    assert {call["method"] for call in world.tools.calls()} == {"GET"}


def test_a_home_that_does_not_run(world):
    """A fresh one: the fleet is down, and that is all that is wrong with it."""
    home = pathlib.Path(tempfile.mkdtemp(prefix="ushdoc", dir="/tmp"))
    try:
        def usher(*words):
            return subprocess.run([BIN / "usher", *words, "--home", home], text=True,
                                  capture_output=True, timeout=60, check=False)

        missing = usher("doctor")
        assert missing.returncode == 78 and "usher init" in missing.stderr
        usher("init", "--ports", f"{free_port()},{free_port()}")
        done = usher("doctor", "--json")
        assert done.returncode == 1
        checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
        assert [name for name, check in checks.items()
                if check["health"] not in ("fine", "not applicable")] == ["fleet.down"]
        assert checks["fleet.down"]["todo"] == ["usher up"]
        assert usher("doctor", "--dns", "nonsense").returncode == 2
        (home / "usher.cfg").write_bytes(b"\xff\0\x01" * 100)
        done = usher("doctor", "--json")
        assert done.returncode == 1 and "config.mistake" in done.stdout
        assert "Sanitizer" not in done.stderr, done.stderr
    finally:
        shutil.rmtree(home, ignore_errors=True)


def test_a_fleet_that_stands_still_or_is_down(world):
    """The last test: it takes the fleet down. All else is looked at all the same, and in time."""
    service = world.home / "run/s6/broker"
    subprocess.run(["s6-svc", "-p", service], check=True)
    begun = time.monotonic()
    checks = world.doctor()
    assert time.monotonic() - begun < LIMIT_S
    subprocess.run(["s6-svc", "-c", service], check=True)
    assert checks["fleet.down"]["health"] == "trouble"
    assert "does not answer" in checks["fleet.down"]["seen"][0]
    assert checks["stripe.rights"]["health"] == checks["dmarc.missing"]["health"] == "fine"
    world.usher("down")
    world.stripe.failed = [FAILED]
    found = world.found()
    assert set(found) == {"fleet.down", "endpoint.door", "hook.failed"}, found
    assert "perhaps" in found["hook.failed"]["seen"][0]
