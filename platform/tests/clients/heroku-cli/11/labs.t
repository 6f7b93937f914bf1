Features that are tried: of users and of apps.

  $ app
  $ heroku labs -a $APP
  $ heroku labs:enable runtime-dyno-metadata -a $APP
  $ heroku labs:info runtime-dyno-metadata -a $APP
  $ heroku labs:disable runtime-dyno-metadata -a $APP
