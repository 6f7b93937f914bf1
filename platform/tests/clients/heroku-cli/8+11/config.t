Config vars: each change is a release.

  $ app
  $ heroku config -a $APP
  === $APP Config Vars
  $ heroku config:set A=1 B=2 'C=two words' -a $APP
  Setting A, B, C and restarting $APP... done, v3
  A: 1
  B: 2
  C: two words
  $ heroku config -a $APP
  === $APP Config Vars
  A: 1
  B: 2
  C: two words
  $ heroku config --json -a $APP
  {
  "A": "1",
  "B": "2",
  "C": "two words"
  }
  $ heroku config --shell -a $APP
  A=1
  B=2
  C='two words'
  $ heroku config:get C -a $APP
  two words
  $ heroku config:get NONE -a $APP
  $ heroku config:unset B C -a $APP
  Unsetting B, C and restarting $APP... done, v4
  $ heroku config -a $APP
  === $APP Config Vars
  A: 1
