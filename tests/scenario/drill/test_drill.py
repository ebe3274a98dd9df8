"""`usher drill`: it passes on homes that are right, and fails, naming the case, when something is
broken on purpose: a rule that cannot hold, a process that follows other rules than the founder's,
a call that is dropped or doubled on its way.

The broken programs are shell scripts beside symbolic links to the real ones: a drill runs the
programs that lie beside the `usher` that it is."""
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import jsonschema
import pytest

from kit import BIN, bin_path, drop_home, free_port, wait_until

MEDDLER = pathlib.Path(__file__).with_name("meddler.py")
CASES = ["new_member", "failed_card", "refund", "chargeback", "cancelled", "reactivated", "replay",
         "expired_key", "crm_down", "helpdesk_down", "mail_bounce", "limits"]

REPORT = {
    "type": "object", "additionalProperties": False,
    "required": ["date", "version", "config_digest", "passed", "seconds", "home", "network",
                 "cases", "numbers", "targets", "changed", "not_drilled"],
    "properties": {
        "date": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
        "version": {"type": "string", "minLength": 1},
        "config_digest": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "passed": {"type": "boolean"}, "seconds": {"type": "number", "exclusiveMinimum": 0},
        "home": {"type": "string"}, "only": {"type": "string"}, "scratch_home": {"type": "string"},
        "network": {"type": "object", "required": ["sealed", "attempts"],
                    "properties": {"sealed": {"type": "boolean"},
                                   "attempts": {"type": ["integer", "null"]}}},
        "cases": {"type": "array", "minItems": 1, "items": {
            "type": "object", "additionalProperties": False,
            "required": ["name", "title", "result", "words", "checks"],
            "properties": {
                "name": {"enum": CASES}, "title": {"type": "string"},
                "result": {"enum": ["passed", "failed", "not_run", "not_applicable"]},
                "words": {"type": "string"},
                "checks": {"type": "array", "items": {
                    "type": "object", "additionalProperties": False,
                    "required": ["what", "passed", "ms", "limit_ms", "words"],
                    "properties": {"what": {"type": "string"}, "passed": {"type": "boolean"},
                                   "ms": {"type": ["integer", "null"]},
                                   "limit_ms": {"type": ["integer", "null"]},
                                   "words": {"type": "string"}}}}}}},
        "numbers": {"type": "object",
                    "required": ["record_ms_max", "record_ms_limit", "refund_ms", "effects_ms_p95",
                                 "effects_ms_limit", "effects", "replays", "duplicates"],
                    "additionalProperties": {"type": "integer"}},
        "targets": {"type": "array", "items": {
            "type": "object", "required": ["actor", "provider", "slot", "calls", "seen"]}},
        "changed": {"type": "array", "items": {
            "type": "object", "required": ["setting", "now"]}},
        "not_drilled": {"type": "array", "items": {
            "type": "object", "required": ["actor", "provider"]}}}}

CONFIGURED = """\
webhook
    listen = "127.0.0.1:9"
    payment
        provider = stripe
        mode = live
        secret = "file:secrets/stripe"
        products = "prod_club price_club"
crm
    provider = hubspot
    key = "file:secrets/hubspot"
    tags_property = "club_tags"
support
    provider = zendesk
    url = "https://club.zendesk.example"
    user = "agent@club.example"
    key = "file:secrets/zendesk"
mailer
    provider = smtp
    url = "smtps://mail.club.example:465"
    user = "club"
    key = "env:CLUB_MAIL_PASSWORD"
    from = "Club <hello@club.example>"
    link = "https://club.example"
app
    provider = webhook
    url = "https://club.example/api/usher"
    secret = "file:secrets/app"
alert
    hook
        provider = slack
        url = "file:secrets/slack"
console
    listen = "127.0.0.1:9"
    url = "https://usher.club.example"
"""
SECRETS = {"hubspot": "pat-of-the-founder", "zendesk": "token-of-the-founder",
           "slack": "https://hooks.slack.example/services/of-the-founder"}


