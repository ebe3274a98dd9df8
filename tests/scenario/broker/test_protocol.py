"""The broker against PROTOCOL.md, over the wire, by a client that is not ours in C."""
import os
import pathlib
import random
import threading

import msgpack
import pytest
import zmq

import kit
from usher_client import Client, Refused, Silence, event, read_key_file, write_key_pair


def payment(number, **more):
    return event(f"stripe:evt_{number}", "payment.succeeded", {"n": number}, **more)


def refusal(call, *arguments, **options):
    with pytest.raises(Refused) as caught:
        call(*arguments, **options)
    return caught.value


# --- publish and read -------------------------------------------------------------------------


def test_publish_and_read(broker, connect):
    webhook, ledger = connect("webhook"), connect("ledger")
    assert webhook.publish([payment(i) for i in range(3)]) == ([1, 2, 3], [False] * 3)
    events, next_seq, head = ledger.read(2)
    assert [e["id"] for e in events] == ["stripe:evt_1", "stripe:evt_2"]
    assert (next_seq, head) == (4, 3)
    assert events[0]["data"] == {"n": 1} and events[0]["source"] == "webhook"
    assert ledger.read(4) == ([], 4, 3)


def test_duplicates(broker, connect):
    webhook = connect("webhook")
    webhook.publish([payment(1), payment(2)])
    changed = payment(1, subject="mem_x")
    assert webhook.publish([payment(3), changed, payment(3)]) == ([3, 1, 3], [False, True, True])
    events, _, head = connect("ledger").read(1)
    assert head == 3 and "subject" not in events[0]


def test_read_passes_over_what_is_not_wanted(broker, connect):
    webhook = connect("webhook")
    for start in (0, 350):
        webhook.publish([payment(i) for i in range(start, start + 350)])
    connect("ledger").publish([event("ledger:1", "member.joined")])
    crm = connect("crm")
    events, next_seq, head = crm.read(1, topics=["member.*"])
    while not events:
        events, next_seq, head = crm.read(next_seq, topics=["member.*"])
    assert [e["seq"] for e in events] == [701] and (next_seq, head) == (702, 701)


def test_read_is_bounded(broker, connect):
    webhook, ledger = connect("webhook"), connect("ledger")
    for number in range(4):
        webhook.publish([event(f"stripe:{number}", "payment.failed", {"raw": "x" * 300000})])
    events, next_seq, _ = ledger.read(1)
    assert [e["seq"] for e in events] == [1, 2] and next_seq == 3
    assert len(ledger.read(1, most=1)[0]) == 1
    assert len(ledger.read_all()) == 4


def test_read_ahead_is_refused(broker, connect):
    connect("webhook").publish([payment(1)])
    caught = refusal(connect("ledger").read, 3)
    assert (caught.fault, caught.detail) == ("ahead", 1)


def test_read_by_rights_only(broker, connect):
    connect("webhook").publish([payment(1)])
    connect("ledger").publish([event("ledger:1", "member.joined", {"id": "mem_1"})])
    crm = connect("crm")
    assert [e["type"] for e in crm.read_all()] == ["member.joined"]
    assert [e["type"] for e in crm.read_all(topics=["*"])] == ["member.joined"]
    assert refusal(crm.read, 1, topics=["payment.*"]).fault == "denied"
    assert refusal(connect("webhook").read, 1).fault == "denied"


def test_one_read_at_a_time_is_served(broker, connect):
    connect("webhook").publish([payment(i) for i in range(200)])
    ledger = connect("ledger")
    asked = [ledger.send("READ", 1, 512, []) for _ in range(20)]
    answers = [ledger.receive() for _ in asked]
    assert {a[1] for a in answers} == set(asked)
    assert "EVENTS" in {a[0] for a in answers} <= {"EVENTS", "REFUSED"}
    assert all(a[2][0] == "busy" for a in answers if a[0] == "REFUSED")


# --- stamps and rights ------------------------------------------------------------------------


