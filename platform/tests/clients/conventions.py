"""What platform-api.md, section 2, says of every call, asked for on purpose: versions, credentials, ranges, errors, loose typing.

API_URL, API_TOKEN, API_EMAIL, API_COLLEAGUE, SLUG and APP are the environment's. The shape of every answer is validate.py's business, which reads the
record of this program too; here stands what the answers must say."""

import base64
import http.client
import json
import os
import re
import urllib.parse

TOKEN, EMAIL, APP = os.environ["API_TOKEN"], os.environ["API_EMAIL"], os.environ["APP"]
COLLEAGUE = os.environ["API_COLLEAGUE"]
HOST = urllib.parse.urlsplit(os.environ["API_URL"]).netloc
V3 = "application/vnd.heroku+json; version=3"


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.text = response.read().decode()

    @property
    def body(self):
        return json.loads(self.text)


def call(method, path, body=None, **headers):
    """Headers by keyword, `_` for `-`; None leaves out one of the two that there are otherwise. A body that is no text becomes JSON."""
    sent = {"Accept": V3, "Authorization": f"Bearer {TOKEN}"}
    sent.update({name.replace("_", "-"): value for name, value in headers.items()})
    if body is not None and not isinstance(body, (str, bytes)):
        body = json.dumps(body)
        sent.setdefault("Content-Type", "application/json")
    connection = http.client.HTTPConnection(HOST, timeout=30)
    connection.request(method, path, body=body, headers={n: v for n, v in sent.items() if v is not None})
    answer = Answer(connection.getresponse())
    connection.close()
    return answer


def expect(answer, status, error=None):
    assert answer.status == status, f"{answer.status} instead of {status}: {answer.text}"
    if error:
        assert answer.body["id"] == error, answer.text
    return answer


def base_64(text):
    return base64.b64encode(text.encode()).decode()


