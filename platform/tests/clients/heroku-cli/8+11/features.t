Features of an app.

  $ app
  $ heroku features -a $APP
  === App Features $APP
  [ ] http-session-affinity Enable session affinity for all requests
  [ ] preboot Provide seamless web dyno deploys
  [ ] spaces-dns-discovery Find dynos by name within a private space
  [ ] spaces-tls-legacy Accept old versions of TLS in a private space
  [ ] spaces-tls-modern Accept only new versions of TLS in a private space
  $ heroku features --json -a $APP 2>/dev/null | field 0 name
  http-session-affinity
  $ heroku features:enable preboot -a $APP
  Enabling preboot for $APP... done
  $ heroku features:info preboot -a $APP
  === preboot
  Description: Provide seamless web dyno deploys
  Docs: https://devcenter.heroku.com/articles/preboot
  Enabled: true
  $ heroku features -a $APP
  === App Features $APP
  [ ] http-session-affinity Enable session affinity for all requests
  [+] preboot Provide seamless web dyno deploys
  [ ] spaces-dns-discovery Find dynos by name within a private space
  [ ] spaces-tls-legacy Accept old versions of TLS in a private space
  [ ] spaces-tls-modern Accept only new versions of TLS in a private space
  $ heroku features:disable preboot -a $APP
  Disabling preboot for $APP... done
  $ heroku features:enable there-is-none -a $APP 2>/dev/null
  [1] (8)
  [2] (11)
