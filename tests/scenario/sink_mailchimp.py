"""A Mailchimp audience as far as usher can see one: members under the MD5 of their address, tags beside
them, ten connections at once, problem details for what is refused.

    with MailchimpSink() as sink:        sink.url
        sink.members                     {hash: {"email_address", "status", "merge_fields", "tags"}}
        sink.forgotten                   addresses that were deleted for good
        sink.crowd                       the most connections that were open at once
"""
import hashlib

from sinks import Answer, HttpSink

LIST = "a1b2c3d4e5"
CONNECTIONS_MAX = 10


def hash_of(address):
    return hashlib.md5(address.lower().encode()).hexdigest()


def problem(status, title, detail=""):
    return Answer(status, {"type": "https://mailchimp.com/developer/marketing/docs/errors/",
                           "title": title, "status": status, "detail": detail, "instance": "x"})


class MailchimpSink(HttpSink):
    def __init__(self):
        super().__init__()
        self.members, self.forgotten = {}, set()
        self.fields = {"FNAME", "LNAME"}
        self.crowd = self._open = 0

    def add(self, address, tags=(), **more):
        self.members[hash_of(address)] = {"email_address": address, "status": "subscribed",
                                          "merge_fields": {}, "tags": set(tags), **more}
        return self.members[hash_of(address)]

    def of(self, address):
        return self.members.get(hash_of(address))

    def _handle(self, request):
        with self.lock:
            self._open += 1
            self.crowd = max(self.crowd, self._open)
        try:
            super()._handle(request)
        finally:
            with self.lock:
                self._open -= 1

    def _act(self, request, path, tree):
        if self.key is not None and not self._key_taken(request.headers.get("Authorization", "")):
            return problem(401, "API Key Invalid", "Your API key may be invalid.")
        if self._open > CONNECTIONS_MAX:
            return problem(429, "Too Many Requests", "You have exceeded the limit of 10.")
        if path.path == "/3.0/ping":
            return Answer(200, {"health_status": "Everything's Chimpy!"})
        parts = path.path.strip("/").split("/")
        if parts[:4] != ["3.0", "lists", LIST, "members"] or len(parts) < 5:
            return problem(404, "Resource Not Found")
        member = self.members.get(parts[4])
        if parts[5:] == ["tags"]:
            return self._tags(request.command, member, tree)
        if request.command == "PUT":
            return self._put(parts[4], member, tree)
        return self._shown(parts[4]) if member else problem(404, "Resource Not Found")

    def _tags(self, method, member, tree):
        if member is None:
            return problem(404, "Resource Not Found")
        if method == "GET":
            tags = [{"id": n, "name": name} for n, name in enumerate(sorted(member["tags"]))]
            return Answer(200, {"tags": tags, "total_items": len(tags)})
        for tag in tree["tags"]:
            (member["tags"].add if tag["status"] == "active" else member["tags"].discard)(tag["name"])
        return Answer(204, b"")

    def _put(self, number, member, tree):
        address = tree["email_address"]
        if address in self.forgotten:
            return problem(400, "Forgotten Email Not Subscribed", f"{address} was deleted")
        if "@" not in address or not set(tree.get("merge_fields", {})) <= self.fields:
            return problem(400, "Invalid Resource", f"{address}: please provide a valid address")
        if hash_of(address) != number and hash_of(address) in self.members:
            return problem(400, "Member Exists", f"{address} is already a list member.")
        if member is None:
            member = {"status": tree["status_if_new"], "merge_fields": {}, "tags": set()}
        self.members.pop(number, None)
        member["email_address"] = address
        member["merge_fields"].update(tree.get("merge_fields", {}))
        self.members[hash_of(address)] = member
        return self._shown(hash_of(address))

    def _shown(self, number):
        member = self.members[number]
        return Answer(200, {"id": number, "email_address": member["email_address"],
                            "status": member["status"], "tags": sorted(member["tags"])})
