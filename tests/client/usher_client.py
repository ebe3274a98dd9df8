"""A client of usher's broker, written from schema/PROTOCOL.md alone.

    with Client(home, "tools") as client:
        client.hello()
        seqs, duplicates = client.publish([{"id": "tools:1", "type": "admin.noted", ...}])
        events, next_seq, head = client.read(1)
        answer = client.ask("ledger", {"ask": "member", "who": "ada@example.com"})

Calls block up to a deadline. A refusal is raised as Refused. It shares no code with the fleet, so
that the wire is also spoken by code that is not ours.
"""
import os
import re
import time

import msgpack
import zmq

VERSION = 1
RESEND_MS = 250
RESEND_MS_MAX = 2000
TEMPORARY = {"busy", "full", "timeout", "unavailable", "io"}


class Refused(Exception):
    """The broker said REFUSED."""

    def __init__(self, fault, words, detail=None):
        super().__init__(f"{fault}: {words}" + ("" if detail is None else f" ({detail})"))
        self.fault, self.words, self.detail = fault, words, detail

    @property
    def temporary(self):
        return self.fault in TEMPORARY


class Silence(Exception):
    """No answer within the deadline."""


# --- keys -------------------------------------------------------------------------------------


def read_key_file(path):
    """The (public, secret) halves in a ZPL certificate; secret is None in a .pub file."""
    with open(path, encoding="utf-8") as file:
        found = dict(re.findall(r'^\s+(public-key|secret-key) = "(.{40})"', file.read(), re.M))
    return found["public-key"].encode(), found.get("secret-key", "").encode() or None


def write_key_pair(home, name, pair=None):
    """Makes keys/<name>.key and .pub; returns (public, secret)."""
    public, secret = pair or zmq.curve_keypair()
    path = os.path.join(home, "keys", name)
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    text = f'metadata\n    name = "{name}"\ncurve\n    public-key = "{public.decode()}"\n'
    with open(path + ".key", "w", encoding="utf-8") as file:
        os.chmod(path + ".key", 0o600)
        file.write(text + f'    secret-key = "{secret.decode()}"\n')
    with open(path + ".pub", "w", encoding="utf-8") as file:
        file.write(text)
    return public, secret


def endpoint(home, name):
    """Where the broker's socket is, unless usher.cfg says otherwise."""
    return f"ipc://{home}/run/{name}.ipc"


# --- events -----------------------------------------------------------------------------------


def event(id, type, data=None, **more):  # pylint: disable=redefined-builtin
    """An event map as a publisher sends it."""
    attributes = {"id": id, "type": type, "time": int(time.time() * 1000), "dataschema": 1}
    return {**attributes, **more, "data": data or {}}


def unpack_events(body, count):
    """The (seq, event) pairs of an EVENTS body; seq is also put into the event."""
    unpacker = msgpack.Unpacker(strict_map_key=True, max_buffer_size=1 << 20)
    unpacker.feed(body)
    values = list(unpacker)
    if len(values) != 2 * count:
        raise ValueError("EVENTS: body and count disagree")
    return [{"seq": seq, **map_} for seq, map_ in zip(values[::2], values[1::2])]


# --- the connection ---------------------------------------------------------------------------


