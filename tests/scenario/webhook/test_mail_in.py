"""Mail that came back: a bounce or a complaint, by whatever provider, stops further mail to that address
and shows on the member; a person can open it again."""
import base64
import http.server
import json
import shutil
import subprocess
import threading

import pytest

import kit
import posts

HARD = {"bounce": {"type": "Permanent", "subType": "General", "message": "no such mailbox"}}
SOFT = {"bounce": {"type": "Transient", "subType": "MailboxFull"}}


@pytest.fixture
def inbox(inbox_of):
    return inbox_of(desk="local")


def welcomed(inbox, address):
    person = inbox.pay(address)
    inbox.job("mailer", f"welcome:{inbox.member(address)['id']}", "done")
    return person


def mails(inbox):
    return len(list(inbox.home.glob("mail/new/*")))


def lane(inbox, address):
    member = inbox.member(address)
    return inbox.ask("mailer", {"ask": "member", "member": member["id"],
                                "aliases": member["aliases"]})


def test_a_hard_bounce_stops_mail_until_a_person_sends_one(inbox):
    person = welcomed(inbox, "ada@example.com")
    inbox.send(posts.resend("bounced", "ADA@Example.COM", "msg_1", **HARD))
    inbox.send(posts.resend("bounced", "ADA@Example.COM", "msg_1", **HARD))
    inbox.deliver(person.ended())
    skipped = inbox.job("mailer", f"goodbye:{person.sub}", "skipped")
    assert "bounced (General)" in skipped["error"]
    (news,) = [e for e in inbox.journal("job.skipped") if e["data"]["key"] == skipped["key"]]
    assert news["data"]["error"] == skipped["error"] and mails(inbox) == 1

    # It shows: on the member, and in her timeline, once.
    shown = lane(inbox, "ada@example.com")
    assert shown["state"] == "suppressed" and "bounced (General)" in shown["error"]
    told = subprocess.run([kit.bin_path("usher"), "--home", str(inbox.home), "member",
                           "ada@example.com", "--json"], capture_output=True, text=True, check=True)
    assert json.loads(told.stdout)["mail"]["state"] == "suppressed"
    assert inbox.lines("ada@example.com").count("Mail bounced: General") == 1

    # A person knows better: that mail goes, and later ones do.
    member = inbox.member("ada@example.com")
    inbox.act("admin.resent", {"actor": "mailer", "key": skipped["key"], "member": member["id"],
                               "reason": "she fixed her mailbox"})
    kit.wait_until(lambda: mails(inbox) == 2, 15, "the mail that was sent again")
    assert lane(inbox, "ada@example.com")["state"] != "suppressed"
    again = person.use(1)
    again.at += 200
    for one in again.purchase():
        inbox.deliver(one)
    inbox.job("mailer", f"back:{again.invoice}", "done")
    assert mails(inbox) == 3


def test_soft_bounces_show_and_stop_nothing(inbox):
    person = welcomed(inbox, "ada@example.com")
    inbox.send(posts.resend("bounced", "ada@example.com", "msg_1", **SOFT))
    inbox.send(posts.postmark("Bounce", "AutoResponder", "ada@example.com", 2))
    inbox.deliver(person.ended())
    inbox.job("mailer", f"goodbye:{person.sub}", "done")
    assert mails(inbox) == 2
    assert "Mail could not be delivered for now: MailboxFull" in inbox.lines("ada@example.com")


