"""People leave mails that are not transactional: by one click of their mail program (RFC 8058) or
by the button of a page, never by a look, and the mailer keeps to it."""
import http.client
import json
import pathlib
import re
import shutil
import subprocess

import pytest

import dkim_peers
from sink_postmark import PostmarkSink
from sink_resend import ResendSink
from stage import effect, member

NEWS = ("Subject: News, {{name|friend}}\nTransactional: no\n\nHello\n\n"
        "No more of these: {{unsubscribe}}\n")


class Door:
    """usher-webhook, asked without cookies."""

    def __init__(self, stage):
        self.port = stage.kit.free_port()
        stage.config("webhook", f'    listen = "127.0.0.1:{self.port}"\n    payment\n'
                                '        mode = test\n        secret = "whsec_1"\n', fast=False)
        stage.secret("stripe", "whsec_1")
        self.url = f"http://127.0.0.1:{self.port}"
        stage.start("webhook")

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), answer.headers
        finally:
            connection.close()

    def click(self, path):
        """What a mail program posts."""
        return self.ask("POST", path, "List-Unsubscribe=One-Click",
                        {"Content-Type": "application/x-www-form-urlencoded"})


@pytest.fixture
def door(stage):
    return Door(stage)


def write_news(stage):
    folder = pathlib.Path(stage.home, "templates")
    folder.mkdir(exist_ok=True)
    (folder / "news.txt").write_text(NEWS, encoding="utf-8")


def news(number, issue=1, **more):
    return member(number, issue, effects=[effect(f"news:{issue}:{number}", kind="news", **more)])


def start(stage, door, sink, more=""):
    write_news(stage)
    return stage.smtp(sink, f'    unsubscribe_url = "{door.url}/"\n' + more)


