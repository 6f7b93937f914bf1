"""A life of an app with the `heroku` command: HEROKU is the program, of version 8 or 11.

API_URL, API_TOKEN, API_EMAIL, API_COLLEAGUE, SLUG and APP are the environment's, and HOME an empty folder. The slug is published with three plain
HTTP calls, because the CLI has no command for it. Its output is compared word for word, but for the spaces and lines that a table or
heading is drawn with, which differ between the versions."""

import json
import os
import pathlib
import re
import subprocess
import urllib.request

API_URL, API_TOKEN, API_EMAIL, APP = (os.environ[name] for name in ("API_URL", "API_TOKEN", "API_EMAIL", "APP"))
COLLEAGUE = os.environ["API_COLLEAGUE"]
HOME = pathlib.Path(os.environ["HOME"])

# Where its requests go (platform-api.md, 3.1). HEROKU_PARTICLEBOARD_URL: otherwise `apps` sends its token to a host of Heroku's.
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": str(HOME),
    "HEROKU_HOST": API_URL,
    "HEROKU_API_KEY": API_TOKEN,
    "HEROKU_PARTICLEBOARD_URL": API_URL,
    "DISABLE_TELEMETRY": "true",
    "HEROKU_SKIP_NEW_VERSION_CHECK": "true",
    "NO_COLOR": "1",
}
# Version 8 reports every command to a host of Heroku's, for which it tries 6 s where there is none, unless its own file says no.
own_settings = HOME / ".local/share/heroku/config.json"
own_settings.parent.mkdir(parents=True)
own_settings.write_text(json.dumps({"schema": 1, "install": "00000000-0000-4000-8000-000000000000", "skipAnalytics": True}))


def words(output):
    """Lines without what tables are drawn with; runs of spaces are one."""
    lines = (re.sub(r"[─\s]+", " ", line).strip() for line in output.splitlines())
    return [line for line in lines if line]


