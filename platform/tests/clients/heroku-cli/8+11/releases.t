Releases are listed and described, and one can go back to an earlier one, which is a new one.

  $ app
  $ publish
  $ heroku config:set A=1 -a $APP >/dev/null 2>&1
  $ heroku releases -a $APP
  === $APP Releases - Current: v4
  v description user created_at (11)
  v4 Set A config vars $EMAIL <time>
  v3 Deployed by $EMAIL $EMAIL <time>
  v2 Enable Logplex $EMAIL <time>
  v1 Initial release $EMAIL <time>
  $ heroku releases -n 2 -a $APP
  === $APP Releases - Current: v4
  v description user created_at (11)
  v4 Set A config vars $EMAIL <time>
  v3 Deployed by $EMAIL $EMAIL <time>
  $ heroku releases --json -a $APP 2>/dev/null | field 0 description
  Set A config vars
  $ heroku releases:info v4 -a $APP
  === Release v4
  By: $EMAIL
  Change: Set A config vars
  Eligible for Rollback?: Yes (11)
  When: <time>
  === v4 Config vars
  A: 1
  $ heroku releases:info --json -a $APP 2>/dev/null | field version
  4
  $ heroku rollback v3 -a $APP
  Rolling back $APP to v3... done, v5
  Rollback affects code and config vars; it doesn't add or remove addons.
  To undo, run: heroku rollback v4
  $ heroku config -a $APP
  === $APP Config Vars

Without a version it is the second of the ten newest that can be gone back to.

  $ heroku rollback -a $APP
  Rolling back $APP to v4... done, v6
  Rollback affects code and config vars; it doesn't add or remove addons.
  To undo, run: heroku rollback v5
  $ heroku config:get A -a $APP
  1
  $ heroku releases:output -a $APP
  Release v6 has no release output available.
