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
  $ grep -Fx 'web node web.js' output
  web node web.js
  $ heroku builds -a $APP | sed 's/<time>.* succeeded/<time> DURATION succeeded/'
  === $APP Builds
  ID Source Version Created At Duration Status User
  <uuid> 1.0 <time> DURATION succeeded $EMAIL
  $ heroku builds:info -a $APP
  === Build <uuid>
  By: $EMAIL
  Release: v3
  Status: succeeded
  When: <time>
  $ heroku builds:info --json -a $APP | field status
  succeeded
  $ heroku builds:output -a $APP 2>&1 | diff - output
  $ heroku releases -n 1 -a $APP
  === $APP Releases - Current: v3
  v3 Deploy 1.0 $EMAIL <time>
  $ heroku ps:scale -a $APP
  web=1:Basic

What cannot be built fails, and the app stays as it was.

  $ mkdir nothing
  $ printf 'nothing\n' >nothing/README
  $ heroku builds:create --dir nothing -a $APP >output 2>&1
  [1]
  $ heroku builds:cancel -a $APP 2>&1 | head -1
  Can only cancel pending builds. Build <uuid>
  $ heroku releases -n 1 -a $APP
  === $APP Releases - Current: v3
  v3 Deploy 1.0 $EMAIL <time>
  $ heroku builds:cache:purge -a $APP --confirm $APP
  Purging build cache for $APP... done
