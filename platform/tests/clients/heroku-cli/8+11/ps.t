What runs of an app, though nothing runs yet: the formation is kept.

  $ app
  $ heroku ps:scale -a $APP
  No process types on $APP.
  Upload a Procfile to add process types.
  https://devcenter.heroku.com/articles/procfile
  [1]
  $ heroku ps -a $APP
  No dynos on $APP
  $ publish
  $ heroku ps:scale -a $APP
  web=1:Basic worker=0:Basic
  $ heroku ps:scale web=2 worker+1 -a $APP
  Scaling dynos... done, now running web at 2:Basic, worker at 1:Basic
  $ heroku ps:scale worker-1 -a $APP
  Scaling dynos... done, now running worker at 0:Basic
  $ heroku ps:type -a $APP
  === Dyno Types (8)
  === Process Types (11)
  type size qty cost/hour max cost/month
  web Basic 2 ~$0.019 $14
  worker Basic 0 ~$0.000 $0 (8)
  worker Basic 0 ~$0.010 $0 (11)
  === Dyno Totals
  type total
  Basic 2
  $ heroku ps:type web=standard-1x -a $APP
  Scaling dynos on $APP... done
  === Dyno Types (8)
  === Process Types (11)
  type size qty cost/hour max cost/month
  web Standard-1X 2 ~$0.069 $50
  worker Basic 0 ~$0.000 $0 (8)
  worker Basic 0 ~$0.010 $0 (11)
  === Dyno Totals
  type total
  Standard-1X 2
  Basic 0
  $ heroku ps:scale -a $APP
  web=2:Standard-1X worker=0:Basic
  $ heroku ps -a $APP
  No dynos on $APP
  $ heroku ps:scale clock=1 -a $APP 2>/dev/null
  [1] (8)
  [2] (11)

Nothing runs that could be stopped, and there is nothing to wait for.

  $ heroku ps:restart -a $APP
  Restarting dynos on $APP... done (8)
  Restarting all dynos on $APP... done (11)
  $ heroku ps:wait -a $APP
