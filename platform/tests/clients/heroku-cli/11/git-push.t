Source is pushed with git, over TLS, to the remote that the CLI writes, with the credentials that it tells git.

  $ export HEROKU_HOST=$TLS_URL NODE_EXTRA_CA_CERTS=$CERTIFICATE_AUTHORITY GIT_SSL_CAINFO=$CERTIFICATE_AUTHORITY
  $ git init --quiet --initial-branch main
  $ git config user.email "$EMAIL"
  $ git config user.name Somebody
  $ cp "$SOURCE" web.js
  $ printf '{}' >package.json
  $ printf 'web: node web.js\n' >Procfile
  $ git add .
  $ git commit --quiet --message 'Say hello'
  $ heroku create $APP --no-remote 2>/dev/null | wc -l
  1
  $ heroku git:remote -a $APP | sed "s,${TLS_URL#https://},HOST,"
  set git remote heroku to https://HOST/$APP.git
  $ git push heroku main >output 2>&1
  $ grep -E 'Released|main -> main' output | sed "s/ *\$//"
  remote: -----> Released v3
   * [new branch]      main -> main
  $ heroku releases -n 1 | grep -c "^v3 Deploy $(git rev-parse --short=7 HEAD) "
  1
  $ heroku ps:scale
  web=1:Basic

What cannot be built is not taken.

  $ git rm --quiet web.js package.json
  $ printf 'web: ./there-is-none\n' >Procfile
  $ git commit --quiet --all --message 'Take everything away'
  $ git push heroku main >output 2>&1
  [1]
  $ grep -E 'rejected' output | sed "s/(.*)/(…)/"
   ! [remote rejected] main -> main (…)
  $ heroku releases -n 1 | grep -o 'Current: .*'
  Current: v3

Others have no such repository.

  $ HEROKU_API_KEY=$COLLEAGUE_TOKEN git ls-remote heroku 2>&1 | grep remote:
  remote: There is no such app, or it is someone else's who does not let you in.

What was pushed comes back.

  $ git clone --quiet "$(git remote get-url heroku)" again
  $ diff "$SOURCE" again/web.js
