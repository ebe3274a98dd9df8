"""Mails that the real mailer signs, over a real SMTP server with STARTTLS and AUTH, before other
people's verifiers: mailauth, python3-dkim and opendkim."""
import json
import pathlib
import subprocess

import pytest

import dkim_peers
from sinks import SmtpSink
from stage import effect, member

KEYS = ('    dkim\n        domain = "example.com"\n'
        '        rsa\n            key = "file:secrets/dkim-rsa"\n'
        '        ed25519\n            key = "file:secrets/dkim-ed25519"\n')
GOOD = {"dkim": [["ed25519-sha256", "pass"], ["rsa-sha256", "pass"]], "dmarc": "pass"}
SIGNED = {"from", "to", "subject", "date", "message-id", "mime-version", "content-type",
          "auto-submitted"}

# Blanks at line ends, empty, folded, long, not ASCII, dots: what canonical forms trip over.
TEMPLATES = {
    "blanks": ("Subject: blanks   within {{name}}\n\nends in blanks  \t\n \t\n\n  begins so\n"
               ".\n..\nFrom here\n\n \n\n", None),
    "empty": ("Subject: nothing to say\n\n", None),
    "folded": ("Subject: " + "a subject of many words that is folded " * 8 + "\n\nfolded\n", None),
    "unicode": ("Subject: Zoë 😀 שלום {{name}}\n\nZoë 😀\u202e\n", "<p>Zoë 😀 {{name}}</p>  \n"),
    "long": ("Subject: long\n\n" + "x" * 4000 + "\n" + "word " * 900 + "\n", None),
}


@pytest.fixture
def tools(stage):
    def run(*words):
        ran = subprocess.run([stage.kit.bin_path("usher"), "--home", stage.home, *words],
                             capture_output=True, text=True, check=False, timeout=30)
        return ran.returncode, ran.stdout, ran.stderr

    return run


def records_of(tools):
    code, out, err = tools("dkim", "example.com", "--json")
    assert code == 0, err
    records = {row["name"]: row["strings"] for row in json.loads(out)["records"]}
    assert len(records) == 2 and max(len(s) for r in records.values() for s in r) <= 255
    return {**records, "_dmarc.example.com": ["v=DMARC1; p=reject; adkim=s"]}


def verdicts(mails, records):
    """mailauth's, with what it says of the signed fields apart."""
    said = dkim_peers.mailauth(mails, records)
    fields = [{f.strip().lower() for f in one[2].split(":")} for row in said for one in row["dkim"]]
    return [{**row, "dkim": sorted(one[:2] for one in row["dkim"])} for row in said], fields


def write_templates(stage):
    folder = pathlib.Path(stage.home, "templates")
    folder.mkdir(exist_ok=True)
    for name, (text, html) in TEMPLATES.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
        if html:
            (folder / f"{name}.html").write_text(html, encoding="utf-8")


def test_signed_mail_passes_everywhere(stage, tools, tmp_path):
    records = records_of(tools)
    write_templates(stage)
    with SmtpSink(tls=True, login=("usher", "secret"), folder=tmp_path) as sink:
        stage.secret("smtp", "secret")
        stage.smtp(sink, f'    user = "usher"\n    key = "file:secrets/smtp"\n'
                         f'    tls = required\n    ca = "{sink.ca}"\n' + KEYS)
        kinds = ["welcome", "goodbye", *TEMPLATES]
        for number, kind in enumerate(kinds, 1):
            stage.publish(member(number, name="Zoë “Ada” \\ O'Neil " * 4,
                                 effects=[effect(f"{kind}:mem_{number:04d}", kind=kind)]))
        stage.wait_all("mailer", len(kinds))
        mails = [mail["text"] for mail in sink.mails]
    assert len(mails) == len(kinds)
    said, fields = verdicts(mails, records)
    assert said == [GOOD] * len(kinds)
    assert all(SIGNED <= one for one in fields)
    for mail in mails:
        assert dkim_peers.python_dkim(mail, records) == [True, True]
    # changed on the way: by a word, by a second From, by a blank line that counts
    welcome = next(m for m in mails if b"welcome, and thank you!" in m)
    bad = [welcome.replace(b"thank you", b"thank me", 1), b"From: <evil@example.org>\r\n" + welcome,
           welcome.replace(b"\r\n\r\n", b"\r\n\r\n\r\n", 1)]
    assert all(result != "pass" for row in verdicts(bad, records)[0] for _, result in row["dkim"])
    assert [dkim_peers.python_dkim(mail, records) for mail in bad] == [[False, False]] * 3