def test_stamp(home, broker, connect):
    write_key_pair(home, "people/ada")
    ada, tools, console = connect("people/ada"), connect("tools"), connect("console")
    ada.publish([event("tools:1", "admin.noted", source="ledger")])
    tools.publish([event("tools:2", "admin.noted")])
    console.publish([event("console:3", "admin.noted", who="grace")])
    events = tools.read_all()
    assert [(e["source"], e.get("who")) for e in events] == [
        ("tools", "ada"), ("tools", None), ("console", "grace")]
    assert refusal(tools.publish, [event("tools:4", "admin.noted", who="grace")]).fault == "denied"
    assert refusal(ada.publish, [event("tools:5", "admin.noted", who="eve")]).fault == "denied"


def test_attributes_stand_once(broker, connect):
    pairs = [("id", "stripe:1"), ("type", "payment.failed"), ("id", "stripe:2")]
    body = b"\x83" + b"".join(msgpack.packb(x) for pair in pairs for x in pair)
    assert refusal(connect("webhook").publish, [body]).fault == "malformed"


@pytest.mark.parametrize("name, id_, type_, fault", [
    ("webhook", "stripe:1", "member.joined", "denied"),
    ("webhook", "ledger:1", "payment.failed", "denied"),
    ("crm", "mailer:1", "job.done", "denied"),
    ("crm", "crm:1", "payment.failed", "denied"),
    ("tools", "console:1", "admin.noted", "denied"),
    ("crm", "crm:1", "job.invented", "not_found"),
    ("crm", "crm", "job.done", "denied"),
    ("crm", "", "job.done", "malformed"),
])
def test_rights_to_publish(broker, connect, name, id_, type_, fault):
    assert refusal(connect(name).publish, [event(id_, type_)]).fault == fault


def test_one_bad_event(broker, connect):
    webhook, crm = connect("webhook"), connect("crm")
    bad = crm.send("PUBLISH", 3, body=b"".join(msgpack.packb(e) for e in [
        event("crm:1", "job.done"), event("crm:2", "job.done"), event("crm:3", "member.due")]))
    seqs, _ = webhook.publish([payment(1)])
    with pytest.raises(Refused) as caught:
        crm.wait_for(bad)
    assert (caught.value.fault, caught.value.detail) == ("denied", 2)
    assert seqs == [1]
    assert len(connect("ledger").read_all()) == 1


def test_too_large(broker, connect):
    webhook = connect("webhook")
    assert refusal(webhook.publish,
                   [event("stripe:1", "payment.failed", {"raw": "x" * 524288})]).fault == "too_large"
    assert refusal(webhook.publish, [payment(i) for i in range(513)]).fault == "too_large"
    assert webhook.publish([event("stripe:2", "payment.failed", {"raw": "x" * 500000})])[0] == [1]


# --- the door ---------------------------------------------------------------------------------


def test_hello_comes_first(broker, connect):
    caught = refusal(connect("ledger", hello=False).read, 1)
    assert (caught.fault, caught.detail) == ("unavailable", "hello")


def test_another_name(broker, connect):
    crm = connect("crm", hello=False)
    assert refusal(crm.hello, "ledger").fault == "denied"
    assert refusal(crm.hello, "people/ada").fault == "denied"
    assert refusal(crm.read, 1).detail == "hello"


def test_another_version(broker, connect):
    assert refusal(connect("crm", hello=False).hello, version=2).fault == "version"


def test_no_key(broker, connect):
    stranger = connect("crm", hello=False, curve=False)
    stranger.send("HELLO", "crm", 1)
    with pytest.raises(Silence):
        stranger.receive(0.5)
    connect("crm")


def test_wrong_key(broker, connect):
    stranger = connect("crm", hello=False, keys=zmq.curve_keypair())
    stranger.send("HELLO", "crm", 1)
    with pytest.raises(Silence):
        stranger.receive(0.5)
    kit.wait_until(lambda: "turned away" in broker.log(), what="the refusal in the log")


def test_wrong_server_key(broker, connect):
    deceived = connect("crm", hello=False, server_key=zmq.curve_keypair()[0])
    deceived.send("HELLO", "crm", 1)
    with pytest.raises(Silence):
        deceived.receive(0.5)


