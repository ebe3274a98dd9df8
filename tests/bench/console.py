#!/usr/bin/python3
"""The console under 100,000 members and a million events: how fast it follows, answers, and how large it is.

    cmake --preset release && cmake --build --preset release
    USHER_BIN=build/release/bin tests/bench/console.py [MEMBERS] [EVENTS]

Publishes what the ledger, the door and the effect actors would, to a real broker; only broker and console
run. Prints medians; the machine should be quiet. wrk (Debian) measures the pull.
"""
import http.client
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/scenario"), str(ROOT / "tests/client"), str(ROOT / "tests/scenario/fleet")]

import kit  # noqa: E402
from console_client import Console  # noqa: E402
from usher_client import Client, event  # noqa: E402

MEMBERS = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
EVENTS = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
FIRST = ["Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Radia", "Ken", "Frances", "Tony"]
LAST = ["Lovelace", "Hopper", "Turing", "Dijkstra", "Liskov", "Knuth", "Perlman", "Thompson", "Allen", "Hoare"]
BATCH = 500


class Small:
    """As much of a fleet as the console needs."""

    def __init__(self, home, port):
        self.home, self.console_port = home, port

    def ask(self, actor, question):
        with Client(str(self.home), "tools") as client:
            client.hello()
            return client.ask(actor, question)


def document(n, version):
    member = f"mem_{n:020x}"
    return {"id": member, "aliases": [member], "version": version, "state": "active" if n % 7 else "revoked",
            "access": bool(n % 7), "reason": f"invoice in_{n} paid, no refund", "rule": "first access, paid",
            "email": f"person{n}@example{n % 50}.com", "name": f"{FIRST[n % 10]} {LAST[n // 10 % 10]} {n}", "app_user": f"user_{n}",
            "source": "stripe", "customers": [f"cus_{n:014x}"], "tags": ["member"] if n % 7 else ["refunded"],
            "all_tags": ["member", "refunded"], "until": 0, "effects": [],
            "last_payment_at": 1795000000000 + n, "last_payment": {"amount": 2900, "currency": "usd", "object": f"in_{n}"}}


def story(n, turn):
    """One turn of a member: the money, the member, two jobs done."""
    member, key = f"mem_{n:020x}", f"{n}_{turn}"
    payment = {"facts": [{"kind": "payment", "key": f"in_{key}", "status": "paid", "customer": f"cus_{n:014x}",
                          "amount": 2900, "currency": "usd", "at_ms": 1795000000000}],
               "provider_type": "invoice.paid", "raw": "x" * 1500}
    cause = f"stripe:evt_{key}"
    job = {"kind": "contact", "key": f"crm:{member}", "member": member, "actor": "crm", "slot": "crm", "target": "hubspot",
           "state": "done", "attempt": 1, "latency_ms": 80, "version": turn + 1, "revision": turn + 1, "change": turn + 1}
    mail = {**job, "kind": "welcome", "key": f"welcome:{key}", "actor": "mailer", "slot": "mailer", "target": "smtp", "revision": 0}
    more = {"cause": f"ledger:{key}", "trace": cause, "subject": member}
    return [("webhook", event(cause, "payment.succeeded", payment)),
            ("ledger", event(f"ledger:{key}", "member.joined" if turn == 0 else "member.changed", document(n, turn + 1),
                             cause=cause, trace=cause, subject=member)),
            ("crm", event(f"crm:done:{key}", "job.done", job, **more)),
            ("mailer", event(f"mailer:done:{key}", "job.done", mail, **more))]


def fill(home):
    """In order over all publishers: a batch of each in turn, so that a cause is there before its effect."""
    clients = {name: Client(str(home), name) for name in ("webhook", "ledger", "crm", "mailer")}
    for client in clients.values():
        client.hello()
    sent = turn = 0
    while sent < EVENTS:
        for start in range(0, MEMBERS, BATCH):
            waves = {name: [] for name in clients}
            for n in range(start, min(start + BATCH, MEMBERS)):
                for name, one in story(n, turn):
                    waves[name].append(one)
            for name, wave in waves.items():
                for at in range(0, len(wave), 250):
                    clients[name].publish(wave[at:at + 250], deadline_s=30)
                sent += len(wave)
            if sent >= EVENTS:
                break
        turn += 1
    for client in clients.values():
        client.close()
    return sent


