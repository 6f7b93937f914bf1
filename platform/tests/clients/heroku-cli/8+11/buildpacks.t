What an app is built with.

  $ app
  $ heroku buildpacks -a $APP
  $APP has no Buildpack URL set. (8)
  $APP has no Buildpacks. (11)
  $ heroku buildpacks:set heroku/nodejs -a $APP
  Buildpack set. Next release on $APP will use heroku/nodejs.
  Run git push heroku main to create a new release using this buildpack.
  $ heroku buildpacks:add https://example.test/buildpack.git -a $APP
  Buildpack added. Next release on $APP will use:
  1. heroku/nodejs
  2. https://example.test/buildpack.git
  Run git push heroku main to create a new release using these buildpacks.
  $ heroku buildpacks:add heroku/ruby -i 1 -a $APP
  Buildpack added. Next release on $APP will use:
  1. heroku/ruby
  2. heroku/nodejs
  3. https://example.test/buildpack.git
  Run git push heroku main to create a new release using these buildpacks.
  $ heroku buildpacks -a $APP
  === $APP Buildpack URLs (8)
  === $APP Classic Buildpacks (from the Heroku Buildpack Registry) (11)
  1. heroku/ruby
  2. heroku/nodejs
  3. https://example.test/buildpack.git
  $ heroku buildpacks:remove -i 2 -a $APP
  Buildpack removed. Next release on $APP will use:
  1. heroku/ruby
  2. https://example.test/buildpack.git
  Run git push heroku main to create a new release using these buildpacks.
  $ heroku buildpacks:remove https://example.test/buildpack.git -a $APP
  Buildpack removed. Next release on $APP will use heroku/ruby.
  Run git push heroku main to create a new release using this buildpack.
  $ heroku buildpacks:clear -a $APP
  Buildpacks cleared. Next release on $APP will detect buildpacks normally.
  $ heroku buildpacks -a $APP
  $APP has no Buildpack URL set. (8)
  $APP has no Buildpacks. (11)
  $ heroku create $APP-2 --no-remote --buildpack heroku/go
  Creating $APP-2... done
  Setting buildpack to heroku/go... done
  http://$APP-2.localhost:$PORT/ | https://$HOST/$APP-2.git
  $ heroku buildpacks -a $APP-2
  === $APP-2 Buildpack URL (8)
  === $APP-2 Classic Buildpack (from the Heroku Buildpack Registry) (11)
  heroku/go
