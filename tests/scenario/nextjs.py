"""The example app of tests/nextjs, built once and started where a scenario needs it.

    node_problem()               why it cannot run here ("" if it can)
    build_app()                  the folder of the built app; builds if the sources have changed
    start_app(url, key, secret)  an App that answers
        app.url, app.hook        where it is, and where usher pushes to
        app.page(path, who)      a Page as `who` sees it: status, text, access, decided, version
        app.stop(), app.close()  the latter also removes the log; fits the fixture `processes`

Nothing of a build stands in the source tree: it is made in build/nextjs, of a copy. `npm ci` needs
a registry once; what comes after it needs no network.
"""
import fcntl
import hashlib
import http.client
import os
import re
import shutil
import subprocess
import urllib.parse

import kit

NODE_MIN = (20, 9)
SECONDS_MAX = {"npm ci": 300, "next build": 300, "first page": 60}

HOME = kit.ROOT / "build" / "nextjs"
PACKAGE = kit.ROOT / "tools" / "node"
APP = kit.ROOT / "tests" / "nextjs"
QUIET = {"NEXT_TELEMETRY_DISABLED": "1", "NODE_ENV": "production", "CI": "1"}
LEFT_OUT = {"node_modules", ".next", "test"}


def node_problem():
    """Why the app cannot run here, in plain words; "" if it can."""
    if not shutil.which("node") or not shutil.which("npm"):
        return "node and npm are not installed"
    version = subprocess.check_output(["node", "--version"], text=True)
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if numbers < NODE_MIN:
        return f"node is {version.strip()}, the app needs 20.9"
    return ""


def sources():
    """What the build is made of, in a fixed order."""
    for folder in (PACKAGE, APP):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not LEFT_OUT & set(path.relative_to(folder).parts):
                yield path


def digest():
    whole = hashlib.sha256()
    for path in sources():
        whole.update(str(path.relative_to(kit.ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return whole.hexdigest()


def run(what, argv, folder):
    done = subprocess.run(argv, cwd=folder, env={**os.environ, **QUIET}, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=SECONDS_MAX[what])
    assert done.returncode == 0, f"{what} failed:\n{done.stdout}"


def build_app():
    """Builds if need be, one at a time, and returns the folder of the app."""
    HOME.mkdir(parents=True, exist_ok=True)
    with open(HOME / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        app, stamp, wanted = HOME / "tests" / "nextjs", HOME / "stamp", digest()
        if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
            return app
        stamp.unlink(missing_ok=True)
        for folder in ("tests", "tools"):
            shutil.rmtree(HOME / folder, ignore_errors=True)
        for path in sources():
            copy = HOME / path.relative_to(kit.ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        run("npm ci", ["npm", "ci", "--no-audit", "--no-fund"], app)
        run("next build", ["npm", "run", "build"], app)
        stamp.write_text(wanted, encoding="utf-8")
        return app


class Page:
    """What came back; access ("on", "off" or None), decided and version as the page says."""

    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text
        self.access = self._said("access")
        self.decided = self._said("decided")
        version = self._said("version")
        self.version = int(version) if version else None

    def _said(self, name):
        found = re.search(rf'data-{name}="([^"]*)"', self.text)
        return found.group(1) if found else None


class App:
    """The app, started; it answers."""

    def __init__(self, folder, env):
        self.port = kit.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.hook = f"{self.url}/api/usher"
        self.cookies = {}
        program = str(folder / "node_modules" / "next" / "dist" / "bin" / "next")
        self.process = kit.Process(["node", program, "start", str(folder),
                                    "-H", "127.0.0.1", "-p", str(self.port)], {**QUIET, **env})
        kit.wait_until(self._answers, SECONDS_MAX["first page"], "the app's first page")

    def _answers(self):
        code = self.process.child.poll()
        assert code is None, f"the app ended with {code}:\n{self.process.log()}"
        try:
            return self.page("/").status == 200
        except OSError:
            return False

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Page(answer.status, answer.headers, answer.read().decode("utf-8"))
        finally:
            connection.close()

    def page(self, path, who=None):
        """A page as `who` ("ada" is ada@example.com) sees it; None: nobody is signed in."""
        if who is None:
            return self.request("GET", path)
        if who not in self.cookies:
            login = self.request("GET", f"/login?as={urllib.parse.quote(who)}")
            self.cookies[who] = login.headers["set-cookie"].split(";")[0]
        return self.request("GET", path, headers={"cookie": self.cookies[who]})

    def log(self):
        return self.process.log()

    def stop(self):
        """SIGTERM; Next.js then exits with 143."""
        return self.process.stop()

    def close(self):
        self.process.close()


def start_app(usher_url, key, push_secret, env=None):
    """The app with its settings for usher; `env` for more."""
    return App(build_app(), {"USHER_URL": usher_url, "USHER_KEY": key,
                             "USHER_PUSH_SECRET": push_secret, **(env or {})})