@pytest.mark.skipif(not dkim_peers.opendkim_runs(), reason="no namespaces: the real DNS is asked")
def test_signed_mail_passes_opendkim(stage, tools, smtp_sink):
    records = records_of(tools)
    write_templates(stage)
    stage.smtp(smtp_sink, KEYS)
    for number, kind in enumerate(["welcome", "blanks", "empty"], 1):
        stage.publish(member(number, effects=[effect(f"{kind}:mem_{number:04d}", kind=kind)]))
    stage.wait_all("mailer", 3)
    for mail in smtp_sink.mails:
        assert dkim_peers.opendkim(mail["text"], records) == [True, True]
    broken = smtp_sink.mails[0]["text"].replace(b"Hello", b"Hallo", 1)
    assert dkim_peers.opendkim(broken, records) == [False, False]


def test_one_key_signs_and_a_folder_gets_signed_mail(stage, tools):
    records = records_of(tools)
    stage.config("mailer", '    from = "Club <hello@mail.example.com>"\n    dkim\n'
                           '        domain = "example.com"\n        rsa\n'
                           '            key = "file:secrets/dkim-rsa"\n')
    stage.start("mailer")
    stage.publish(member(1, effects=[effect("welcome:mem_0001")]))
    stage.wait_job("mailer", "welcome:mem_0001", "done")
    (mail,) = pathlib.Path(stage.home, "mail", "new").iterdir()
    said, _ = verdicts([mail.read_bytes()], records)
    assert said[0]["dkim"] == [["rsa-sha256", "pass"]]


@pytest.mark.parametrize("what, words", [
    ("rsa", "mailer/dkim/rsa/key: not a private key"),
    ("other", "mailer/dkim/rsa/key: expected an RSA key, this is ED25519"),
    ("gone", "mailer/dkim/rsa/key: file:secrets/dkim-rsa: not found"),
    ("domain", "mails come from example.net, so that a signature of example.com would not count"),
    ("none", "mailer/dkim/rsa/key: expected a key to sign with; `usher dkim` makes one"),
    ("selector", "mailer/dkim/rsa/selector: expected letters, digits, hyphens and dots"),
])
def test_keys_that_do_not_fit_are_said_at_check(stage, tools, what, words):
    assert tools("dkim", "example.com")[0] == 0
    secrets = pathlib.Path(stage.home, "secrets")
    text = '    from = "Club <hello@example.com>"\n' + KEYS
    if what == "rsa":
        (secrets / "dkim-rsa").write_text("hunter2\n", encoding="utf-8")
    elif what == "other":
        (secrets / "dkim-rsa").write_bytes((secrets / "dkim-ed25519").read_bytes())
    elif what == "gone":
        (secrets / "dkim-rsa").unlink()
    elif what == "domain":
        text = text.replace("hello@example.com", "hello@example.net")
    elif what == "none":
        text = text[:text.index("        rsa")]
    else:
        text = text.replace("rsa\n", 'rsa\n            selector = "a b"\n', 1)
    stage.config("mailer", text)
    code, said = stage.check("mailer")
    assert code != 0 and words in said and "hunter2" not in said


def test_keys_are_made_once(stage, tools):
    secrets = pathlib.Path(stage.home, "secrets")
    code, out, err = tools("dkim", "example.com")
    assert code == 0 and out.count(" IN TXT \"v=DKIM1; k=") == 2 and "usher.cfg" in err
    kept = {name: (secrets / name).read_bytes() for name in ("dkim-rsa", "dkim-ed25519")}
    assert all((secrets / name).stat().st_mode & 0o777 == 0o600 for name in kept)
    stage.config("mailer", '    from = "Club <hello@example.com>"\n' + KEYS)
    code, again, err = tools("dkim")
    assert code == 0 and again == out and "usher.cfg" not in err
    assert {name: (secrets / name).read_bytes() for name in kept} == kept
    assert "PRIVATE" not in out + err
    (secrets / "dkim-rsa").write_text("hunter2", encoding="utf-8")
    code, out, err = tools("dkim")
    assert code == 78 and "not a private key" in err and "hunter2" not in out + err
    assert tools("dkim", "not a domain")[0] == 2
