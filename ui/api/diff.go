package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"hadron/runtime/access"
	"hadron/runtime/registry"
	"hadron/ui/wire"
)

// Bounds of a diff, and of what is compared.
const (
	maxDiffs    = 2         // at a time
	maxCompared = 512 << 10 // bytes of one side of a file
	maxDiff     = 256 << 10 // bytes of one answer's diffs
	maxFiles    = 500
)

func (a *api) addDiff() {
	add(a, route{
		method: http.MethodGet, path: versionPath + "/diff/{other}", id: "diffVersions", tag: "versions",
		summary: "Compare two versions",
		detail: "Unified diffs from the first to the second: hadron.json, the manifest as the author wrote it, and the author's files where both versions came with a source map that holds them, else the module as uploaded. " +
			"A file over 512 KiB is named without its diff; diffs over 256 KiB altogether are cut, and cut says so.",
		action: access.ReadSource, scope: ofFunction,
	}, a.diff)
}

type diffIn struct {
	Version string `path:"version" maxLength:"80" doc:"A version number, sha256: and at least 12 hex digits, or an alias."`
	Other   string `path:"other" maxLength:"80" doc:"The same, of the version to compare it with."`
}

func (a *api) diff(ctx context.Context, c *call, in *diffIn) (*jsonOut[wire.VersionDiff], error) {
	if err := enter(ctx, a.diffs); err != nil {
		return nil, err
	}
	defer func() { <-a.diffs }()
	from, err := a.version(ctx, c.name, in.Version)
	if err != nil {
		return nil, err
	}
	to, err := a.version(ctx, c.name, in.Other)
	if err != nil {
		return nil, err
	}
	before, err := a.cfg.Registry.Source(ctx, from.ID)
	if err != nil {
		return nil, err
	}
	after, err := a.cfg.Registry.Source(ctx, to.ID)
	if err != nil {
		return nil, err
	}
	out := wire.VersionDiff{Function: string(c.name), From: from.ID.Version, To: to.ID.Version, Files: []wire.FileDiff{}}
	compare(&out, before, after)
	return ok(out)
}

// manifestFile is what a diff calls the manifest.
const manifestFile = "hadron.json"

func compare(out *wire.VersionDiff, before, after registry.Uploaded) {
	old, fresh := authored(before), authored(after)
	if old == nil || fresh == nil {
		old, fresh = map[string]string{"module": before.Source}, map[string]string{"module": after.Source}
	}
	old[manifestFile], fresh[manifestFile] = indented(before.Manifest), indented(after.Manifest)
	paths := maps.Clone(old)
	maps.Copy(paths, fresh)
	size := 0
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		was, had := old[path]
		is, has := fresh[path]
		if had == has && was == is {
			continue
		}
		if len(out.Files) == maxFiles {
			out.Cut = true
			return
		}
		f := fileDiff(path, was, is)
		switch {
		case !had:
			f.State = "added"
		case !has:
			f.State = "removed"
		}
		if size += len(f.Diff); size > maxDiff {
			f.Diff, out.Cut = "", true
		}
		out.Files = append(out.Files, f)
	}
}

func fileDiff(path, was, is string) wire.FileDiff {
	f := wire.FileDiff{Path: path, State: "changed"}
	if len(was) > maxCompared || len(is) > maxCompared {
		return f
	}
	f.Diff = udiff.Unified("a/"+path, "b/"+path, was, is)
	for line := range strings.Lines(f.Diff) {
		switch {
		case strings.HasPrefix(line, "+++"), strings.HasPrefix(line, "---"):
		case line[0] == '+':
			f.Added++
		case line[0] == '-':
			f.Removed++
		}
	}
	return f
}

// authored are the author's own files, out of a source map; nil where it does not
// hold them all.
func authored(up registry.Uploaded) map[string]string {
	var m struct {
		Sources        []string  `json:"sources"`
		SourcesContent []*string `json:"sourcesContent"`
	}
	if json.Unmarshal([]byte(up.SourceMap), &m) != nil || len(m.Sources) == 0 || len(m.Sources) != len(m.SourcesContent) {
		return nil
	}
	out := map[string]string{}
	for i, path := range m.Sources {
		if strings.Contains("/"+path, "/node_modules/") {
			continue
		}
		if m.SourcesContent[i] == nil {
			return nil
		}
		out[path] = *m.SourcesContent[i]
	}
	return out
}

func indented(manifest json.RawMessage) string {
	var b bytes.Buffer
	if len(manifest) == 0 || json.Indent(&b, manifest, "", "  ") != nil {
		return ""
	}
	return fmt.Sprintln(b.String())
}
