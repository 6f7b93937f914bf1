package main

import (
	"context"
	"encoding/json"
	"net/url"

	heroku "github.com/heroku/heroku-go/v6"
)

// options are those of a call, written as what they become: the types of heroku-go's are without names.
func options[T any](text string) (result T) {
	if err := json.Unmarshal([]byte(text), &result); err != nil {
		panic(err)
	}
	return result
}

// attached is what an app has besides what it runs: features, domains, drains, buildpacks, people.
func attached(ctx context.Context, service *heroku.Service, app, colleague string) {
	check("preboot", must(service.AppFeatureInfo(ctx, app, "preboot")).Enabled, false)
	check("preboot", must(service.AppFeatureUpdate(ctx, app, "preboot", heroku.AppFeatureUpdateOpts{Enabled: true})).Enabled, true)
	enabled := []string{}
	for _, each := range must(service.AppFeatureList(ctx, app, nil)) {
		if each.Enabled {
			enabled = append(enabled, each.Name)
		}
	}
	check("enabled features", enabled, []string{"preboot"})
	_, err := service.AppFeatureInfo(ctx, app, "there-is-none")
	check("no such feature", refused(err), 404)

	hostname := "www." + app + ".test"
	made := must(service.DomainCreate(ctx, app, heroku.DomainCreateOpts{Hostname: hostname}))
	check("domain", []any{made.Hostname, made.Kind, *made.CName != ""}, []any{hostname, "custom", true})
	_, err = service.DomainCreate(ctx, app, heroku.DomainCreateOpts{Hostname: hostname})
	check("a domain that is taken", refused(err), 422)
	check("domain by name", must(service.DomainInfo(ctx, app, hostname)).ID, made.ID)
	check("domains", len(must(service.DomainList(ctx, app, nil))), 2)
	must(service.DomainUpdate(ctx, app, hostname, heroku.DomainUpdateOpts{}))
	check("deleted domain", must(service.DomainDelete(ctx, app, made.ID)).Hostname, hostname)

	address := "https://logs.example.test/" + app + "?name=value"
	drain := must(service.LogDrainCreate(ctx, app, heroku.LogDrainCreateOpts{URL: address}))
	check("drain", drain.URL, address)
	for _, name := range []string{drain.ID, drain.Token, url.PathEscape(address)} {
		check("drain by "+name, must(service.LogDrainInfo(ctx, app, name)).ID, drain.ID)
	}
	check("drains", len(must(service.LogDrainList(ctx, app, nil))), 1)
	check("deleted drain", must(service.LogDrainDelete(ctx, app, url.PathEscape(address))).ID, drain.ID)

	replaced := must(service.BuildpackInstallationUpdate(ctx, app, options[heroku.BuildpackInstallationUpdateOpts](
		`{"updates": [{"buildpack": "heroku/ruby"}, {"buildpack": "https://example.test/buildpack.git"}]}`)))
	check("buildpacks", []any{len(replaced), replaced[1].Ordinal, replaced[1].Buildpack.URL}, []any{2, 1, "https://example.test/buildpack.git"})
	check("buildpacks", len(must(service.BuildpackInstallationList(ctx, app, nil))), 2)
	must(service.BuildpackInstallationUpdate(ctx, app, options[heroku.BuildpackInstallationUpdateOpts](`{"updates": []}`)))

	other := must(service.CollaboratorCreate(ctx, app, heroku.CollaboratorCreateOpts{User: colleague}))
	check("collaborators", len(must(service.CollaboratorList(ctx, app, nil))), 2)
	check("collaborator", must(service.CollaboratorInfo(ctx, app, colleague)).ID, other.ID)
	check("no collaborator any more", must(service.CollaboratorDelete(ctx, app, other.ID)).User.Email, colleague)

	nothingThere(ctx, service, app)
	check("stacks", len(must(service.StackList(ctx, nil))), len(must(service.StackListByApp(ctx, app, nil))))
	check("stack", must(service.StackInfo(ctx, "heroku-24")).Name, "heroku-24")
	check("region", must(service.RegionInfo(ctx, must(service.RegionList(ctx, nil))[0].ID)).Name != "", true)
	check("dyno size", must(service.DynoSizeInfo(ctx, must(service.DynoSizeList(ctx, nil))[0].ID)).Name != "", true)
	if err := service.DynoSizeListAppDynoSizes(ctx, app); err != nil {
		panic(err)
	}
}

// nothingThere are lists that are empty, and changes of what does not run yet.
func nothingThere(ctx context.Context, service *heroku.Service, app string) {
	check("certificates", len(must(service.SniEndpointList(ctx, app, nil))), 0)
	check("webhooks", len(must(service.AppWebhookList(ctx, app, nil))), 0)
	check("webhooks' deliveries", len(must(service.AppWebhookDeliveryList(ctx, app, nil))), 0)
	check("webhooks' events", len(must(service.AppWebhookEventList(ctx, app, nil))), 0)
	check("telemetry drains", len(must(service.TelemetryDrainListByApp(ctx, app, nil))), 0)
	check("add-ons of the app", len(must(service.AddOnListByApp(ctx, app, nil))), 0)
	check("add-ons of the user", len(must(service.AddOnListByUser(ctx, "~", nil))), 0)
	check("attachments", len(must(service.AddOnAttachmentList(ctx, nil))), 0)
	check("attachments of the app", len(must(service.AddOnAttachmentListByApp(ctx, app, nil))), 0)
	check("app transfers", len(must(service.AppTransferList(ctx, nil))), 0)
	check("spaces", len(must(service.SpaceList(ctx, nil))), 0)
	check("dynos", len(must(service.DynoList(ctx, app, nil))), 0)
	must(service.DynoRestartAll(ctx, app))
	must(service.DynoRestartFormation(ctx, app, "web"))
	must(service.DynoStopFormation(ctx, app, "web"))
	_, err := service.DynoInfo(ctx, app, "web.1")
	check("no such dyno", refused(err), 404)
	must(service.AppDisableACM(ctx, app))
}
