An app's slug goes from one stage to the next.

  $ app $APP-staging
  $ app $APP-production
  $ app $APP-development
  $ publish $APP-staging
  $ heroku pipelines
  $ heroku pipelines:create $APP -a $APP-staging -s staging
  $ heroku pipelines:add $APP -a $APP-production -s production
  $ heroku pipelines
  $ heroku pipelines:info $APP
  $ heroku pipelines:info $APP --json 2>/dev/null | field pipeline name
  $ heroku pipelines:promote -a $APP-staging
  $ heroku releases -n 1 -a $APP-production
  $ heroku ps:scale -a $APP-production
  $ heroku pipelines:promote -a $APP-staging --to $APP-development
  $ heroku pipelines:diff -a $APP-staging
  $ heroku apps:info -a $APP-staging | grep Pipeline
  $ heroku pipelines:update -s development -a $APP-staging
  $ heroku pipelines:rename $APP $APP-renamed
  $ heroku pipelines:remove -a $APP-staging
  $ heroku pipelines:info $APP-renamed
  $ heroku pipelines:destroy $APP-renamed --confirm $APP-renamed
  $ heroku pipelines
