"""Other people's programs for what usher speaks: the npm packages of tests/peers, installed once.

    node("dkim.mjs", text)    what tests/peers/dkim.mjs prints on stdout when given `text` on stdin
"""
import fcntl
import subprocess

import kit

FOLDER = kit.ROOT / "tests" / "peers"
INSTALL_SECONDS_MAX = 200
RUN_SECONDS_MAX = 60


def install():
    """One at a time: two test processes may come here at once."""
    with open(FOLDER / "package.json", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (FOLDER / "node_modules" / ".package-lock.json").exists():
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=FOLDER, check=True,
                           capture_output=True, timeout=INSTALL_SECONDS_MAX)


def node(script, text, *arguments):
    install()
    ran = subprocess.run(["node", script, *arguments], cwd=FOLDER, input=text, text=True,
                         capture_output=True, timeout=RUN_SECONDS_MAX, check=False)
    assert ran.returncode == 0, f"{script}: {ran.stderr}"
    return ran.stdout
