package main

import (
	"context"
	"fmt"
	"time"

	heroku "github.com/heroku/heroku-go/v6"
)

// pipelines promotes an app's slug to another app, which is made for it.
func pipelines(ctx context.Context, service *heroku.Service, app *heroku.App) {
	target := must(service.AppCreate(ctx, heroku.AppCreateOpts{Name: text(app.Name + "-two")}))
	pipeline := must(service.PipelineCreate(ctx, heroku.PipelineCreateOpts{Name: app.Name}))
	check("pipeline", must(service.PipelineInfo(ctx, pipeline.ID)).Name, app.Name)
	renamed := must(service.PipelineUpdate(ctx, pipeline.ID, heroku.PipelineUpdateOpts{Name: text(app.Name + "-pipe")}))
	check("renamed pipeline", renamed.Name, app.Name+"-pipe")
	check("pipelines", must(service.PipelineList(ctx, nil))[0].ID, pipeline.ID)

	coupling := must(service.PipelineCouplingCreate(ctx, heroku.PipelineCouplingCreateOpts{App: app.Name, Pipeline: pipeline.ID, Stage: "development"}))
	check("stage", must(service.PipelineCouplingUpdate(ctx, coupling.ID, heroku.PipelineCouplingUpdateOpts{Stage: text("staging")})).Stage, "staging")
	check("coupling", must(service.PipelineCouplingInfo(ctx, coupling.ID)).App.ID, app.ID)
	check("coupling of an app", must(service.PipelineCouplingInfoByApp(ctx, app.Name)).Pipeline.ID, pipeline.ID)
	must(service.PipelineCouplingCreate(ctx, heroku.PipelineCouplingCreateOpts{App: target.ID, Pipeline: pipeline.ID, Stage: "production"}))
	check("couplings of the pipeline", len(must(service.PipelineCouplingListByPipeline(ctx, pipeline.ID, nil))), 2)
	check("couplings", len(must(service.PipelineCouplingList(ctx, nil))), 2)
	check("couplings of the user", len(must(service.PipelineCouplingListByCurrentUser(ctx, nil))), 2)
	both := options[heroku.FilterAppsAppsOpts](fmt.Sprintf(`{"in": {"id": [%q, %q]}}`, app.ID, target.ID))
	check("apps by their ids", len(must(service.FilterAppsApps(ctx, both))), 2)

	promotion := must(service.PipelinePromotionCreate(ctx, options[heroku.PipelinePromotionCreateOpts](fmt.Sprintf(
		`{"pipeline": {"id": %q}, "source": {"app": {"id": %q}}, "targets": [{"app": {"id": %q}}]}`, pipeline.ID, app.ID, target.ID))))
	for promotion.Status == "pending" {
		time.Sleep(100 * time.Millisecond)
		promotion = must(service.PipelinePromotionInfo(ctx, promotion.ID))
	}
	check("promotion", must(service.PipelinePromotionInfo(ctx, promotion.ID)).Status, "completed")
	targets := must(service.PipelinePromotionTargetList(ctx, promotion.ID, nil))
	check("target", []any{len(targets), targets[0].App.ID, targets[0].Status}, []any{1, target.ID, "succeeded"})
	release := must(service.ReleaseInfo(ctx, target.ID, targets[0].Release.ID))
	source := must(service.ReleaseList(ctx, app.ID, &heroku.ListRange{Field: "version", Max: 1, Descending: true}))[0]
	check("the slug of both", release.Slug.ID, source.Slug.ID)
	check("newest releases", len(must(service.PipelineReleaseList(ctx, pipeline.ID, nil))), 2)
	var deployments heroku.ReleaseListResult
	if err := service.Get(ctx, &deployments, "/pipelines/"+pipeline.ID+"/latest-deployments", nil, nil); err != nil {
		panic(err)
	}
	check("newest deployments", len(deployments), 2)
	check("newest builds", len(must(service.PipelineBuildList(ctx, pipeline.ID, nil))), 0)
	check("review apps", len(must(service.ReviewAppList(ctx, pipeline.ID, nil))), 0)
	if err := service.TestRunList(ctx, pipeline.ID, nil); err != nil {
		panic(err)
	}
	check("config vars of a stage", len(must(service.PipelineConfigVarInfoForApp(ctx, pipeline.ID, "test"))), 0)
	must(service.PipelineConfigVarUpdate(ctx, pipeline.ID, "test", map[string]*string{"NONE": nil}))

	check("uncoupled", must(service.PipelineCouplingDelete(ctx, coupling.ID)).ID, coupling.ID)
	_, err := service.PipelineCouplingInfoByApp(ctx, app.Name)
	check("no coupling", refused(err), 404)
	must(service.PipelineDelete(ctx, pipeline.ID))
	must(service.AppDelete(ctx, target.ID))
}
