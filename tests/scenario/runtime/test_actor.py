"""The skeleton of every actor, tried with a small one (runtime_actor.c) and the real broker: killed
at every point and at random, nothing is lost, nothing applied twice, and every outgoing event is in
the journal once."""

import os
import pathlib
import random
import shutil
import signal
import subprocess

import pytest
from kit import Process, bin_path, start_broker, wait_until
from usher_client import Refused, Silence, event

POINTS = ["applied", "committed", "published", "answered"]
SETTLE_S = 60


class Load:
    """admin.noted events, published by a person's tool; knows what the sum must become."""

    def __init__(self, client):
        self.client, self.count, self.sum = client, 0, 0

    def publish(self, count, deadline_s=30.0):
        events = []
        for _ in range(count):
            self.count += 1
            self.sum += self.count
            events.append(event(f"tools:{self.count}", "admin.noted", {"number": self.count}))
        for start in range(0, count, 500):
            self.client.publish(events[start:start + 500], deadline_s=deadline_s)


class Actor:
    def __init__(self, home, *arguments):
        self.process = Process([bin_path("runtime_actor"), *arguments, "--home", home])

    def wait_ready(self):
        self.process.wait_ready(30)
        return self

    def alive(self):
        return self.process.child.poll() is None


def ask(client, question, actor="crm"):
    """The answer, or None while the actor is not there."""
    try:
        return client.ask(actor, question)
    except (Refused, Silence):
        return None


def settled(client, load):
    def done():
        answer = ask(client, {"ask": "sum"})
        return answer if answer and answer["events"] == load.count and not answer["outbox"] else None

    return wait_until(done, SETTLE_S, f"{load.count} events applied and an empty outbox")


def check(client, load):
    """Everything applied once, everything published once."""
    answer = settled(client, load)
    assert answer["doubled"] == 0
    assert answer["sum"] == load.sum
    ids = [e["id"] for e in client.read_all(topics=["job.*"])]
    expected = [f"crm:done:tools:{n}" for n in range(1, load.count + 1)]
    expected += [f"crm:tick:{n}" for n in range(1, answer["ticks"] + 1)]
    assert sorted(ids) == sorted(expected)
    return answer


@pytest.fixture
def tools(broker, connect):  # pylint: disable=unused-argument
    return connect("tools")


@pytest.fixture
def start(home, processes):
    def start_actor(*arguments, ready=True):
        actor = Actor(home, *arguments)
        processes.append(actor.process)
        return actor.wait_ready() if ready else actor

    return start_actor


def set_config(home, text):
    (pathlib.Path(home) / "usher.cfg").write_text("broker\n" + text, encoding="utf-8")


# --- killed ------------------------------------------------------------------------------------


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_every_point(tools, start, point):
    load = Load(tools)
    for count in [1, 2, 3, 5]:
        actor = start("--ticks", "--die", f"{point}:{count}", ready=False)

        def dead():
            if actor.alive():  # pylint: disable=cell-var-from-loop
                load.publish(20)
                return False
            return True

        wait_until(dead, SETTLE_S, f"{point} reached {count} times")
        assert actor.process.wait() == -signal.SIGKILL, actor.process.log()
    start()
    check(tools, load)


def test_killed_at_random_under_load(tools, start):
    load, dice = Load(tools), random.Random(4711)
    for _ in range(25):
        actor = start("--ticks")
        for _ in range(dice.randrange(1, 12)):
            load.publish(dice.randrange(1, 60))
        actor.process.kill()
    start("--ticks").process.stop(30)
    start()
    answer = check(tools, load)
    assert answer["ticks"] > 0


def test_broker_killed_under_load(home, processes, connect, start):
    broker = start_broker(home)
    processes.append(broker)
    tools, dice = connect("tools"), random.Random(42)
    load, actor = Load(tools), start("--ticks")
    for _ in range(8):
        for _ in range(dice.randrange(1, 8)):
            load.publish(dice.randrange(1, 60))
        broker.kill()
        broker = start_broker(home)
        processes.append(broker)
    load.publish(10)
    assert actor.alive(), actor.process.log()
    assert actor.process.stop(30) == 0
    start()
    check(tools, load)
    tools.close()


def test_ready_before_it_has_caught_up(tools, start):
    Load(tools).publish(1000)
    actor = start("--die", "applied:2", ready=False)  # the first batch never gets through
    assert actor.process.wait(30) == -signal.SIGKILL
    assert actor.process.is_ready()