def heroku(*arguments, status=0):
    """What the command says on its standard output and, what it does on the way, on its standard error."""
    ended = subprocess.run(
        [os.environ["HEROKU"], *arguments], env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )
    if ended.returncode != status:
        raise SystemExit(f"error: heroku {' '.join(arguments)} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
    return ended.stdout, ended.stderr


def says(arguments, *expected):
    """Its standard output is these lines; one that begins with `~` is a regular expression."""
    found = words(heroku(*arguments.split())[0])
    fits = len(found) == len(expected) and all(
        re.fullmatch(wanted[1:], line) if wanted.startswith("~") else line == wanted
        for wanted, line in zip(expected, found)
    )
    assert fits, f"heroku {arguments}:\n" + "\n".join(found) + "\ninstead of\n" + "\n".join(expected)


def does(arguments, expected):
    """Its standard error, where the CLI writes what it is doing, holds this."""
    error = heroku(*arguments.split())[1]
    assert expected in error, f"heroku {arguments}: {error!r} holds no {expected!r}"


def call(method, path, body):
    request = urllib.request.Request(
        API_URL + path,
        method=method,
        data=json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {API_TOKEN}",
            "Accept": "application/vnd.heroku+json; version=3",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def publish():
    slug = call("POST", f"/apps/{APP}/slugs", {"process_types": {"web": "./web", "worker": "./web worker"}})
    content = pathlib.Path(os.environ["SLUG"]).read_bytes()
    urllib.request.urlopen(urllib.request.Request(slug["blob"]["url"], method="PUT", data=content, headers={"Content-Type": ""}))
    return call("POST", f"/apps/{APP}/releases", {"slug": slug["id"]})


does(f"create {APP} --no-remote --stack heroku-24", f"Creating {APP}... done")
out, err = heroku("create", "--no-remote", "--json")
invented = json.loads(out)["name"]
assert re.fullmatch(r"[a-z][a-z0-9-]{1,28}[a-z0-9]", invented), invented
listed = words(heroku("apps")[0])
assert listed[0] == f"=== {API_EMAIL} Apps" and {APP, invented} <= set(listed[1:]), listed
assert {APP, invented} <= {app["name"] for app in json.loads(heroku("apps", "--all", "--json")[0])}
does(f"destroy -a {invented} --confirm {invented}", f"Destroying {invented} (including all add-ons)... done")

says(f"config:set A=1 B=2 -a {APP}", "A: 1", "B: 2")
does(f"config:unset B -a {APP}", "done, v4")
says(f"config -a {APP}", f"=== {APP} Config Vars", "A: 1")
says(f"config:get A -a {APP}", "1")
assert json.loads(heroku("config", "--json", "-a", APP)[0]) == {"A": "1"}
assert f"No process types on {APP}." in heroku("ps:scale", "-a", APP, status=1)[1]

assert publish()["version"] == 5
says(f"ps:scale -a {APP}", "web=1:Basic worker=0:Basic")
does(f"ps:scale web=2 worker+1 -a {APP}", "now running web at 2:Basic, worker at 1:Basic")
does(f"ps:scale worker-1 -a {APP}", "now running worker at 0:Basic")
heroku("ps:type", "web=standard-1x", "-a", APP)
sizes = words(heroku("ps:type", "-a", APP)[0])
assert any(re.match(r"web standard-1x 2\b", line, re.IGNORECASE) for line in sizes), sizes
says(f"ps:scale -a {APP}", r"~(?i)web=2:standard-1x worker=0:Basic")

does(f"config:set A=2 C=3 -a {APP}", "done, v6")
does(f"rollback v5 -a {APP}", f"Rolling back {APP} to v5... done, v7")
says(f"config -a {APP}", f"=== {APP} Config Vars", "A: 1")
# Without a version: the second of the ten newest that can be gone back to.
does(f"rollback -a {APP}", f"Rolling back {APP} to v6... done, v8")
assert json.loads(heroku("config", "--json", "-a", APP)[0]) == {"A": "2", "C": "3"}

WHEN = r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \+0000 \(~ .*\)"
descriptions = [
    "Rollback to v6", "Rollback to v5", "Set A, C config vars", f"Deployed by {re.escape(API_EMAIL)}", "Remove B config vars", "Set A, B config vars",
    "Enable Logplex", "Initial release",
]
table = [line for line in words(heroku("releases", "-a", APP)[0]) if not line.startswith("v description")]
assert table[0] == f"=== {APP} Releases - Current: v8", table
assert len(table) == 1 + len(descriptions), table
for version, description, line in zip(range(8, 0, -1), descriptions, table[1:]):
    assert re.fullmatch(rf"v{version} {description} {re.escape(API_EMAIL)} {WHEN}", line), line
releases = json.loads(heroku("releases", "--json", "-a", APP)[0])
assert [r["version"] for r in releases if r["current"]] == [8]
assert [r["version"] for r in releases if r["slug"]] == [8, 7, 6, 5]
information = words(heroku("releases:info", "v3", "-a", APP)[0])
assert {"=== Release v3", f"By: {API_EMAIL}", "Change: Set A, B config vars", "=== v3 Config vars", "A: 1", "B: 2"} <= set(information), information
heroku("releases:info", "-a", APP)

does(f"access:add {COLLEAGUE} -a {APP}", "done")
roles = {one["user"]["email"]: one["role"] for one in json.loads(heroku("access", "--json", "-a", APP)[0])}
assert roles == {API_EMAIL: "owner", COLLEAGUE: "collaborator"}, roles
assert any(line.startswith(COLLEAGUE) for line in words(heroku("access", "-a", APP)[0]))
does(f"access:remove {COLLEAGUE} -a {APP}", "done")
assert not any(line.startswith(COLLEAGUE) for line in words(heroku("access", "-a", APP)[0]))

renamed = APP + "-2"
does(f"apps:rename -a {APP} {renamed}", f"Renaming {APP} to {renamed}... done")
# It also asks for add-ons, dynos, collaborators and pipelines, of which there are none.
found = json.loads(heroku("apps:info", "--json", "-a", renamed)[0])
assert found["app"]["name"] == renamed and found["app"]["slug_size"] > 0, found
information = words(heroku("apps:info", "-a", renamed)[0])
assert {f"=== {renamed}", f"Owner: {API_EMAIL}", "Region: us", "Stack: heroku-24"} <= set(information), information
does(f"destroy -a {renamed} --confirm {renamed}", f"Destroying {renamed} (including all add-ons)... done")
# Version 11 ends with 2 and shows the error's id, version 8 ends with 1.
error = subprocess.run(
    [os.environ["HEROKU"], "config", "-a", renamed], env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
)
assert error.returncode in (1, 2) and "Couldn't find that app." in error.stderr, error