class Founder:
    """A founder's home, and the drill held on it."""

    def __init__(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="ushdr", dir="/tmp"))
        self.bin = BIN
        self.usher("init", "--ports", f"{free_port()},{free_port()}")

    def usher(self, *words, code=0):
        done = subprocess.run([self.bin / "usher", *words, "--home", self.home], text=True,
                              capture_output=True, timeout=100, check=False)
        said = f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        assert code in (done.returncode, None), said
        return done

    def configure(self):
        (self.home / "usher.cfg").write_text(CONFIGURED)
        for name, text in SECRETS.items():
            (self.home / "secrets" / name).write_text(text + "\n")

    def rules(self, text):
        (self.home / "rules.cfg").write_text(text)

    def drill(self, *words, code=0):
        report = json.loads(self.usher("drill", "--json", *words, code=code).stdout)
        jsonschema.validate(report, REPORT)
        return report

    def replace(self, program, script):
        """From now on that program is a shell script; $REAL is the real one, $2 the home."""
        if self.bin == BIN:
            self.bin = self.home / "bin"
            self.bin.mkdir()
            shutil.copy2(BIN / "usher", self.bin / "usher")
            for real in BIN.glob("usher-*"):
                (self.bin / real.name).symlink_to(real)
        path = self.bin / program
        path.unlink()
        path.write_text(f"#!/bin/sh\nREAL={BIN / program}\n{script}\nexec $REAL \"$@\"\n")
        path.chmod(0o755)

    def files(self):
        return {str(path.relative_to(self.home)): path.read_bytes()
                for path in self.home.rglob("*") if path.is_file()}


@pytest.fixture(name="founder")
def fixture_founder():
    founder = Founder()
    yield founder
    drop_home(founder.home)


def results(report):
    return {case["name"]: case["result"] for case in report["cases"]}


def failed(report):
    return {name for name, result in results(report).items() if result == "failed"}


def words(report, name):
    return next(case["words"] for case in report["cases"] if case["name"] == name)


def processes_of(home):
    """Ids of the processes that were started with that home."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(home) in (entry / "cmdline").read_text():
                found.append(int(entry.name))
        except OSError:
            pass
    return found


def scratch_home_of(pid):
    """The scratch home of the drill that runs as `pid`, once its fleet does."""
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and int((entry / "stat").read_text().split()[3]) == pid:
                home = re.search(r"/tmp/usher-drill-\w{6}", (entry / "cmdline").read_text())
                if home and "usher-ledger" in (entry / "cmdline").read_text():
                    return pathlib.Path(home.group())
        except (OSError, IndexError):
            pass
    return None


# --- homes that are right


def test_a_fresh_home_passes_and_its_fleet_is_not_touched(founder):
    founder.usher("up")
    try:
        def state():
            status = json.loads(founder.usher("status", "--json").stdout)
            return {actor["name"]: (actor["pid"], actor["restarts"])
                    for actor in status["actors"]}, status["broker"]["head"]

        before, files = state(), founder.files()
        report = founder.drill()
        assert state() == before
        assert {n for n in founder.files() if not n.startswith(("data/", "run/"))} - set(files) == {
            n for n in founder.files() if n.startswith("drills/")}
    finally:
        founder.usher("down")
    assert report["passed"] and [c["name"] for c in report["cases"]] == CASES
    assert results(report) == {name: "not_applicable" if name in ("expired_key", "mail_bounce")
                               else "passed" for name in CASES}
    assert report["numbers"]["replays"] == 20 and report["numbers"]["duplicates"] == 0
    assert report["seconds"] < 60 and report["home"] == str(founder.home)
    text, tree = sorted((founder.home / "drills").iterdir(), reverse=True)
    assert tree.suffix == ".json" and json.loads(tree.read_text()) == report
    assert text.suffix == ".txt" and "PASSED" in text.read_text() and "\x1b" not in text.read_text()
    assert (text.stat().st_mode & 0o777, tree.stat().st_mode & 0o777) == (0o600, 0o600)


def test_a_home_with_providers_passes_without_leaving_the_machine(founder, tmp_path):
    founder.configure()
    founder.rules('first_access\n    tag = "vip"\nchargeback_unknown = 1\n')
    founder.usher("drill", code=78)  # a mistake in rules.cfg is the founder's to mend
    founder.rules('first_access\n    tag = "vip"\npartly_refunded\n    support = true\n'
                  'over\n    mail = false\n')
    report = founder.drill("--keep", "--report", tmp_path)
    scratch = pathlib.Path(report["scratch_home"])
    try:
        assert results(report) == {name: "passed" for name in CASES}
        assert {t["slot"] for t in report["targets"]} == {"crm", "support", "mailer", "app",
                                                          "slack-1"}
        assert all(target["seen"] > 0 for target in report["targets"])
        assert not (founder.home / "drills").exists() and len(list(tmp_path.iterdir())) == 2
        # Nothing of the founder's secrets or addresses came along.
        config = (scratch / "usher.cfg").read_text()
        for value in re.findall(r'"([^"]*)"', config):
            assert "://" not in value or re.match(r"(http|smtp)://127\.0\.0\.1:\d+(/|$)", value)
            assert not value.startswith("env:")
        kept = b"".join(p.read_bytes() for p in scratch.rglob("*") if p.is_file())
        assert b"of-the-founder" not in kept and b"zendesk.example" not in kept
        # What the founder chose is there.
        assert 'tags_property = "club_tags"' in config and "prod_club" in config
        if report["network"]["sealed"]:
            assert report["network"]["attempts"] == 0
    finally:
        drop_home(scratch)


# Every provider that there is, in three homes.
HOMES = [
    """crm
    provider = mailchimp
    list = "abc"
    key = "file:secrets/a"