def test_effects_are_woken_once_caught_up(tools, start):
    start()  # nothing to apply, so no commit of a batch
    report = wait_until(lambda: report_of(tools).get("state") == "up" and report_of(tools), SETTLE_S)
    assert (report["commits"], report["batches"]) == (1, 0)


# --- told to stop ------------------------------------------------------------------------------


def test_told_to_stop_leaves_an_empty_outbox(tools, start):
    load = Load(tools)
    actor = start("--ticks")
    load.publish(300)
    wait_until(lambda: (ask(tools, {"ask": "sum"}) or {}).get("events"), SETTLE_S, "some applied")
    assert actor.process.stop(30) == 0, actor.process.log()
    ticks = len(tools.read_all(topics=["job.retrying"]))
    start()
    assert check(tools, load)["ticks"] == ticks


def test_a_second_process_waits_outside(tools, start):  # pylint: disable=unused-argument
    start()
    assert start(ready=False).process.wait(30) == 111


# --- what keeps it down ------------------------------------------------------------------------


def test_cursor_above_the_head_stays_down(home, processes, start, connect):
    broker = start_broker(home)
    processes.append(broker)
    tools = connect("tools")
    load = Load(tools)
    actor = start()
    load.publish(50)
    settled(tools, load)
    assert actor.process.stop(30) == 0
    assert broker.stop() == 0
    shutil.rmtree(pathlib.Path(home) / "data" / "broker")  # an older disk was restored
    processes.append(start_broker(home))
    actor = start(ready=False)
    assert actor.process.wait(30) == 100
    assert "above the journal's head" in actor.process.log()


def test_a_key_of_another_name_stays_down(home, tools, start):  # pylint: disable=unused-argument
    keys = pathlib.Path(home) / "keys"
    shutil.copy(keys / "mailer.key", keys / "crm.key")
    actor = start(ready=False)
    assert actor.process.wait(30) == 100, actor.process.log()
    assert "denied" in actor.process.log()


def test_without_a_key_stays_down(home, tools, start):  # pylint: disable=unused-argument
    os.unlink(pathlib.Path(home) / "keys" / "crm.key")
    actor = start(ready=False)
    assert actor.process.wait(30) == 100
    assert "keys/" in actor.process.log()


def run_actor(home, *arguments):
    return subprocess.run([bin_path("runtime_actor"), *arguments, "--home", home], check=False,
                          capture_output=True, text=True, timeout=30)


def test_check_says_every_mistake(home):
    assert run_actor(home, "--check").returncode == 0
    set_config(home, "crm\n    answer = many\nlog\n    level = loud\n")
    result = run_actor(home, "--check")
    assert result.returncode == 78
    assert "usher.cfg:3: crm/answer:" in result.stderr
    assert "usher.cfg:5: log/level:" in result.stderr
    assert run_actor(home).returncode == 100
    set_config(home, "crm\n    answer = 41\n")
    result = run_actor(home, "--check")
    assert (result.returncode, result.stderr) == (78, "usher.cfg: crm/answer: not quite\n")
    os.unlink(pathlib.Path(home) / "usher.cfg")
    assert run_actor(home, "--check").returncode == 78
    assert run_actor(home, "--nonsense").returncode == 2


# --- trouble that passes -----------------------------------------------------------------------


def report_of(tools):
    peers = (ask(tools, {"ask": "status"}, "broker") or {"peers": []})["peers"]
    return next((p["report"] for p in peers if p["name"] == "crm" and p["report"]), {})


def test_full_store_waits_and_loses_nothing(home, tools, start):
    set_config(home, "store\n    max = 1m\n")
    load = Load(tools)
    actor = start()

    def full():
        load.publish(200)
        return report_of(tools).get("state") == "waiting"

    wait_until(full, SETTLE_S, "a full store")
    assert actor.alive()
    assert report_of(tools)["trouble"] == "no room"
    assert actor.process.stop(30) == 0
    set_config(home, "")
    start()
    check(tools, load)


def test_an_outgoing_event_refused_for_good_holds_up_nobody(tools, start):
    load = Load(tools)
    start()
    load.publish(10)
    tools.publish([event("tools:bad", "admin.noted", {"number": -1})])
    load.publish(10)

    def rest_published():
        answer = ask(tools, {"ask": "sum"})
        return answer and answer["events"] == 21 and answer["outbox"] == 1

    wait_until(rest_published, SETTLE_S, "all but the refused one published")
    assert len(tools.read_all(topics=["job.done"])) == 20
    wait_until(lambda: report_of(tools).get("refused") == 1, SETTLE_S, "the refusal reported")


