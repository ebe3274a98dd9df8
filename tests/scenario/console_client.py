"""A person, or a program, at the console: cookies, the token against forgery, answers as they are.

    console = Console(fleet).owner()          # the first owner, by the link that `usher up` prints
    console.get("members/ada@example.com")    # below /api/v1/, must be 200
    console.act("members/mem_1/note", text="called")
    other = console.add("bob", "support")     # another person, signed in
    Console(fleet, key=console.key("access")) # an API key
"""
import http.client
import json
import urllib.parse

PASSWORD = "correct horse battery"


class Answer:
    def __init__(self, response):
        self.status, self.headers = response.status, response.headers
        self.raw = response.read()
        kind = response.headers.get("Content-Type", "")
        self.json = json.loads(self.raw) if "json" in kind else None

    @property
    def text(self):
        return self.raw.decode(errors="replace")


class Console:
    def __init__(self, fleet, key=None):
        self.fleet, self.key_text = fleet, key
        self.host = f"127.0.0.1:{fleet.console_port}"
        self.cookie, self.csrf = "", ""

    def request(self, method, path, body=None, headers=None, form=False, timeout=20):
        """One request, as a browser of our own pages would make it, unless `headers` say otherwise."""
        sent = {"Origin": f"http://{self.host}"} if method != "GET" else {}
        if body is not None and not isinstance(body, (str, bytes)):
            body = urllib.parse.urlencode(body) if form else json.dumps(body)
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded" if form else "application/json"
        if self.cookie:
            sent["Cookie"] = self.cookie
        if self.csrf:
            sent["X-Usher-CSRF"] = self.csrf
        if self.key_text:
            sent["Authorization"] = "Bearer " + self.key_text
        sent.update(headers or {})
        sent = {name: value for name, value in sent.items() if value is not None}
        connection = http.client.HTTPConnection(self.host, timeout=timeout)
        try:
            connection.request(method, path, body, sent)
            answer = Answer(connection.getresponse())
        finally:
            connection.close()
        cookie = answer.headers.get("Set-Cookie", "").partition(";")[0]
        if cookie:
            self.cookie = cookie
        return answer

    # --- people

    def redeem(self, link, name=""):
        token = urllib.parse.parse_qs(urllib.parse.urlsplit(link).query)["token"][0]
        answer = self.request("POST", "/welcome", {"token": token, "name": name, "password": PASSWORD}, form=True)
        assert answer.status == 303, answer.text
        self.csrf = self.get("me")["csrf"]
        return self

    def owner(self, name="ada"):
        return self.redeem(self.fleet.ask("console", {"ask": "first_owner"})["link"], name)

    def sign_in(self, name, password=PASSWORD, code="", address=None):
        form = {"name": name, "password": password, "code": code, "next": "/"}
        answer = self.request("POST", "/login", form, form=True, headers={"X-Forwarded-For": address})
        if answer.status == 303:
            self.csrf = self.get("me")["csrf"]
        return answer

    def add(self, name, role):
        link = self.act("people", name=name, role=role, reason="new")["link"]
        return Console(self.fleet).redeem(link)

    def key(self, *scopes):
        return self.act("keys", name="a program", scopes=list(scopes), reason="a test")["key"]

    # --- the API

    def get(self, path, status=200, **query):
        path, _, rest = path.partition("/") if "?" not in path else (path, "", "")
        where = "/api/v1/" + (path + "/" + "/".join(urllib.parse.quote(part, safe="") for part in rest.split("/"))
                              if rest else path)
        if query:
            where += "?" + urllib.parse.urlencode(query)
        answer = self.request("GET", where)
        assert answer.status == status, f"{where}: {answer.status} {answer.text}"
        return answer.json

    def act(self, path, status=200, method="POST", **body):
        answer = self.request(method, "/api/v1/" + path, body)
        assert answer.status == status, f"{path}: {answer.status} {answer.text}"
        return answer.json
