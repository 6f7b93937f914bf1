What version 8 says in other words, or not at all.

  $ app
  $ publish
  $ heroku ps --json -a $APP
  []
  $ heroku ps:restart --dyno-name web.1 -a $APP
  Restarting dyno web.1 on $APP... !
  Error: The requested API endpoint was not found. Are you using the right HTTP verb (this was `DELETE`), and did you specify your intended version with the `Accept` header?
  Error ID: not_found
  [2]
  $ heroku ps:restart --process-type web -a $APP
  Restarting all web dynos on $APP... !
  Error: The requested API endpoint was not found. Are you using the right HTTP verb (this was `DELETE`), and did you specify your intended version with the `Accept` header?
  Error ID: not_found
  [2]
  $ heroku ps:stop --dyno-name web.1 -a $APP
  Stopping dyno web.1 on $APP... !
  Error: The requested API endpoint was not found. Are you using the right HTTP verb (this was `POST`), and did you specify your intended version with the `Accept` header?
  Error ID: not_found
  [2]
  $ heroku ps:stop --process-type web -a $APP
  Stopping all web dynos on $APP... !
  Error: The requested API endpoint was not found. Are you using the right HTTP verb (this was `POST`), and did you specify your intended version with the `Accept` header?
  Error ID: not_found
  [2]

Until there are dynos, these are refused.

  $ heroku run -a $APP --no-tty -- echo hello
  Error: The requested API endpoint was not found. Are you using the right HTTP verb (this was `POST`), and did you specify your intended version with the `Accept` header?
  Error ID: not_found
  [2]
  $ heroku run:detached -a $APP -- echo hello
  Error: The requested API endpoint was not found. Are you using the right HTTP verb (this was `POST`), and did you specify your intended version with the `Accept` header?
  Error ID: not_found
  [2]
  $ heroku logs -a $APP
  Error: The requested API endpoint was not found. Are you using the right HTTP verb (this was `POST`), and did you specify your intended version with the `Accept` header?
  Error ID: not_found
  [2]
