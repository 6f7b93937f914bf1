package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"strings"

	heroku "github.com/heroku/heroku-go/v6"
)

// archive is a source with these files.
func archive(files map[string]string) []byte {
	var buffer bytes.Buffer
	compressed := gzip.NewWriter(&buffer)
	writer := tar.NewWriter(compressed)
	for name, content := range files {
		if err := writer.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			panic(err)
		}
		must(writer.Write([]byte(content)))
	}
	if err := writer.Close(); err != nil {
		panic(err)
	}
	if err := compressed.Close(); err != nil {
		panic(err)
	}
	return buffer.Bytes()
}

// builds has a source built to a release, and one that cannot be built.
func builds(ctx context.Context, service *heroku.Service, app string) {
	program := string(must(os.ReadFile(os.Getenv("SOURCE"))))
	build := built(ctx, service, app, map[string]string{"web.js": program, "package.json": "{}", "Procfile": "web: node web.js\n"}, "1.0")
	check("build", build.Status, "succeeded")
	release := must(service.ReleaseInfo(ctx, app, build.Release.ID))
	check("release of the build", []any{release.Current, release.Slug.ID}, []any{true, build.Slug.ID})
	slug := must(service.SlugInfo(ctx, app, build.Slug.ID))
	check("slug of the build", []any{slug.ProcessTypes["web"], *slug.Commit}, []any{"node web.js", "1.0"})

	failed := built(ctx, service, app, map[string]string{"README": "nothing that could be built\n"}, "1.1")
	check("a build of nothing", []any{failed.Status, failed.Release == nil}, []any{"failed", true})
	check("newest build", must(service.BuildList(ctx, app, &heroku.ListRange{Field: "created_at", Max: 1, Descending: true}))[0].ID, failed.ID)
	must(service.BuildDeleteCache(ctx, app))
	_, err := service.BuildCancel(ctx, app, failed.ID)
	check("a build that has ended", refused(err)/100, 4)
	again := begun(ctx, service, app, archive(map[string]string{"web.js": program}), "1.2")
	check("cancelled", must(service.BuildCancel(ctx, app, again.ID)).ID, again.ID)
	transfer(http.MethodGet, again.OutputStreamURL, nil)
	check("a build that was cancelled", must(service.BuildInfo(ctx, app, again.ID)).Status, "failed")
	check("the older address of sources", must(service.SourceCreateDeprecated(ctx, app)).SourceBlob.PutURL != "", true)
}

// built has a source built, reads the output to its end, and returns the build as it is then.
func built(ctx context.Context, service *heroku.Service, app string, files map[string]string, version string) *heroku.Build {
	build := begun(ctx, service, app, archive(files), version)
	output := string(transfer(http.MethodGet, build.OutputStreamURL, nil))
	check("output of the build", strings.TrimSpace(output) != "", true)
	fmt.Println(output)
	return must(service.BuildInfo(ctx, app, build.ID))
}

// begun uploads a source, and begins a build of it.
func begun(ctx context.Context, service *heroku.Service, app string, content []byte, version string) *heroku.Build {
	source := must(service.SourceCreate(ctx)).SourceBlob
	transfer(http.MethodPut, source.PutURL, content)
	build := must(service.BuildCreate(ctx, app, options[heroku.BuildCreateOpts](fmt.Sprintf(
		`{"source_blob": {"url": %q, "version": %q, "checksum": "SHA256:%x"}}`, source.GetURL, version, sha256.Sum256(content)))))
	check("a new build", []any{build.Status, *build.SourceBlob.Version}, []any{"pending", version})
	return build
}
