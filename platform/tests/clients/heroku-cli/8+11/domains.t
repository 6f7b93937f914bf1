Names that an app answers to.

  $ app
  $ heroku domains -a $APP
  $ heroku domains:add www.$APP.test -a $APP
  $ heroku domains:add '*.$APP.test' -a $APP 2>/dev/null
  $ heroku domains -a $APP
  $ heroku domains:info www.$APP.test -a $APP
  $ heroku domains:wait -a $APP
  $ heroku domains:wait www.$APP.test -a $APP
  $ heroku domains:remove www.$APP.test -a $APP
  $ heroku domains:clear -a $APP
  $ heroku domains -a $APP
