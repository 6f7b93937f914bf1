What an app is built with.

  $ app
  $ heroku buildpacks -a $APP
  $ heroku buildpacks:set heroku/nodejs -a $APP
  $ heroku buildpacks:add https://example.test/buildpack.git -a $APP
  $ heroku buildpacks:add heroku/ruby -i 1 -a $APP
  $ heroku buildpacks -a $APP
  $ heroku buildpacks:remove -i 2 -a $APP
  $ heroku buildpacks:remove https://example.test/buildpack.git -a $APP
  $ heroku buildpacks:clear -a $APP
  $ heroku buildpacks -a $APP
  $ heroku create $APP-2 --no-remote --buildpack heroku/go
  $ heroku buildpacks -a $APP-2
