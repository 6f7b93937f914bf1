"""The whole flow with heroku3 (PyPI): app, config vars, slug, release, formation, rollback, what is attached to an app, a build.

API_URL, API_TOKEN, SLUG (a slug's file), SOURCE (a file of JavaScript) and APP (a name for the app) are the environment's. heroku3 can do everything but create
slugs, which is done with its own session."""

import hashlib
import io
import os
import tarfile

import heroku3.api
import requests

heroku3.api.HEROKU_URL = os.environ["API_URL"]
heroku = heroku3.from_key(os.environ["API_TOKEN"])
assert heroku.is_authenticated
assert heroku.account().email == os.environ["API_EMAIL"]

app = heroku.create_app(name=os.environ["APP"], stack_id_or_name="heroku-24", region_id_or_name="us")
assert app.name == os.environ["APP"] and app.owner.email == os.environ["API_EMAIL"] and app.region.name == "us"
assert app.slug_size is None and app.maintenance is False
# Its answer to a taken name is to look the app up: it knows "Name is already taken" by the message.
assert heroku.create_app(name=os.environ["APP"], stack_id_or_name="heroku-24").id == app.id
assert [a.id for a in heroku.apps() if a.name == app.name] == [app.id]
assert heroku.apps(order_by="name", limit=1)[0].name
assert [(r.version, r.description) for r in app.releases()] == [(1, "Initial release"), (2, "Enable Logplex")]
assert list(app.process_formation()) == []

config = app.config()
config["GREETING"] = "hello"
config.update({"COLUMNS": "80", "EMPTY": ""})
del config["EMPTY"]
assert app.config().to_dict() == {"GREETING": "hello", "COLUMNS": "80"}
assert app.releases()[-1].description == "Remove EMPTY config vars"

with open(os.environ["SLUG"], "rb") as file:
    content = file.read()
slug = heroku._http_resource(
    "POST",
    ("apps", app.name, "slugs"),
    data=heroku._resource_serialize({
        "process_types": {"web": "./web", "worker": "./web worker"},
        "checksum": "SHA256:" + hashlib.sha256(content).hexdigest(),
        "commit": None,
        "stack": "heroku-24",
    }),
).json()
assert slug["blob"]["method"] == "put" and slug["size"] is None
# requests would read the credentials of ~/.netrc; a signed URL needs none. requests sends no Content-Type with bytes.
upload = requests.Session()
upload.trust_env = False
upload.put(slug["blob"]["url"], data=content).raise_for_status()

release = app.create_release(slug["id"])
assert release.version == 6 and release.slug.id == slug["id"] and release.current and release.status == "succeeded"
uploaded = app.slug(slug["id"])
assert uploaded.size == len(content) and uploaded.checksum == slug["checksum"] and uploaded.stack.name == "heroku-24"
assert app.info.slug_size == len(content)

assert {f.type: f.quantity for f in app.process_formation()} == {"web": 1, "worker": 0}
assert app.scale_formation_process("worker", 2).quantity == 2
assert {f.type: f.quantity for f in app.batch_scale_formation_processes({"web": 2, "worker": 0})} == {"web": 2, "worker": 0}
formation = app.process_formation()["web"]
assert formation.command == "./web"
assert {f.size.lower() for f in app.batch_resize_formation_processes({"web": "standard-1x"})} == {"standard-1x"}

config["GREETING"] = "good bye"
back = app.rollback(release.id)
assert back.description == f"Rollback to v{release.version}" and back.slug.id == slug["id"]
assert app.config().to_dict() == {"GREETING": "hello", "COLUMNS": "80"}
assert app.rollback("v6").version == 9, "its README rolls back to a version's name"

# What is attached to an app. Domains are listed by an attribute that the schema does not have.
assert [d.kind for d in app.domains()] == ["heroku"]
assert app.add_domain("www.heroku3.test", None).hostname == "www.heroku3.test"
app.remove_domain("www.heroku3.test")
drain = app.create_logdrain("https://logs.example.test/heroku3")
assert drain.url == "https://logs.example.test/heroku3"
# Not by its address, which heroku3 would put into the path as it is.
app.remove_logdrain(drain.id)
assert app.enable_feature("preboot").enabled and not app.disable_feature("preboot").enabled
assert app.add_collaborator(os.environ["API_COLLEAGUE"]).user.email == os.environ["API_COLLEAGUE"]
app.remove_collaborator(os.environ["API_COLLEAGUE"])
app.update_buildpacks(["heroku/nodejs"])
assert [b.buildpack.url for b in app.buildpacks()] == ["urn:buildpack:heroku/nodejs"]
assert list(app.dynos()) == [] and list(app.addons()) == [] and list(heroku.keys()) == []
app.restart()

# A build: heroku3 sends the version and no buildpacks as they are, and `null` where it has none.
source = heroku._http_resource("POST", ("sources",)).json()["source_blob"]
archive = io.BytesIO()
with tarfile.open(fileobj=archive, mode="w:gz") as tar:
    tar.add(os.environ["SOURCE"], "web.js")
    for name, text in {"package.json": "{}", "Procfile": "web: node web.js\n"}.items():
        member = tarfile.TarInfo(name)
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text.encode()))
upload.put(source["put_url"], data=archive.getvalue()).raise_for_status()
build = app.create_build(source["get_url"], version="1.0")
assert build.status == "pending", build.status
output = b"\n".join(build.stream()).decode()
assert output.strip(), "the output of the build"
build = next(b for b in app.builds() if b.id == build.id)
assert build.status == "succeeded", output
assert app.releases()[-1].slug.id == build.slug.id

assert app.enable_maintenance_mode().maintenance is True
assert app.disable_maintenance_mode().maintenance is False
renamed = app.rename(os.environ["APP"] + "-2")
assert renamed.id == app.id and heroku.app(renamed.name).id == app.id
assert renamed.delete()
try:
    heroku.app(renamed.name)
except requests.exceptions.HTTPError as error:
    assert error.response.status_code == 404
else:
    raise AssertionError("the app is still there")
