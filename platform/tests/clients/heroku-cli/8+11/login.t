A user logs in with a password, and out.

  $ unset HEROKU_API_KEY
  $ export HEROKU_NETRC_WRITE=true
  $ ANSWERS="Email: $EMAIL
  > Password: $PASSWORD" heroku login -i
  $ heroku auth:whoami
  $ heroku auth:token | grep -c .
  $ heroku logout
  $ ANSWERS="Email: $EMAIL
  > Password: wrong" heroku login -i
