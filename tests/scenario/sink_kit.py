"""Kit (ConvertKit) v4 as far as usher can see it: subscribers, tags with ids, 120 calls a minute.

    with KitSink() as sink:              sink.url
        sink.subscribers                 {id: {"email_address", "first_name", "fields", "tags": set of names}}
        sink.tags                        {name: id} of the account
        sink.limited                     how many calls were over the limit
"""
import urllib.parse

from sinks import Answer, HttpSink

CALLS_MAX, WINDOW_S = 120, 60


def errors(status, *words):
    return Answer(status, {"errors": list(words)})


class KitSink(HttpSink):
    def __init__(self):
        super().__init__()
        self.subscribers, self.tags = {}, {"newsletter": 7}
        self.fields = set()
        self.page = 1000  # tags on a page
        self.background = 0  # so many new subscribers are made in the background
        self.limited = 0
        handler = self.server.RequestHandlerClass
        handler.do_DELETE = handler.do_GET

    def add(self, address, tags=(), **more):
        number = int(self._new_id())
        self.subscribers[number] = {"email_address": address, "first_name": None, "fields": {},
                                    "tags": set(tags), **more}
        for tag in tags:
            self.tags.setdefault(tag, int(self._new_id()))
        return self.subscribers[number]

    def of(self, address):
        return next((s for s in self.subscribers.values() if s["email_address"] == address), None)

    def _act(self, request, path, tree):
        recent = [c for c in self.log if c["time"] > self.log[-1]["time"] - WINDOW_S]
        if len(recent) > CALLS_MAX:
            self.limited += 1
            return errors(429, "Too many requests")
        if self.key is not None and request.headers.get("X-Kit-Api-Key") != self.key:
            return errors(401, "The access token is invalid")
        parts = path.path.strip("/").split("/")[1:]
        if parts == ["account"]:
            return Answer(200, {"account": {"name": "x"}})
        if parts[0] == "tags":
            return self._of_tags(request.command, parts[1:], path, tree)
        return self._of_subscribers(request.command, parts[1:], tree)

    def _of_tags(self, method, rest, path, tree):
        if not rest and method == "GET":
            return self._list(urllib.parse.parse_qs(path.query).get("after", [""])[0])
        if not rest:
            known = tree["name"] in self.tags
            number = self.tags.setdefault(tree["name"], int(self._new_id()))
            return Answer(200 if known else 201, {"tag": {"id": number, "name": tree["name"]}})
        name = next((n for n, i in self.tags.items() if str(i) == rest[0]), None)
        subscriber = self.subscribers.get(int(rest[2])) if len(rest) == 3 else None
        if name is None or subscriber is None or (method == "DELETE" and
                                                  name not in subscriber["tags"]):
            return errors(404, "Not Found")
        if method == "DELETE":
            subscriber["tags"].discard(name)
            return Answer(204, b"")
        known = name in subscriber["tags"]
        subscriber["tags"].add(name)
        return Answer(200 if known else 201, self._shown(int(rest[2])))

    def _list(self, after):
        rows = [{"id": number, "name": name} for name, number in sorted(self.tags.items())]
        start = int(after or 0)
        more = start + self.page < len(rows)
        return Answer(200, {"tags": rows[start:start + self.page],
                            "pagination": {"has_next_page": more, "per_page": self.page,
                                           "end_cursor": str(start + self.page) if more else None}})

    def _of_subscribers(self, method, rest, tree):
        if not rest:
            return self._make(tree)
        number = int(rest[0])
        if number not in self.subscribers:
            return errors(404, "Not Found")
        subscriber = self.subscribers[number]
        if rest[1:] == ["tags"]:
            return Answer(200, {"tags": [{"id": self.tags[t], "name": t} for t in subscriber["tags"]],
                                "pagination": {"has_next_page": False}})
        owner = self.of(tree["email_address"])
        if owner not in (None, subscriber):
            return errors(422, "Email address has already been taken")
        return self._write(number, tree) or Answer(200, self._shown(number))

    def _make(self, tree):
        known = self.of(tree["email_address"])
        if "@" not in tree["email_address"]:
            return errors(422, "Email address is invalid")
        if known is None and self.background > 0:
            self.background -= 1
            self.add(tree["email_address"])
            return Answer(202, {})
        subscriber = known or self.add(tree["email_address"])
        number = next(n for n, s in self.subscribers.items() if s is subscriber)
        return self._write(number, tree) or Answer(200 if known else 201, self._shown(number))

    def _write(self, number, tree):
        if not set(tree.get("fields", {})) <= self.fields:
            return errors(422, "Custom field does not exist")
        subscriber = self.subscribers[number]
        subscriber["email_address"] = tree["email_address"]
        subscriber["first_name"] = tree.get("first_name", subscriber["first_name"])
        subscriber["fields"].update(tree.get("fields", {}))
        return None

    def _shown(self, number):
        subscriber = self.subscribers[number]
        return {"subscriber": {"id": number, "state": "active", **{
            k: v for k, v in subscriber.items() if k != "tags"}}}
