An app is made, found, described, renamed and destroyed.

  $ heroku create $APP --no-remote --stack heroku-24
  Creating $APP... done, stack is heroku-24
  http://$APP.localhost:$PORT/ | https://$HOST/$APP.git
  $ heroku create --no-remote --json 2>/dev/null | field name >invented
  $ grep -Ecx '[a-z][a-z0-9-]{1,28}[a-z0-9]' invented
  1
  $ heroku destroy -a $(cat invented) --confirm $(cat invented) 2>&1 | sed "s/$(cat invented)/INVENTED/"
  Destroying INVENTED (including all add-ons)... done
  $ app $APP-other
  $ heroku apps
  === $EMAIL Apps
  $APP
  $APP-other
  $ heroku apps --all --json 2>/dev/null | grep -o '"name": "$APP.*"' | sort
  "name": "$APP"
  "name": "$APP-other"

The versions differ in the order.

  $ publish
  $ heroku apps:info -a $APP | sort
  === $APP
  Auto Cert Mgmt: false
  Dynos:
  Git URL: $API_URL/$APP.git
  Owner: $EMAIL
  Region: us
  Repo Size: 0 B
  Slug Size: 180 B
  Stack: heroku-24
  Web URL: http://$APP.localhost:$PORT/
  $ heroku apps:info -a $APP --json 2>/dev/null | field app name
  $APP
  $ heroku apps:info -a $APP --shell
  auto_cert_mgmt=false
  addons=
  collaborators=
  create_status=undefined
  git_url=$API_URL/$APP.git
  web_url=http://$APP.localhost:$PORT/
  repo_size=0 B
  slug_size=180 B
  owner=$EMAIL
  region=us
  dynos={}
  stack=heroku-24
  $ heroku apps:rename -a $APP $APP-renamed 2>/dev/null
  http://$APP-renamed.localhost:$PORT/ | https://$HOST/$APP-renamed.git
  Please note that it may take a few minutes for Heroku to provision a SSL certificate for your application.
  $ heroku destroy -a $APP-renamed --confirm $APP-renamed
  Destroying $APP-renamed (including all add-ons)... done
  $ heroku apps
  === $EMAIL Apps
  $APP-other

The stacks that there are, and the one that the next build is for.

  $ heroku apps:stacks -a $APP-other
  === $APP-other Available Stacks
  heroku-22
  * heroku-24
  heroku-26
  $ heroku apps:stacks:set heroku-26 -a $APP-other
  Setting stack to heroku-26... done
  $ heroku apps:stacks -a $APP-other
  === $APP-other Available Stacks
  heroku-22
  heroku-24
  * heroku-26
  $ heroku regions
  ID Location Runtime
  eu Europe Common Runtime
  us United States Common Runtime
