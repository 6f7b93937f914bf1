"""That run.py finds what it is there for: a description that is wrong in these places, of a server that is wrong in those.

    run_test.py --url URL

Takes what run.py takes. Each fault has an operation of its own, and schemathesis has to find it there.
"""

import argparse
import http.client
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HERE = pathlib.Path(__file__).resolve().parent


class Wrong(BaseHTTPRequestHandler):
    """The server, but for some answers that it never gives."""

    protocol_version = "HTTP/1.1"
    upstream = None

    def answer(self):
        path = urllib.parse.urlsplit(self.path).path
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        method = self.command
        if method == "GET" and path == "/account/rate-limits":
            return self.send(500, [("Content-Type", "application/json")], b'{"id": "internal_server_error", "message": "A fault."}')
        if method == "DELETE" and re.fullmatch("/pipelines/[^/]+", path):
            # It stays.
            method = "GET"
        if method == "GET" and re.fullmatch("/apps/[^/]+", path):
            # No app is there once it is made.
            path = "/apps/no-such-app"
        connection = http.client.HTTPConnection(self.upstream)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        connection.request(method, path if path != urllib.parse.urlsplit(self.path).path else self.path, body, headers)
        response = connection.getresponse()
        kept = [(name, value) for name, value in response.getheaders() if name.lower() not in ("content-length", "connection")]
        self.send(response.status, kept, response.read())
        connection.close()

    def send(self, status, headers, body):
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = do_DELETE = do_OPTIONS = do_TRACE = do_QUERY = answer

    def log_message(self, *_):
        pass


def wrong(document):
    """Makes the description wrong; what is to be found where, those of the server included."""
    paths, schemas = document["paths"], document["components"]["schemas"]

    def success(path, method="get", status="200"):
        return paths[path][method]["responses"][status]

    # An attribute that no answer has, and one of another type.
    schemas["stack"]["required"].append("nothing")
    schemas["region"]["properties"]["name"] = {"type": "integer"}
    del paths["/dyno-sizes/{dyno_size}"]["get"]["responses"]["404"]
    success("/apps/{app}/config-vars")["headers"] = {"X-Missing": {"required": True, "schema": {"type": "string"}}}
    success("/apps/{app}/releases/{release}")["content"] = {"text/html": {"schema": {"type": "string"}}}
    paths["/schema"]["get"]["security"] = [{"bearer": []}]
    body = paths["/account"]["patch"]["requestBody"]["content"]["application/json"]
    body["schema"]["properties"]["beta"] = {"const": "nothing else"}
    return {
        "GET /stacks/{stack}": "JsonSchemaError",
        "GET /regions": "JsonSchemaError",
        "GET /dyno-sizes/{dyno_size}": "UndefinedStatusCode",
        "GET /apps/{app}/config-vars": "MissingHeaders",
        "GET /apps/{app}/releases/{release}": "UndefinedContentType",
        "GET /schema": "IgnoredAuth",
        "PATCH /account": "AcceptedNegativeData",
        "GET /account/rate-limits": "ServerError",
        "GET /pipelines/{pipeline}": "UseAfterFree",
        "GET /apps/{app}": "EnsureResourceAvailability",
    }


# What takes more than one request to find.
STATEFUL = {"UseAfterFree", "EnsureResourceAvailability"}
# What the faults of the server are reached from.
FURTHER = ["POST /pipelines", "DELETE /pipelines/{pipeline}", "POST /apps"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    arguments = parser.parse_args()
    with urllib.request.urlopen(arguments.url + "/openapi.json") as answer:
        document = json.load(answer)
    expected = wrong(document)
    Wrong.upstream = urllib.parse.urlsplit(arguments.url).netloc
    server = ThreadingHTTPServer(("127.0.0.1", 0), Wrong)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        description, report = pathlib.Path(folder, "openapi.json"), pathlib.Path(folder, "report.json")
        description.write_text(json.dumps(document))
        command = [
            sys.executable, str(HERE / "run.py"), "--url", arguments.url, "--through", f"http://127.0.0.1:{server.server_port}",
            "--who", "w", "--description", str(description), "--report-json-path", str(report), "--max-examples", "20", "--no-shrink",
        ]
        for operation in [*expected, *FURTHER]:
            command += ["--include-name", operation]
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if run.returncode == 0 or not report.exists():
            sys.exit(f"{run.stdout}\nerror: schemathesis found nothing")
        failures = json.loads(report.read_text())["failures"]
    found = {(operation, failure["type"]) for failure in failures for operation in failure["operations"]}
    # Where a sequence of requests failed, it is said of all of them.
    missing = [
        f"{kind} of {operation}"
        for operation, kind in expected.items()
        if (operation, kind) not in found and not (kind in STATEFUL and ("Stateful tests", kind) in found)
    ]
    if missing:
        sys.exit(f"{run.stdout}\nerror: schemathesis did not find: {', '.join(missing)}")
    print(f"schemathesis finds {len(expected)} faults of {len(expected)}")


if __name__ == "__main__":
    main()
