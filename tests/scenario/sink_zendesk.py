"""A Zendesk with people: tickets have requesters and statuses, as far as usher can see them.

    with ZendeskSink() as sink:
        number = sink.add_ticket(email="m1@example.com", status="open")
        sink.close(number)                           takes no change any more, but a follow-up
        sink.tickets[number]["comments"]
"""
import urllib.parse

from sinks import Answer, HttpSink

CLOSED = Answer(422, {"error": "RecordInvalid", "description": "Record validation errors",
                      "details": {"status": [
                          {"description": "Status: closed prevents ticket update"}]}})


class ZendeskSink(HttpSink):
    def __init__(self):
        super().__init__()
        self.users = {}  # address -> number
        handler = self.server.RequestHandlerClass
        handler.do_DELETE = handler.do_GET

    def add_ticket(self, email="", status="open", **fields):
        number = super().add_ticket(status=status, **fields)
        if email:
            self.tickets[number]["requester_id"] = self.user(email)
        return number

    def user(self, email):
        return self.users.setdefault(email.lower(), 9000 + len(self.users))

    def close(self, number):
        self.tickets[number]["status"] = "closed"

    def notes(self, key):
        """(ticket, note) wherever the key's marker stands."""
        return [(number, comment) for number, ticket in self.tickets.items()
                for comment in ticket["comments"] if f"[usher:{key}]" in comment["body"]]

    # --- one request

    def _act(self, request, path, tree):
        if path.path.startswith("/api/v2/users/") and (
                self.key is None or self._key_taken(request.headers.get("Authorization", ""))):
            return self._users(path)
        return super()._act(request, path, tree)

    def _users(self, path):
        parts = path.path.removeprefix("/api/v2/users/").split("/")
        query = urllib.parse.parse_qs(path.query)
        if parts == ["search.json"]:
            wanted = query["query"][0].removeprefix("email:").strip('"')
            return Answer(200, {"users": [{"id": number, "email": email}
                                          for email, number in self.users.items()
                                          if email == wanted.lower()]})
        if parts[1:] != ["tickets", "requested.json"]:
            return Answer(404, {"error": "RecordNotFound"})
        assert query["sort_by"] == ["updated_at"] and query["sort_order"] == ["desc"]
        theirs = [t for t in self.tickets.values() if str(t.get("requester_id")) == parts[0]]
        theirs.sort(key=lambda t: t.get("updated", 0), reverse=True)
        return Answer(200, {"tickets": theirs[:int(query["per_page"][0])]})

    def _tickets(self, request, path, tree):
        parts = path.path.removeprefix("/api/v2/tickets").strip("/").split("/")
        ticket = self.tickets.get(parts[0].removesuffix(".json"))
        if ticket and request.command in ("PUT", "DELETE"):
            if ticket.get("status") == "closed":
                return CLOSED
            ticket["updated"] = len(self.log)
        if ticket and request.command == "DELETE":
            ticket["tags"] = [tag for tag in ticket["tags"] if tag not in tree["tags"]]
            return Answer(200, {"tags": ticket["tags"]})
        if ticket and request.command == "PUT" and "priority" in tree.get("ticket", {}):
            ticket["priority"] = tree["ticket"]["priority"]
        return super()._tickets(request, path, tree)

    def _new_ticket(self, request, wanted):
        followed = wanted.get("via_followup_source_id")
        if followed and self.tickets.get(followed, {}).get("status") != "closed":
            return Answer(422, {"error": "RecordInvalid"})
        asked = wanted.get("requester", {}).get("email", "")
        if asked:
            wanted = {**wanted, "email": asked}
        answer = super()._new_ticket(request, wanted)
        ticket = answer.body["ticket"]
        ticket.setdefault("status", "new")
        if followed:
            ticket["requester_id"] = self.tickets[followed].get("requester_id")
        return answer
