"""Holds a record of proxy.py against Heroku's own schema.

    validate.py --schema heroku-go/schema.json --waivers waivers.json --served SERVED.json RECORD

The schema is Draft 4 (its `$schema` is a hyper-schema of Heroku's own). `strictProperties: true` means that all listed
properties are there and no other, which no validator knows, so that it is turned into `required` and `additionalProperties: false`.
Checked of every answer: its status by the link's `rel`, its body, its headers; of every error: its shape, and that its id is one
that belongs to its status. SERVED.json is the server's own `GET /schema`: every link in it must be one of Heroku's, and must have been
answered with success at least once, or be refused as a waiver of the kind `refused` says, with the status after it.

What we answer otherwise on purpose is in waivers.json, each with its reason. A waiver that nothing needed is a failure.
"""

import argparse
import collections
import datetime
import ipaddress
import json
import re
import sys
import urllib.parse

import jsonschema

DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)\Z")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\Z")
# `ATTRIBUTE [start]..[end]; max=N[, order=desc]`
RANGE = re.compile(r"[a-z_]+ \]?[^\s;]*\.\.[^\s;\[]*\[?(; \w+=\w+(, ?\w+=\w+)*)?\Z")

# Which ids go with which status (platform-api.md, 2.4, from Heroku's old reference).
ERROR_IDS = {
    400: {"bad_request"},
    401: {"unauthorized"},
    402: {"delinquent"},
    403: {"forbidden", "suspended", "two_factor"},
    404: {"not_found"},
    405: {"method_not_allowed", "not_found"},
    406: {"not_acceptable"},
    409: {"conflict"},
    410: {"gone"},
    412: {"precondition_failed"},
    413: {"payload_too_large", "request_too_large"},
    416: {"requested_range_not_satisfiable"},
    422: {"invalid_params", "verification_needed", "verification_required"},
    429: {"rate_limit"},
    500: {"internal_server_error"},
    503: {"service_unavailable"},
}

# What lists have to offer for `Range` where the schema says nothing (platform-api.md, 2.3); the schema does for apps.
OFFERED = {"release": ["id", "version"]}

formats = jsonschema.FormatChecker(formats=())


def parses(function, value):
    try:
        function(value)
        return True
    except ValueError:
        return False


@formats.checks("date-time")
def is_date_time(value):
    return not isinstance(value, str) or bool(DATE_TIME.match(value)) and parses(datetime.datetime.fromisoformat, value)


@formats.checks("date")
def is_date(value):
    return not isinstance(value, str) or parses(datetime.date.fromisoformat, value)


@formats.checks("uuid")
def is_uuid(value):
    return not isinstance(value, str) or bool(UUID.match(value))


@formats.checks("email")
def is_email(value):
    return not isinstance(value, str) or bool(EMAIL.match(value))


@formats.checks("uri")
def is_uri(value):
    if not isinstance(value, str):
        return True
    parts = urllib.parse.urlsplit(value)
    return bool(parts.scheme and parts.netloc) and " " not in value


@formats.checks("ipv4")
def is_ipv4(value):
    return not isinstance(value, str) or parses(ipaddress.IPv4Address, value)


def draft_4(node, names=False):
    """A copy with `strictProperties` in words of Draft 4, and without `id`, which would change what `$ref` refers to.

    `names` is true for an object whose keys are names of properties or definitions: there `id` is just a name."""
    if isinstance(node, list):
        return [draft_4(item) for item in node]
    if not isinstance(node, dict):
        return node
    copy = {
        key: draft_4(value, names=not names and key in ("properties", "patternProperties", "definitions"))
        for key, value in node.items()
        if names or key not in ("id", "$schema", "links", "example", "default")
    }
    if not names and node.get("strictProperties") is True and "properties" in node:
        copy["required"] = sorted(node["properties"])
        copy["additionalProperties"] = False
    return copy


class Link:
    """One call of the schema."""

    def __init__(self, definition, link):
        self.definition = definition
        self.title = link.get("title", "")
        self.method = link["method"].upper()
        self.rel = link.get("rel")
        self.ranges = link.get("ranges") or OFFERED.get(definition, ["id"])
        # What is done and cannot be told of is `{}`, also where the schema forgets to say so (platform-api.md, 2.2).
        otherwise = {"enum": [{}]} if self.rel == "empty" else {"$ref": f"#/definitions/{definition}"}
        self.target = draft_4(link.get("targetSchema") or otherwise)
        self.href = re.sub(r"\{.*?\}", "{}", link["href"])
        self.parts = [urllib.parse.unquote(part) for part in self.href.split("/")]

    def fits(self, method, parts):
        return (
            method == self.method
            and len(parts) == len(self.parts)
            and all(mine in ("{}", theirs) for mine, theirs in zip(self.parts, parts))
        )

    def statuses(self):
        return {"create": {201}, "empty": {202}, "instances": {200, 206}}.get(self.rel, {200})

    def __str__(self):
        return f"{self.method} {self.href}"