def path_of(mail):
    """The path of a mail's link; its two fields are as RFC 8058 wants them."""
    assert mail["message"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    found = re.fullmatch(r"<http://127\.0\.0\.1:\d+(/api/unsubscribe/[0-9a-f]{64})>",
                         mail["message"]["List-Unsubscribe"])
    assert found and found[1].encode() in mail["text"].replace(b"=\r\n", b"").partition(
        b"\r\n\r\n")[2]
    return found[1]


def test_one_click_ends_news_and_nothing_else(stage, door, smtp_sink):
    process = start(stage, door, smtp_sink)
    stage.publish(news(1))
    stage.publish(news(2))
    stage.wait_all("mailer", 2)
    first, second = (next(m for m in smtp_sink.mails if m["to"] == [f"m{n}@example.com"])
                     for n in (1, 2))
    path = path_of(first)
    assert path != path_of(second) and "m1" not in path
    # to look changes nothing, however often
    for method in ["GET", "HEAD", "GET"]:
        status, page, headers = door.ask(method, path)
        assert status == 200 and (method == "HEAD" or '<form method="post">' in page)
        assert "no-store" in headers["Cache-Control"] and headers.get("Set-Cookie") is None
        assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert not stage.news("mail.unsubscribed")
    status, page, _ = door.click(path)
    assert status == 200 and "You are unsubscribed" in page
    (event,) = stage.news("mail.unsubscribed")
    assert re.fullmatch("[0-9a-f]{32}", event["data"]["id"]) and event["source"] == "webhook"
    assert "m1@" not in json.dumps(event)
    # news: skipped, with the reason. What answers a payment still goes, also from before
    stage.publish(news(1, 2), "member.changed")
    skipped = stage.wait_job("mailer", "news:2:1", "skipped")
    assert "unsubscribed" in skipped["error"]
    stage.publish(member(1, 3, effects=[effect("welcome:mem_0001")]), "member.changed")
    stage.wait_job("mailer", "welcome:mem_0001", "done")
    stage.publish(news(2, 2), "member.changed")
    stage.wait_job("mailer", "news:2:2", "done")
    welcome = next(m for m in smtp_sink.mails if "Welcome" in m["message"]["Subject"])
    assert welcome["message"]["List-Unsubscribe"] is None
    # a store made again from the journal knows it as well
    assert process.stop() == 0
    shutil.rmtree(pathlib.Path(stage.home, "data", "mailer"))
    stage.start("mailer")
    stage.publish(news(1, 4), "member.changed")
    stage.wait_job("mailer", "news:4:1", "skipped")
    assert len(smtp_sink.mails) == 4


def test_by_button_twice_and_while_a_mail_waits(stage, door, smtp_sink):
    start(stage, door, smtp_sink)
    stage.publish(news(1))
    stage.wait_job("mailer", "news:1:1", "done")
    path = path_of(smtp_sink.mails[0])
    stage.publish(member(1, 2, email="M1@Example.com", effects=[
        effect("news:2:1", kind="news", settle_ms=700)]), "member.changed")
    stage.wait_job("mailer", "news:2:1", "settling")
    body = ('--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
            'One-Click\r\n--x--\r\n')
    for kind, text in [("multipart/form-data; boundary=x", body), (None, None)]:
        status, page, _ = door.ask("POST", path, text, {"Content-Type": kind} if kind else {})
        assert status == 200 and "You are unsubscribed" in page
    stage.wait_job("mailer", "news:2:1", "skipped")  # the same address in other letters
    assert len(stage.news("mail.unsubscribed")) == 1 and len(smtp_sink.mails) == 1


def test_links_that_are_not_ours_and_trouble(stage, door, smtp_sink, broker):
    assert door.click("/api/unsubscribe/" + "0" * 64)[0] == 404  # no key was made yet
    start(stage, door, smtp_sink)
    stage.publish(news(1))
    stage.wait_job("mailer", "news:1:1", "done")
    path = path_of(smtp_sink.mails[0])
    digit = "1" if path[-1] == "0" else "0"
    for wrong in [path[:-1], path + "0", path[:-1] + digit, "/api/unsubscribe/x",
                  "/api/unsubscribe/%00", "/api/unsubscribe/%0d%0aX:x",
                  "/api/unsubscribe/%3Cscript%3E"]:
        for method in ["GET", "POST"]:
            status, page, _ = door.ask(method, wrong)
            assert status in (400, 404) and "<script" not in page and "form" not in page
    assert door.ask("DELETE", path)[0] == 405 and door.ask("GET", "/api/unsubscribe/")[0] == 404
    assert door.ask("POST", path, "x" * 5000)[0] == 413
    assert not stage.news("mail.unsubscribed")
    # a click while nothing can be recorded is no 200, and counts when it comes again
    broker.stop()
    assert door.ask("GET", path)[0] == 200
    status, _, headers = door.click(path)
    assert status == 503 and headers["Retry-After"]


def test_the_fields_are_signed_and_given_to_senders(stage, door, smtp_sink):
    ran = subprocess.run([stage.kit.bin_path("usher"), "--home", stage.home, "dkim", "example.com",
                          "--json"], capture_output=True, text=True, check=True)
    records = {row["name"]: row["strings"] for row in json.loads(ran.stdout)["records"]}
    process = start(stage, door, smtp_sink,
                    '    dkim\n        domain = "example.com"\n'
                    '        rsa\n            key = "file:secrets/dkim-rsa"\n'
                    '        ed25519\n            key = "file:secrets/dkim-ed25519"\n')
    stage.publish(news(1))
    stage.wait_job("mailer", "news:1:1", "done")
    link = smtp_sink.mails[0]["message"]["List-Unsubscribe"]
    (said,) = dkim_peers.mailauth([smtp_sink.mails[0]["text"]], records)
    assert [one[1] for one in said["dkim"]] == ["pass", "pass"]
    for one in said["dkim"]:
        fields = {f.strip().lower() for f in one[2].split(":")}
        assert {"list-unsubscribe", "list-unsubscribe-post"} <= fields
    wanted = {"List-Unsubscribe": link, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    for number, sink in [(2, ResendSink()), (3, PostmarkSink())]:
        assert process.stop() == 0
        name = type(sink).__name__.removesuffix("Sink").lower()
        with sink:
            stage.config("mailer", f'    provider = {name}\n    url = "{sink.url}"\n'
                                   f'    key = "k"\n    from = "hello@example.com"\n'
                                   f'    unsubscribe_url = "{door.url}"\n')
            process = stage.start("mailer")
            stage.publish(news(1, number), "member.changed")
            stage.wait_job("mailer", f"news:{number}:1", "done")
            (mail,) = sink.mails
            given = mail.get("headers") or {h["Name"]: h["Value"] for h in mail["Headers"]}
            assert given == {"Auto-Submitted": "auto-generated", **wanted}


@pytest.mark.parametrize("text, words", [
    ("", "templates/news.txt:2: not transactional: set mailer/unsubscribe_url"),
    ('    unsubscribe_url = "http://hooks.example.com"\n', "mailer/unsubscribe_url: http:// is"),
    ('    unsubscribe_url = "https://hooks.example.com/?a=b"\n', "expected https://host"),
    ('    unsubscribe_url = "smtp://hooks.example.com"\n', "expected https://host"),
])
def test_where_links_lead_is_checked(stage, text, words):
    write_news(stage)
    stage.config("mailer", text)
    code, said = stage.check("mailer")
    assert code == 78 and words in said
    assert not pathlib.Path(stage.home, "secrets", "unsubscribe").exists()


def test_the_doors_own_address_will_do(stage):
    write_news(stage)
    stage.config("webhook", '    url = "https://hooks.example.com"\n', fast=False)
    stage.config("mailer", "")
    assert stage.check("mailer")[0] == 0
