A user logs in with a password, and out.

  $ key=$HEROKU_API_KEY
  $ unset HEROKU_API_KEY
  $ export HEROKU_NETRC_WRITE=true
  $ ANSWERS="Email: $EMAIL
  > Password: $PASSWORD" heroku login -i
  Logged in as $EMAIL
  $ heroku auth:whoami
  $EMAIL
  $ heroku auth:token 2>/dev/null | grep -c .
  1
  $ heroku logout
  Logging out... done
  $ HEROKU_API_KEY=$key api GET /oauth/authorizations
  [] (no-eol)
  $ ANSWERS="Email: $EMAIL
  > Password: wrong" heroku login -i
  Invalid credentials provided.
  Error ID: unauthorized
  [2]
