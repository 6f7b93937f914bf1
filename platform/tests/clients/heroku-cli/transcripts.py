"""Runs the transcripts of this folder: `heroku` commands with what they say, in the form of prysk (a successor of cram).

    transcripts.py users FOLDER             writes a token and a password for each transcript's user, for the server's users file
    transcripts.py run FOLDER [--update]    runs them all, two at a time; --update writes what was said into the transcripts

A folder's name is the versions of the CLI that its transcripts are for: `8+11`, `8`, `11`. In a transcript for both, a line that ends with ` (8)` or ` (11)` is for
that version only. Each transcript and version has a user, an app's name and a home of its own, so that they can run at the same time. FOLDER
is where these are, and the same for both calls.

The environment's: SLUGBUILDER, the program, for `users`; for `run` API_URL, API_COLLEAGUE, its token, SLUG and SOURCE as for the other clients, TLS_URL and
CERTIFICATE_AUTHORITY of a server with TLS, HEROKU_8 and HEROKU_11, the programs, and HEROKU_BUILDS, the plugin's folder."""

import argparse
import collections
import concurrent.futures
import difflib
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import time
import urllib.parse
import uuid

import prysk.test
from prysk.diff import esc, glob, regex, unified_diff

HERE = pathlib.Path(__file__).resolve().parent
# Lines of difference are shown with this many before and after, so that the command can be seen.
CONTEXT = 8
# Everybody's.
PASSWORD = "correct horse battery"
MATCHERS = [esc, glob, regex]
VERSION = re.compile(rb" \((8|11)\)$")

# What differs from run to run or between the versions, but says nothing: sed's, for one line after the other.
PLAIN = r"""
# How the cursor is moved; what only says that something has begun.
s/\x1b\[[0-9;?]*[A-Za-z]//g
/[^ ]\.\.\.( [⣾⣽⣻⢿⡿⣟⣯⣷])?$/d
# Rules and borders of tables, and how they are aligned.
s/[─━│┌┐└┘├┤┬┴┼]/ /g
s/[[:space:]]+/ /g
s/^ | $//g
# An icon in front of apps; the gutter of messages, and their kind, which version 8 does not say.
s/⬢ //g
s/^(›|▸) ?//
s/^(Error|Warning): //
/^$/d
/^Our terms of service have changed/d
/^https:\/\/dashboard\.heroku\.com\/terms-of-service$/d
# Identifiers, tokens and times.
s/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/<uuid>/g
s/slugbuilder_[0-9a-f*]+/<token>/g
s/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?Z/<time>/g
s/[0-9]{4}\/[0-9]{2}\/[0-9]{2} [0-9:]{8} [+]0000( \(~ [^)]*\))?/<time>/g
"""


class BuildpackRegistry(http.server.BaseHTTPRequestHandler):
    """What stands for Heroku's registry of buildpacks, which the CLI asks where `heroku/nodejs` is, before it tells the server."""

    def do_GET(self):
        name = urllib.parse.unquote(self.path).removeprefix("/buildpacks/")
        body = json.dumps({"blob_url": f"https://buildpack-registry.s3.amazonaws.com/buildpacks/{name}.tgz"}).encode()
        self.send_response(200 if name.startswith("heroku/") else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *arguments):
        pass


class Transcript:
    """One file, run with one version of the CLI."""

    def __init__(self, path, version, folder):
        self.path, self.version = path, version
        self.app = f"{path.stem}-{version}"
        self.email = f"{self.app}@example.com"
        self.token = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{folder}{self.app}"))
        self.home = folder / self.app

    def __str__(self):
        return f"{self.path.relative_to(HERE)} with heroku {self.version}"

    def environment(self, commands_run):
        """What its commands find. HEROKU_PARTICLEBOARD_URL: otherwise some send the token to a host of Heroku's (platform-api.md, 3.1)."""
        api_url = os.environ["API_URL"]
        return {
            "PATH": f"{HERE}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "BASH_ENV": str(HERE / "helpers.sh"),
            "PLAIN": str(self.home / "plain.sed"),
            "COMMANDS_RUN": str(commands_run),
            "VERSION": self.version,
            "APP": self.app,
            "EMAIL": self.email,
            "PASSWORD": PASSWORD,
            "COLLEAGUE": os.environ["API_COLLEAGUE"],
            "COLLEAGUE_TOKEN": os.environ["API_COLLEAGUE_TOKEN"],
            "SLUG": os.environ["SLUG"],
            "SOURCE": os.environ["SOURCE"],
            "TLS_URL": os.environ["TLS_URL"],
            "CERTIFICATE_AUTHORITY": os.environ["CERTIFICATE_AUTHORITY"],
            "API_URL": api_url,
            "HEROKU": os.environ[f"HEROKU_{self.version}"],
            "HEROKU_HOST": api_url,
            "HEROKU_API_KEY": self.token,
            "HEROKU_PARTICLEBOARD_URL": api_url,
            "HEROKU_BUILDPACK_REGISTRY_URL": os.environ["HEROKU_BUILDPACK_REGISTRY_URL"],
            "DISABLE_TELEMETRY": "true",
            "HEROKU_DISABLE_AUTOUPDATE": "true",
            "HEROKU_SKIP_NEW_VERSION_CHECK": "true",
            "NO_COLOR": "1",
            "TZ": "UTC",
            "LC_ALL": "C.UTF-8",
            # What is wrapped, and where, differs.
            "COLUMNS": "500",
            "OCLIF_COLUMNS": "500",
            "GIT_CONFIG_NOSYSTEM": "1",
        }

    def prepare(self):
        (self.home / "work").mkdir(parents=True)
        # Version 8 reports every command to a host of Heroku's, for which it tries 6 s where there is none, unless its own file says no.
        settings = self.home / ".local/share/heroku/config.json"
        settings.parent.mkdir(parents=True)
        settings.write_text(json.dumps({"schema": 1, "install": str(uuid.UUID(int=0)), "skipAnalytics": True}))
        if self.path.parent.name == "8":
            # What is for version 8 only has the plugin heroku-builds, as `heroku plugins:link` writes it: later versions do not take it.
            plugin = {"name": "heroku-builds", "type": "link", "root": os.environ["HEROKU_BUILDS"]}
            (settings.parent / "package.json").write_text(json.dumps({"private": True, "oclif": {"schema": 1, "plugins": [plugin]}}))
        host = os.environ["API_URL"].split("//")[1]
        names = {
            self.email: "$EMAIL", os.environ["API_COLLEAGUE"]: "$COLLEAGUE", self.token: "$HEROKU_API_KEY", self.app: "$APP",
            os.environ["API_URL"]: "$API_URL", host: "$HOST", ":" + host.split(":")[1]: ":$PORT",
        }
        rules = [f"s/{re.escape(value).replace('/', chr(92) + '/')}/{name}/g\n" for value, name in names.items()]
        (self.home / "plain.sed").write_text("".join(rules) + PLAIN)

    def lines(self):
        """Those that are for this version."""
        for line in self.path.read_bytes().splitlines():
            version = VERSION.search(line)
            if not version or version[1].decode() == self.version:
                yield VERSION.sub(b"", line) + b"\n"

    def run(self, commands_run):
        """The lines that came, with the patterns that fit them, and how they differ from those that are here."""
        self.prepare()
        # prysk adds `-`, for bash to read its standard input.
        shell = ["bash", "-c", 'cd "$HOME/work" && exec bash "$@"', "bash"]
        wanted, came, _ = prysk.test.test(self.lines(), shell=shell, env=self.environment(commands_run), cleanenv=False)
        name = str(self).encode()
        difference = b"".join(unified_diff(wanted, came, name, name + b", as it ran", n=CONTEXT, matchers=MATCHERS))
        patterns = [line for line in wanted if line.endswith((b" (re)\n", b" (glob)\n"))]
        return [next((p for p in patterns if any(fits(p, line) for fits in MATCHERS)), line) for line in came], difference