class Client:
    """One DEALER (and, when wanted, one SUB), with one request open at a time for the plain calls;
    send() and receive() are for tests that want more."""

    def __init__(self, home, name, keys=None, server_key=None, door=None, bell=None, curve=True,
                 options=None):
        self.home, self.name = home, name
        self.door_endpoint = door or endpoint(home, "broker")
        self.bell_endpoint = bell or endpoint(home, "bell")
        self.curve = curve
        self.options = options or {}
        if curve:
            self.keys = keys or read_key_file(os.path.join(home, "keys", name + ".key"))
            public_path = os.path.join(home, "keys", "broker.pub")
            self.server_key = server_key or read_key_file(public_path)[0]
        self.context = zmq.Context()
        self.request = 0
        self.on_asked = None
        self.bell_socket = None
        self.socket = self._open(zmq.DEALER, self.door_endpoint)

    def _open(self, kind, where):
        socket = self.context.socket(kind)
        socket.linger = 0
        socket.setsockopt(zmq.HEARTBEAT_IVL, 2000)
        socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 6000)
        for option, value in self.options.items():
            socket.setsockopt(option, value)
        if self.curve:
            socket.curve_publickey, socket.curve_secretkey = self.keys
            socket.curve_serverkey = self.server_key
        if kind == zmq.SUB:
            socket.subscribe(b"")
        socket.connect(where)
        return socket

    def close(self):
        self.context.destroy(linger=0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- frames

    def send(self, verb, *arguments, body=None, request=None):
        """Sends one message; returns its request number."""
        if request is None:
            self.request += 1
            request = self.request
        frames = [msgpack.packb([verb, request, *arguments])]
        if body is not None:
            frames.append(body)
        self.socket.send_multipart(frames)
        return request

    def receive(self, deadline_s=5.0):
        """The next message: (verb, request, arguments, body or None)."""
        if not self.socket.poll(max(0, int(deadline_s * 1000))):
            raise Silence("the broker says nothing")
        frames = self.socket.recv_multipart()
        verb, request, *arguments = msgpack.unpackb(frames[0])
        return verb, request, arguments, frames[1] if len(frames) > 1 else None

    def wait_for(self, request, deadline_s=5.0):
        """The answer to a request; questions that come in between are answered."""
        until = time.monotonic() + deadline_s
        while True:
            verb, number, arguments, body = self.receive(until - time.monotonic())
            if verb == "ASKED":
                self.answer(arguments, body)
            elif number == request:
                if verb == "REFUSED":
                    raise Refused(*arguments)
                return verb, arguments, body

    def call(self, verb, *arguments, body=None, deadline_s=5.0):
        return self.wait_for(self.send(verb, *arguments, body=body), deadline_s)

    # --- verbs

    def hello(self, name=None, version=VERSION, deadline_s=5.0):
        """Returns (head, floor). Sent again until it is answered: the broker may be starting."""
        until = time.monotonic() + deadline_s
        while True:
            request = self.send("HELLO", self.name if name is None else name, version)
            try:
                _, arguments, _ = self.wait_for(request, min(1.0, until - time.monotonic()))
                return tuple(arguments)
            except Silence:
                if time.monotonic() >= until:
                    raise

    def publish(self, events, deadline_s=5.0):
        """Returns (seqs, duplicates). Resends, as the protocol says, until it is answered, or
        refused for good, or the deadline is over. `events` are maps, or bytes already packed."""
        body = b"".join(e if isinstance(e, bytes) else msgpack.packb(e) for e in events)
        until, wait_s = time.monotonic() + deadline_s, RESEND_MS / 1000
        self.request += 1
        request = self.request
        while True:
            self.send("PUBLISH", len(events), body=body, request=request)
            try:
                _, arguments, _ = self.wait_for(request, min(wait_s, until - time.monotonic()))
                return tuple(arguments)
            except Silence:
                if time.monotonic() >= until:
                    raise
            except Refused as refused:
                if refused.detail == "hello":
                    self.hello(deadline_s=until - time.monotonic())
                elif not refused.temporary or time.monotonic() + wait_s >= until:
                    raise
                else:
                    time.sleep(wait_s)
            wait_s = min(2 * wait_s, RESEND_MS_MAX / 1000)

    def read(self, from_seq, most=512, topics=(), deadline_s=5.0):
        """Returns (events, next, head)."""
        _, (count, next_seq, head), body = self.call("READ", from_seq, most, list(topics),
                                                     deadline_s=deadline_s)
        return unpack_events(body or b"", count), next_seq, head

    def read_all(self, from_seq=1, topics=()):
        """Every event from from_seq up to the head."""
        found = []
        while True:
            events, from_seq, head = self.read(from_seq, topics=topics)
            found += events
            if from_seq > head:
                return found

    def beat(self, cursor, state=None, deadline_s=5.0):
        """Returns the head."""
        return self.call("BEAT", cursor, state or {}, deadline_s=deadline_s)[1][0]

    def ask(self, actor, question, deadline_s=5.0):
        _, _, body = self.call("ASK", actor, int(deadline_s * 1000),
                               body=msgpack.packb(question), deadline_s=deadline_s + 1)
        return msgpack.unpackb(body)

    def answer(self, arguments, body):
        """Answers a question with on_asked(who, question), which may raise Refused."""
        ticket, who = arguments[:2]
        try:
            if self.on_asked is None:
                raise Refused("not_found", "nobody answers here")
            reply = self.on_asked(who, msgpack.unpackb(body))
            self.send("REPLY", ticket, "ok", body=msgpack.packb(reply))
        except Refused as refused:
            self.send("REPLY", ticket, refused.fault)

    # --- bells

    def listen(self):
        """Begins to hear bells."""
        self.bell_socket = self.bell_socket or self._open(zmq.SUB, self.bell_endpoint)

    def bell(self, deadline_s=5.0):
        """The next bell: (type, seq)."""
        if not self.bell_socket.poll(max(0, int(deadline_s * 1000))):
            raise Silence("no bell")
        kind, _, seq = self.bell_socket.recv().partition(b"\0")
        return kind.decode(), int.from_bytes(seq, "big")
