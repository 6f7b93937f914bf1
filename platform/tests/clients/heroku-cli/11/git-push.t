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
  $ heroku git:remote -a $APP | sed "s,${TLS_URL#https://},HOST,"
  $ git push heroku main >output 2>&1
  $ grep -E 'Released|main -> main' output | sed "s/ *\$//"
  $ heroku releases -n 1
  $ heroku ps:scale

What cannot be built is not taken.

  $ git rm --quiet web.js package.json
  $ printf 'web: ./there-is-none\n' >Procfile
  $ git commit --quiet --all --message 'Take everything away'
  $ git push heroku main >output 2>&1
  $ grep -E 'rejected' output | sed "s/(.*)/(…)/"
  $ heroku releases -n 1

Others have no such repository.

  $ HEROKU_API_KEY=$COLLEAGUE_TOKEN git ls-remote heroku 2>&1 | sed "s,${TLS_URL#https://},HOST,"

What was pushed comes back.

  $ git clone --quiet "$(git remote get-url heroku)" again
  $ diff web.js again/web.js 2>&1 | head -1
  $ ls again
