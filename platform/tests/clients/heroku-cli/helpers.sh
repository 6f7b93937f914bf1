# What transcripts have besides `heroku`: read by bash before each of them ($BASH_ENV).

# api METHOD PATH [BODY] [CURL'S OPTIONS...]: a call of the API; where it fails, what it answered is shown and the status is not 0.
api() {
  local method=$1 path=$2 body=${3:-}
  shift $(($# < 3 ? $# : 3))
  curl --silent --show-error --fail-with-body --request "$method" "$API_URL$path" --user ":$HEROKU_API_KEY" \
    --header 'Accept: application/vnd.heroku+json; version=3' ${body:+--header 'Content-Type: application/json' --data "$body"} "$@"
}

# field NAME...: the value in the JSON of the standard input that these names and numbers lead to.
field() {
  python3 -c '
import functools, json, sys
value = functools.reduce(lambda each, name: each[int(name) if isinstance(each, list) else name], sys.argv[1:], json.load(sys.stdin))
print(value if isinstance(value, str) else json.dumps(value, sort_keys=True))' "$@"
}

# app [NAME]: makes an app, sooner than the CLI does.
app() { api POST /apps "{\"name\": \"${1:-$APP}\"}" >/dev/null; }

# publish [NAME]: gives an app a slug with the process types web and worker.
publish() {
  local slug
  slug=$(api POST "/apps/${1:-$APP}/slugs" '{"process_types": {"web": "./web", "worker": "./web worker"}}')
  curl --silent --show-error --fail --upload-file "$SLUG" --header 'Content-Type:' "$(field blob url <<<"$slug")"
  api POST "/apps/${1:-$APP}/releases" "{\"slug\": \"$(field id <<<"$slug")\"}" >/dev/null
}
