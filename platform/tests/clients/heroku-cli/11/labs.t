Features that are tried: of users and of apps.

  $ app
  $ heroku labs -a $APP
  === User Features $EMAIL
  [ ] app-overview Show an overview of each app in a dashboard. There is no dashboard here: kept, and changes nothing.
  [ ] dashboard-repositories-api Ask the Repositories API about connected repositories. It is not here: kept, and changes nothing.
  === App Features $APP
  [ ] http-disable-keepalive-to-dyno Close the connection to a dyno after each request
  [ ] log-runtime-metrics Emit dyno resource usage information into app logs
  [ ] runtime-dyno-build-metadata Expose the commit of a build to it
  [ ] runtime-dyno-metadata Expose app and dyno names to dynos, as config vars
  [ ] runtime-heroku-metrics Collect metrics of the language runtime
  $ heroku labs:enable runtime-dyno-metadata -a $APP
  Enabling runtime-dyno-metadata for $APP... done
  $ heroku labs:info runtime-dyno-metadata -a $APP
  === runtime-dyno-metadata
  Description: Expose app and dyno names to dynos, as config vars
  Enabled: true
  Docs: https://devcenter.heroku.com/articles/dyno-metadata
  $ heroku labs:disable runtime-dyno-metadata -a $APP
  Disabling runtime-dyno-metadata for $APP... done
