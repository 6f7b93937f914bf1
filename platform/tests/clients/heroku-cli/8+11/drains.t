Where an app's logs are to go.

  $ app
  $ heroku drains -a $APP
  $ heroku drains:add syslog+tls://logs.example.test:6514 -a $APP
  Successfully added drain syslog+tls://logs.example.test:6514
  $ heroku drains:add https://logs.example.test/app?name=value -a $APP
  Successfully added drain https://logs.example.test/app?name=value
  $ heroku drains -a $APP | sed 's/d\.<uuid>/TOKEN/' | sort
  === Drains
  https://logs.example.test/app?name=value (TOKEN)
  syslog+tls://logs.example.test:6514 (TOKEN)
  $ heroku drains --json -a $APP 2>/dev/null | grep -c '"url":'
  2
  $ heroku drains:remove syslog+tls://logs.example.test:6514 -a $APP
  Successfully removed drain syslog+tls://logs.example.test:6514
  $ heroku drains:remove https://logs.example.test/app?name=value -a $APP
  Successfully removed drain https://logs.example.test/app?name=value
  $ heroku drains -a $APP
