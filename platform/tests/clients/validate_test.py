"""That validate.py finds what it is there for: an answer that fits, with one thing changed at a time.

    python3 validate_test.py SCHEMA"""

import copy
import json
import sys
import tempfile

import validate

UUID = "01234567-89ab-cdef-0123-456789abcdef"
TIME = "2026-01-01T12:00:00Z"
RELEASE = {
    "addon_plan_names": [], "artifacts": [{"type": "slug", "id": UUID}], "app": {"name": "example", "id": UUID}, "created_at": TIME,
    "description": "Deploy 0123abc", "id": UUID, "updated_at": TIME, "slug": {"id": UUID}, "status": "succeeded",
    "user": {"id": UUID, "email": "you@example.com"}, "version": 3, "current": True, "output_stream_url": None,
    "eligible_for_rollback": True,
}
HEADERS = {
    "content-type": "application/json", "request-id": UUID, "etag": '"1"', "cache-control": "private, no-store",
    "ratelimit-remaining": "4500",
}
LIST = {**HEADERS, "accept-ranges": "id, version", "content-range": "version 3..3; max=200"}
ERROR = {"id": "not_found", "message": "Couldn't find that app.", "resource": "app"}


def exchange(method, target, status, body, headers=None):
    return {
        "method": method, "target": target, "request_headers": [], "request_body": None, "status": status,
        "headers": dict(headers or HEADERS), "body": body,
    }


FITTING = {
    "release": exchange("GET", "/apps/example/releases/3", 200, RELEASE),
    "list": exchange("GET", "/apps/example/releases", 200, [RELEASE], LIST),
    "page": exchange("GET", "/apps/example/releases", 206, [RELEASE], {**LIST, "next-range": "version ]3..; max=1"}),
    "created": exchange("POST", "/apps/example/releases", 201, RELEASE),
    "config vars": exchange("GET", "/apps/example/config-vars", 200, {"A": "1"}),
    "error": exchange("GET", "/apps/none", 404, ERROR),
    "not modified": exchange("GET", "/account", 304, None),
}


def wrong():
    """Name, and an answer that does not fit."""

    def changed(name, what, change):
        result = copy.deepcopy(FITTING[name])
        change(result)
        return f"{name}: {what}", result

    for key in RELEASE:
        yield f"no {key}", exchange("GET", "/apps/example/releases/3", 200, {k: v for k, v in RELEASE.items() if k != key})
    for key, value in [
        ("version", "3"), ("status", "done"), ("created_at", "2026-01-01 12:00:00"), ("created_at", "2026-13-01T12:00:00Z"), ("id", "3"),
        ("user", {"id": UUID, "email": "nobody"}), ("slug", {"id": UUID, "name": "x"}), ("current", None), ("app", {"id": UUID, "name": "X"}),
        ("commit", "0123abc"),
    ]:
        yield f"{key} {value!r}", exchange("GET", "/apps/example/releases/3", 200, {**RELEASE, key: value})
    for header in HEADERS:
        yield f"no header {header}", exchange("GET", "/apps/example/releases/3", 200, RELEASE, {k: v for k, v in HEADERS.items() if k != header})
    for header in ("accept-ranges", "content-range"):
        yield f"list: no header {header}", exchange("GET", "/apps/example/releases", 200, [RELEASE], {k: v for k, v in LIST.items() if k != header})
    yield changed("list", "206 without Next-Range", lambda answer: answer.update(status=206))
    yield changed("page", "200 with Next-Range", lambda answer: answer.update(status=200))
    yield changed("list", "other Accept-Ranges", lambda answer: answer["headers"].update({"accept-ranges": "id, name"}))
    yield changed("list", "one item", lambda answer: answer.update(body=RELEASE))
    yield changed("list", "too many items", lambda answer: answer.update(body=[RELEASE] * 201))
    yield changed("created", "200", lambda answer: answer.update(status=200))
    yield changed("config vars", "a number", lambda answer: answer.update(body={"A": 1}))
    yield changed("config vars", "a name with a dash", lambda answer: answer.update(body={"A-B": "1"}))
    yield changed("error", "another status", lambda answer: answer.update(status=422))
    yield changed("error", "no message", lambda answer: answer["body"].pop("message"))
    yield changed("error", "another key", lambda answer: answer["body"].update(errors=[]))
    yield changed("error", "no Request-Id", lambda answer: answer["headers"].pop("request-id"))
    yield changed("not modified", "a body", lambda answer: answer.update(body="{}"))
    yield changed("not modified", "no ETag", lambda answer: answer["headers"].pop("etag"))
    yield "an empty answer", exchange("DELETE", "/apps/example", 200, None)
    yield "no call of Heroku's", exchange("GET", "/apps/example/slugs", 200, [], LIST)
    yield "no answer", exchange("GET", "/account", 599, "the server did not answer")


def validation_of(schema, *answers, waivers=()):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(waivers, file)
        file.flush()
        validation = validate.Validation(schema, validate.Waivers(file.name))
    for answer in answers:
        recorded = dict(answer, headers=list(answer["headers"].items()))
        if isinstance(recorded["body"], (dict, list)):
            recorded["body"] = json.dumps(recorded["body"])
        validation.check(recorded)
    return validation


def failures(schema, answer):
    return list(validation_of(schema, answer).failures)


def check_served(schema):
    """What is served is called with success, or refused as a waiver says."""
    served = {"definitions": {"team": {"links": [{"method": "GET", "href": "/teams/{team}", "rel": "self"}]}}}
    not_found = exchange("GET", "/teams/there-is-none", 404, {"id": "not_found", "message": "There is none."})
    waiver = {"kind": "refused", "what": "GET /teams/{}: 404", "reason": "There are no teams."}
    for answers, waivers, fits in [
        ([], [], False),
        ([not_found], [], False),
        ([], [waiver], False),
        ([not_found], [dict(waiver, what="GET /teams/{}: 403")], False),
        ([not_found], [waiver], True),
    ]:
        validation = validation_of(schema, *answers, waivers=waivers)
        validation.check_served(served)
        assert (not validation.failures) == fits, f"{answers} {waivers}: {validation.failures}"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    for name, answer in FITTING.items():
        assert not failures(schema, answer), f"{name}: {failures(schema, answer)}"
    count = 0
    for name, answer in wrong():
        assert failures(schema, answer), f"not found: {name}"
        count += 1
    check_served(schema)
    print(f"validate.py finds {count} faults of {count}")


if __name__ == "__main__":
    main()
