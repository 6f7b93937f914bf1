Who works on an app.

  $ app
  $ heroku access -a $APP | sort
  $EMAIL owner (8)
  email role permissions (11)
  $EMAIL owner deploy, operate, view (11)
  $ heroku access:add $COLLEAGUE -a $APP
  Adding $COLLEAGUE access to the app $APP... done
  $ heroku access --json -a $APP | grep -c owner
  collaborator (8)
  owner (11)
  $ heroku access -a $APP | sort
  $EMAIL owner (8)
  $COLLEAGUE collaborator (8)
  email role permissions (11)
  $EMAIL owner deploy, operate, view (11)
  $COLLEAGUE collaborator deploy, operate, view (11)
  $ heroku access:remove $COLLEAGUE -a $APP
  Removing $COLLEAGUE access from the app $APP... done
  $ heroku access -a $APP | sort
  $EMAIL owner (8)
  email role permissions (11)
  $EMAIL owner deploy, operate, view (11)
