#!/usr/bin/python3
"""Renewals that arrive at once, at full size: how long they drain at the provider's own limit, how many 429s
that costs (none), and how soon a new payment's call to the CRM starts meanwhile.

    cmake --preset release && cmake --build --preset release
    USHER_BIN=build/release/bin tests/bench/drain.py [RENEWALS] [LIMIT]

LIMIT is calls per ten seconds, wherever they begin, as the sink enforces it. Each renewal takes two calls, so
that 10,000 at HubSpot's 100 take more than half an hour.
"""
import pathlib
import statistics
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/scenario"), str(ROOT / "tests/client"), str(ROOT / "tests/scenario/fleet")]

import kit  # noqa: E402
from renewals import Renewals  # noqa: E402
from sink_limited import LimitedSink  # noqa: E402

RENEWALS = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
LIMIT = int(sys.argv[2]) if len(sys.argv) > 2 else 100
NEWCOMERS = 10


def main():
    home = tempfile.mkdtemp(prefix="ush", dir="/tmp")
    with LimitedSink() as sink:
        story = Renewals(home, sink, RENEWALS)
        with story.fleet:
            story.join(3600)
            print(f"{RENEWALS} members are in the CRM", flush=True)
            story.renew(LIMIT)
            waits = []
            for nth in range(NEWCOMERS):
                least = RENEWALS * nth // NEWCOMERS
                kit.wait_until(lambda n=least: len(story.written()) >= n, 7200, f"{least} written")
                waits.append(story.fresh())
                print(f"{least} renewals written, a new payment waited {waits[-1] * 1000:.0f} ms", flush=True)
            took = story.drained(7200)
            best = 2 * RENEWALS / LIMIT * 10
            print(f"drained in {took:.0f} s ({best:.0f} s at the limit itself), {sink.limited} answers of 429, "
                  f"at most {sink.most(story.began)} calls in ten seconds of {LIMIT}")
            print(f"new payments: median {statistics.median(waits) * 1000:.0f} ms, at most {max(waits) * 1000:.0f} ms")
    kit.drop_home(home)


if __name__ == "__main__":
    main()
