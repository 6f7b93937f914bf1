"""A reverse proxy that writes down every request and its answer, one JSON object a line.

Stands between the clients and `slugbuilder serve`, so that validate.py can hold every answer against Heroku's schema.
Only Python's standard library: it also runs where the validator's environment could not be made.

    proxy.py --record FILE --upstream FILE

`--upstream` is a file with the server's URL, read for every request: the server is started after the proxy, because it needs the
proxy's URL for the URLs in its answers. The proxy prints {"url": "http://127.0.0.1:PORT"} when it listens.
"""

import argparse
import hashlib
import http.client
import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# RFC 9110, 7.6.1: they concern one connection only. `Expect` was answered when the body was asked for.
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect"}


class Recorder:
    """Appends exchanges to a file, whole lines at a time."""

    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8")
        self.lock = threading.Lock()

    def write(self, exchange):
        line = json.dumps(exchange, ensure_ascii=False)
        with self.lock:
            self.file.write(line + "\n")
            self.file.flush()


def recorded_body(body, content_type):
    """Text as it is; of anything else its size and hash, which is all that is compared."""
    if not body:
        return None
    if "json" in content_type or "xml" in content_type or content_type.startswith("text/"):
        return body.decode("utf-8", "replace")
    return {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}


def recorded_headers(headers):
    """Names in lower case. Of the credentials only the scheme: the record may be shown in a log."""
    recorded = []
    for name, value in headers:
        name = name.lower()
        if name == "authorization":
            value = value.split(" ")[0] + " …" if " " in value else "… (no scheme)"
        recorded.append([name, value])
    return recorded


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format, *arguments):
        pass

    def body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            body = b""
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                if size == 0:
                    while self.rfile.readline().strip():
                        pass
                    return body
                body += self.rfile.read(size)
                self.rfile.readline()
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def forward(self):
        request_body = self.body()
        with open(self.server.upstream, encoding="utf-8") as file:
            upstream = urllib.parse.urlsplit(file.read().strip())
        connection = http.client.HTTPConnection(upstream.hostname, upstream.port, timeout=60)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in HOP_BY_HOP | {"content-length"}:
                    connection.putheader(name, value)
            # With or without a length, as it came.
            if "Transfer-Encoding" in self.headers:
                connection.putheader("Transfer-Encoding", "chunked")
                connection.endheaders([request_body], encode_chunked=True)
            else:
                if "Content-Length" in self.headers:
                    connection.putheader("Content-Length", str(len(request_body)))
                connection.endheaders(request_body or None)
            answer = connection.getresponse()
            body = None if self.is_stream(answer) else answer.read()
        except (OSError, http.client.HTTPException) as error:
            # Nothing that the server said: validate.py reports it as a failure by its status.
            connection.close()
            body = f"the server did not answer: {error!r}\n".encode()
            self.record(request_body, 599, [("Content-Type", "text/plain")], body)
            self.send(599, [], body, len(body))
            return
        if body is None:
            self.pass_on(answer, request_body)
        else:
            self.record(request_body, answer.status, answer.getheaders(), body)
            self.send(answer.status, answer.getheaders(), body, answer.getheader("Content-Length"))
        connection.close()

    def is_stream(self, answer):
        """Whether the answer may take its time, as the output of a build does."""
        return answer.getheader("Content-Length") is None and self.command != "HEAD" and answer.status not in (204, 304)

    def send(self, status, headers, body, length, streams=False):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP | {"content-length"}:
                self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        elif streams:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(body)

    def pass_on(self, answer, request_body):
        """Sends an answer part by part, as they come. It is written down before the client knows that it was the last one."""
        self.send(answer.status, answer.getheaders(), b"", None, streams=True)
        body = b""
        try:
            while part := answer.read1(1 << 16):
                body += part
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        except (OSError, http.client.HTTPException):
            # One of the two went away, which the other one must notice.
            self.close_connection = True
        self.record(request_body, answer.status, answer.getheaders(), body)
        if not self.close_connection:
            self.wfile.write(b"0\r\n\r\n")

    def record(self, request_body, status, headers, body):
        self.server.recorder.write({
            "method": self.command,
            "target": self.path,
            "request_headers": recorded_headers(self.headers.items()),
            "request_body": recorded_body(request_body, self.headers.get("Content-Type", "")),
            "status": status,
            "headers": recorded_headers(headers),
            "body": recorded_body(body, dict((n.lower(), v) for n, v in headers).get("content-type", "")),
        })

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = forward


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--record", required=True)
    parser.add_argument("--upstream", required=True)
    arguments = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.upstream = arguments.upstream
    server.recorder = Recorder(arguments.record)
    print(json.dumps({"url": f"http://127.0.0.1:{server.server_port}"}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