support
    provider = helpscout
    app = "a1"
    mailbox = 7
    key = "file:secrets/b"
mailer
    provider = resend
    key = "file:secrets/c"
    from = "Club <hello@club.example>"
webhook
    mail
        provider = resend
        secret = "file:secrets/d"
alert
    hook
        provider = discord
        url = "https://discord.example/api/webhooks/1/a"
    hook
        provider = pagerduty
        key = "file:secrets/e"
""", """crm
    provider = kit
    key = "file:secrets/a"
support
    provider = intercom
    admin = "1"
    ticket_type = "2"
    key = "file:secrets/b"
mailer
    provider = postmark
    key = "file:secrets/c"
    from = "Club <hello@club.example>"
webhook
    payment
        provider = paddle
        secret = "file:secrets/paddle"
    payment
        provider = stripe
        name = "main"
        secret = "file:secrets/d"
        key = "file:secrets/api"
    mail
        provider = postmark
        secret = "file:secrets/e"
alert
    hook
        provider = webhook
        url = "https://hook.example"
        key = "file:secrets/f"
    hook
        provider = local
""", """webhook
    payment
        provider = lemonsqueezy
        secret = "file:secrets/lemonsqueezy"
        products = "77"
crm
    provider = http
    url = "https://hooks.zapier.example/1"
    target = "targets/zapier.cfg"
    secret = "file:secrets/a"
alert
    hook
        provider = email
        url = "smtp://mail.club.example:25"
        from = "usher <usher@club.example>"
        to = "me@club.example"
        user = "club"
        key = "env:CLUB_MAIL_PASSWORD"
"""]


# What is tried there, what of it there is nothing of, and who has not been drilled.
TRIED = [("chargeback,expired_key,mail_bounce", set(), []),
         ("chargeback,reactivated,expired_key,mail_bounce", set(),
          [{"actor": "webhook", "provider": "stripe"}]),
         ("failed_card,refund,chargeback,mail_bounce", {"chargeback", "mail_bounce"}, [])]


@pytest.mark.parametrize("number", range(len(HOMES)))
def test_every_provider_is_played(founder, number):
    (founder.home / "usher.cfg").write_text(HOMES[number])
    tried, absent, missing = TRIED[number]
    report = founder.drill("--only", tried)
    assert results(report) == {name: "not_applicable" if name in absent else "passed"
                               for name in tried.split(",")}
    assert report["not_drilled"] == missing
    assert all(target["seen"] > 0 for target in report["targets"])


def test_what_cannot_be_played_has_not_passed(founder):
    (founder.home / "usher.cfg").write_text("webhook\n    payment\n        provider = standard\n"
                                            "        name = polar\n        mapping = polar\n")
    report = founder.drill("--only", "refund,helpdesk_down", code=1)
    assert results(report) == {"refund": "not_run", "helpdesk_down": "passed"}
    assert report["not_drilled"] == [{"actor": "payment", "provider": "standard"}]
    assert "payment/standard" in words(report, "refund") and not report["passed"]


def test_no_provider_is_without_one():
    """Who adds one adds its stand-in, and it stands in one of the homes above; without it founders
    are told that they have not been drilled."""
    here = set(re.findall(r"provider = (\w+)", "".join([*HOMES, CONFIGURED])))
    for actor in ("crm", "support", "mailer", "app", "alert"):
        said = subprocess.run([bin_path(f"usher-{actor}"), "--help"], capture_output=True,
                              text=True, check=False).stdout
        there = set(re.search(rf"{actor}/(?:hook/)?provider +([\w|]+);", said).group(1).split("|"))
        assert there <= here | {"local", "maildir"}, actor


# --- broken on purpose


def test_a_welcome_that_waits_is_found(founder):
    """The founder's own rules break a limit: whoever pays is welcomed within a second."""
    founder.rules("first_access\n    settle = 10m\n")
    text = founder.usher("drill", "--only", "new_member", code=1).stdout
    assert re.search(r"^New paid member +FAIL ", text, re.M) and "NOT PASSED" in text
    report = json.loads(next((founder.home / "drills").glob("*.json")).read_text())
    jsonschema.validate(report, REPORT)
    assert failed(report) == {"new_member"} and not report["passed"]
    assert "welcome mail" in words(report, "new_member")
    assert "wait for 600 s" in words(report, "new_member")


