Where an app's logs are to go.

  $ app
  $ heroku drains -a $APP
  $ heroku drains:add syslog+tls://logs.example.test:6514 -a $APP
  $ heroku drains:add https://logs.example.test/app?name=value -a $APP
  $ heroku drains -a $APP | sed 's/d\.<uuid>/TOKEN/'
  $ heroku drains --json -a $APP 2>/dev/null | field 0 url
  $ heroku drains:remove syslog+tls://logs.example.test:6514 -a $APP
  $ heroku drains:remove https://logs.example.test/app?name=value -a $APP
  $ heroku drains -a $APP
