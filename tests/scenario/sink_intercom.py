"""An Intercom: contacts, conversations and tickets, as far as usher can see them.

    with IntercomSink() as sink:
        number = sink.add_conversation("m1@example.com", tags=["vip"])
        sink.key = "new"                             every other token is refused from now on
        sink.blind = 2                               the next two searches show nothing
        sink.answers                                 (method, path, status, body) of what it said
"""
import time

from sinks import Answer, HttpSink

ADMIN, TICKET_TYPE = "991267", "88"


def refusal(status, code, message):
    return Answer(status, {"type": "error.list", "request_id": "r1",
                           "errors": [{"code": code, "message": message}]})


class IntercomSink(HttpSink):
    def __init__(self):
        super().__init__()
        self.contacts_by_id = {}
        self.conversations = {}
        self.tags = {}  # name -> id
        self.blind = 0
        self.answers = []
        handler = self.server.RequestHandlerClass
        handler.do_DELETE = handler.do_GET

    # --- what a test puts there and looks at

    def add_contact(self, email, **fields):
        number = f"5f7f0d217289f8d2f4{int(self._new_id()):06x}"
        self.contacts_by_id[number] = {"type": "contact", "id": number, "email": email,
                                       "role": "user", **fields}
        return number

    def contact_of(self, email):
        for number, contact in self.contacts_by_id.items():
            if (contact.get("email") or "").lower() == email.lower():
                return number
        return None

    def add_conversation(self, email, state="open", tags=(), **fields):
        return self._add(self.conversations, "conversation", "conversation_parts", email,
                         state=state, open=state != "closed",
                         tags={"type": "tag.list", "tags": [self._tag(tag) for tag in tags]},
                         **fields)

    def add_ticket(self, email="", category="Back-office", is_open=True, **fields):
        return self._add(self.tickets, "ticket", "ticket_parts", email, category=category,
                         open=is_open, names=[], **fields)

    def _add(self, shelf, kind, parts, email, **fields):
        number = self._new_id()
        owner = self.contact_of(email) or self.add_contact(email)
        now = int(time.time())
        shelf[number] = {"type": kind, "id": number, "created_at": now, "updated_at": now,
                         "contacts": {"type": "contact.list",
                                      "contacts": [{"type": "contact", "id": owner}]},
                         parts: {"type": f"{kind}_part.list", parts: [], "total_count": 0},
                         **fields}
        return number

    def _tag(self, name):
        number = self.tags.setdefault(name, str(7000 + len(self.tags)))
        return {"type": "tag", "id": number, "name": name}

    def tags_of(self, number):
        return [tag["name"] for tag in self.conversations[number]["tags"]["tags"]]

    def notes(self, key):
        """(conversation or ticket, text) wherever the key's marker stands."""
        found = []
        for shelf, parts in [(self.conversations, "conversation_parts"),
                             (self.tickets, "ticket_parts")]:
            for number, one in shelf.items():
                texts = [part["body"] for part in one[parts][parts]]
                texts.append(one.get("ticket_attributes", {}).get("_default_description_", ""))
                found += [(number, text) for text in texts if f"[usher:{key}]" in text]
        return found

    # --- one request

    def _act(self, request, path, tree):
        answer = self._answer(request, path, tree)
        self.answers.append((request.command, path.path, answer.status, answer.body))
        return answer

    def _answer(self, request, path, tree):
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.key is not None and token != self.key:
            return refusal(401, "unauthorized", "Access Token Invalid")
        assert request.headers["Intercom-Version"] == "2.15"
        method, parts = request.command, path.path.strip("/").split("/")
        if parts == ["me"]:
            return Answer(200, {"type": "admin", "id": ADMIN})
        if parts == ["tags"]:
            return Answer(200, self._tag(tree["name"]))
        if parts[0] == "contacts":
            return self._contacts(parts[1:], tree)
        shelf = self.tickets if parts[0] == "tickets" else self.conversations
        if parts[1:] == ["search"]:
            return self._search(parts[0], shelf, tree["query"])
        if len(parts) == 1:
            return self._create(tree)
        one = shelf.get(parts[1])
        if not one:
            return refusal(404, "not_found", "Resource Not Found")
        return self._one(method, parts[0], one, parts[2:], tree)

    @staticmethod
    def _filters(query):
        return query["value"] if "field" not in query else [query]

    def _contacts(self, rest, tree):
        if rest == ["search"]:
            found = [c for c in self.contacts_by_id.values()
                     if any((c.get(f["field"]) or "").lower() == f["value"].lower()
                            for f in self._filters(tree["query"]))]
            return Answer(200, {"type": "list", "data": [] if self._is_blind() else found,
                                "total_count": len(found)})
        known = self.contact_of(tree["email"])
        if known:
            return refusal(409, "conflict",
                           f"A contact matching those details already exists with id={known}")
        return Answer(200, self.contacts_by_id[self.add_contact(**tree)])

    def _is_blind(self):
        hidden = self.blind > 0
        self.blind -= hidden
        return hidden

    def _search(self, name, shelf, query):
        wanted = {f["field"]: f["value"] for f in self._filters(query)}
        found = [one for one in shelf.values()
                 if one["contacts"]["contacts"][0]["id"] == wanted["contact_ids"]
                 and wanted.get("open", one["open"]) == one["open"]]
        return Answer(200, {"type": f"{name.removesuffix('s')}.list",
                            name: [] if self._is_blind() else found, "total_count": len(found)})

    def _create(self, tree):
        assert tree["ticket_type_id"] == TICKET_TYPE and len(tree["contacts"]) == 1
        owner = self.contacts_by_id[tree["contacts"][0]["id"]]
        number = self.add_ticket(owner["email"], ticket_attributes=tree["ticket_attributes"])
        return Answer(200, self.tickets[number])

    def _one(self, method, place, one, rest, tree):
        parts = one["conversation_parts" if place == "conversations" else "ticket_parts"]
        if not rest:
            return Answer(200, one)
        assert tree["admin_id"] == ADMIN
        if rest == ["reply"]:
            assert tree["message_type"] == "note" and tree["type"] == "admin"
            part = {"type": f"{one['type']}_part", "id": self._new_id(), "part_type": "note",
                    "body": tree["body"], "created_at": int(time.time())}
            list(parts.values())[1].append(part)
            return Answer(200, one if place == "conversations" else part)
        if method == "POST":
            name = next(n for n, number in self.tags.items() if number == tree["id"])
            if place == "tickets":
                one["names"].append(name)
            elif name not in self.tags_of(one["id"]):
                one["tags"]["tags"].append(self._tag(name))
            return Answer(200, self._tag(name))
        (gone,) = [t for t in one["tags"]["tags"] if t["id"] == rest[1]]
        one["tags"]["tags"].remove(gone)
        return Answer(200, gone)
