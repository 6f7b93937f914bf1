An app that is out of service.

  $ app
  $ heroku maintenance -a $APP
  off
  $ heroku maintenance:on -a $APP
  Enabling maintenance mode for $APP... done
  $ heroku maintenance -a $APP
  on
  $ heroku maintenance:off -a $APP
  Disabling maintenance mode for $APP... done
  $ heroku maintenance -a $APP
  off
