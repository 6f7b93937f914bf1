"""Tests a server with schemathesis, from the description that it serves.

    run.py --url URL [--description FILE] [--time SECONDS]

Needs API_TOKEN, of a user who may make as many requests as they like, and API_COLLEAGUE, the address of another one. First it makes what
platform/tests/fixture.json says, so that every name in a path stands for something real in a part of the requests; then it runs
schemathesis with schemathesis.toml. Whatever that finds is a failure.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
FIXTURE = HERE.parent.parent / "fixture.json"
# What headers say in most requests, so that there is something behind the header to test.
HEADERS = {"range": ["id ..", "id ..; max=2", "id ]0..; order=desc, max=1"], "if-match": ["*"]}
# Names that stand for the same with every user.
PUBLIC = {"account": "~", "stack": "heroku-24", "region": "us", "dyno_size": "eco"}
# Operations that have nothing to answer with yet.
NEVER = {"GET /apps/{app}/pipeline-couplings"}


class Server:
    def __init__(self, url, token):
        self.url = url
        self.headers = {
            "Accept": "application/vnd.heroku+json; version=3", "Authorization": f"Bearer {token}", "Content-Type": "application/json",
        }

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=self.headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            sys.exit(f"error: {FIXTURE.name}: {method} {path} {body}: {error.code} {error.read().decode()}")

    def upload(self, url):
        request = urllib.request.Request(url, data=b"slug", method="PUT", headers={"Content-Type": ""})
        urllib.request.urlopen(request).close()


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
    names = {"who": who}
    for step in json.loads(FIXTURE.read_text()):
        body = filled(step.get("body"), names)
        if isinstance(body, dict) and body.get("user") == "carol@example.test":
            body["user"] = os.environ["API_COLLEAGUE"]
        answer = server.call(step.get("method", "POST"), filled(step["path"], names), body)
        if step.get("upload"):
            server.upload(answer["blob"]["url"])
        if "name" in step:
            names[step["name"]] = at(answer, step.get("id", "/id"))
    return names


def mostly(values, schema):
    """A schema that is one of these values three times as often as not."""
    return {"anyOf": [{"enum": values}] * 3 + [schema]}


def with_names(document, names):
    """The description, in which most paths are of what is really there.

    But nothing of the fixture is taken away, since everything else needs it: DELETE is for what schemathesis makes itself, by the links."""
    known = document["components"]["parameters"]
    for path, operations in document["paths"].items():
        last = path.rsplit("/", 1)[1].strip("{}")
        for method, operation in operations.items():
            parameters = operation.get("parameters", [])
            for index, parameter in enumerate(parameters):
                kind = parameter.get("$ref", "").removeprefix("#/components/parameters/")
                name = kind.removeprefix("path-")
                if kind in HEADERS:
                    parameters[index] = {**known[kind], "schema": mostly(HEADERS[kind], known[kind]["schema"])}
                elif name != kind and not (method == "delete" and name == last):
                    if name not in names:
                        sys.exit(f"error: `{{{name}}}` in {path} stands for nothing: add a step that makes one to {FIXTURE}")
                    schema = mostly([names[name]], known[kind]["schema"])
                    parameters[index] = {**known[kind], "schema": schema, "example": names[name]}
            for response in operation["responses"].values() if method == "get" else ():
                links = response.get("links", {})
                for target in [target for target in links if target.endswith("-delete")]:
                    del links[target]
    for step in json.loads(FIXTURE.read_text()):
        operation = document["paths"][step["path"]][step.get("method", "POST").lower()]
        if "body" in step:
            operation["requestBody"]["content"]["application/json"]["example"] = filled(step["body"], names | {"who": "example"})
    return document


def unanswered(document, seen):
    """Operations that never did anything: nothing was tested of them but how they refuse."""
    succeeded = {operation for operation, status, _ in seen if status < 400}
    return [
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method in operations
        if f"{method.upper()} {path}" not in succeeded and f"{method.upper()} {path}" not in NEVER
    ]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--description", help="another description than the served one")
    arguments, others = parser.parse_known_args()
    server = Server(arguments.url, os.environ["API_TOKEN"])
    document = json.loads(pathlib.Path(arguments.description).read_text()) if arguments.description else server.call("GET", "/openapi.json")
    names = PUBLIC | make(server, "fixture")
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "openapi.json")
        file.write_text(json.dumps(with_names(document, names)))
        command = [
            sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml"), "run", str(file),
            "--url", arguments.url, *others,
        ]
        counts = pathlib.Path(folder, "seen.json")
        status = subprocess.run(command, cwd=folder, env=os.environ | {"SEEN": str(counts), "SCHEMATHESIS_HOOKS": str(HERE / "hooks.py")}, check=False).returncode
        seen = json.loads(counts.read_text()) if counts.exists() else []
    if status == 0 and (missing := unanswered(document, seen)):
        sys.exit(f"error: schemathesis was never answered with success by: {', '.join(missing)}")
    sys.exit(status)


if __name__ == "__main__":
    main()
