// The whole flow with heroku-go, made from Heroku's schema: every call that is served, and every field decoded into its type.
// API_URL, API_TOKEN, API_EMAIL, API_COLLEAGUE, SLUG, SOURCE (a file of JavaScript) and APP are the environment's.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"

	heroku "github.com/heroku/heroku-go/v6"
)

func text(value string) *string { return &value }

// check ends the program with what was expected and what came instead.
func check(what string, got, want any) {
	if !reflect.DeepEqual(got, want) {
		fmt.Fprintf(os.Stderr, "error: %s: %#v instead of %#v\n", what, got, want)
		os.Exit(1)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// refused is the status of a call's error; every one of them has an id and a message.
func refused(err error) int {
	var refusal heroku.Error
	if !errors.As(err, &refusal) || refusal.ID == "" || refusal.Error() == "" {
		panic(fmt.Sprintf("no error of the API: %v", err))
	}
	return refusal.StatusCode
}

func plain(values map[string]*string) map[string]string {
	result := map[string]string{}
	for name, value := range values {
		result[name] = *value
	}
	return result
}

// transfer sends or fetches a slug without any credentials.
func transfer(method, url string, content []byte) []byte {
	request := must(http.NewRequest(method, url, bytes.NewReader(content)))
	response := must(http.DefaultClient.Do(request))
	defer response.Body.Close()
	check(method+" of a blob", response.StatusCode/100, 2)
	return must(io.ReadAll(response.Body))
}

func main() {
	ctx := context.Background()
	app := os.Getenv("APP")
	email := os.Getenv("API_EMAIL")
	service := heroku.NewService(&http.Client{Transport: &heroku.Transport{BearerToken: os.Getenv("API_TOKEN")}})
	service.URL = os.Getenv("API_URL")

	account(ctx, service, email)
	created := apps(ctx, service, app, email)
	configVars(ctx, service, app)
	release := slugs(ctx, service, app)
	formation(ctx, service, app)
	rollback(ctx, service, app, release)
	authorizations(ctx, service, email)
	possessions(ctx, service)
	attached(ctx, service, app, os.Getenv("API_COLLEAGUE"))
	pipelines(ctx, service, created)
	builds(ctx, service, app)

	check("delete", must(service.AppDelete(ctx, app)).ID, created.ID)
	_, err := service.AppInfo(ctx, app)
	check("an app that was deleted", refused(err), 404)
}

func account(ctx context.Context, service *heroku.Service, email string) {
	mine := must(service.AccountInfo(ctx))
	check("account", mine.Email, email)
	check("account by ~", must(service.AccountInfoByUser(ctx, "~")).ID, mine.ID)
	check("account by id", must(service.AccountInfoByUser(ctx, mine.ID)).Email, email)
	changed := must(service.AccountUpdate(ctx, heroku.AccountUpdateOpts{Name: text("Tina Edmonds"), Beta: heroku.Bool(true)}))
	check("name", *changed.Name, "Tina Edmonds")
	check("beta", changed.Beta, true)
	changed = must(service.AccountUpdateByUser(ctx, "~", heroku.AccountUpdateByUserOpts{Beta: heroku.Bool(false)}))
	check("what was not named stays", *changed.Name, "Tina Edmonds")
	check("beta again", changed.Beta, false)
	check("rate limit", must(service.RateLimitInfo(ctx)).Remaining > 0, true)
}

func apps(ctx context.Context, service *heroku.Service, name, email string) *heroku.App {
	app := must(service.AppCreate(ctx, heroku.AppCreateOpts{Name: text(name), Stack: text("heroku-24"), Region: text("us")}))
	check("app", []string{app.Name, app.Owner.Email, app.Stack.Name, app.Region.Name}, []string{name, email, "heroku-24", "us"})
	check("slug size", app.SlugSize, (*int)(nil))
	_, err := service.AppCreate(ctx, heroku.AppCreateOpts{Name: text(name)})
	check("a name that is taken", refused(err), 422)
	check("app by id", must(service.AppInfo(ctx, app.ID)).Name, name)
	check("maintenance", must(service.AppUpdate(ctx, name, heroku.AppUpdateOpts{Maintenance: heroku.Bool(true)})).Maintenance, true)
	check("no maintenance", must(service.AppUpdate(ctx, name, heroku.AppUpdateOpts{Maintenance: heroku.Bool(false)})).Maintenance, false)

	// Invented names; then lists by name, in pages of one.
	invented := must(service.AppCreate(ctx, heroku.AppCreateOpts{}))
	check("an invented name", invented.Name != "", true)
	check("one of several apps", len(must(service.AppList(ctx, &heroku.ListRange{Field: "name", Max: 1}))), 1)
	names := map[string]bool{}
	for _, each := range must(service.AppListOwnedAndCollaborated(ctx, "~", &heroku.ListRange{Field: "id", Max: 1000})) {
		names[each.Name] = true
	}
	check("both of my apps", names[name] && names[invented.Name], true)
	must(service.AppDelete(ctx, invented.ID))
	return app
}

func configVars(ctx context.Context, service *heroku.Service, app string) {
	values := must(service.ConfigVarUpdate(ctx, app, map[string]*string{"A": text("1"), "B": text("two\nlines")}))
	check("config vars", plain(values), map[string]string{"A": "1", "B": "two\nlines"})
	values = must(service.ConfigVarUpdate(ctx, app, map[string]*string{"A": nil}))
	check("config vars without A", plain(values), map[string]string{"B": "two\nlines"})
	check("config vars", plain(must(service.ConfigVarInfoForApp(ctx, app))), map[string]string{"B": "two\nlines"})
	check("config vars of v3", plain(must(service.ConfigVarInfoForAppRelease(ctx, app, "3"))), map[string]string{"A": "1", "B": "two\nlines"})
}

// slugs makes a slug, uploads it and releases it as v5.
func slugs(ctx context.Context, service *heroku.Service, app string) *heroku.Release {
	content := must(os.ReadFile(os.Getenv("SLUG")))
	sum := fmt.Sprintf("SHA256:%x", sha256.Sum256(content))
	types := map[string]string{"web": "./web", "worker": "./web worker"}
	slug := must(service.SlugCreate(ctx, app, heroku.SlugCreateOpts{
		ProcessTypes: types, Checksum: text(sum), Commit: text("0123abc"), CommitDescription: text("A commit"),
		BuildpackProvidedDescription: text("shell"), Stack: text("heroku-24"),
	}))
	check("blob", strings.ToLower(slug.Blob.Method), "put")
	_, err := service.ReleaseCreate(ctx, app, heroku.ReleaseCreateOpts{Slug: slug.ID})
	check("a slug that was not uploaded", refused(err), 422)
	transfer(http.MethodPut, slug.Blob.URL, content)
	slug = must(service.SlugInfo(ctx, app, slug.ID))
	check("slug", []any{*slug.Size, *slug.Checksum, slug.ProcessTypes, *slug.Commit}, []any{len(content), sum, types, "0123abc"})
	check("the slug's content", transfer(http.MethodGet, slug.Blob.URL, nil), content)

	release := must(service.ReleaseCreate(ctx, app, heroku.ReleaseCreateOpts{Slug: slug.ID, Description: text("first")}))
	check("release", []any{release.Version, release.Description, release.Slug.ID, release.Current, release.Status},
		[]any{5, "first", slug.ID, true, "succeeded"})
	check("release by version", must(service.ReleaseInfo(ctx, app, "5")).ID, release.ID)
	_, err = service.ReleaseInfo(ctx, app, "99")
	check("no such release", refused(err), 404)
	return release
}

func formation(ctx context.Context, service *heroku.Service, app string) {
	quantities := map[string]int{}
	for _, each := range must(service.FormationList(ctx, app, nil)) {
		quantities[each.Type] = each.Quantity
	}
	check("formation", quantities, map[string]int{"web": 1, "worker": 0})
	worker := must(service.FormationUpdate(ctx, app, "worker", heroku.FormationUpdateOpts{Quantity: heroku.Int(2)}))
	check("worker", []any{worker.Quantity, worker.Command}, []any{2, "./web worker"})
	check("worker by id", must(service.FormationInfo(ctx, app, worker.ID)).Type, "worker")
	batch := heroku.FormationBatchUpdateOpts{}
	batch.Updates = append(batch.Updates, struct {
		DynoSize *struct {
			ID   *string `json:"id,omitempty" url:"id,omitempty,key"`
			Name *string `json:"name,omitempty" url:"name,omitempty,key"`
		} `json:"dyno_size,omitempty" url:"dyno_size,omitempty,key"`
		Quantity *int   `json:"quantity,omitempty" url:"quantity,omitempty,key"`
		Type     string `json:"type" url:"type,key"`
	}{Quantity: heroku.Int(0), Type: "worker"})
	must(service.FormationBatchUpdate(ctx, app, batch))
	check("no worker", must(service.FormationInfo(ctx, app, "worker")).Quantity, 0)
	_, err := service.FormationInfo(ctx, app, "clock")
	check("no such process type", refused(err), 404)
}

func rollback(ctx context.Context, service *heroku.Service, app string, release *heroku.Release) {
	must(service.ConfigVarUpdate(ctx, app, map[string]*string{"B": text("three")}))
	back := must(service.ReleaseRollback(ctx, app, heroku.ReleaseRollbackOpts{Release: release.ID}))
	check("rollback", []any{back.Version, back.Slug.ID, back.Description}, []any{7, release.Slug.ID, "Rollback to v5"})
	check("config vars of the release", plain(must(service.ConfigVarInfoForApp(ctx, app))), map[string]string{"B": "two\nlines"})
	check("what was current is not", must(service.ReleaseInfo(ctx, app, "5")).Current, false)

	page := must(service.ReleaseList(ctx, app, &heroku.ListRange{Field: "version", Max: 2, Descending: true}))
	check("newest releases", []int{page[0].Version, page[1].Version, len(page)}, []int{7, 6, 2})
}