def merged(of_versions):
    """One transcript for what came with each version (a dictionary of lines): what came with one of them only says so."""
    (first, lines), *others = of_versions.items()
    for version, others_lines in others:
        result = []
        for tag, a, b, c, d in difflib.SequenceMatcher(None, lines, others_lines, autojunk=False).get_opcodes():
            if tag == "equal":
                result += lines[a:b]
            else:
                result += [line[:-1] + f" ({first})\n".encode() for line in lines[a:b]]
                result += [line[:-1] + f" ({version})\n".encode() for line in others_lines[c:d]]
        lines = result
    return b"".join(lines)


def transcripts(folder):
    for path in sorted(HERE.glob("*/*.t")):
        for version in path.parent.name.split("+"):
            yield Transcript(path, version, folder)


def commands_of(line):
    """Name, version, exit status and milliseconds of one line of the commands that ran."""
    version, status, milliseconds, command = line.rstrip("\n").split("\t")
    return command.split(" ")[0], version, int(status), int(milliseconds)


def run(folder, only, update):
    commands_run = folder / "commands"
    chosen = [each for each in transcripts(folder) if not only or each.path.stem in only]
    failed = []
    found = collections.defaultdict(dict)
    started = time.monotonic()
    registry = http.server.ThreadingHTTPServer(("127.0.0.1", 0), BuildpackRegistry)
    threading.Thread(target=registry.serve_forever, daemon=True).start()
    os.environ["HEROKU_BUILDPACK_REGISTRY_URL"] = f"http://127.0.0.1:{registry.server_port}"
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        running = {pool.submit(each.run, commands_run): each for each in chosen}
        for ended in concurrent.futures.as_completed(running):
            transcript = running[ended]
            found[transcript.path][transcript.version], difference = ended.result()
            if difference:
                failed.append(transcript)
                print(difference.decode("utf-8", "replace"), flush=True)
    if update:
        for path, of_versions in found.items():
            path.write_bytes(merged(of_versions))
    ran = [commands_of(line) for line in commands_run.read_text().splitlines()]
    missing = [] if only else sorted(missing_of({(name, version) for name, version, status, _ in ran if status == 0}))
    for name, version in missing:
        print(f"error: `heroku {name}` of version {version} has to succeed in a transcript (required.txt), and does in none")
    if failed or missing:
        sys.exit(f"error: {len(failed)} of {len(chosen)} transcripts are not what the CLI says: {', '.join(map(str, failed))}")
    print(f"{len(ran)} commands of the heroku CLI in {len(chosen)} transcripts ({time.monotonic() - started:.0f} s)")


def missing_of(succeeded):
    for line in (HERE / "required.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, *versions = line.split()
            yield from ((name, version) for version in versions if (name, version) not in succeeded)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["users", "run"])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("only", nargs="*", help="names of transcripts")
    parser.add_argument("--update", action="store_true")
    arguments = parser.parse_intermixed_args()
    folder = arguments.folder.resolve()
    if arguments.what == "users":
        line = subprocess.run(
            [os.environ["SLUGBUILDER"], "serve", "hash-password", "somebody@example.com"], input=PASSWORD, text=True, capture_output=True, check=True
        ).stdout
        password_hash = line.strip().split(":", 1)[1]
        for each in transcripts(folder):
            print(f"{each.email}:{each.token}\n{each.email}:{password_hash}")
    else:
        run(folder, arguments.only, arguments.update)


if __name__ == "__main__":
    main()
