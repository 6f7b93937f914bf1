There are no add-ons, and certificates of an app's own cannot be had.

  $ app
  $ heroku addons -a $APP
  No add-ons for app $APP.
  $ heroku addons
  No add-ons.
  $ heroku addons:services
  slug name state (8)
  Slug Name State (11)
  See plans with heroku addons:plans SERVICE
  $ heroku addons:create heroku-postgresql:essential-0 -a $APP 2>/dev/null
  [1] (8)
  [2] (11)
  $ heroku certs -a $APP
  $APP has no SSL certificates.
  Use heroku certs:add CRT KEY to add one.
  $ heroku certs:auto -a $APP
  === Automatic Certificate Management is disabled on $APP
  $ heroku webhooks -a $APP
  $APP has no webhooks
  Use heroku webhooks:add to add one. (8)
  Use $ heroku webhooks:add to add one. (11)
