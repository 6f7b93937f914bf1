What the CLI says of refusals. All of them end with 2.

  $ app
  $ heroku apps:info -a there-is-none
  Couldn't find that app.
  Error ID: not_found
  [2]
  $ heroku config -a there-is-none
  Couldn't find that app.
  Error ID: not_found
  [2]
  $ heroku create $APP --no-remote
  Creating $APP... !
  Name is already taken
  Error ID: invalid_params
  [2]
  $ heroku create Not-A-Name --no-remote
  Creating Not-A-Name... !
  Name must start with a letter, end with a letter or digit, have 3 to 30 characters and can only contain lowercase letters, digits, and dashes.
  Error ID: invalid_params
  [2]
  $ heroku create $APP-b --stack heroku-16 --no-remote
  Creating $APP-b... !
  No such stack as heroku-16. There are: heroku-22, heroku-24, heroku-26.
  Error ID: invalid_params
  [2]
  $ heroku apps:rename -a $APP no_name
  Renaming $APP to no_name... !
  Name must start with a letter, end with a letter or digit, have 3 to 30 characters and can only contain lowercase letters, digits, and dashes.
  Error ID: invalid_params
  [2]
  $ heroku rollback v7 -a $APP
  Couldn't find that release.
  Error ID: not_found
  [2]
  $ heroku ps:scale web=1 -a $APP
  Scaling dynos... !
  Couldn't find that process type.
  Error ID: not_found
  [2]
  $ HEROKU_API_KEY=00000000-0000-4000-8000-000000000000 heroku config -a $APP
  The token provided to HEROKU_API_KEY is invalid. Please double-check that you have the correct token, or run `heroku login` without HEROKU_API_KEY set.
  [1]

An app of somebody else's is no other thing than none.

  $ HEROKU_API_KEY=$COLLEAGUE_TOKEN heroku config -a $APP
  Couldn't find that app.
  Error ID: not_found
  [2]
  $ HEROKU_API_KEY=$COLLEAGUE_TOKEN heroku destroy -a $APP --confirm $APP
  Couldn't find that app.
  Error ID: not_found
  [2]
