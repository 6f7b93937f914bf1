What version 8 says in other words, or not at all.

  $ app
  $ publish
  $ heroku ps --json -a $APP
  []
  $ heroku ps:restart --dyno-name web.1 -a $APP
  Restarting dyno web.1 on $APP... !
  Couldn't find that dyno.
  Error ID: not_found
  [2]
  $ heroku ps:restart --process-type web -a $APP
  Restarting all web dynos on $APP... done
  $ heroku ps:stop --dyno-name web.1 -a $APP
  Stopping dyno web.1 on $APP... !
  Couldn't find that dyno.
  Error ID: not_found
  [2]
  $ heroku ps:stop --process-type web -a $APP
  Stopping all web dynos on $APP... done

Until there are dynos, these are refused.

  $ heroku run -a $APP --no-tty -- echo hello
  This server does not run dynos yet: apps and their slugs are kept, but nothing is started.
  Error ID: invalid_params
  [2]
  $ heroku run:detached -a $APP -- echo hello
  This server does not run dynos yet: apps and their slugs are kept, but nothing is started.
  Error ID: invalid_params
  [2]
  $ heroku logs -a $APP
  This server does not run dynos yet, so that apps have no logs.
  Error ID: invalid_params
  [2]
  $ heroku telemetry -a $APP
  There are no telemetry drains in $APP
  $ heroku usage:addons -a $APP
  Gathering usage data... done
  No usage found for app $APP
