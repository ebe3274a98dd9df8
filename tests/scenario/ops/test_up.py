"""`usher init`, `up`, `status` and `down`, with the real programs on real s6."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

import pytest

from kit import BIN, free_port, wait_until

ACTORS = ["broker", "webhook", "ledger", "backfill", "crm", "support", "mailer", "app", "alert",
          "console"]


class Home:
    """A home made by `usher init`, and `usher` called on it."""

    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="ushup", dir="/tmp"))
        self.ports = f"{free_port()},{free_port()}"

    def usher(self, *words, code=0, seconds=60):
        done = subprocess.run([BIN / "usher", *words, "--home", self.path], text=True,
                              capture_output=True, timeout=seconds, check=False)
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def json(self, *words, code=0):
        return json.loads(self.usher(*words, "--json", code=code).stdout)

    def pid(self, actor):
        done = subprocess.run(["s6-svstat", "-o", "pid", self.path / "run/s6" / actor], text=True,
                              capture_output=True, check=False)
        return int(done.stdout) if done.returncode == 0 else -1

    def pids(self):
        return {actor: self.pid(actor) for actor in ACTORS}

    def files(self):
        return {path.relative_to(self.path): path.read_bytes()
                for path in self.path.rglob("*") if path.is_file()}

    def edit(self, old, new):
        config = self.path / "usher.cfg"
        text = config.read_text()
        assert old in text
        config.write_text(text.replace(old, new, 1))


@pytest.fixture(name="home")
def fixture_home():
    home = Home()
    yield home
    subprocess.run([BIN / "usher", "down", "--home", home.path], capture_output=True, check=False)
    shutil.rmtree(home.path, ignore_errors=True)


@pytest.fixture(name="up")
def fixture_up(home):
    home.usher("init", "--ports", home.ports)
    home.usher("up")
    return home


def test_init(home):
    made = home.json("init", "--yes", "--ports", home.ports)["made"]
    assert "usher.cfg" in made and "keys/alert.key" in made
    assert home.path.stat().st_mode & 0o777 == 0o700
    for name in ("secrets/stripe", "keys/crm.key"):
        assert (home.path / name).stat().st_mode & 0o777 == 0o600
    assert re.fullmatch(r"whsec_[0-9a-f]{48}\n", (home.path / "secrets/stripe").read_text())
    assert f"127.0.0.1:{home.ports.split(',')[0]}" in (home.path / "usher.cfg").read_text()


def test_a_home_from_before_a_process_was_there(home):
    """Made by an older usher: no section, no keys and no secret for it."""
    home.usher("init", "--ports", home.ports)
    config = (home.path / "usher.cfg").read_text()
    app = config[config.index("app\n    provider"):config.index("alert\n    hook")]
    home.edit(app, "")
    for name in ("app.key", "app.pub", "console.key", "console.pub"):
        (home.path / "keys" / name).unlink()
    (home.path / "secrets/app").unlink()
    told = home.usher("up")
    assert "making keys/app.key" in told.stderr and "making keys/console.key" in told.stderr
    assert (home.path / "keys/app.key").stat().st_mode & 0o777 == 0o600
    assert home.json("status")["healthy"]
    assert home.usher("up").stderr.count("making") == 0


def test_init_again_changes_nothing(home):
    home.usher("init")
    before = home.files()
    assert home.json("init", "--ports", "1,2")["made"] == []
    assert home.files() == before
    (home.path / "keys/crm.key").unlink()
    (home.path / "keys/crm.pub").unlink()
    assert home.json("init")["made"] == ["keys/crm.key"]


def test_up_and_down(up):
    status = up.json("status")
    assert status["healthy"] is True
    assert [actor["name"] for actor in status["actors"]] == ACTORS
    for actor in status["actors"]:
        assert actor["state"] == "up" and actor["pid"] == up.pid(actor["name"])
        assert actor["restarts"] == 0 and actor["lag"] == 0
    assert "Everything is fine" in up.usher("status").stdout
    for actor in ACTORS:  # s6-log keeps what they say
        assert (up.path / "data/log" / actor / "current").exists()
    pids = up.pids()
    up.usher("up")  # nothing changed: nothing is touched
    assert up.pids() == pids
    up.usher("down")
    for pid in pids.values():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    down = up.json("status", code=69)
    assert down["healthy"] is False and down["problems"][0]["next"] == "usher up"
    up.usher("down")
    up.usher("up")
    assert up.json("status")["healthy"] is True


def test_a_mistake_starts_nothing(home):
    home.usher("init", "--ports", home.ports)
    home.edit("provider = local                  # or hubspot:", "provider = locale")
    line = 1 + (home.path / "usher.cfg").read_text().split("locale")[0].count("\n")
    done = home.usher("up", code=78)
    assert f"usher.cfg:{line}:" in done.stderr and "hubspot" in done.stderr
    assert not (home.path / "run/s6").exists()
    home.edit("provider = locale", "provider = local")
    with open(home.path / "usher.cfg", "a", encoding="utf-8") as config:
        config.write("\nmialer\n    provider = smtp\n")
    done = home.usher("up", code=78)
    assert re.search(r'usher\.cfg:\d+: there is no section "mialer"', done.stderr)
    assert not (home.path / "run/s6").exists()


def test_a_mistake_changes_nothing(up):
    pids = up.pids()
    up.edit("provider = maildir", "provider = pigeon")
    up.usher("up", code=78)
    assert up.pids() == pids
    (up.path / "rules.cfg").write_text("no_such_rule\n    mail = false\n")
    up.edit("provider = pigeon", "provider = maildir")
    done = up.usher("up", code=78)
    assert "rules.cfg:1:" in done.stderr
    assert up.pids() == pids


def test_only_what_changed_is_restarted(up):
    before = up.pids()
    up.edit("crm\n", 'crm\n    timeout = "9s"\n')
    done = up.usher("up")
    assert "restarting crm" in done.stderr
    after = up.pids()
    assert [actor for actor in ACTORS if before[actor] != after[actor]] == ["crm"]
    (up.path / "rules.cfg").write_text("first_access\n    tag = paying\n")
    up.usher("up")
    again = up.pids()
    assert [actor for actor in ACTORS if again[actor] != after[actor]] == ["ledger"]
    assert up.json("status")["healthy"] is True


def test_a_killed_actor_comes_back(up):
    pid = up.pid("crm")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: up.pid("crm") not in (pid, -1), 30, "crm is started again")
    wait_until(lambda: subprocess.run([BIN / "usher", "status", "--home", up.path],
                                      capture_output=True, check=False).returncode == 0,
               30, "the fleet is healthy again")
    crm = [actor for actor in up.json("status")["actors"] if actor["name"] == "crm"][0]
    assert crm["restarts"] == 1


def test_what_cannot_start_stays_down(up):
    """Exit 100: the store is of another format; it is not tried again and again."""
    os.kill(up.pid("support"), signal.SIGSTOP)  # status tells a silent one, too
    wait_until(lambda: any("support" in problem["what"] for problem in json.loads(
        subprocess.run([BIN / "usher", "status", "--json", "--home", up.path], text=True,
                       capture_output=True, check=False).stdout)["problems"]), 30, "support silent")
    os.kill(up.pid("support"), signal.SIGCONT)
    config = (up.path / "usher.cfg").read_text()
    (up.path / "usher.cfg").write_text(config.replace("support\n    provider = local",
                                                      "support\n    provider = none", 1))
    os.kill(up.pid("support"), signal.SIGKILL)

    def stays_down():
        done = subprocess.run(["s6-svstat", up.path / "run/s6/support"], text=True,
                              capture_output=True, check=False)
        return "exitcode 100" in done.stdout and "want up" not in done.stdout

    wait_until(stays_down, 30, "support stays down")
    status = up.json("status", code=1)
    support = [actor for actor in status["actors"] if actor["name"] == "support"][0]
    assert support["state"] == "failed"
    (up.path / "usher.cfg").write_text(config)
    up.usher("up")
    assert up.json("status")["healthy"] is True


def test_foreground(home):
    home.usher("init", "--ports", home.ports)
    with subprocess.Popen([BIN / "usher", "up", "--foreground", "--home", home.path], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        wait_until(lambda: "running" in child.stderr.readline(), 60, "it runs")
        assert home.json("status")["healthy"] is True
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 0
    assert home.json("status", code=69)["reachable"] is False


@pytest.mark.parametrize("words, code, said", [
    (["statsu"], 2, 'did you mean "status"'),
    (["start"], 2, 'did you mean "up"'),
    (["status", "--jsno"], 2, "did you mean --json"),
    (["init", "--prots", "1,2"], 2, "did you mean --ports"),
    (["init", "--ports", "80"], 2, "expected two ports"),
    (["up", "--wait", "soon"], 2, "expected a whole number"),
    (["status"], 78, "usher init"),
])
def test_words(home, words, code, said):
    shutil.rmtree(home.path)
    assert said in home.usher(*words, code=code).stderr


def test_help(home):
    listed = home.usher("help").stdout
    for verb in re.findall(r"^  (\w+) +[A-Z]", listed, re.M):
        text = home.usher("help", verb).stdout
        assert text.index("Examples") < text.index("Usage") < text.index("Options")
        assert home.usher(verb, "--help").stdout == text
