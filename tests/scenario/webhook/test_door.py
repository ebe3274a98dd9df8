"""The webhook's door, with the real binaries: what is taken, what is refused, and that 200 means
that the event is on disk, whoever is killed."""

import http.client
import itertools
import json
import os
import pathlib
import signal
import socket
import threading
import time

import pytest

import kit
import stripe
from usher_client import Client

SECRET = "whsec_test_door"
PATH = "/api/webhooks/payment"
CONFIG = """\
webhook
    listen = "127.0.0.1:{port}"
    trusted_proxies = "{proxies}"
    refused_every = "200ms"
    payment
        provider = stripe
        mode = test
        secret = "file:secrets/stripe"
    limits
        answer = "1s"
        wrong = {wrong}
"""


class Door:
    """usher-webhook on a home, and what a provider does with it."""

    def __init__(self, home, proxies="127.0.0.1 ::1", wrong=100000):
        self.home, self.port = pathlib.Path(home), kit.free_port()
        (self.home / "usher.cfg").write_text(
            "broker\n" + CONFIG.format(port=self.port, proxies=proxies, wrong=wrong),
            encoding="utf-8")
        (self.home / "secrets").mkdir(mode=0o700, exist_ok=True)
        self.set_secret(SECRET)
        self.process = None

    def set_secret(self, text):
        path = self.home / "secrets" / "stripe.new"
        path.write_text(text + "\n", encoding="utf-8")
        path.rename(self.home / "secrets" / "stripe")

    def start(self, wait=True):
        if self.process:
            self.process.close()
        self.process = kit.Process([kit.bin_path("usher-webhook"), "--home", str(self.home)])
        if wait:
            self.process.wait_ready()
        return self

    def stop(self):
        """Told to stop it exits 0, with nothing to say for a sanitizer."""
        if self.process:
            code, log = self.process.stop(), self.process.log()
            self.process.close()
            self.process = None
            assert code == 0, log
            assert "Sanitizer" not in log and "runtime error" not in log, log

    def post(self, body, header=None, **more):
        return stripe.post(self.port, body, header, **more)

    def signed(self, body, **more):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.post(body, stripe.sign(body, SECRET), **more)

    def raw(self, data, wait_for=b"\r\n\r\n", seconds=20):
        """Sends bytes; returns what came until wait_for showed or the connection was over."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as sock:
            for piece in [data] if isinstance(data, bytes) else data:
                try:
                    sock.sendall(piece)
                except OSError:
                    break
            heard = b""
            while wait_for not in heard:
                try:
                    got = sock.recv(65536)
                except ConnectionError:
                    break
                if not got:
                    break
                heard += got
            return heard


@pytest.fixture
def door(home, broker):  # pylint: disable=unused-argument
    door = Door(home).start()
    yield door
    door.stop()


def journal(home):
    with Client(home, "tools") as client:
        client.hello()
        return client.read_all()


def taken(home):
    return [event for event in journal(home) if event["type"] != "webhook.refused"]


def stats(home):
    with Client(home, "tools") as client:
        client.hello()
        return client.ask("webhook", {"ask": "stats"})


# --- what is taken ------------------------------------------------------------------------------


def test_a_signed_event_is_on_disk_when_it_is_answered(door, home):
    event = stripe.Person("ada@example.com").paid()
    body = json.dumps(event, indent=1).encode()
    status, answer = door.signed(body)
    assert (status, json.loads(answer)) == (200, {"received": True, "duplicate": False})
    [found] = taken(home)
    assert found["id"] == "stripe:" + event["id"]
    assert found["type"] == "payment.succeeded"
    assert found["source"] == "webhook"
    assert found["data"]["raw"].encode() == body
    assert found["data"]["provider_type"] == "invoice.paid"
    assert found["data"]["livemode"] is False
    assert found["data"]["created"] == event["created"]
    assert found["data"]["facts"][0]["kind"] == "payment"
    assert abs(found["time"] / 1000 - time.time()) < 60


def test_a_repeated_event_is_answered_as_a_duplicate(door, home):
    event = stripe.Person("ada@example.com").paid()
    assert json.loads(door.signed(event)[1])["duplicate"] is False
    for _ in range(3):
        status, answer = door.signed(event)
        assert (status, json.loads(answer)) == (200, {"received": True, "duplicate": True})
    assert len(taken(home)) == 1
    with Client(home, "tools") as client:
        client.hello()
        for name in (event["id"], "stripe:" + event["id"]):
            [row] = client.ask("webhook", {"ask": "delivery", "id": name})["deliveries"]
            assert (row["id"], row["count"], row["outcome"]) == (
                    "stripe:" + event["id"], 4, "received")
        assert client.ask("webhook", {"ask": "delivery", "id": "evt_nobody"}) == {"deliveries": []}


def test_foreign_and_unknown_events_are_recorded(door, home):
    for n, event in enumerate([
            {"id": "evt_a", "object": "event", "type": "payout.paid", "created": 1, "livemode": False,
             "data": {"object": {}}},
            stripe.Person("live@example.com", livemode=True).paid(),
            {"id": "evt_b", "type": "half.formed"}], 1):
        assert door.signed(event)[0] == 200
        found = taken(home)
        assert len(found) == n and found[-1]["type"] == "provider.ignored"
        assert found[-1]["data"]["ignored"] and found[-1]["data"]["facts"] == []


def test_every_fixture_goes_through_the_door(door, home):
    folder = kit.ROOT / "tests" / "fixtures" / "stripe"
    bodies = sorted(folder.glob("*.facts.json"))
    assert len(bodies) > 50
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=30)
    expected = []
    for path in bodies:
        wanted = json.loads(path.read_text(encoding="utf-8"))
        if wanted.get("rules"):
            continue  # of other settings
        body = path.with_name(path.name.replace(".facts", "")).read_bytes()
        assert door.signed(body, connection=connection)[0] == 200, path.name
        expected.append((wanted["id"], wanted["type"], wanted["facts"]))
    connection.close()
    found = [(e["id"].removeprefix("stripe:"), e["type"], e["data"]["facts"]) for e in taken(home)]
    assert found == expected


def test_a_secret_rotates_without_a_restart(door, home):
    body = json.dumps(stripe.Person("ada@example.com").paid()).encode()
    new = "whsec_the_next"
    assert door.post(body, stripe.sign(body, new))[0] == 400
    door.set_secret(SECRET + "\n" + new)
    kit.wait_until(lambda: door.post(body, stripe.sign(body, new))[0] == 200, 15, "the new secret")
    assert door.signed(body)[0] == 200
    door.set_secret(new)
    kit.wait_until(lambda: door.signed(body)[0] == 400, 15, "the old secret's end")
    assert len(taken(home)) == 1


# --- what is refused ----------------------------------------------------------------------------


def test_bad_signatures(door, home):
    body = json.dumps(stripe.Person("ada@example.com").paid()).encode()
    good = stripe.sign(body, SECRET)
    stamp = good.split(",")[0]
    bad = {
        "missing": None,
        "empty": "",
        "garbage": "garbage",
        "forged": stripe.sign(body, "whsec_wrong"),
        "of another body": stripe.sign(body + b" ", SECRET),
        "too old": stripe.sign(body, SECRET, time.time() - 400),
        "from the future": stripe.sign(body, SECRET, time.time() + 400),
        "of an older scheme": stamp + ",v0=" + good.split("v1=")[1],
        "two times": stamp + "," + good,
    }
    answers = set()
    for what, header in bad.items():
        status, answer = door.post(body, header)
        assert status == 400, what
        answers.add(answer)
    head = (f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n")
    doubled = f"Stripe-Signature: {good}\r\n" * 2
    heard = door.raw((head + doubled + "\r\n").encode() + body, b"}")
    assert heard.startswith(b"HTTP/1.1 400")
    assert len(answers) == 1, "who guesses must learn nothing"
    # the same bytes with the right header are fine
    assert door.post(body, good)[0] == 200
    assert len(taken(home)) == 1
    counts = stats(home)
    assert (counts["forged"], counts["stale"], counts["unsigned"]) == (2, 2, 1)
    assert (counts["doubled"], counts["malformed"]) == (1, 4)


def test_refusals_are_published_as_counts(door, home):
    for _ in range(5):
        door.post(b"{}", stripe.sign(b"{}", "whsec_wrong"))

    def counted():
        found = [e["data"] for e in journal(home) if e["type"] == "webhook.refused"]
        return found if sum(data["signatures"] for data in found) == 5 else None

    found = kit.wait_until(counted, 10, "the counts")
    assert all(set(data["reasons"]) == {"forged"} and data["own"] == 0 for data in found)
    assert all(data["since"] <= data["until"] for data in found)
    # a quiet time publishes nothing
    before = len(journal(home))
    door.signed(stripe.Person("ada@example.com").paid())
    kit.wait_until(lambda: len(journal(home)) > before, 5, "the payment")
    assert len(journal(home)) == before + 1


def test_bad_bodies(door, home):
    for body in (b"", b"not json", b"{", b"[]", b'"x"', b'{"id":"evt_1"}', b"\xff\xfe", b"{}{}",
                 b'{"id":"evt_1","type":"a","id":"evt_2"}', b"[" * 100000,
                 b'{"id":"evt 1","type":"a"}', b'{"id":"\xed\xa0\x80","type":"a"}'):
        assert door.signed(body)[0] == 400, body[:40]
    assert taken(home) == []


def test_statuses(door):
    def request(method, path=PATH, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=20)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status, answer

    status, answer = request("HEAD")
    assert status == 200 and answer.headers["Allow"] == "POST, HEAD"
    status, answer = request("GET")
    assert status == 405 and answer.headers["Allow"] == "POST, HEAD"
    assert request("DELETE")[0] == 405
    assert request("GET", "/")[0] == 404
    for path in ("/%00", PATH + "/%00", "/%zz", "/%ff", "/a/../b"):
        assert request("GET", path)[0] == 400 and request("POST", path, b"{}")[0] == 400, path
    assert request("GET", "/" + "a" * 5000)[0] in (404, 414)
    assert request("POST", "/api/webhooks/nothing", b"{}")[0] == 404
    for other in ("/api/webhooks/support", "/api/webhooks/mail"):
        status, answer = request("POST", other, b"{}", **{"Content-Type": "application/json"})
        assert status == 404 and answer.headers["Content-Type"] == "application/problem+json"
        assert request("HEAD", other)[0] == 200
    assert request("POST", body=b"{}", **{"Content-Type": "text/plain"})[0] == 415
    assert request("POST", body=b"{}")[0] == 415
    json_type = "Content-Type: application/json\r\n"
    large = f"POST {PATH} HTTP/1.1\r\nHost: a\r\n{json_type}Content-Length: 262145\r\n\r\n"
    assert door.raw(large.encode()).startswith(b"HTTP/1.1 413")
    expect = large.replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n")
    assert door.raw(expect.encode()).startswith(b"HTTP/1.1 413")
    head = b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 20000 + b"\r\n\r\n"
    assert door.raw(head).startswith(b"HTTP/1.1 431")
    both = (f"POST {PATH} HTTP/1.1\r\nHost: a\r\n{json_type}Content-Length: 4\r\n"
            "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    assert door.raw(both.encode(), b"\0").startswith(b"HTTP/1.1 400")


def test_the_largest_body_is_taken(door, home):
    event = stripe.Person("ada@example.com").paid()
    room = 256 * 1024 - len(json.dumps({**event, "pad": ""}))
    body = json.dumps({**event, "pad": "x" * room}).encode()
    assert len(body) == 256 * 1024
    assert door.signed(body)[0] == 200
    assert taken(home)[0]["data"]["raw"].encode() == body
    assert door.signed(body + b" ")[0] == 413


def test_chunked_without_end(door):
    def pieces():
        yield (f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
               "Transfer-Encoding: chunked\r\n\r\n").encode()
        while True:
            yield b"10000\r\n" + b"x" * 0x10000 + b"\r\n"

    door.raw(pieces(), b"\0")  # comes back only because the connection ended
    assert memory_kb(door.process.pid) < 400_000  # with the sanitizer's shadow


def memory_kb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("RssAnon"))


def test_slow_clients_are_dropped_and_harm_nobody(door):
    """Each byte comes in time, the whole never does."""
    slow = [socket.create_connection(("127.0.0.1", door.port)) for _ in range(20)]
    for sock in slow:
        sock.sendall(b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: a\r\n")
        sock.setblocking(False)
    ended, until, answered = set(), time.monotonic() + 30, 0
    while len(ended) < len(slow):
        assert time.monotonic() < until, f"{len(slow) - len(ended)} are still there"
        for sock in slow:
            if sock in ended:
                continue
            try:
                sock.send(b"X-a: b\r\n")
                if sock.recv(1) == b"":
                    ended.add(sock)
            except BlockingIOError:
                pass
            except OSError:
                ended.add(sock)
        began = time.monotonic()
        assert door.signed(stripe.Person(f"p{answered}@example.com").paid())[0] == 200
        assert time.monotonic() - began < 2
        answered += 1
        time.sleep(0.05)  # the pace of the slow ones
    for sock in slow:
        sock.close()
    assert door.process.child.poll() is None


def test_a_guesser_is_slowed_down(home, broker):  # pylint: disable=unused-argument
    door = Door(home, wrong=20).start()
    try:
        body = json.dumps(stripe.Person("ada@example.com").paid()).encode()
        from_elsewhere = http.client.HTTPConnection("127.0.0.1", door.port, timeout=20)

        def post_from(address, header):
            from_elsewhere.request("POST", PATH, body, {
                "Content-Type": "application/json", "Stripe-Signature": header,
                "X-Forwarded-For": address})
            answer = from_elsewhere.getresponse()
            answer.read()
            return answer

        statuses = [post_from("203.0.113.1", "garbage").status for _ in range(40)]
        assert statuses[:20] == [400] * 20 and statuses[-1] == 429
        answer = post_from("203.0.113.1", stripe.sign(body, SECRET))
        assert answer.status == 429 and int(answer.headers["Retry-After"]) > 0
        # everybody else is served
        assert post_from("203.0.113.2", stripe.sign(body, SECRET)).status == 200
        from_elsewhere.close()
    finally:
        door.process.close()


def test_one_address_has_a_share_of_connections(home, broker):  # pylint: disable=unused-argument
    door = Door(home, proxies="").start()
    try:
        socks = [socket.create_connection(("127.0.0.1", door.port)) for _ in range(80)]

        def refused():
            count = 0
            for sock in socks:
                sock.setblocking(False)
                try:
                    count += sock.recv(1) == b""
                except BlockingIOError:
                    pass
                except OSError:
                    count += 1
            return count

        kit.wait_until(lambda: refused() >= 16, 10, "16 of 80 closed")
        assert refused() < 80
        for sock in socks:
            sock.close()
        kit.wait_until(lambda: can_post(door), 10, "room again")
    finally:
        door.process.close()


def test_more_connections_than_descriptors(home, broker):  # pylint: disable=unused-argument
    """With few open files allowed there are fewer connections, and nothing breaks."""
    door = Door(home)
    door.process = kit.Process(["prlimit", "--nofile=300:300", kit.bin_path("usher-webhook"),
                                "--home", str(home)]).wait_ready()
    try:
        socks = [socket.create_connection(("127.0.0.1", door.port)) for _ in range(400)]
        for sock in socks:
            sock.close()
        kit.wait_until(lambda: can_post(door), 10, "a post")
    finally:
        door.stop()


def can_post(door):
    try:
        return door.signed(stripe.Person("ada@example.com").paid())[0] == 200
    except (OSError, http.client.HTTPException):
        return False


# --- settings -----------------------------------------------------------------------------------


def check(home):
    process = kit.Process([kit.bin_path("usher-webhook"), "--home", str(home), "--check"])
    code, log = process.wait(), process.log()
    process.close()
    return code, log


def test_settings_are_checked(home):
    door = Door(home)
    assert check(home) == (0, "")
    door.set_secret("")
    code, log = check(home)
    assert code == 78 and "webhook/payment/secret" in log
    os.unlink(pathlib.Path(home) / "secrets" / "stripe")
    assert check(home)[0] == 78
    Door(home, proxies="127.0.0.1 localhost")
    code, log = check(home)
    assert code == 78 and "webhook/trusted_proxies" in log


# --- when the journal cannot take it --------------------------------------------------------------


def test_broker_down_means_503_and_comes_back(door, home, broker):
    first, second = (stripe.Person(f"{name}@example.com").paid() for name in ("ada", "bob"))
    assert door.signed(first)[0] == 200
    broker.kill()
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=30)

    def refused_at_once():
        body = json.dumps(second).encode()
        began = time.monotonic()
        connection.request("POST", PATH, body, {"Content-Type": "application/json",
                                                "Stripe-Signature": stripe.sign(body, SECRET)})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 503 and int(answer.headers["Retry-After"]) > 0
        return time.monotonic() - began < 0.5

    kit.wait_until(refused_at_once, 30, "503 without a wait")
    again = kit.start_broker(home)
    try:
        status, answer, _ = stripe.deliver(door.port, second, SECRET)
        assert status == 200 and answer["received"]
        assert sorted(e["id"] for e in taken(home)) == sorted(
            "stripe:" + e["id"] for e in (first, second))
        counts = stats(home)
        assert counts.get("down", 0) + counts.get("late", 0) + counts.get("full", 0) > 0
    finally:
        connection.close()
        door.stop()
        again.stop()
        again.close()


def test_a_secret_may_be_elsewhere(home):
    door = Door(home)
    (door.home / "secrets" / "stripe").rename(door.home / "secrets" / "other")
    config = door.home / "usher.cfg"
    text = config.read_text(encoding="utf-8").replace("secrets/stripe", "secrets/other")
    config.write_text(text, encoding="utf-8")
    process = kit.Process([kit.bin_path("usher-webhook"), "--home", home, "--check"])
    assert process.wait() == 0, process.log()
    process.close()


def test_a_full_store_is_said_once(home, broker):  # pylint: disable=unused-argument
    """Events are taken all the same; the log is not what fills the rest of the disk."""
    door = Door(home)
    config = door.home / "usher.cfg"
    config.write_text(config.read_text(encoding="utf-8") + "store\n    max = 1m\n",
                      encoding="utf-8")
    door.start()
    waits = "the delivery log waits"
    numbers = itertools.count()

    def request(last):
        body = json.dumps({"id": f"evt_{next(numbers):050}", "object": "event", "type": "any.thing",
                           "created": 1, "livemode": False,
                           "data": {"object": {"id": "a", "object": "b"}}}).encode()
        return (f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\nStripe-Signature: {stripe.sign(body, SECRET)}\r\n"
                f"Connection: {'close' if last else 'keep-alive'}\r\n\r\n").encode() + body

    def post(count=500):
        heard = door.raw(b"".join(request(n + 1 == count) for n in range(count)), b"\0")
        assert heard.count(b'"received":true') == count
        return waits in door.process.log()

    kit.wait_until(post, 30, "a full store")
    until = time.monotonic() + 1.5  # seven ticks
    while time.monotonic() < until:
        post(1)
    assert door.process.log().count(waits) == 1
    door.stop()


def test_a_journal_that_does_not_answer(door, home, broker):
    """A request waits for its time and is told to come again; those that follow are told at once,
    so that an outage costs no memory; what was under way is there once afterwards."""
    event = stripe.Person("ada@example.com").paid()
    broker.signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert door.signed(event)[0] == 503
        assert 0.9 < time.monotonic() - began < 5
        kit.wait_until(lambda: refused_within(door, event, 0.5), 20, "503 without a wait")
    finally:
        broker.signal(signal.SIGCONT)
    status, answer, _ = stripe.deliver(door.port, event, SECRET)
    assert status == 200 and answer["received"]
    assert [e["id"] for e in taken(home)] == ["stripe:" + event["id"]]
    counts = stats(home)
    assert counts["late"] >= 1 and counts.get("full", 0) + counts.get("down", 0) >= 1


def refused_within(door, event, seconds):
    began = time.monotonic()
    assert door.signed(event)[0] == 503
    return time.monotonic() - began < seconds


def stream(door, count, threads=8):
    """Delivers `count` events as a provider does, each until it is answered 200; yields control of
    the kills to the caller. Returns (join, answered ids)."""
    answered, failures, lock = [], [], threading.Lock()
    people = [stripe.Person(f"p{n}@example.com").paid() for n in range(count)]
    queue = iter(people)

    def work():
        while True:
            with lock:
                event = next(queue, None)
            if event is None:
                return
            try:
                stripe.deliver(door.port, event, SECRET, deadline=120)
                with lock:
                    answered.append(event["id"])
            except AssertionError as error:
                with lock:
                    failures.append(str(error))
                return

    workers = [threading.Thread(target=work, daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()

    def join():
        for worker in workers:
            worker.join(180)
            assert not worker.is_alive(), "the stream does not end"
        assert not failures, failures[:3]
        return people

    return join, answered


@pytest.mark.parametrize("victim", ["webhook", "broker"])
def test_every_200_is_in_the_journal_once_whoever_is_killed(home, victim):
    broker = kit.start_broker(home)
    door = Door(home).start()
    try:
        count, kills = 400, 6
        join, answered = stream(door, count)
        for kill in range(1, kills + 1):
            kit.wait_until(lambda: len(answered) >= kill * count // (kills + 2), 120, "progress")
            if victim == "webhook":
                door.process.kill()
                door.start(wait=False)
            else:
                broker.kill()
                broker.close()
                broker = kit.start_broker(home, wait=False)
        people = join()
        ids = [e["id"] for e in kit.wait_until(lambda: try_taken(home), 30, "the broker")]
        assert len(ids) == len(set(ids)), "an event stands twice in the journal"
        assert set(ids) == {"stripe:" + e["id"] for e in people}
        assert len(answered) == count
    finally:
        door.process.close()
        broker.close()


def try_taken(home):
    try:
        return taken(home)
    except Exception:  # pylint: disable=broad-except
        return None
