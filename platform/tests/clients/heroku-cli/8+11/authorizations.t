Tokens that a user makes for programs.

  $ heroku authorizations
  $ heroku authorizations:create -d 'for a test' --short >token
  $ grep -Ecx '[A-Za-z0-9-]{20,}' token
  $ HEROKU_API_KEY=$(cat token) heroku auth:whoami
  $ heroku authorizations --json 2>/dev/null | field 0 id >id
  $ heroku authorizations:info $(cat id) | sed "s/$(cat token)/TOKEN/"
  $ heroku authorizations:update $(cat id) -d 'another name' | sed "s/$(cat token)/TOKEN/"
  $ heroku authorizations:rotate $(cat id) | sed 's/^Token:.*/Token: NEW/'
  $ HEROKU_API_KEY=$(cat token) heroku auth:whoami
  $ heroku authorizations:revoke $(cat id)
  $ heroku authorizations
