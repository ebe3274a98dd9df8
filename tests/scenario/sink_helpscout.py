"""A Help Scout: conversations behind a login, as far as usher can see them.

    with HelpScoutSink() as sink:
        number = sink.add_conversation("m1@example.com", status="active", tags=["vip"])
        sink.secret = "new"                          any other App secret is refused from now on
        sink.revoke()                                the tokens given so far are refused
        sink.blind = 2                               the next two lists do not show what is new
        sink.conversations[number]["threads"]
"""
import re
import urllib.parse

from sinks import Answer, HttpSink

MAILBOX = 77


class HelpScoutSink(HttpSink):
    def __init__(self):
        super().__init__()
        self.secret = None  # the only App secret that is taken; None: any
        self.lifetime_s = 172800
        self.tokens = []
        self.logins = 0
        self.conversations = {}
        self.blind = 0
        self.rights = True  # of the user behind the app

    def add_conversation(self, email, status="active", tags=(), **fields):
        number = int(self._new_id())
        self.conversations[number] = {"id": number, "status": status, "state": "published",
                                      "tags": list(tags), "threads": [],
                                      "primaryCustomer": {"id": 1, "email": email}, **fields}
        return number

    def say(self, number, text, kind="customer"):
        self.conversations[number]["threads"].insert(0, {"type": kind, "body": text})

    def notes(self, key):
        """(conversation, note) wherever the key's marker stands."""
        return [(number, thread) for number, one in self.conversations.items()
                for thread in one["threads"] if f"[usher:{key}]" in thread["body"]]

    def revoke(self):
        self.tokens.clear()

    # --- one request

    def _handle(self, request):
        if not request.path.startswith("/v2/oauth2/token"):
            return super()._handle(request)
        # A form, not JSON; scripts and the log see it with an empty body.
        length = int(request.headers["Content-Length"])
        del request.headers["Content-Length"]
        request.form = urllib.parse.parse_qs(request.rfile.read(length).decode())
        assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
        return super()._handle(request)

    def _act(self, request, path, tree):
        if path.path == "/v2/oauth2/token":
            return self._login(request.form)
        if request.headers.get("Authorization") not in [f"Bearer {t}" for t in self.tokens]:
            return Answer(401, {"error": "invalid_token"})
        if not self.rights:
            return Answer(403, {"message": "no access"})
        if path.path == "/v2/users/me":
            return Answer(200, {"id": 1})
        parts = path.path.removeprefix("/v2/conversations").strip("/").split("/")
        query = {k: v[0] for k, v in urllib.parse.parse_qs(path.query).items()}
        if parts == [""]:
            return self._create(tree) if request.command == "POST" else self._list(query)
        one = self.conversations.get(int(parts[0]))
        if not one:
            return Answer(404, {"message": "Not Found"})
        if "merged" in one:
            return Answer(301, headers={"Location": f"{self.url}/v2/conversations/{one['merged']}"})
        return self._conversation(request.command, one, parts[1:], tree, query)

    def _login(self, form):
        self.logins += 1
        assert form["grant_type"] == ["client_credentials"] and form["client_id"] == ["app-1"]
        if self.secret is not None and form["client_secret"] != [self.secret]:
            return Answer(401, {"error": "invalid_client"})
        self.tokens.append(f"token-{self.logins}")
        return Answer(200, {"token_type": "bearer", "access_token": self.tokens[-1],
                            "expires_in": self.lifetime_s})

    @staticmethod
    def _page(name, items, query, size):
        number = int(query.get("page", 1))
        shown = items[(number - 1) * size:number * size]
        answer = {"page": {"size": size, "totalElements": len(items), "number": number,
                           "totalPages": (len(items) + size - 1) // size}}
        if shown:
            answer["_embedded"] = {name: shown}
        return Answer(200, answer)

    def _list(self, query):
        wanted = re.search(r'email:"([^"]*)"', query["query"]).group(1)
        assert query["status"] == "all"
        found = [c for c in self.conversations.values()
                 if c["primaryCustomer"]["email"].lower() == wanted.lower()
                 and ("tag" not in query or query["tag"] in c["tags"])]
        if self.blind > 0:
            self.blind -= 1
            found = []
        shown = [self._shown(c, query.get("embed") == "threads") for c in reversed(found)]
        return self._page("conversations", shown, query, 25)

    @staticmethod
    def _shown(one, with_threads):
        shown = {**one, "threads": len(one["threads"]),
                 "tags": [{"id": 5, "color": "none", "tag": tag} for tag in one["tags"]]}
        if with_threads:
            shown["_embedded"] = {"threads": one["threads"]}
        return shown

    def _create(self, tree):
        assert tree["mailboxId"] == MAILBOX and tree["type"] == "email"
        number = self.add_conversation(tree["customer"]["email"], tree["status"], tree["tags"],
                                       subject=tree["subject"], customer=tree["customer"])
        for thread in tree["threads"]:
            self.say(number, thread["text"], thread["type"])
        return Answer(201, body=b"", headers={"Resource-ID": number})

    def _conversation(self, method, one, rest, tree, query):
        if rest == ["threads"]:
            return self._page("threads", one["threads"], query, 25)
        if rest == ["notes"]:
            if len(one["threads"]) >= 100:
                return Answer(412, {"message": "too many threads"})
            self.say(one["id"], tree["text"], "note")
            return Answer(201, body=b"", headers={"Resource-ID": self._new_id()})
        if rest == ["tags"]:
            one["tags"] = tree["tags"]
            return Answer(204, body=b"")
        assert method == "GET" and not rest
        return Answer(200, self._shown(one, False))
