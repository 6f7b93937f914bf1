Features of an app.

  $ app
  $ heroku features -a $APP
  $ heroku features --json -a $APP 2>/dev/null | field 0 name
  $ heroku features:enable preboot -a $APP
  $ heroku features:info preboot -a $APP
  $ heroku features -a $APP
  $ heroku features:disable preboot -a $APP
  $ heroku features:enable there-is-none -a $APP 2>/dev/null
