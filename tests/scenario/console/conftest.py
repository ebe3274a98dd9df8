"""Fixtures of the console's tests: a whole fleet with the embedded providers, and its owner."""
import pathlib
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "fleet"))

import kit  # noqa: E402  pylint: disable=wrong-import-position
from console_client import Console  # noqa: E402  pylint: disable=wrong-import-position
from fleet import EMBEDDED, Fleet  # noqa: E402  pylint: disable=wrong-import-position


@pytest.fixture(scope="module")
def fleet():
    home = tempfile.mkdtemp(prefix="ush", dir="/tmp")
    with Fleet(home, EMBEDDED) as running:
        yield running
    kit.drop_home(home)


@pytest.fixture(scope="module")
def owner(fleet):  # pylint: disable=redefined-outer-name
    return Console(fleet).owner()
