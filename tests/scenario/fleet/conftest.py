"""Fixtures of the whole-fleet tests: a home under a short path, and fleets on it."""

import pathlib
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import kit  # noqa: E402  pylint: disable=wrong-import-position
from fleet import EMBEDDED, Fleet  # noqa: E402  pylint: disable=wrong-import-position


@pytest.fixture
def fleet_home():
    home = tempfile.mkdtemp(prefix="ush", dir="/tmp")
    yield home
    kit.drop_home(home)


@pytest.fixture(scope="module")
def fleet_home_module():
    home = tempfile.mkdtemp(prefix="ush", dir="/tmp")
    yield home
    kit.drop_home(home)


@pytest.fixture
def fleet_slow_settle(fleet_home):
    with Fleet(fleet_home, EMBEDDED, settle="3s") as fleet:
        yield fleet
