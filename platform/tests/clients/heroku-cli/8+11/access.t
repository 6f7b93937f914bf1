Who works on an app.

  $ app
  $ heroku access -a $APP | sort
  $EMAIL owner (8)
  $EMAIL owner deploy, operate, view (11)
  email role permissions (11)
  $ heroku access:add $COLLEAGUE -a $APP
  Adding $COLLEAGUE access to the app $APP... done
  $ heroku access --json -a $APP | grep -c owner
  1
  $ heroku access -a $APP | sort
  $COLLEAGUE collaborator (8)
  $EMAIL owner (8)
  $COLLEAGUE collaborator deploy, operate, view (11)
  $EMAIL owner deploy, operate, view (11)
  email role permissions (11)
  $ heroku access:remove $COLLEAGUE -a $APP
  Removing $COLLEAGUE access from the app $APP... done
  $ heroku access -a $APP | sort
  $EMAIL owner (8)
  $EMAIL owner deploy, operate, view (11)
  email role permissions (11)
