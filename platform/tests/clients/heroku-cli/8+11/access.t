Who works on an app.

  $ app
  $ heroku access -a $APP
  email role permissions
  $EMAIL owner deploy, operate, view
  $ heroku access:add $COLLEAGUE -a $APP
  Adding $COLLEAGUE access to the app $APP... done
  $ heroku access --json -a $APP | field 0 role
  collaborator
  $ heroku access -a $APP
  email role permissions
  $EMAIL owner deploy, operate, view
  $COLLEAGUE collaborator deploy, operate, view
  $ heroku access:remove $COLLEAGUE -a $APP
  Removing $COLLEAGUE access from the app $APP... done
  $ heroku access -a $APP
  email role permissions
  $EMAIL owner deploy, operate, view