def credentials():
    # The last one has no scheme: com.heroku.sdk:heroku-deploy 1.2.0 sends it so.
    for accepted in [
        f"Bearer {TOKEN}", f"bearer {TOKEN}", "Basic " + base_64(f":{TOKEN}"), "Basic " + base_64(f"{EMAIL}:{TOKEN}"), base_64(f":{TOKEN}"),
    ]:
        assert expect(call("GET", "/account", Authorization=accepted), 200).body["email"] == EMAIL
    for refused in [None, "", "Bearer", "Bearer undefined", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Basic %%%", "Digest x"]:
        for path in ["/account", "/apps", f"/apps/{APP}", "/account/rate-limits"]:
            expect(call("GET", path, Authorization=refused), 401, "unauthorized")


def versions():
    for variant in ["", ".sdk", ".filters", ".cedar-acm", ".docker-releases", ".webhooks"]:
        expect(call("GET", "/account", Accept=V3 + variant), 200)
    for refused in ["*/*", "application/json", "application/vnd.heroku+json; version=2", None]:
        expect(call("GET", "/account", Accept=refused), 406, "not_acceptable")


def request_ids():
    first, second = call("GET", "/account"), call("GET", "/account")
    assert first.headers["Request-Id"] and first.headers["Request-Id"] != second.headers["Request-Id"]
    given = "3d9a4a53-9fb5-4a2c-9a53-c1e1d3c6e5bb"
    assert given in call("GET", "/account", Request_Id=given).headers["Request-Id"]
    assert call("GET", "/nothing").headers["Request-Id"]


def etags():
    for path in ["/account", "/apps", f"/apps/{APP}", f"/apps/{APP}/config-vars"]:
        tag = expect(call("GET", path), 200).headers["ETag"]
        for condition in [tag, f'"other", {tag}', "*"]:
            assert expect(call("GET", path, If_None_Match=condition), 304).text == ""
        expect(call("GET", path, If_None_Match='"other"'), 200)
    tag = call("GET", f"/apps/{APP}/config-vars").headers["ETag"]
    expect(call("PATCH", f"/apps/{APP}/config-vars", {"TAG": "1"}), 200)
    expect(call("GET", f"/apps/{APP}/config-vars", If_None_Match=tag), 200)


def pages(path, attribute, step, order):
    """All of a list by following Next-Range as it is."""
    found, range_ = [], f"{attribute} ..; max={step}, order={order}"
    while range_:
        answer = call("GET", path, Range=range_)
        assert answer.status == (206 if "Next-Range" in answer.headers else 200), answer.text
        found += answer.body
        range_ = answer.headers.get("Next-Range")
    return found


def ranges():
    releases = f"/apps/{APP}/releases"
    for name in "ABCDE":
        expect(call("PATCH", f"/apps/{APP}/config-vars", {name: name}), 200)
    versions = [release["version"] for release in call("GET", releases, Range="version ..").body]
    assert versions == list(range(1, len(versions) + 1)) and len(versions) > 7
    for step in (1, 2, 3, 1000):
        assert [r["version"] for r in pages(releases, "version", step, "asc")] == versions
        assert [r["version"] for r in pages(releases, "version", step, "desc")] == versions[::-1]
        ids = [r["id"] for r in pages(releases, "id", step, "asc")]
        assert ids == sorted(ids) and len(ids) == len(versions)
    names = [app["name"] for app in pages("/apps", "name", 1, "asc")]
    assert names == sorted(names) and APP in names
    assert sorted(app["name"] for app in pages("/apps", "updated_at", 1, "desc")) == names

    def answered(range_):
        return [release["version"] for release in expect(call("GET", releases, Range=range_), 200).body]

    assert answered("version 3..5") == [3, 4, 5]
    assert answered("version ]3..5") == [4, 5]
    assert answered("version 3..5[") == [3, 4]
    assert answered("version 5..3; order=desc") == [5, 4, 3]
    # What clients really send.
    newest = versions[::-1]
    for range_, wanted in [
        ("version ..; order=desc", newest), ("version ..; ;", versions), ("version ..; max=1000;", versions), ("version ..;", versions),
    ]:
        assert answered(range_) == wanted, range_
    for range_ in ["id ..; max=1000", "id ..; ;", "id ..; max=1000;", "id ]..; max=1000", "", "id .."]:
        assert sorted(answered(range_)) == versions, range_
    for range_, count in [("version ..; max=2, order=desc", 2), ("version ..; order=desc,max=1", 1), ("version ..; order=desc,max=2;", 2)]:
        page = expect(call("GET", releases, Range=range_), 206)
        assert [release["version"] for release in page.body] == newest[:count], range_
        assert page.headers["Content-Range"].startswith(f"version {newest[0]}..{newest[count - 1]}"), page.headers["Content-Range"]
    for wrong in ["version", "3", "version ..; max=0", "version ..; max=x", "version ..; order=up", "bytes=0-1"]:
        expect(call("GET", releases, Range=wrong), 400, "bad_request")
    expect(call("GET", releases, Range="version ..5"), 416, "requested_range_not_satisfiable")
    # heroku-client sends one with everything.
    expect(call("GET", f"/apps/{APP}", Range="id ..; max=1000"), 200)
    expect(call("PATCH", f"/apps/{APP}/config-vars", {"F": "F"}, Range="id ..; max=1000"), 200)


def errors():
    app = f"/apps/{APP}"
    missing = expect(call("GET", "/apps/no-such-app"), 404, "not_found").body
    assert missing["resource"] == "app" and missing["message"] == "Couldn't find that app."
    expect(call("GET", "/no/such/path"), 404, "not_found")
    for path in [f"{app}/releases/99", f"{app}/releases/x", f"{app}/slugs/3d9a4a53-9fb5-4a2c-9a53-c1e1d3c6e5bb", f"{app}/formation/clock"]:
        expect(call("GET", path), 404, "not_found")
    for malformed in ["{", "[1", "nothing", '{"a": }']:
        expect(call("POST", "/apps", malformed, Content_Type="application/json"), 400, "bad_request")
        expect(call("PATCH", f"{app}/config-vars", malformed, Content_Type="application/json"), 400, "bad_request")
    for name in ["X", "a", "1abc", "a_b", "a" * 31, "abc-", "a..b", APP]:
        expect(call("POST", "/apps", {"name": name}), 422, "invalid_params")
    expect(call("POST", "/apps", {"stack": "no-such-stack"}), 422, "invalid_params")
    expect(call("POST", f"{app}/slugs", {}), 422, "invalid_params")
    expect(call("POST", f"{app}/slugs", {"process_types": {"we b": "./web"}}), 422, "invalid_params")
    expect(call("POST", f"{app}/releases", {}), 422, "invalid_params")
    expect(call("POST", f"{app}/releases", {"release": call("GET", f"{app}/releases/1").body["id"]}), 422, "invalid_params")
    slug = expect(call("POST", f"{app}/slugs", {"process_types": {"web": "./web"}}), 201).body
    expect(call("POST", f"{app}/releases", {"slug": slug["id"]}), 422, "invalid_params")


def transfer(method, url, body=None, **headers):
    parts = urllib.parse.urlsplit(url)
    return call(method, f"{parts.path}?{parts.query}", body, Authorization=None, Accept=None, **headers)


def loose_typing():
    app = f"/apps/{APP}"
    # No body and no Content-Type; keys of no meaning; null for what is optional.
    created = expect(call("POST", "/apps"), 201).body
    expect(call("DELETE", f"/apps/{created['id']}"), 200)
    created = expect(call("POST", "/apps", {"name": None, "region": None, "space": None, "nothing": {"a": 1}}), 201).body
    expect(call("DELETE", f"/apps/{created['name']}"), 200)
    for on in [True, "true"]:
        assert expect(call("PATCH", app, {"maintenance": on}), 200).body["maintenance"] is True
        assert expect(call("PATCH", app, {"maintenance": 0}), 200).body["maintenance"] is False

    with open(os.environ["SLUG"], "rb") as file:
        content = file.read()
    slug = expect(call("POST", f"{app}/slugs", {
        "process_types": {"web": "./web", "worker": "./web worker"}, "checksum": None, "commit": None, "commit_description": None,
        "buildpack_provided_description": None, "stack": call("GET", app).body["stack"]["id"],
    }), 201).body
    assert transfer("PUT", slug["blob"]["url"], content, Content_Type="").status // 100 == 2
    release = expect(call("POST", f"{app}/releases", {"slug": slug["id"], "description": None}), 201).body
    assert release["description"].startswith("Deploy"), release["description"]
    worker = f"{app}/formation/worker"
    for quantity, becomes in [(2, 2), ("3", 3), ("+1", 4), ("-2", 2), ("0", 0)]:
        assert expect(call("PATCH", worker, {"quantity": quantity, "size": None}), 200).body["quantity"] == becomes, quantity
    for body in [{"size": "Standard-2X"}, {"dyno_size": "standard-2x"}, {"dyno_size": {"name": "standard-2x"}}]:
        expect(call("PATCH", worker, {"size": "standard-1x"}), 200)
        found = expect(call("PATCH", worker, body), 200).body
        assert found["dyno_size"]["name"].lower() == found["size"].lower() == "standard-2x", found
    for wrong in [{"quantity": "many"}, {"quantity": 1.5}, {"size": "no-such-size"}]:
        expect(call("PATCH", worker, wrong), 422, "invalid_params")
    numbers = expect(call("PATCH", f"{app}/config-vars", {"COLUMNS": 80}), 200).body
    assert numbers["COLUMNS"] == "80", numbers
    # A version is as good as an id, with or without its v.
    for identity in [release["id"], str(release["version"]), f"v{release['version']}"]:
        assert expect(call("GET", f"{app}/releases/{identity}"), 200).body["id"] == release["id"]
    assert expect(call("POST", f"{app}/releases", {"release": f"v{release['version']}"}), 201).body["slug"]["id"] == slug["id"]


def blobs():
    """A slug's URLs are for one slug and one method, need no credentials, and what does not fit the slug's checksum is never released."""
    app = f"/apps/{APP}"
    with open(os.environ["SLUG"], "rb") as file:
        content = file.read()
    slug = expect(call("POST", f"{app}/slugs", {"process_types": {"web": "./web"}, "checksum": "SHA256:" + "0" * 64}), 201).body
    assert transfer("PUT", slug["blob"]["url"], content).status in (400, 403, 409, 422), "another checksum"
    expect(call("POST", f"{app}/releases", {"slug": slug["id"]}), 422, "invalid_params")
    slug = expect(call("POST", f"{app}/slugs", {"process_types": {"web": "./web"}}), 201).body
    put = slug["blob"]["url"]
    assert transfer("GET", put).status in (403, 404, 405), "the URL of a PUT is not one of a GET"
    assert transfer("PUT", put[:-2] + ("AA" if not put.endswith("AA") else "BB"), content).status == 403, "another signature"
    assert transfer("PUT", put, content).status // 100 == 2
    got = expect(call("GET", f"{app}/slugs/{slug['id']}"), 200).body
    assert got["size"] == len(content) and got["blob"]["method"].lower() == "get"
    parts = urllib.parse.urlsplit(got["blob"]["url"])
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    connection.request("GET", f"{parts.path}?{parts.query}")
    answer = connection.getresponse()
    assert answer.status == 200 and answer.read() == content
    connection.request("GET", f"{parts.path}?{parts.query}", headers={"Range": "bytes=2-5"})
    answer = connection.getresponse()
    assert answer.status == 206 and answer.read() == content[2:6], "part of a slug"


def catalogue():
    """Lists that belong to no app, as far as they are served, and one of each by id and by name."""
    served = {
        (link["method"].upper(), re.sub(r"\{.*?\}", "{}", link["href"]))
        for definition in expect(call("GET", "/schema"), 200).body["definitions"].values()
        for link in definition.get("links", [])
    }
    for path in ["/stacks", "/regions", "/dyno-sizes", "/generations"]:
        if ("GET", path) in served:
            items = expect(call("GET", path), 200).body
            assert items, path
            for identity in (items[0]["id"], items[0]["name"]) if ("GET", path + "/{}") in served else ():
                assert expect(call("GET", f"{path}/{urllib.parse.quote(identity)}"), 200).body["id"] == items[0]["id"]
            expect(call("GET", f"{path}/no-such-thing"), 404, "not_found")
    for path in ["addons", "addon-attachments", "collaborators", "dynos"]:
        if ("GET", f"/apps/{{}}/{path}") in served:
            expect(call("GET", f"/apps/{APP}/{path}"), 200)


def collaborators():
    """Somebody who has an account comes and goes; everybody else is unknown."""
    path = f"/apps/{APP}/collaborators"
    added = expect(call("POST", path, {"user": COLLEAGUE, "silent": True}), 201).body
    for identity in [COLLEAGUE, added["id"], added["user"]["id"]]:
        assert expect(call("GET", f"{path}/{identity}"), 200).body == added, identity
    assert expect(call("DELETE", f"{path}/{COLLEAGUE}"), 200).body == added
    expect(call("GET", f"{path}/{COLLEAGUE}"), 404, "not_found")
    expect(call("POST", path, {"user": "nobody@example.com"}), 404, "not_found")


def main():
    expect(call("POST", "/apps", {"name": APP}), 201)
    for check in [credentials, versions, request_ids, etags, ranges, errors, loose_typing, blobs, catalogue, collaborators]:
        check()
    expect(call("DELETE", f"/apps/{APP}"), 200)


if __name__ == "__main__":
    main()
