An app's slug goes from one stage to the next.

  $ app $APP-staging
  $ app $APP-one
  $ app $APP-two
  $ publish $APP-staging
  $ heroku pipelines:create $APP -a $APP-staging -s staging
  $ heroku pipelines:add $APP -a $APP-one -s production
  $ heroku pipelines:add $APP -a $APP-two -s production
  $ heroku pipelines
  $ heroku pipelines:info $APP | sort
  $ heroku apps:info -a $APP-one | grep Pipeline
  $ heroku pipelines:promote -a $APP-staging --to $APP-one
  $ heroku releases -n 1 -a $APP-one
  $ heroku ps:scale -a $APP-one
  $ heroku pipelines:promote -a $APP-staging | sort

Where they stand can be changed, and they can be taken out.

  $ heroku pipelines:update -s development -a $APP-staging
  $ heroku pipelines:rename $APP $APP-renamed
  $ heroku pipelines:remove -a $APP-two
  $ heroku pipelines:promote -a $APP-two
  $ heroku pipelines:info $APP-renamed --json 2>/dev/null | field pipeline name
  $ heroku pipelines:destroy $APP-renamed
  $ heroku pipelines