# --- rebuilding --------------------------------------------------------------------------------


def emitted_by(tools, actor):
    """How many events the process has put into its outbox, once it has caught up."""
    def caught_up():
        report = report_of(tools)
        return report if (report.get("pid"), report.get("state")) == (actor.process.pid, "up") else None

    return wait_until(caught_up, SETTLE_S, "the actor up")["emitted"]


def test_rebuild_gives_the_same_store_and_sends_nothing(home, tools, start):
    load = Load(tools)
    actor = start()
    load.publish(700)
    settled(tools, load)
    before = ask(tools, {"ask": "digest"})
    assert actor.process.stop(30) == 0
    folder = pathlib.Path(home) / "data" / "crm"
    folder.rename(folder.with_name("crm.old"))
    folder.mkdir(mode=0o700)
    (folder / "REBUILD").write_text(str(before["cursor"]), encoding="ascii")
    _, _, head = tools.read(1)
    actor = start()

    def rebuilt():
        answer = ask(tools, {"ask": "sum"})
        return answer and answer["events"] == load.count and not answer["rebuilding"]

    wait_until(rebuilt, SETTLE_S, "the store rebuilt")
    assert emitted_by(tools, actor) == 0
    assert not (folder / "REBUILD").exists()
    assert ask(tools, {"ask": "digest"})["digest"] == before["digest"]
    assert tools.read(1)[2] == head
    load.publish(5)
    check(tools, load)


def test_killed_while_rebuilding_still_sends_nothing(home, tools, start):
    load = Load(tools)
    actor = start()
    load.publish(500)
    load.publish(500)
    load.publish(500)
    settled(tools, load)
    cursor = ask(tools, {"ask": "digest"})["cursor"]
    assert actor.process.stop(30) == 0
    folder = pathlib.Path(home) / "data" / "crm"
    shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    (folder / "REBUILD").write_text(f"{cursor}\n", encoding="ascii")
    _, _, head = tools.read(1)
    actor = start("--die", "applied:2", ready=False)
    assert actor.process.wait(30) == -signal.SIGKILL
    actor = start("--die", "committed:2", ready=False)
    assert actor.process.wait(30) == -signal.SIGKILL
    actor = start()
    check(tools, load)
    assert emitted_by(tools, actor) == 0
    assert tools.read(1)[2] == head


# --- questions ---------------------------------------------------------------------------------


def test_questions(tools, start):
    start()
    answer = tools.ask("crm", {"ask": "sum"})
    assert answer["who"] == "tools"
    with pytest.raises(Refused) as refused:
        tools.ask("crm", {"ask": "the way"})
    assert refused.value.fault == "not_found"


# --- single events -----------------------------------------------------------------------------


def test_single_events_and_the_feed_take_turns(tools, start):
    load = Load(tools)
    load.publish(1000)
    start("--look")
    for _ in range(20):
        load.publish(50)
    check(tools, load)

    def looked():
        answer = ask(tools, {"ask": "sum"})
        return answer if answer["seen"] > 500 and answer["absent"] > 100 else None

    answer = wait_until(looked, SETTLE_S, "events of both kinds looked at")
    assert answer["busy"] > 20  # of a hundred at once
    assert answer["wrong"] == answer["unavailable"] == 0
    assert answer["connections"] == 1


def test_single_events_without_a_broker(home, processes, connect, start):
    broker = start_broker(home)
    processes.append(broker)
    tools = connect("tools")
    load = Load(tools)
    load.publish(100)
    actor = start("--look")
    settled(tools, load)
    broker.kill()
    wait_until(lambda: "does not answer" in actor.process.log(), SETTLE_S, "the loss seen")
    processes.append(start_broker(home))
    load.publish(1)  # says HELLO again

    def again():
        answer = ask(tools, {"ask": "sum"})
        whole = answer and answer["connections"] == 3 and answer["seen"] > 150 and answer["waiting"] < 10
        return answer if whole else None

    answer = wait_until(again, SETTLE_S, "events seen again, and few that wait")
    assert answer["unavailable"] > 0
    assert answer["wrong"] == 0
    load.publish(100)
    settled(tools, load)
    assert actor.process.stop(30) == 0, actor.process.log()
    tools.close()
