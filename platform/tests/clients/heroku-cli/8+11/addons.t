There are no add-ons, and certificates of an app's own cannot be had.

  $ app
  $ heroku addons -a $APP
  $ heroku addons
  $ heroku addons:services
  $ heroku addons:create heroku-postgresql:essential-0 -a $APP 2>/dev/null
  $ heroku certs -a $APP
  $ heroku certs:auto -a $APP
  $ heroku webhooks -a $APP
