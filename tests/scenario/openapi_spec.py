"""A provider's own description of its API (OpenAPI 3.0), as a judge of what was sent to it.

    spec = Spec(path)
    spec.judge("POST", "/contacts/search", body)               the request
    spec.judge("POST", "/contacts/search", answer, status=200)  what a stand-in answered
"""
import functools
import re

import jsonschema
import yaml


@functools.lru_cache
def load(path):
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(path.read_text(encoding="utf-8"), Loader=loader)


class Spec:
    def __init__(self, path):
        self.tree = load(path)
        self.resolver = jsonschema.RefResolver("", self.tree)

    def operation(self, method, path):
        """The operation whose path this is: the one with the fewest parameters in it."""
        found = []
        for template, operations in self.tree["paths"].items():
            pattern = re.sub(r"\{[^}]*\}", "[^/]+", template)
            if re.fullmatch(pattern, path) and method.lower() in operations:
                found.append((template.count("{"), template, operations[method.lower()]))
        assert found, f"{method} {path} is not in the description"
        return min(found, key=lambda row: row[0])[2]

    def schema(self, method, path, status=None):
        operation = self.operation(method, path)
        part = operation.get("requestBody") if status is None else \
            operation["responses"].get(str(status))
        if status is not None:
            assert part, f"{method} {path} never answers {status}"
        content = (part or {}).get("content", {}).get("application/json", {})
        return content.get("schema")

    def judge(self, method, path, body, status=None):
        schema = self.schema(method, path, status)
        if schema is None:
            assert body is None, f"{method} {path} takes no body"
            return
        problems = list(jsonschema.Draft4Validator(nullable(schema), resolver=self.resolver)
                        .iter_errors(body))
        assert not problems, f"{method} {path}: {problems[0].message} in {body}"


def nullable(schema):
    """OpenAPI 3.0 says of a value that may be null what JSON Schema says otherwise."""
    if isinstance(schema, list):
        return [nullable(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: nullable(value) for key, value in schema.items() if key != "nullable"}
    if schema.get("nullable") is True:
        return {"anyOf": [{"enum": [None]}, plain]}
    return plain
