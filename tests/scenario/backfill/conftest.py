"""Fixtures of the backfill's scenarios."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from holes import Stage  # noqa: E402  pylint: disable=wrong-import-position
from sink_stripe import StripeApi  # noqa: E402  pylint: disable=wrong-import-position


@pytest.fixture
def api():
    with StripeApi() as sink:
        yield sink
        sink.open_gate()


@pytest.fixture
def stage(home, broker, processes, api):  # pylint: disable=unused-argument,redefined-outer-name
    made = Stage(home, processes, api)
    yield made
    api.open_gate()
    made.stop()