def test_the_brokers_own_key_opens_nothing(home, broker, connect):
    keys = read_key_file(os.path.join(home, "keys", "broker.key"))
    thief = connect("broker", hello=False, keys=keys)
    thief.send("HELLO", "broker", 1)
    with pytest.raises(Silence):
        thief.receive(0.5)


def test_key_added_while_running(home, broker, connect):
    write_key_pair(home, "people/grace")
    connect("people/grace")


def test_key_withdrawn(home, broker, connect):
    write_key_pair(home, "people/eve")
    eve = connect("people/eve")
    assert eve.read(1) == ([], 1, 0)
    os.unlink(os.path.join(home, "keys", "people", "eve.pub"))

    def is_out():
        try:
            eve.read(1)
            return False
        except Refused as refused:
            return refused.detail == "hello"

    kit.wait_until(is_out, 4, "the withdrawn key is out")
    assert refusal(eve.hello).fault == "denied"


def test_key_changed(home, broker, connect):
    old = connect("crm")
    write_key_pair(home, "crm")
    assert connect("crm").read(1)[2] == 0

    def is_out():
        try:
            old.read(1)
            return False
        except Refused as refused:
            return refused.detail == "hello"

    kit.wait_until(is_out, 4, "the old key is out")


def test_a_key_of_two_names_is_nobodys(home, broker, connect):
    pair = read_key_file(os.path.join(home, "keys", "crm.key"))
    write_key_pair(home, "mailer", pair)
    shared = connect("crm", hello=False)
    shared.send("HELLO", "crm", 1)
    with pytest.raises(Silence):
        shared.receive(0.5)


# --- hostile frames ---------------------------------------------------------------------------


def hostile_headers():
    yield [b""]
    yield [b"\xc1"]
    yield [b"\xdd\xff\xff\xff\xff"]
    yield [b"\xdf\xff\xff\xff\xff"]
    yield [b"\x91" * 100000]
    yield [b"\xc6\xff\xff\xff\xff"]
    yield [b"\xd8\x01" + b"x" * 16]
    yield [msgpack.packb(["PUBLISH"])]
    yield [msgpack.packb(["PUBLISH", "x", 1]), b"\x80"]
    yield [msgpack.packb(["STEAL", 1])]
    yield [msgpack.packb({"verb": "READ"})]
    yield [msgpack.packb(["READ", 1, 1, 1, []]), b"", b"", b""]
    yield [msgpack.packb(["READ", 1, 1, 1, []])] + [b"x" * 1000] * 200


BODIES = [b"", b"\xc1", b"\xdf\xff\xff\xff\xff", b"\x81\xa2id" + b"\xdb\xff\xff\xff\xff",
          b"\x81\xa4data" + b"\x91" * 5000, b"\x90", b"\x80", b"\x81\x01\x02",
          b"\x81\xa4data\xdd\x00\x10\x00\x00" + b"\x00" * 700000]


def test_hostile_frames(broker, connect):
    crm = connect("crm")
    for frames in hostile_headers():
        crm.socket.send_multipart(frames)
        verb, _, arguments, _ = crm.receive()
        assert (verb, arguments[0]) in {("REFUSED", "malformed"), ("REFUSED", "too_large")}
    for count in (1, 2, 512):
        for body in BODIES:
            assert refusal(crm.call, "PUBLISH", count, body=body).fault in {"malformed", "too_large"}
    for arguments in ([], [0], [-1], [2**40], ["many"], [None], [{}], [[1]]):
        assert refusal(crm.call, "PUBLISH", *arguments, body=b"\x80").temporary is False
    for arguments in ([], [0, 1, []], [1, 0, []], [1, 1], [1, 1, 7], [1, 1, [1]], ["1", 1, []],
                      [1, 1, ["x"] * 65], [-5, 1, []], [1, 1, ["x" * 64]], [1, 1, ["member\0.*"]]):
        assert refusal(crm.call, "READ", *arguments).fault == "malformed"
    for arguments in ([], [-1], ["x"], [1, "x" * 5000]):
        assert refusal(crm.call, "BEAT", *arguments).temporary is False
    for verb in ("WELCOME", "PUBLISHED", "EVENTS", "BEATEN", "ANSWER", "ASKED", "REFUSED"):
        assert refusal(crm.call, verb).fault == "malformed"
    assert connect("webhook").publish([payment(1)])[0] == [1]


