Who one is, and what one has.

  $ heroku auth:whoami
  HEROKU_API_KEY is set
  $EMAIL
  $ heroku auth:token
  $HEROKU_API_KEY
  $ heroku keys
  You have no SSH keys.
  $ ssh-keygen -q -t ed25519 -N '' -C someone@example.test -f key
  $ heroku keys:add key.pub
  Uploading key.pub SSH key... done
  $ heroku keys | sed -E 's/AAAA[^ ]+/KEY/'
  === someone@example.test keys
  ssh-ed25519 KEY someone@example.test
  $ heroku keys --json 2>/dev/null | field 0 comment
  someone@example.test
  $ heroku keys:add key.pub
  Uploading key.pub SSH key... !
  Fingerprint has already been taken
  Error ID: invalid_params
  [2]
  $ heroku keys:remove someone@example.test
  Removing someone@example.test SSH key... done
  $ ssh-keygen -q -t ed25519 -N '' -C another@example.test -f another
  $ heroku keys:add another.pub
  Uploading another.pub SSH key... done
  $ heroku keys:clear
  Removing all SSH keys... done
  $ heroku keys
  You have no SSH keys.
  $ heroku teams
  Team Role
  $ heroku sessions
  No OAuth sessions.
  $ heroku clients
  No OAuth clients.
  $ heroku spaces
  You do not have access to any spaces.
  [2]
