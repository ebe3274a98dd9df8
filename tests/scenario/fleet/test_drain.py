"""Renewals that arrive at once drain at the provider's limit, and new payments do not wait for them."""
from kit import wait_until
from renewals import Renewals
from sink_limited import LimitedSink

COUNT, LIMIT = 150, 240


def retried(fleet):
    return [event for event in fleet.journal() if event["type"] == "job.retrying"]


def test_renewals_drain_at_the_limit_without_a_429_and_fresh_payments_pass_them(fleet_home):
    with LimitedSink() as sink:
        story = Renewals(fleet_home, sink, COUNT)
        with story.fleet:
            story.join()
            story.renew(LIMIT)
            waits = []
            for written in (10, 40, 80):
                wait_until(lambda w=written: len(story.written()) >= w, 30, f"{written} written")
                waits.append(story.fresh())
            assert len(story.written()) < COUNT, "nothing was left to pass"
            took = story.drained(60)
            wait_until(story.idle, 30, "the CRM at rest")
            assert max(waits) < 1, waits
            assert sink.limited == 0 and not retried(story.fleet)
            assert sink.most(story.began) <= LIMIT
            # two calls each (look, write): not faster than the limit, and not much slower
            assert 0.8 < took / (2 * COUNT / LIMIT * 10) < 2, took
            assert len(sink.contacts) == COUNT + len(waits)