def test_random_frames(broker, connect):
    dice = random.Random(20261123)
    crm = connect("crm")
    for _ in range(2000):
        good = bytearray(msgpack.packb(["PUBLISH", dice.randrange(1 << 30), 1]))
        for _ in range(dice.randrange(4)):
            good[dice.randrange(len(good))] = dice.randrange(256)
        body = bytearray(msgpack.packb(event(f"crm:{dice.randrange(99)}", "job.done")))
        for _ in range(dice.randrange(6)):
            body[dice.randrange(len(body))] = dice.randrange(256)
        crm.socket.send_multipart([bytes(good), bytes(body)][:dice.randrange(1, 3)])
        crm.receive()
    status = connect("tools").ask("broker", {"ask": "status"})
    assert status["counts"]["refused"]["malformed"] > 100


def test_a_frame_over_the_limit_costs_the_connection_only(broker, connect):
    giant = connect("crm")
    giant.send("PUBLISH", 1, body=b"x" * (2 << 20))
    with pytest.raises(Silence):
        giant.receive(0.5)
    assert connect("webhook").publish([payment(1)])[0] == [1]


def test_bytes_that_are_no_zmtp(home, broker, connect):
    import socket
    for seed in range(20):
        with socket.socket(socket.AF_UNIX) as raw:
            raw.connect(f"{home}/run/broker.ipc")
            raw.sendall(random.Random(seed).randbytes(500))
    connect("crm")


# --- slow readers -----------------------------------------------------------------------------


