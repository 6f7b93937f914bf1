Tokens that a user makes for programs.

  $ heroku authorizations
  No OAuth authorizations.
  $ AS_IT_IS=1 heroku authorizations:create -d 'for a test' --short 2>/dev/null >token
  $ HEROKU_API_KEY=$(cat token) heroku auth:whoami
  HEROKU_API_KEY is set
  $EMAIL
  $ id=$(api GET /oauth/authorizations | field 0 id)
  $ heroku authorizations
  Description ID Scope (11)
  for a test <uuid> global
  $ heroku authorizations:info $id | grep -v '^Updated'
  Client: <none>
  ID: <uuid>
  Description: for a test
  Scope: global
  Token: <token>
  $ heroku authorizations:update $id -d 'another name' 2>/dev/null | grep Description
  Description: another name
  $ heroku authorizations:rotate $id 2>/dev/null | grep Description
  Description: another name
  $ HEROKU_API_KEY=$(cat token) heroku authorizations
  The token provided to HEROKU_API_KEY is invalid. Please double-check that you have the correct token, or run `heroku login` without HEROKU_API_KEY set.
  [1]
  $ heroku authorizations:revoke $id
  Revoking OAuth Authorization... done, revoked authorization from another name
  $ heroku authorizations
  No OAuth authorizations.
