The remote that an app is pushed to. See git-push.sh for what a push does.

  $ git init --quiet --initial-branch main
  $ heroku create $APP
  Creating $APP... done
  http://$APP.localhost:$PORT/ | https://$HOST/$APP.git
  $ git remote --verbose | sed "s/$APP/\$APP/; s/${API_URL#http://}/\$HOST/"
  heroku\thttps://$HOST/$APP.git (fetch) (esc)
  heroku\thttps://$HOST/$APP.git (push) (esc)
  $ app $APP-2
  $ heroku git:remote -a $APP-2
  set git remote heroku to https://$HOST/$APP-2.git
  $ heroku git:remote -a $APP-2 -r second
  set git remote second to https://$HOST/$APP-2.git
  $ git remote
  heroku
  second
  $ git config --global --get-urlmatch credential.helper "https://${API_URL#http://}"
  [1] (8)
  !heroku git:credentials (11)

The app of the remote is the one that commands are for.

  $ heroku config:set A=1 -r second
  Setting A and restarting $APP-2... done, v3
  A: 1
  $ heroku git:credentials get <<<"protocol=https
  > host=${API_URL#http://}
  > " | sed "s/$HEROKU_API_KEY/\$HEROKU_API_KEY/; s/${API_URL#http://}/\$HOST/"
  protocol=https
  host=git.heroku.com (8)
  host=$HOST (11)
  username=heroku
  password=$HEROKU_API_KEY
