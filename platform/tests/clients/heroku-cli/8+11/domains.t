Names that an app answers to.

  $ app
  $ heroku domains -a $APP
  === $APP Heroku Domain
  $APP.localhost
  $ heroku domains:add www.$APP.test -a $APP
  Adding www.$APP.test to $APP... done (11)
  Configure your app's DNS provider to point to the DNS Target $APP.localhost.
  For help, see https://devcenter.heroku.com/articles/custom-domains
  Adding www.$APP.test to $APP... done (8)
  $ heroku domains:add "*.$APP.test" -a $APP 2>/dev/null
  Configure your app's DNS provider to point to the DNS Target $APP.localhost.
  For help, see https://devcenter.heroku.com/articles/custom-domains
  $ heroku domains -a $APP | sort
  $APP.localhost
  *.$APP.test CNAME $APP.localhost undefined (8)
  *.$APP.test CNAME $APP.localhost (11)
  === $APP Custom Domains
  === $APP Heroku Domain
  Domain Name DNS Record Type DNS Target SNI Endpoint
  www.$APP.test CNAME $APP.localhost undefined (8)
  www.$APP.test CNAME $APP.localhost (11)
  $ heroku domains:info www.$APP.test -a $APP
  app: $APP
  cname: $APP.localhost
  created_at: <time>
  hostname: www.$APP.test
  id: <uuid>
  kind: custom
  status: none
  updated_at: <time>
  $ heroku domains:wait -a $APP
  $ heroku domains:wait www.$APP.test -a $APP
  Waiting for www.$APP.test... done
  $ heroku domains:remove www.$APP.test -a $APP
  Removing www.$APP.test from $APP... done
  $ heroku domains:clear -a $APP
  Removing all domains from $APP... done
  $ heroku domains -a $APP
  === $APP Heroku Domain
  $APP.localhost
