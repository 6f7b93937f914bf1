"""Tests a server with schemathesis, from the description that it serves.

    run.py --url URL [--description FILE] [--through URL] [--who LETTER] [OPTION...]

Needs API_TOKEN, of a user who may make as many requests as they like, and API_COLLEAGUE, the address of another one. First it makes what
platform/tests/fixture.json says, so that every name in a path stands for something real in a part of the requests; then it runs
schemathesis with schemathesis.toml. Whatever that finds is a failure.
"""

import argparse
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
FIXTURE = HERE.parent.parent / "fixture.json"
# What is over before anyone can do it: builds of the fixture's source fail at once. Rust's tests cancel others.
NEVER = {"DELETE /apps/{app}/builds/{build}"}
# What headers say in most requests, so that there is something behind the header to test.
HEADERS = {"range": ["id ..", "id ..; max=2", "id ]0..; order=desc, max=1"], "if-match": ["*"], "if-none-match": ['"0123456789abcdef"']}


class Server:
    def __init__(self, url, token):
        self.url = url
        self.headers = {
            "Accept": "application/vnd.heroku+json; version=3", "Authorization": f"Bearer {token}", "Content-Type": "application/json",
        }

    def call(self, method, path, body=None, allowed=()):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=self.headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code in allowed:
                return json.load(error)
            sys.exit(f"error: {FIXTURE.name}: {method} {path} {body}: {error.code} {error.read().decode()}")

    def upload(self, url):
        request = urllib.request.Request(url, data=b"slug", method="PUT", headers={"Content-Type": ""})
        urllib.request.urlopen(request).close()


def fixture():
    return json.loads(FIXTURE.read_text())


def filled(value, names):
    """A value of the fixture, with what its names stand for."""
    if isinstance(value, str):
        for name, of in names.items():
            value = value.replace("{" + name + "}", of)
        return value
    if isinstance(value, list):
        return [filled(item, names) for item in value]
    if isinstance(value, dict):
        return {key: filled(item, names) for key, item in value.items()}
    return value


def at(answer, pointer):
    for part in pointer.split("/")[1:]:
        answer = answer[int(part) if isinstance(answer, list) else part]
    return answer


def make(server, who):
    """Makes one of everything; what each is called."""
    # Hexadecimal digits are Base64, too.
    key = hashlib.sha256(who.encode()).hexdigest()[:42]
    names = {**fixture()["public"], "who": who, "who_key": key, "colleague": os.environ["API_COLLEAGUE"], "account": "~"}
    for step in fixture()["steps"]:
        body = filled(step.get("body"), names)
        answer = server.call(step.get("method", "POST"), filled(step["path"], names), body)
        if "upload" in step:
            server.upload(at(answer, step["upload"]))
        if "name" in step:
            names[step["name"]] = at(answer, step.get("id", "/id"))
            while answer.get("status") == "pending" if isinstance(answer, dict) else False:
                time.sleep(0.05)
                answer = server.call("GET", f"{filled(step['path'], names)}/{names[step['name']]}")
    return names


def mostly(values, schema):
    """A schema that is one of these values three times as often as not."""
    return {"anyOf": [{"enum": values}] * 3 + [schema]}


class Description:
    """The served description, in which most paths are of what is really there."""

    def __init__(self, document, server, who):
        self.document = document
        self.server = server
        self.who = who
        self.made = 0
        self.names = self.one_of_everything()

    def one_of_everything(self):
        # Of four letters, as in the tests of Rust: it stands in the Base64 of a key.
        self.made += 1
        return make(self.server, f"{self.who}{self.made:03}")

    def fill(self):
        for path, operations in self.document["paths"].items():
            for method, operation in operations.items():
                names = self.names
                if method == "delete" and path.endswith("}"):
                    # What is taken away once is there once. Else schemathesis takes away what it made by itself: the fixture stays.
                    names = self.one_of_everything()
                self.fill_parameters(path, operation, names, is_deleted=names is not self.names)
                if method == "post" or method == "get" and path.endswith("}"):
                    # Conditions would keep most things from being made; and ensure_resource_availability looks only at operations all of
                    # whose parameters come from links.
                    parameters = operation.get("parameters", [])
                    operation["parameters"] = [one for one in parameters if not one.get("name", "").startswith("If-")]
        for step in fixture()["steps"]:
            operations = self.document["paths"][step["path"]]
            method = step.get("method", "POST").lower()
            if "body" in step:
                names = self.names
                body = operations[method]["requestBody"]["content"]["application/json"]
                if "example" in body:
                    continue
                if "delete" in self.document["paths"].get(f"{step['path']}/{{{step.get('name')}}}", {}):
                    # What was there and is no more may be made again.
                    names = self.one_of_everything()
                    # 409: a build is there for ever.
                    self.server.call("DELETE", filled(f"{step['path']}/{{{step['name']}}}", names), allowed=(409,))
                    # It is another one of its name, where the app is the same.
                    operations[method]["parameters"] = self.pinned(operations[method].get("parameters", []), names)
                body["example"] = filled(step["body"], names)
        return self.document

    def fill_parameters(self, path, operation, names, is_deleted):
        known = self.document["components"]["parameters"]
        last = path.rsplit("/", 1)[1].strip("{}")
        parameters = operation.get("parameters", [])
        for index, parameter in enumerate(parameters):
            kind = parameter.get("$ref", "").removeprefix("#/components/parameters/")
            name = kind.removeprefix("path-")
            if kind in HEADERS:
                parameters[index] = {**known[kind], "schema": mostly(HEADERS[kind], known[kind]["schema"])}
            elif name != kind:
                if name not in names:
                    sys.exit(f"error: `{{{name}}}` in {path} stands for nothing: add a step that makes one to {FIXTURE}")
                schema = known[kind]["schema"] if is_deleted and name == last else mostly([names[name]], known[kind]["schema"])
                parameters[index] = {**known[kind], "schema": schema, "example": names[name]}

    def pinned(self, parameters, names):
        """The same parameters, with the examples of other names."""
        return [{**one, "example": names[one["name"]]} if one.get("in") == "path" else one for one in parameters]


def unanswered(document, seen):
    """Operations that never did anything: nothing was tested of them but how they refuse."""
    succeeded = {operation for operation, status, _ in seen if status < 400}
    return [
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method in operations
        if f"{method.upper()} {path}" not in succeeded | NEVER
    ]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--description", help="another description than the served one")
    parser.add_argument("--who", default="f", help="the letter that the names of everything that is made begin with")
    parser.add_argument("--through", help="another address of the server, which schemathesis uses")
    arguments, others = parser.parse_known_args()
    server = Server(arguments.url, os.environ["API_TOKEN"])
    document = json.loads(pathlib.Path(arguments.description).read_text()) if arguments.description else server.call("GET", "/openapi.json")
    document = Description(document, server, arguments.who).fill()
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "openapi.json")
        file.write_text(json.dumps(document))
        command = [
            sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml"), "run", str(file),
            "--url", arguments.through or arguments.url, *others,
        ]
        counts = pathlib.Path(folder, "seen.json")
        status = subprocess.run(command, cwd=folder, env=os.environ | {"SEEN": str(counts), "SCHEMATHESIS_HOOKS": str(HERE / "hooks.py")}, check=False).returncode
        seen = json.loads(counts.read_text()) if counts.exists() else []
    if status == 0 and (missing := unanswered(document, seen)):
        sys.exit(f"error: schemathesis was never answered with success by: {', '.join(missing)}")
    sys.exit(status)


if __name__ == "__main__":
    main()