def anonymous_kib(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(text.split("RssAnon:")[1].split()[0])


def test_slow_reader_costs_bounded_memory_and_delays_nobody(broker, connect):
    webhook = connect("webhook")
    ledger = connect("ledger", options={zmq.RCVHWM: 1})  # what it does not take stays with the broker
    for start in range(0, 1000, 100):
        webhook.publish([event(f"stripe:{n}", "payment.failed", {"raw": "x" * 3000})
                         for n in range(start, start + 100)])
    before = anonymous_kib(broker.pid)
    for number in range(300):  # 220 MB, were all of it answered
        ledger.send("READ", 1 + number % 7, 512, [])
        webhook.publish([payment(number)], 2)
    assert anonymous_kib(broker.pid) - before < 120 * 1024
    answers = [ledger.receive() for _ in range(300)]
    assert "EVENTS" in {a[0] for a in answers}
    assert "take your answers first" in {a[2][1] for a in answers if a[0] == "REFUSED"}


def test_one_key_shuts_nobody_out(broker, connect):
    mailers = [connect("mailer", hello=False) for _ in range(300)]
    for mailer in mailers:
        mailer.send("HELLO", "mailer", 1)
    assert {mailer.receive()[0] for mailer in mailers} == {"WELCOME"}
    forgotten = 0  # the longest silent gave way, and must say HELLO again
    for mailer in mailers:
        mailer.send("BEAT", 0, {})
        forgotten += mailer.receive()[0] == "REFUSED"
    assert forgotten == 300 - 256
    connect("webhook").publish([payment(1)])


def test_long_subscriptions(broker, connect):
    """libzmq keeps a node for each byte of a subscription: a long one costs the connection only."""
    mailer = connect("mailer")
    mailer.listen()
    before = anonymous_kib(broker.pid)
    for first in range(64, 128):
        mailer.bell_socket.subscribe(bytes([first]) * (16 << 10))
    tools = connect("tools")
    tools.listen()
    for _ in range(3):
        assert tools.bell()[0] == "heartbeat"
    assert anonymous_kib(broker.pid) - before < 8192


# --- questions --------------------------------------------------------------------------------


def serve(client, stop):
    def run():
        while not stop.is_set():
            try:
                verb, _, arguments, body = client.receive(0.05)
                if verb == "ASKED":
                    client.answer(arguments, body)
            except Silence:
                pass

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_ask_and_answer(broker, connect):
    ledger, stop = connect("ledger"), threading.Event()

    def answer(who, question):
        if question["ask"] == "no":
            raise Refused("not_found", "")
        return {"who": who, "echo": question}

    ledger.on_asked = answer
    thread = serve(ledger, stop)
    try:
        tools = connect("tools")
        assert tools.ask("ledger", {"ask": "x"}) == {"who": "tools", "echo": {"ask": "x"}}
        assert refusal(tools.ask, "ledger", {"ask": "no"}).fault == "not_found"
    finally:
        stop.set()
        thread.join()


def test_ask_absent_actor_is_unavailable_at_once(broker, connect):
    tools = connect("tools")
    assert refusal(tools.ask, "crm", {}, deadline_s=30).fault == "unavailable"
    assert refusal(tools.ask, "no such actor", {}).fault == "unavailable"


def test_ask_killed_actor_is_unavailable(broker, connect):
    crm = connect("crm")
    crm.close()
    tools = connect("tools")

    def is_unavailable():
        try:
            tools.ask("crm", {}, deadline_s=0.1)
        except Refused as refused:
            return refused.fault == "unavailable"

    kit.wait_until(is_unavailable, 5)


def test_ask_deadline(broker, connect):
    connect("crm")
    caught = refusal(connect("tools").ask, "crm", {}, deadline_s=0.3)
    assert caught.fault == "timeout"


def test_ask_full_actor_is_unavailable(broker, connect):
    connect("crm")
    first, second = connect("tools"), connect("console")
    for _ in range(64):
        first.send("ASK", "crm", 20000, body=msgpack.packb({}))
    assert refusal(first.call, "ASK", "crm", 1000, body=msgpack.packb({})).fault == "busy"
    assert refusal(second.call, "ASK", "crm", 1000, body=msgpack.packb({})).fault == "unavailable"


def test_ask_is_for_people(broker, connect):
    connect("ledger")
    assert refusal(connect("crm").ask, "ledger", {}).fault == "denied"


def test_ask_tickets_are_not_anybodys(broker, connect):
    connect("crm")
    tools, eve = connect("tools"), connect("mailer")
    request = tools.send("ASK", "crm", 700, body=msgpack.packb({}))
    for ticket in range(100):
        eve.send("REPLY", ticket, "ok", body=msgpack.packb("forged"))
    with pytest.raises(Refused) as caught:
        tools.wait_for(request)
    assert caught.value.fault == "timeout"


def test_status(broker, connect):
    connect("webhook").publish([payment(i) for i in range(5)])
    ledger, tools = connect("ledger"), connect("tools")
    ledger.read(1, most=2)
    ledger.beat(2, {"applied": 2})
    status = tools.ask("broker", {"ask": "status"})
    assert status["head"] == 5 and status["commits"] >= 1 and status["damaged"] == 0
    peer = {p["name"]: p for p in status["peers"]}["ledger"]
    assert peer["connected"] and (peer["cursor"], peer["lag"]) == (2, 3)
    assert peer["report"] == {"applied": 2} and 0 < peer["oldest_ms"] < 60000
    assert refusal(tools.ask, "broker", {"ask": "the time"}).fault == "not_found"


# --- bells ------------------------------------------------------------------------------------


def test_bells(broker, connect):
    ledger, webhook = connect("ledger"), connect("webhook")
    ledger.listen()
    assert ledger.bell() == ("heartbeat", 0)
    webhook.publish([payment(1), payment(1), payment(2)])
    bells = [ledger.bell() for _ in range(3)]
    rung = [b for b in bells if b[0] != "heartbeat"]
    assert rung == [("payment.succeeded", 1), ("payment.succeeded", 2)]
    kit.wait_until(lambda: ledger.bell() == ("heartbeat", 2), 2)


# --- restarts ---------------------------------------------------------------------------------


def test_stop_and_restart(home, processes, connect):
    processes.append(kit.start_broker(home))
    webhook, tools = connect("webhook"), connect("tools")
    webhook.publish([payment(1)])
    assert processes[0].stop() == 0
    processes.append(kit.start_broker(home))
    assert webhook.publish([payment(1), payment(2)], 10) == ([1, 2], [True, False])
    kit.wait_until(lambda: refusal(tools.read, 1).detail == "hello", 1)
    assert tools.hello() == (2, 1)


def test_kill_and_resend(home, processes):
    """What was answered is there after kill -9, once; the rest is taken when it is sent again."""
    accepted, stop = {}, threading.Event()

    def publish():
        with Client(home, "webhook") as webhook:
            number = 0
            while not stop.is_set():
                events = [payment(n) for n in range(number, number + 7)]
                seqs, _ = webhook.publish(events, 30)
                accepted.update(zip((e["id"] for e in events), seqs))
                number += 7

    processes.append(kit.start_broker(home))
    thread = threading.Thread(target=publish)
    thread.start()
    try:
        for _ in range(5):
            goal = len(accepted) + 100
            kit.wait_until(lambda g=goal: len(accepted) >= g, 20)
            processes[-1].kill()
            processes.append(kit.start_broker(home))
    finally:
        stop.set()
        thread.join()
    with Client(home, "ledger") as ledger:
        ledger.hello()
        events = ledger.read_all()
    assert [e["seq"] for e in events] == list(range(1, len(events) + 1))
    assert len({e["id"] for e in events}) == len(events)
    assert {e["id"]: e["seq"] for e in events} == accepted


def test_a_second_broker_stays_out(home, broker, processes):
    processes.append(kit.start_broker(home, wait=False))
    assert processes[-1].wait() == 111


# --- disk full --------------------------------------------------------------------------------


def test_disk_full(processes, connect):
    """Below disk_free_min nothing is taken; with room again it goes on without a restart."""
    disk = os.statvfs("/tmp")
    free_min = disk.f_bavail * disk.f_frsize - (768 << 20)
    home = kit.new_home(config=f"broker\n    disk_free_min = {free_min >> 20}m\n")
    try:
        processes.append(kit.start_broker(home))
        webhook = connect("webhook", home=home)
        webhook.publish([payment(1)])
        ballast = os.open(f"{home}/ballast", os.O_CREAT | os.O_WRONLY)
        os.posix_fallocate(ballast, 0, 1536 << 20)
        os.close(ballast)
        kit.wait_until(lambda: refused_full(webhook), 5, "refused for want of room")
        status = connect("tools", home=home).ask("broker", {"ask": "status"})
        assert status["full"] is True
        os.unlink(f"{home}/ballast")
        seqs, duplicates = webhook.publish([payment(1), payment("after")], 10)
        assert seqs == [1, status["head"] + 1] and duplicates == [True, False]
        assert processes[-1].stop() == 0
    finally:
        processes.pop().close()
        kit.drop_home(home)


def refused_full(webhook):
    try:
        webhook.call("PUBLISH", 1, body=msgpack.packb(payment(f"full{random.random()}")))
        return False
    except Refused as refused:
        return refused.fault == "full"


# --- settings ---------------------------------------------------------------------------------


def test_check(home, processes):
    config = pathlib.Path(home) / "usher.cfg"
    for text, code in (("broker\n", 0), ("broker\n    segment = big\n", 78),
                       ("broker\n    nonsense = 1\n", 78)):
        config.write_text(text, encoding="utf-8")
        process = kit.Process([kit.bin_path("usher-broker"), "--home", home, "--check"])
        assert process.wait() == code
        assert ("usher.cfg:2" in process.log()) == (code == 78)
        process.close()


def test_without_its_key_it_stays_down(home, processes):
    os.unlink(os.path.join(home, "keys", "broker.key"))
    processes.append(kit.start_broker(home, wait=False))
    assert processes[-1].wait() == 100
