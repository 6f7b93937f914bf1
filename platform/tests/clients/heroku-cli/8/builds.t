A source is built by the plugin heroku-builds, which only version 8 takes.

  $ app
  $ mkdir source
  $ cp "$SOURCE" source/web.js
  $ printf '{}' >source/package.json
  $ printf 'web: node web.js\n' >source/Procfile
  $ heroku builds -a $APP
  === $APP Builds
  ID Source Version Created At Duration Status User
  $ heroku builds:create --dir source --version 1.0 -a $APP >output 2>&1
  [1]
  $ grep -Fx 'web node web.js' output
  [1]
  $ heroku builds -a $APP
  === $APP Builds
  ID Source Version Created At Duration Status User
  $ heroku builds:info -a $APP
  Cannot read properties of undefined (reading 'status')
  [1]
  $ heroku builds:info --json -a $APP | field status
  Traceback (most recent call last):
    File "<string>", line 3, in <module>
    File "/root/.pyenv/versions/3.11.7/lib/python3.11/json/__init__.py", line 293, in load
      return loads(fp.read(),
             ^^^^^^^^^^^^^^^^
    File "/root/.pyenv/versions/3.11.7/lib/python3.11/json/__init__.py", line 346, in loads
      return _default_decoder.decode(s)
             ^^^^^^^^^^^^^^^^^^^^^^^^^^
    File "/root/.pyenv/versions/3.11.7/lib/python3.11/json/decoder.py", line 337, in decode
      obj, end = self.raw_decode(s, idx=_w(s, 0).end())
                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    File "/root/.pyenv/versions/3.11.7/lib/python3.11/json/decoder.py", line 355, in raw_decode
      raise JSONDecodeError("Expecting value", s, err.value) from None
  json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)
  [1]
  $ heroku builds:output -a $APP 2>&1 | diff - output
  1c1,2
  < Cannot read properties of undefined (reading 'output_stream_url')
  ---
  > This server builds nothing: its operator started it so. Please build
  > elsewhere, and release the slug.
  [1]
  $ heroku releases -n 1 -a $APP
  === $APP Releases - Current: v2
  v2 Enable Logplex $EMAIL <time>
  $ heroku ps:scale -a $APP
  No process types on $APP.
  Upload a Procfile to add process types.
  https://devcenter.heroku.com/articles/procfile
  [1]

What cannot be built fails, and the app stays as it was.

  $ mkdir nothing
  $ printf 'nothing\n' >nothing/README
  $ heroku builds:create --dir nothing -a $APP >output 2>&1
  [1]
  $ heroku builds:cancel -a $APP 2>&1 | sed "s/Build <uuid>/Build ID/"
  Cannot read properties of undefined (reading 'status')
  $ heroku releases -n 1 -a $APP
  === $APP Releases - Current: v2
  v2 Enable Logplex $EMAIL <time>
  $ heroku builds:cache:purge -a $APP --confirm $APP
  Purging build cache for $APP... done
