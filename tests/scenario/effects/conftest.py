"""Fixtures of the effects' scenarios: sinks, the three actors, and a ledger made of Python."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import kit  # noqa: E402  pylint: disable=wrong-import-position
import sinks  # noqa: E402  pylint: disable=wrong-import-position
from stage import Stage  # noqa: E402  pylint: disable=wrong-import-position


@pytest.fixture
def http_sink():
    with sinks.HttpSink() as sink:
        yield sink


@pytest.fixture
def smtp_sink():
    with sinks.SmtpSink() as sink:
        yield sink


@pytest.fixture
def stage(home, broker, connect, processes):  # pylint: disable=unused-argument
    return Stage(home, connect, processes, kit)