def links_of(schema):
    return [
        Link(name, link)
        for name, definition in schema["definitions"].items()
        for link in definition.get("links", [])
    ]


def link_for(links, method, path):
    """The link that a request is for: of several, the one with the most words in its path."""
    fitting = [link for link in links if link.fits(method, path.split("/"))]
    return max(fitting, key=lambda link: sum(part != "{}" for part in link.parts), default=None)


class Waivers:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.items = json.load(file)
        for item in self.items:
            if not item.get("reason"):
                sys.exit(f"error: {path}: a waiver without a reason: {json.dumps(item)}")
        self.used = [0] * len(self.items)

    def covers(self, kind, what, keyword=None):
        """Whether a waiver is for this; then it is marked as used."""
        for index, item in enumerate(self.items):
            if item["kind"] == kind and item.get("keyword") == keyword and (item["what"] == what or re.fullmatch(item["what"], what)):
                self.used[index] += 1
                return True
        return False

    def unused(self):
        return [item for item, count in zip(self.items, self.used) if count == 0]


class Validation:
    def __init__(self, schema, waivers):
        self.definitions = {
            name: draft_4(definition) for name, definition in schema["definitions"].items()
        }
        self.links = links_of(schema)
        self.waivers = waivers
        self.failures = collections.Counter()
        self.answered = collections.Counter()
        self.errors = collections.Counter()
        self.refused = collections.Counter()
        self.not_modified = 0

    def fail(self, exchange, text):
        self.failures[f"{exchange['method']} {exchange['target']} → {exchange['status']}: {text}"] += 1

    def check(self, exchange):
        status = exchange["status"]
        path = urllib.parse.urlsplit(exchange["target"]).path
        headers = dict(exchange["headers"])
        if status == 599:
            self.fail(exchange, exchange["body"])
            return
        if not headers.get("request-id"):
            self.fail(exchange, "no Request-Id")
        if self.waivers.covers("route", f"{exchange['method']} {path}"):
            return
        link = link_for(self.links, exchange["method"], path)
        if status >= 400:
            self.check_error(exchange, headers)
            if link:
                self.refused[f"{link}: {status}"] += 1
        elif link is None:
            self.fail(exchange, "an answer to a call that Heroku does not have; a waiver of kind `route` would allow it")
        elif status == 304:
            self.not_modified += 1
            if exchange["body"] or not headers.get("etag"):
                self.fail(exchange, "a 304 has an ETag and no body")
        else:
            self.check_answer(exchange, headers, link)

    def check_answer(self, exchange, headers, link):
        if exchange["status"] not in link.statuses():
            self.fail(exchange, f"the status of rel={link.rel} is one of {sorted(link.statuses())}")
            return
        for name in ("etag", "cache-control", "ratelimit-remaining"):
            if not headers.get(name):
                self.fail(exchange, f"no {name}")
        if not headers.get("ratelimit-remaining", "0").isdigit():
            self.fail(exchange, "RateLimit-Remaining is not a number")
        body = self.json(exchange, headers)
        if body is None:
            return
        if link.rel == "instances":
            self.check_list(exchange, headers, link, body)
        validator = jsonschema.Draft4Validator(
            {"definitions": self.definitions, "allOf": [link.target]}, format_checker=formats
        )
        for error in validator.iter_errors(body):
            # Places are named by the schema's resource, not by the call: one waiver for all calls that answer with an app.
            place = ".".join([link.definition] + ["[]" if isinstance(p, int) else str(p) for p in error.absolute_path])
            place = place.replace(".[]", "")
            if not self.waivers.covers("body", place, error.validator):
                self.fail(exchange, f"{place}: {error.validator}: {error.message[:300]}")
        self.answered[str(link)] += 1

    def check_list(self, exchange, headers, link, body):
        if not RANGE.match(headers.get("content-range", "")):
            self.fail(exchange, f"Content-Range: {headers.get('content-range')!r}")
        offered = {name.strip() for name in headers.get("accept-ranges", "").split(",")}
        if not set(link.ranges) <= offered:
            self.fail(exchange, f"Accept-Ranges: {sorted(offered)} has not all of {link.ranges}")
        truncated = exchange["status"] == 206
        if truncated != ("next-range" in headers):
            self.fail(exchange, "Next-Range belongs to 206, and only to it")
        if truncated and not RANGE.match(headers.get("next-range", "")):
            self.fail(exchange, f"Next-Range: {headers.get('next-range')!r}")
        asked = re.search(r"max=(\d+)", dict(exchange["request_headers"]).get("range", ""))
        if isinstance(body, list) and len(body) > int(asked.group(1) if asked else 200):
            self.fail(exchange, f"{len(body)} items are more than asked for")

    def check_error(self, exchange, headers):
        status = exchange["status"]
        body = self.json(exchange, headers)
        if body is None:
            return
        unknown = set(body) - {"id", "message", "url", "resource", "app"} if isinstance(body, dict) else {"no object"}
        if unknown or not isinstance(body.get("message"), str) or not body["message"]:
            self.fail(exchange, f"an error is id, message and perhaps url and resource: {exchange['body']}")
        elif body.get("id") not in ERROR_IDS.get(status, ()):
            self.fail(exchange, f"the id of a {status} is one of {sorted(ERROR_IDS.get(status, ()))}: {body.get('id')}")
        else:
            self.errors[f"{status} {body['id']}"] += 1

    def json(self, exchange, headers):
        if not headers.get("content-type", "").startswith("application/json"):
            self.fail(exchange, f"Content-Type: {headers.get('content-type')!r}: {exchange['body']!r}"[:300])
            return None
        try:
            return json.loads(exchange["body"] or "")
        except ValueError:
            self.fail(exchange, f"no JSON: {exchange['body']!r}"[:300])
            return None

    def check_served(self, served):
        """Every call that the server says it has is one of Heroku's, and was answered."""
        known = {str(link) for link in self.links}
        missing = []
        for link in links_of(served):
            if str(link) not in known:
                if not self.waivers.covers("route", f"{link.method} {link.href}"):
                    self.failures[f"GET /schema: {link}: no call of Heroku's"] += 1
            elif not self.answered[str(link)] and not self.is_refused(link):
                missing.append(str(link))
        for link in sorted(set(missing)):
            self.failures[f"{link}: served, but no client was answered with success"] += 1
        return len({str(link) for link in links_of(served)})

    def is_refused(self, link):
        """Whether a call that always ends in an error, as a waiver says, did so: it has the status behind the call."""
        return any(self.waivers.covers("refused", f"{link}: {status}") for status in ERROR_IDS if self.refused[f"{link}: {status}"])

    def check_errors_seen(self, wanted):
        for error in wanted:
            if not self.errors[error]:
                self.failures[f"no client ever got {error}: conventions.py was to provoke it"] += 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--schema", required=True)
    parser.add_argument("--waivers", required=True)
    parser.add_argument("--served", required=True)
    parser.add_argument("record")
    arguments = parser.parse_args()
    with open(arguments.schema, encoding="utf-8") as file:
        schema = json.load(file)
    with open(arguments.served, encoding="utf-8") as file:
        served = json.load(file)
    waivers = Waivers(arguments.waivers)
    validation = Validation(schema, waivers)
    count = 0
    with open(arguments.record, encoding="utf-8") as record:
        for line in record:
            validation.check(json.loads(line))
            count += 1
    calls = validation.check_served(served)
    validation.check_errors_seen([
        "400 bad_request", "401 unauthorized", "404 not_found", "406 not_acceptable",
        "416 requested_range_not_satisfiable", "422 invalid_params",
    ])
    if not validation.not_modified:
        validation.failures["no client ever got 304: conventions.py was to provoke it"] += 1
    for item in waivers.unused():
        validation.failures[f"waiver without use: {json.dumps(item, ensure_ascii=False)}"] += 1
    for text, times in sorted(validation.failures.items()):
        print(f"{text} ({times} times)" if times > 1 else text, file=sys.stderr)
    if validation.failures:
        sys.exit(f"error: {len(validation.failures)} answers are not as Heroku's schema and conventions have them (of {count})")
    errors = ", ".join(f"{error} ({times})" for error, times in sorted(validation.errors.items()))
    print(f"{count} answers fit Heroku's schema; {len(validation.answered)} of the {calls} calls served, but for waived ones; errors: {errors}")


if __name__ == "__main__":
    main()
