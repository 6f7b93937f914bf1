"""Runs docs/tutorial-slugs.md, in an empty folder: every block of `sh`, and compares what it prints with the block that follows.

    tutorial.py PAGE WEB_JS FOLDER

API_URL, API_TOKEN and API_EMAIL say where the platform is, NODE_ARCHIVE and NODE_VERSION which Node.js there is (nodejs.org is out of
reach where CI runs), and PATH must have `slugbuilder`. These, a free port, and identifiers, addresses and times, which are
learned from the answers, are put into the commands for what the page has; nothing else. WEB_JS is the test app's file that the page's
program must be."""

import json
import os
import pathlib
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.parse

PAGE, WEB_JS, FOLDER = (pathlib.Path(argument) for argument in sys.argv[1:])
API_URL = os.environ["API_URL"]
TIME_LIMIT = 300

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ADDRESS = re.compile(r"https?://\S+")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
CHECKSUM = re.compile(r"SHA256:[0-9a-f]{64}")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Names:
    """What stands on the page for what there is here."""

    def __init__(self):
        self.known = {
            "https://nodejs.org/dist/v24.11.1/node-v24.11.1-linux-x64.tar.gz": pathlib.Path(os.environ["NODE_ARCHIVE"]).as_uri(),
            "https://api.heroku.com": API_URL,
            "v24.11.1": os.environ["NODE_VERSION"],
            "you@example.com": os.environ["API_EMAIL"],
            "--port 5000": f"--port {(port := free_port())}",
            "localhost:5000": f"localhost:{port}",
        }

    def put_into(self, text):
        for written in sorted(self.known, key=len, reverse=True):
            text = text.replace(written, self.known[written])
        return text

    def learn(self, place, written, found):
        """Compares a value of the page with the one that came; what has to differ is learned, and stays the same from then on."""
        if isinstance(written, dict) and isinstance(found, dict):
            if set(written) != set(found):
                sys.exit(f"error: {place} has {sorted(found)}; the page has {sorted(written)}")
            for key in written:
                self.learn(f"{place}.{key}", written[key], found[key])
        elif isinstance(written, list) and isinstance(found, list) and len(written) == len(found):
            for index, (one, other) in enumerate(zip(written, found)):
                self.learn(f"{place}[{index}]", one, other)
        elif isinstance(written, str) and isinstance(found, str) and self.put_into(written) == found:
            pass
        elif isinstance(written, str) and isinstance(found, str) and written not in self.known and any(
            form.fullmatch(written) and form.fullmatch(found) for form in (UUID, ADDRESS, CHECKSUM)
        ):
            self.known[written] = found
        elif isinstance(written, str) and isinstance(found, str) and TIME.fullmatch(written) and TIME.fullmatch(found):
            pass
        elif written != found:
            sys.exit(f"error: {place} is {json.dumps(found)}; the page has {json.dumps(written)}")


def blocks(page):
    """Line, language and text of each fenced block."""
    language, start, lines = None, 0, []
    for number, line in enumerate(page.splitlines(), 1):
        if line.startswith("```"):
            if language is None:
                language, start, lines = line[3:].strip(), number, []
            else:
                yield start, language, "\n".join(lines) + "\n"
                language = None
        elif language is not None:
            lines.append(line)


def run(command, folder, environment):
    """Status and output of a block. What it leaves running ends with it."""
    # A file and not a pipe: what runs on holds it open.
    with tempfile.TemporaryFile() as output:
        shell = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", command], cwd=folder, env=environment, stdout=output, start_new_session=True
        )
        try:
            status = shell.wait(TIME_LIMIT)
        finally:
            try:
                os.killpg(shell.pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
        output.seek(0)
        return status, output.read().decode()


def main():
    names = Names()
    home = FOLDER / "home"
    work = FOLDER / "work"
    home.mkdir(parents=True)
    work.mkdir()
    url = urllib.parse.urlsplit(API_URL)
    # curl looks for the host, Heroku's CLI for the host with its port.
    netrc = home / ".netrc"
    netrc.touch(0o600)
    netrc.write_text("".join(
        f"machine {host}\n  login {os.environ['API_EMAIL']}\n  password {os.environ['API_TOKEN']}\n" for host in (url.hostname, url.netloc)
    ))
    # slugbuilder takes its platform from the same variable as Heroku's CLI. Its npm is set up by this user's own file, if there is one.
    environment = {name: value for name, value in os.environ.items() if name not in ("API_TOKEN", "HEROKU_API_KEY")}
    environment.update(HOME=str(home), HEROKU_HOST=API_URL)
    npmrc = pathlib.Path(os.path.expanduser("~/.npmrc"))
    if npmrc.exists():
        (home / ".npmrc").write_bytes(npmrc.read_bytes())

    printed, ran, at = None, 0, 0
    for line, language, text in blocks(PAGE.read_text(encoding="utf-8")):
        if language == "sh":
            command = names.put_into(text)
            status, printed = run(command, work, environment)
            ran, at = ran + 1, line
            if status:
                sys.exit(f"error: {PAGE.name}:{line}: ended with {status}:\n{command}{printed}")
        elif language == "json":
            names.learn(f"{PAGE.name}:{line}: the answer", json.loads(text), json.loads(printed))
        elif printed is not None and printed != names.put_into(text):
            sys.exit(f"error: {PAGE.name}:{at}: printed {shlex.quote(printed)}; the page has {shlex.quote(names.put_into(text))}")
    if (work / "app/web.js").read_bytes() != WEB_JS.read_bytes():
        sys.exit(f"error: {PAGE.name}: the program is not that of {WEB_JS}")
    print(f"{PAGE.name}: {ran} blocks of commands ran, and printed what the page has")


if __name__ == "__main__":
    main()
