"""The projection is the journal's: made again it is the same, and a kill in between changes nothing."""
import random

from console_client import Console
from kit import wait_until
from stripe import Person


def digest(fleet):
    head = fleet.ask("broker", {"ask": "status"})["head"]
    answer = fleet.ask("console", {"ask": "digest"})
    return answer["digest"] if answer["cursor"] >= head else None


def people(fleet, first, count):
    for n in range(first, first + count):
        person = Person(f"r{n}@example.com", f"R {n}")
        for event in person.purchase() + ([person.refunded()] if n % 3 == 0 else []):
            fleet.deliver(event)


def drop(fleet):
    """What `usher rebuild console` does, for a fleet that s6 does not hold."""
    cursor = fleet.ask("console", {"ask": "digest"})["cursor"]
    fleet.children["console"].stop()
    data = fleet.home / "data/console"
    data.rename(fleet.home / f"data/console.old{cursor}")
    data.mkdir(mode=0o700)
    (data / "REBUILD").write_text(str(cursor))
    fleet.children["console"].start()
    fleet.children["console"].wait_ready()


def test_dropped_and_made_again(fleet, owner):
    people(fleet, 0, 20)
    fleet.settle()
    member = wait_until(lambda: owner.get("members", q="r0@")["members"], 10, "known")[0]["id"]
    owner.act(f"members/{member}/note", text="a note")
    fleet.settle()
    before = wait_until(lambda: digest(fleet), 20, "caught up")
    seen = {path: owner.get(path) for path in ("members", f"members/{member}", "audit", "rules", "events")}
    drop(fleet)
    assert wait_until(lambda: digest(fleet), 20, "caught up") == before
    assert owner.get("me")["name"] == "ada"  # who signed in stays signed in: the vault is no projection
    for path, answer in seen.items():
        again = owner.get(path)
        assert {k: v for k, v in again.items() if k != "as_of"} == {k: v for k, v in answer.items() if k != "as_of"}, path


def test_killed_under_load(fleet, owner):
    dice = random.Random(5)
    kills = 50
    for n in range(kills):
        people(fleet, 100 + n, 1)
        if dice.random() < 0.5:
            wait_until(lambda: fleet.ask("ledger", {"ask": "members", "limit": 1}), 10)
        fleet.kill("console")
    fleet.settle()
    before = wait_until(lambda: digest(fleet), 20, "caught up")
    assert Console.get(owner, "members", q="r1", limit=200)["members"]
    numbers = fleet.ask("ledger", {"ask": "members", "limit": 1000})["members"]
    assert owner.get("members")["total"] == len([m for m in numbers if m["id"]])
    drop(fleet)
    assert wait_until(lambda: digest(fleet), 20, "caught up") == before
