"""An endpoint of a founder's own, as Zapier, Make, n8n or a small web app is one: takes JSON, keeps the newest
of each member, and knows a message that it has had by its id.

    with EndpointSink() as sink:      sink.url
        sink.members                  {member: data}, the newest version
        sink.taken                    ids of messages, each once; sink.again counts those that came once more
"""
from sinks import Answer, HttpSink


class EndpointSink(HttpSink):
    def __init__(self):
        super().__init__()
        self.members, self.taken, self.again = {}, [], 0
        self.token = None  # the only one that is taken
        self.says = {"status": "success"}
        handler = self.server.RequestHandlerClass
        handler.do_DELETE = handler.do_GET

    def _act(self, request, path, tree):
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return Answer(401, {"status": "error"})
        if request.headers["webhook-id"] in self.taken:
            self.again += 1
            return Answer(200, self.says)
        self.taken.append(request.headers["webhook-id"])
        own = "data" not in tree  # a body of the founder's own: the member is in the path
        self.members[path.path if own else tree["data"]["member"]] = tree if own else tree["data"]
        return Answer(200, self.says)
