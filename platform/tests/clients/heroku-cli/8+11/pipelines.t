An app's slug goes from one stage to the next.

  $ app $APP-staging
  $ app $APP-one
  $ app $APP-two
  $ publish $APP-staging
  $ heroku pipelines:create $APP -a $APP-staging -s staging
  Creating $APP pipeline... done
  Adding $APP-staging to $APP pipeline as staging... done
  $ heroku pipelines:add $APP -a $APP-one -s production
  Adding $APP-one to $APP pipeline as production... done
  $ heroku pipelines:add $APP -a $APP-two -s production
  Adding $APP-two to $APP pipeline as production... done
  $ heroku pipelines
  === My Pipelines
  $APP
  $ heroku pipelines:info $APP | sort
  $APP-one production
  $APP-staging staging
  $APP-two production
  === $APP
  app name stage
  owner: $EMAIL
  $ heroku apps:info -a $APP-one | grep Pipeline
  Pipeline: $APP - production
  $ heroku pipelines:promote -a $APP-staging --to $APP-one
  Promotion successful
  $APP-one: succeeded
  $ heroku releases -n 1 -a $APP-one
  === $APP-one Releases - Current: v3
  v description user created_at (11)
  v3 Promote $APP-staging v3 $EMAIL <time>
  $ heroku ps:scale -a $APP-one
  web=1:Basic worker=0:Basic
  $ heroku pipelines:promote -a $APP-staging | sort
  $APP-one: succeeded
  $APP-two: succeeded
  Promotion successful

Where they stand can be changed, and they can be taken out.

  $ heroku pipelines:update -s development -a $APP-staging
  Changing $APP-staging to development... done
  $ heroku pipelines:rename $APP $APP-renamed
  Renaming $APP pipeline to $APP-renamed... done
  $ heroku pipelines:remove -a $APP-two
  Removing $APP-two... done
  $ heroku pipelines:promote -a $APP-two
  Couldn't find that pipeline coupling.
  Error ID: not_found
  [2]
  $ heroku pipelines:info $APP-renamed --json 2>/dev/null | field pipeline name
  $APP-renamed
  $ heroku pipelines:destroy $APP-renamed
  Destroying $APP-renamed pipeline... done
  $ heroku pipelines
  === My Pipelines