def anonymous_mb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(re.search(r"RssAnon:\s+(\d+)", status).group(1)) / 1024


def median_ms(console, path, rounds=200):
    connection = http.client.HTTPConnection(console.host)
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        connection.request("GET", "/api/v1/" + path, headers={"Cookie": console.cookie})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, path
        times.append(1000 * (time.perf_counter() - started))
    connection.close()
    return statistics.median(times), sorted(times)[int(len(times) * 0.99)]


def first_page_bytes(console):
    shell = console.request("GET", "/", headers={"Accept-Encoding": "gzip"})
    total, seen = len(shell.raw), set()
    wanted = set(re.findall(r'"/assets/([\w.-]+)"', console.request("GET", "/").text))
    while wanted - seen:
        name = (wanted - seen).pop()
        seen.add(name)
        total += len(console.request("GET", f"/assets/{name}", headers={"Accept-Encoding": "gzip"}).raw)
        wanted |= set(re.findall(r'from "\./([\w.-]+)"', console.request("GET", f"/assets/{name}").text))
    return total


def main():
    home = kit.new_home()
    port = kit.free_port()
    pathlib.Path(home, "usher.cfg").write_text(f'broker\nconsole\n    listen = "127.0.0.1:{port}"\n', encoding="utf-8")
    broker = kit.start_broker(home)
    fleet = Small(home, port)
    try:
        started = time.monotonic()
        sent = fill(home)
        print(f"{sent:,} events of {MEMBERS:,} members published in {time.monotonic() - started:.0f} s")
        console_process = kit.Process([kit.bin_path("usher-console"), "--home", home])
        started = time.monotonic()
        console_process.wait_ready(60)
        cursor = 0
        while cursor < sent:
            cursor = next((p["cursor"] for p in fleet.ask("broker", {"ask": "status"})["peers"] if p["name"] == "console"), 0)
            time.sleep(0.2)
        took = time.monotonic() - started
        print(f"projection from nothing: {took:.1f} s, {sent / took:,.0f} events/s")
        console = Console(fleet).owner()
        for name, path in [("Home", "home"), ("members, the newest", "members"), ("search, one person", "members?q=person4242@"),
                           ("search, a common name", "members?q=ada%20hopper"), ("a member", f"members/mem_{4242:020x}"),
                           ("a member by address", "members/person4242%40example42.com"), ("events", "events?type=payment.")]:
            median, p99 = median_ms(console, path)
            print(f"{name:24} median {median:6.2f} ms   p99 {p99:6.2f} ms")
        print(f"first page, zipped, in all: {first_page_bytes(console):,} bytes")
        print(f"anonymous memory of the console: {anonymous_mb(console_process.child.pid):.1f} MB")
        key = console.key("access")
        script = pathlib.Path(home, "pull.lua")
        script.write_text('wrk.headers["Authorization"] = "Bearer ' + key + '"\nlocal n = 0\nrequest = function()\n  n = n + 1\n'
                          '  return wrk.format("GET", string.format("/api/v1/access/mem_%020x", n * 7919 % ' + str(MEMBERS) + '))\nend\n')
        for connections in (4, 16):
            ran = subprocess.run(["wrk", "-t1", f"-c{connections}", "-d5s", "--latency", "-s", str(script), f"http://{console.host}"],
                                 capture_output=True, text=True, check=True)
            rate = re.search(r"Requests/sec:\s+([\d.]+)", ran.stdout).group(1)
            p99 = re.search(r"99%\s+(\S+)", ran.stdout).group(1)
            bad = "Non-2xx" in ran.stdout
            print(f"access by pull, {connections} connections: {float(rate):,.0f}/s, p99 {p99}{' WITH ERRORS' if bad else ''}")
        print(f"anonymous memory after that: {anonymous_mb(console_process.child.pid):.1f} MB")
        print(json.dumps({"store_bytes": os.stat(f"{home}/data/console/data.mdb").st_size}))
        console_process.stop()
    finally:
        broker.stop()
        kit.drop_home(home)


if __name__ == "__main__":
    main()
