Who one is, and what one has.

  $ heroku auth:whoami
  $ heroku auth:token
  $ heroku keys
  $ ssh-keygen -q -t ed25519 -N '' -C someone@example.test -f key
  $ heroku keys:add key.pub
  $ heroku keys | sed "s,$(cut -d ' ' -f 2 key.pub),KEY,"
  $ heroku keys --json 2>/dev/null | field 0 comment
  $ heroku keys:add key.pub
  $ heroku keys:remove someone@example.test
  $ ssh-keygen -q -t ed25519 -N '' -C another@example.test -f another
  $ heroku keys:add another.pub
  $ heroku keys:clear
  $ heroku keys
  $ heroku teams
  $ heroku sessions
  $ heroku clients
  $ heroku spaces
  $ heroku telemetry -a $APP
