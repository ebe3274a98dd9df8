"""Stands between two parties of a fleet and drops or doubles some requests. Started by a program's
stand-in script, so that it is in the same network, and ends with that program.

    meddler.py HOME SECTION drop|double PATTERN

SECTION is that of usher.cfg whose `url` (a target) or `listen` (the webhook) it takes the place
of; PATTERN is a regular expression, looked for in "METHOD path body". HOME/meddler-SECTION appears
when it is ready."""
import ctypes
import fcntl
import http.client
import http.server
import json
import os
import pathlib
import re
import signal
import sys

PR_SET_PDEATHSIG = 1


def place(home, section):
    """(the port that stands there, whether it is listened on, what puts another one there)"""
    config = pathlib.Path(home, "usher.cfg")
    text = config.read_text()
    whole = re.search(rf"^{section}\n(?: .*\n|\n)*", text, re.M).group()
    listen = re.search(r"^    listen = .*:(\d+)", whole, re.M)
    old = int((listen or re.search(r'^    url = "?\w+://[^:]*:(\d+)', whole, re.M)).group(1))

    def rewrite(port):
        draft = pathlib.Path(home, "usher.cfg.meddler")
        draft.write_text(text.replace(whole, whole.replace(f":{old}", f":{port}", 1), 1))
        draft.replace(config)

    return old, listen is not None, rewrite


def free_port():
    with http.server.HTTPServer(("127.0.0.1", 0), None) as server:
        return server.server_port


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    behind, action, pattern = 0, "", ""

    def handle_all(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        line = f"{self.command} {self.path} {body.decode(errors='replace')}"
        meant = re.search(self.pattern, line, re.S) is not None
        times = 1 if not meant else 0 if self.action == "drop" else 2
        status = 201
        answer = json.dumps({"received": True, "id": "7", "ticket": {"id": 7}}).encode()
        for _ in range(times):
            link = http.client.HTTPConnection("127.0.0.1", self.behind, timeout=10)
            # Without its key the second of a pair is another request.
            headers = {name: value for name, value in self.headers.items()
                       if not (meant and name.lower() == "idempotency-key")}
            link.request(self.command, self.path, body, headers)
            got = link.getresponse()
            status, answer = got.status, got.read()
            link.close()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PUT = do_PATCH = handle_all

    def log_message(self, *_):
        pass


def main(home, section, action, pattern):
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    lock = open(pathlib.Path(home, "meddlers"), "w", encoding="utf-8")
    fcntl.flock(lock, fcntl.LOCK_EX)  # one after the other changes the config
    old, listens, rewrite = place(home, section)
    Handler.action, Handler.pattern = action, pattern
    Handler.behind = free_port() if listens else old
    server = http.server.ThreadingHTTPServer(("127.0.0.1", old if listens else 0), Handler)
    rewrite(Handler.behind if listens else server.server_port)
    lock.close()
    pathlib.Path(home, f"meddler-{section}").write_text(str(os.getpid()))
    server.serve_forever(0.02)


main(*sys.argv[1:])
