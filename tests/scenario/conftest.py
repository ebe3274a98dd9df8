"""Shared fixtures. The kit itself is in kit.py.

    home      a fresh home with keys for everybody; gone afterwards
    broker    usher-broker on that home, ready; stopped afterwards, and then it must exit 0
    connect   connect("crm") -> a Client that has said HELLO; closed afterwards
    processes a list: what is appended is closed afterwards, newest first
"""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import kit  # noqa: E402  pylint: disable=wrong-import-position
from usher_client import Client  # noqa: E402  pylint: disable=wrong-import-position


@pytest.fixture
def home():
    path = kit.new_home()
    yield path
    kit.drop_home(path)


@pytest.fixture
def processes():
    started = []
    yield started
    for process in reversed(started):
        process.close()


@pytest.fixture
def broker(home):  # pylint: disable=redefined-outer-name
    process = kit.start_broker(home)
    yield process
    if process.child.poll() is None:
        code = process.stop()
        assert code == 0, f"exit code {code}:\n{process.log()}"
    process.close()


@pytest.fixture
def connect(home):  # pylint: disable=redefined-outer-name
    opened = []

    def open_client(name, hello=True, **options):
        client = Client(options.pop("home", home), name, **options)
        opened.append(client)
        if hello:
            client.hello()
        return client

    yield open_client
    for client in opened:
        client.close()