def test_a_complaint_stops_mail_and_another_address_does_not_inherit_it(inbox):
    person = welcomed(inbox, "ada@example.com")
    other = welcomed(inbox, "bob@example.com")
    inbox.send(posts.postmark("SpamComplaint", "SpamComplaint", "ada@example.com", 3))
    inbox.deliver(person.ended())
    inbox.deliver(other.ended())
    skipped = inbox.job("mailer", f"goodbye:{person.sub}", "skipped")
    assert "marked our mail as spam" in skipped["error"]
    inbox.job("mailer", f"goodbye:{other.sub}", "done")
    assert "Our mail was marked as spam" in inbox.lines("ada@example.com")
    told = subprocess.run([kit.bin_path("usher"), "--home", str(inbox.home), "jobs", "retry",
                           skipped["key"], "--reason", "she asked for it"], capture_output=True,
                          text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    inbox.job("mailer", skipped["key"], "done")


def test_a_changed_address_gets_mail_again(inbox):
    person = welcomed(inbox, "old@example.com")
    inbox.send(posts.resend("suppressed", "old@example.com", "msg_1"))
    person.at += 5
    inbox.deliver(person.event("customer.updated", person.customer_object(email="new@example.com")))
    inbox.member("new@example.com")
    inbox.deliver(person.ended())
    inbox.job("mailer", f"goodbye:{person.sub}", "done")
    assert lane(inbox, "new@example.com")["state"] != "suppressed"


def test_a_store_made_anew_knows_it_again(inbox):
    person = welcomed(inbox, "ada@example.com")
    inbox.send(posts.resend("complained", "ada@example.com", "msg_1"))
    inbox.caught_up()
    inbox.stop("mailer")
    cursor = len(inbox.journal())
    shutil.rmtree(inbox.home / "data" / "mailer")
    (inbox.home / "data" / "mailer").mkdir(mode=0o700)
    (inbox.home / "data" / "mailer" / "REBUILD").write_text(str(cursor))
    inbox.start("mailer")
    inbox.deliver(person.ended())
    inbox.job("mailer", f"goodbye:{person.sub}", "skipped")
    assert mails(inbox) == 1


def test_who_cannot_show_the_secret_is_refused_with_400(inbox):
    """Never with 403: Postmark would not come again, once the secret is put right."""
    bad = [posts.postmark("Bounce", "HardBounce", "ada@example.com", login=None),
           posts.postmark("Bounce", "HardBounce", "ada@example.com", login="postmark:wrong"),
           posts.resend("bounced", "ada@example.com", "msg_1", at=1700000000, **HARD),
           posts.resend("bounced", "ada@example.com", "msg_1", **HARD, secret="whsec_"
                          + base64.b64encode(bytes(32)).decode())]
    path, body, headers = posts.resend("bounced", "ada@example.com", "msg_1", **HARD)
    bad += [(path, body + b" ", headers), (path, body, {**headers, "svix-id": "msg_2"}),
            ("mail/postmark", body, headers), ("mail/ses", body, headers)]
    for post in bad:
        assert inbox.send(post, check=False)[0] == 400, post
    assert inbox.journal("mail.bounced", "mail.complained") == []
    inbox.send(posts.postmark("Bounce", "HardBounce", "ada@example.com"))


# --- SNS ------------------------------------------------------------------------------------------


class Amazon:
    """Where SNS has its certificate and its confirmations; `gate` holds answers back."""

    def __init__(self):
        self.log, self.status, self.body = [], 200, b""
        self.gate = threading.Event()
        self.gate.set()
        amazon = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # pylint: disable=invalid-name
                amazon.log.append(self.path)
                amazon.gate.wait(10)
                body = amazon.body if self.path.endswith(".pem") else b"<Confirmed/>"
                try:
                    self.send_response(amazon.status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    pass  # nobody waits any more

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def got(self, part):
        return len([path for path in self.log if part in path])

    def close(self):
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def amazon():
    server = Amazon()
    yield server
    server.close()


@pytest.fixture
def topic(amazon, tmp_path):
    topic = posts.Topic(tmp_path, amazon.base)
    amazon.body = topic.pem
    return topic


def test_sns_is_confirmed_once_and_believed_by_its_certificate(inbox_of, amazon, topic):
    inbox = inbox_of(desk="local", sns=amazon.base)
    inbox.send(topic.confirmation("m-1"))
    assert inbox.send(topic.confirmation("m-1"))[1]["duplicate"] is True
    assert amazon.got("ConfirmSubscription") == 1 and amazon.got(".pem") == 1

    person = welcomed(inbox, "ada@example.com")
    inbox.send(topic.bounce("m-2", "ada@example.com"))
    inbox.send(topic.bounce("m-3", "bob@example.com", kind="Transient", version="2", Subject="S"))
    assert inbox.send(topic.bounce("m-2", "ada@example.com"))[1]["duplicate"] is True
    inbox.deliver(person.ended())
    inbox.job("mailer", f"goodbye:{person.sub}", "skipped")
    assert [f["email"] for e in inbox.journal("mail.bounced") for f in e["data"]["facts"]] == [
        "ada@example.com", "bob@example.com"]
    assert amazon.got(".pem") == 1


def test_sns_posts_wait_for_one_certificate(inbox_of, amazon, topic):
    inbox = inbox_of(desk="local", sns=amazon.base)
    amazon.gate.clear()
    answers = []
    threads = [threading.Thread(target=lambda n=n: answers.append(
        inbox.send(topic.bounce(f"m-{n}", "ada@example.com"), check=False))) for n in range(8)]
    for thread in threads:
        thread.start()
    kit.wait_until(lambda: amazon.got(".pem") == 1, 10, "the certificate asked for")
    inbox.send(posts.resend("bounced", "bob@example.com", "msg_1", **HARD))  # others go on
    assert answers == []
    amazon.gate.set()
    for thread in threads:
        thread.join(10)
    assert [status for status, _ in answers] == [200] * 8 and amazon.got(".pem") == 1
    assert len(inbox.journal("mail.bounced")) == 9


def test_sns_comes_again_when_its_certificate_cannot_be_had(inbox_of, amazon, topic):
    inbox = inbox_of(desk="local", sns=amazon.base)
    amazon.status = 500
    post = topic.bounce("m-1", "ada@example.com")
    assert inbox.send(post, check=False)[0] == 503
    assert inbox.send(post, check=False)[0] == 503 and amazon.got(".pem") == 1  # no storm
    amazon.status = 200
    kit.wait_until(lambda: inbox.send(post, check=False)[0] == 200, 15, "taken at last")
    assert len(inbox.journal("mail.bounced")) == 1


def test_sns_of_a_stranger_makes_us_call_nobody(inbox_of, amazon, topic, tmp_path):
    inbox = inbox_of(desk="local", sns=amazon.base)
    evil = "http://127.0.0.1:1/" + topic.CERTIFICATE
    bad = [topic.bounce("m-1", "a@example.com", SigningCertURL=evil),
           topic.bounce("m-1", "a@example.com", SigningCertURL=amazon.base + "other.pem"),
           topic.bounce("m-1", "a@example.com", TopicArn=topic.ARN + "2"),
           topic.confirmation("m-1", SubscribeURL="http://127.0.0.1:1/?Action=ConfirmSubscription&")]
    for post in bad:
        assert inbox.send(post, check=False)[0] == 400, post
    assert amazon.log == []

    (tmp_path / "other").mkdir()
    other = posts.Topic(tmp_path / "other", amazon.base)  # another key, the same name
    assert inbox.send(other.bounce("m-1", "a@example.com"), check=False)[0] == 400
    path, body, headers = topic.bounce("m-1", "a@example.com")
    changed = json.dumps({**json.loads(body), "MessageId": "m-2"}).encode()
    assert inbox.send((path, changed, headers), check=False)[0] == 400
    assert inbox.journal("mail.bounced", "provider.ignored") == []
    assert amazon.got("Confirm") == 0
    inbox.send(topic.bounce("m-1", "a@example.com"))
