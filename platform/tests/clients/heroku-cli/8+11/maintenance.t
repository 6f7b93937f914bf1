An app that is out of service.

  $ app
  $ heroku maintenance -a $APP
  $ heroku maintenance:on -a $APP
  $ heroku maintenance -a $APP
  $ heroku maintenance:off -a $APP
  $ heroku maintenance -a $APP
