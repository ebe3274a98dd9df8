"""Fixtures of the door's scenarios."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from inbox import Desk, Inbox  # noqa: E402  pylint: disable=wrong-import-position


@pytest.fixture
def zendesk():
    with Desk() as sink:
        yield sink


@pytest.fixture
def inbox_of(home, broker, processes, zendesk):  # pylint: disable=unused-argument
    made = []

    def make(url=None, **more):
        made.append(Inbox(home, processes, url or zendesk.url, **more))
        return made[0]

    yield make
    for inbox in made:
        for name in list(inbox.running):
            log = inbox.running[name].log()
            inbox.stop(name)
            assert "Sanitizer" not in log and "runtime error" not in log, log
