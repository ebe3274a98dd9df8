"""A stand-in for Postmark's API, as far as usher can see: POST /email without idempotency, a list of
sent mails by metadata that lags behind, errors inside 200 and 422.

    with PostmarkSink() as sink:   sink.url, sink.mails, sink.log
        sink.lag = 1               so many looks do not show a mail yet
        sink.inactive = {"m1@..."} receivers that are refused (406)
"""
import urllib.parse

from sinks import GARBAGE, Answer, HttpSink


class PostmarkSink(HttpSink):
    def __init__(self):
        super().__init__()
        self.mails = []
        self.garble = 0  # so many mails are taken, and a proxy's page is the answer
        self.inactive = set()
        self.streams = {"outbound", "club"}
        self.lag = 0

    @staticmethod
    def error(code, status=422):
        return Answer(status, {"ErrorCode": code, "Message": "no"})

    def _act(self, request, path, tree):
        given = request.headers.get("X-Postmark-Server-Token")
        if not given or (self.key is not None and given != self.key):
            return self.error(10, 401)
        if path.path == "/server":
            return Answer(200, {"ID": 1, "Name": "club"})
        if path.path == "/messages/outbound":
            return self._list(urllib.parse.parse_qs(path.query))
        return self._send(tree) if path.path == "/email" else Answer(404, {})

    def _list(self, query):
        wanted = query["metadata_usher"][0]
        found = [m for m in self.mails if m["Metadata"]["usher"] == wanted
                 and m["MessageStream"] == query["messagestream"][0]]
        if found and self.lag > 0:
            self.lag -= 1
            found = []
        return Answer(200, {"TotalCount": len(found), "Messages": found[:1]})

    def _send(self, tree):
        address = tree["To"].rpartition("<")[2].rstrip(">")
        if tree["MessageStream"] not in self.streams:
            return self.error(1235)
        if address in self.inactive:
            return self.error(406)
        self.mails.append({**tree, "MessageID": f"m-{self._new_id()}"})
        if self.garble > 0:
            self.garble -= 1
            return GARBAGE
        return Answer(200, {"ErrorCode": 0, "Message": "OK",
                            "MessageID": self.mails[-1]["MessageID"]})
