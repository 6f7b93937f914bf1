package main

import (
	"context"
	"net/http"
	"os"

	heroku "github.com/heroku/heroku-go/v6"
)

// authorizations makes a token, uses it, changes it for another one, and takes it back.
func authorizations(ctx context.Context, service *heroku.Service, email string) {
	made := must(service.OAuthAuthorizationCreate(ctx, heroku.OAuthAuthorizationCreateOpts{
		Description: text("for a test"), ExpiresIn: heroku.Int(3600), Scope: []string{"global"},
	}))
	check("description", made.Description, "for a test")
	with := func(token string) *heroku.Service {
		other := heroku.NewService(&http.Client{Transport: &heroku.Transport{BearerToken: token}})
		other.URL = os.Getenv("API_URL")
		return other
	}
	first := with(made.AccessToken.Token)
	check("account of a token", must(first.AccountInfo(ctx)).Email, email)
	found := false
	for _, each := range must(service.OAuthAuthorizationList(ctx, nil)) {
		found = found || each.ID == made.ID
	}
	check("authorization in the list", found, true)
	check("authorization", must(service.OAuthAuthorizationInfo(ctx, made.ID)).Scope, []string{"global"})
	changed := must(service.OAuthAuthorizationUpdate(ctx, made.ID, heroku.OAuthAuthorizationUpdateOpts{Description: text("another name")}))
	check("another description", changed.Description, "another name")

	second := must(service.OAuthAuthorizationRegenerate(ctx, made.ID)).AccessToken.Token
	check("account of the new token", must(with(second).AccountInfo(ctx)).Email, email)
	_, err := first.AccountInfo(ctx)
	check("the old token", refused(err), 401)
	check("deleted", must(service.OAuthAuthorizationDelete(ctx, made.ID)).ID, made.ID)
	_, err = with(second).AccountInfo(ctx)
	check("a deleted token", refused(err), 401)
}

// possessions are what a user has and an app does not: keys, features, teams. Keys are made as the CLI makes them, since the schema has no call.
func possessions(ctx context.Context, service *heroku.Service) {
	public := "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ someone@example.test"
	var made heroku.Key
	if err := service.Post(ctx, &made, "/account/keys", map[string]string{"public_key": public}); err != nil {
		panic(err)
	}
	check("comment", made.Comment, "someone@example.test")
	check("key by fingerprint", must(service.KeyInfo(ctx, made.Fingerprint)).ID, made.ID)
	check("keys", len(must(service.KeyList(ctx, nil))), 1)
	if err := service.Delete(ctx, &made, "/account/keys/"+made.ID); err != nil {
		panic(err)
	}
	check("no keys", len(must(service.KeyList(ctx, nil))), 0)

	features := must(service.AccountFeatureList(ctx, nil))
	for _, each := range features {
		check("feature", must(service.AccountFeatureInfo(ctx, each.Name)).ID, each.ID)
		check("enabled", must(service.AccountFeatureUpdate(ctx, each.ID, heroku.AccountFeatureUpdateOpts{Enabled: true})).Enabled, true)
		must(service.AccountFeatureUpdate(ctx, each.Name, heroku.AccountFeatureUpdateOpts{Enabled: each.Enabled}))
	}
	check("teams", len(must(service.TeamList(ctx, nil))), 0)
	check("add-ons", len(must(service.AddOnList(ctx, nil))), 0)
	check("add-on services", len(must(service.AddOnServiceList(ctx, nil))), 0)
	check("enterprise accounts", len(must(service.EnterpriseAccountList(ctx, nil))), 0)
	check("number for text messages", must(service.SmsNumberSMSNumber(ctx, "~")).SmsNumber, (*string)(nil))
	_, err := service.TeamInfo(ctx, "there-is-none")
	check("no such team", refused(err), 404)
	_, err = service.OAuthClientInfo(ctx, "00000000-0000-4000-8000-000000000000")
	check("no such client", refused(err), 404)
}
