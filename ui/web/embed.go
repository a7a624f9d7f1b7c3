// Package web serves the web app: what `npm run build` left in dist is embedded,
// and where nothing was built, a page says how to build it.
package web

import (
	"embed"
	"io/fs"
	"net/http"
)

// The directory always holds a file, so that a bare `go build` compiles.
//
//go:embed all:dist
var dist embed.FS

// Handler serves the app. Paths that name no file get the app's page, so that its
// own addresses can be reloaded; what is under /api, /fn and /prometheus must be
// taken away before.
func Handler() http.Handler {
	sub, err := fs.Sub(dist, "dist")
	if err != nil { // the name is a constant and valid
		panic(err)
	}
	return newSite(sub)
}