def test_a_ledger_that_follows_other_rules_is_found(founder):
    """The note on a refund is not sent, though rules.cfg says that it is."""
    founder.replace("usher-ledger", 'printf "refunded\\n    support = false\\n" >> $2/rules.cfg')
    report = founder.drill("--only", "refund", code=1)
    assert failed(report) == {"refund"} and "support note" in words(report, "refund")


def meddle(founder, section, action, pattern):
    founder.replace(f"usher-{section}", f'"{sys.executable}" "{MEDDLER}" "$2" {section} {action} '
                    f"'{pattern}' &\n"
                    f'while [ ! -e "$2/meddler-{section}" ]; do sleep 0.02; done')


def lines(report, name):
    """What the case's checks looked at, and whether it was so."""
    case = next(case for case in report["cases"] if case["name"] == name)
    return {check["what"]: check["passed"] for check in case["checks"]}


def test_a_refund_that_does_not_revoke_is_found(founder):
    """It is lost on its way in, behind a 2xx."""
    meddle(founder, "webhook", "drop", "type.{1,4}(charge.refunded|refund[.])")
    report = founder.drill("--only", "refund", code=1)
    assert failed(report) == {"refund"} and words(report, "refund").startswith("access revoked: ")


def test_effects_that_are_lost_or_doubled_are_found(founder):
    founder.configure()
    meddle(founder, "crm", "drop", "^PATCH")
    meddle(founder, "support", "double", "^POST")
    meddle(founder, "app", "drop", "^POST")
    report = founder.drill("--only", "refund", code=1)
    assert failed(report) == {"refund"}
    found = lines(report, "refund")
    assert found["access revoked"] and found["each mail once"] and found["told once"]
    assert not found["app told"] and not found["each note once"] and not found["CRM contact"]


def test_who_calls_out_is_found(founder):
    """A process that calls somebody whom no setting names: behind the wall it gets nowhere, and is
    told on."""
    call = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect"
    founder.replace("usher-app", f"[ \"$3\" ] || {sys.executable} -c "
                    f"'{call}((\"192.0.2.1\", 443))' 2>/dev/null")
    report = founder.drill("--only", "new_member,limits", code=None)
    if not report["network"]["sealed"]:
        pytest.skip("no network namespaces here")
    assert failed(report) == {"limits"} and "leaves the machine" in words(report, "limits")


# --- ended early


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_drill_that_is_ended_leaves_nothing_running(founder, number):
    child = subprocess.Popen([bin_path("usher"), "drill", "--home", founder.home],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    scratch = None
    try:
        scratch = wait_until(lambda: scratch_home_of(child.pid), 20, "the drill's fleet")
        assert len(processes_of(scratch)) > 1
        child.send_signal(number)
        child.wait(20)
        wait_until(lambda: not processes_of(scratch), 15, "nothing runs")
        assert number == signal.SIGKILL or not scratch.exists()
    finally:
        child.kill()
        if scratch:
            drop_home(scratch)
