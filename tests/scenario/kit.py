"""The kit of the scenario tests: programs, homes, processes, waiting.

Nothing here sleeps for a time and hopes: wait_until() waits for a condition, with a deadline.

    bin_path("usher-broker")       the program under test, from $USHER_BIN (build/dev/bin)
    free_port()                    a tcp port
    new_home()                     a fresh home under a short path (an ipc path has 107 bytes)
    Process(argv, env)             a child: stop(), kill(), wait(), log()
    start_broker(home)             usher-broker, ready
    wait_until(condition, seconds, what)
"""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "client"))

import usher_client  # noqa: E402  pylint: disable=wrong-import-position

ACTORS = ["webhook", "backfill", "ledger", "crm", "support", "mailer", "app", "alert", "console",
          "tools"]


BIN = pathlib.Path(os.environ.get("USHER_BIN", ROOT / "build" / "dev" / "bin"))


def bin_path(program):
    return str(BIN / program)


def free_port():
    """A tcp port of 127.0.0.1 that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds=10.0, what="the condition"):
    """Calls condition() until it returns something true, which is returned."""
    until = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= until:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.005)


def new_home(actors=("broker", *ACTORS), config=""):
    """A home with keys for `actors` and usher.cfg as given. Remove it with drop_home()."""
    home = tempfile.mkdtemp(prefix="ush", dir="/tmp")
    (pathlib.Path(home) / "usher.cfg").write_text(config or "broker\n", encoding="utf-8")
    for actor in actors:
        usher_client.write_key_pair(home, actor)
    return home


def drop_home(home):
    shutil.rmtree(home, ignore_errors=True)


class Process:
    """A child whose stderr goes to a file; its readiness comes over NOTIFY_FD."""

    def __init__(self, argv, env=None, log=None):
        self.log_path = log or tempfile.mktemp(prefix="ushlog", dir="/tmp")
        self.ready_fd, notify = os.pipe()
        environment = {**os.environ, **(env or {}), "NOTIFY_FD": str(notify)}
        with open(self.log_path, "ab") as file:
            self.child = subprocess.Popen(argv, stdout=file, stderr=file, env=environment,
                                          pass_fds=[notify])
        os.close(notify)
        os.set_blocking(self.ready_fd, False)

    @property
    def pid(self):
        return self.child.pid

    def is_ready(self):
        try:
            return os.read(self.ready_fd, 1) == b"\n"
        except BlockingIOError:
            return False

    def wait_ready(self, seconds=10.0):
        def ready():
            code = self.child.poll()
            assert code is None, f"ended with {code} before it was ready:\n{self.log()}"
            return self.is_ready()

        wait_until(ready, seconds, f"{self.child.args[0]} ready")
        return self

    def signal(self, number):
        self.child.send_signal(number)

    def wait(self, seconds=10.0):
        return self.child.wait(seconds)

    def stop(self, seconds=10.0):
        """SIGTERM; returns the exit code."""
        if self.child.poll() is None:
            self.child.terminate()
        return self.wait(seconds)

    def kill(self):
        """kill -9."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGKILL)
        return self.wait()

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def close(self):
        self.kill()
        os.close(self.ready_fd)
        os.unlink(self.log_path)


def start_broker(home, env=None, wait=True):
    process = Process([bin_path("usher-broker"), "--home", home], env)
    return process.wait_ready() if wait else process
