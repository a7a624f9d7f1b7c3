package api

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/google/pprof/profile"

	"hadron/runtime/access"
	"hadron/ui/wire"
)

const (
	flameNodes = 4000 // a browser draws them at once
	flameDepth = 200
	leastShare = 2000 // a call with less than 1/leastShare of all time is left out
)

func (a *api) addFlame() {
	add(a, route{
		method: http.MethodGet, path: functionPath + "/flame", id: "getFlame", tag: "functions",
		summary: "Profile a function, as a tree of calls",
		detail:  "The same profile as GET …/profile, read for a flame graph: calls along each path with their seconds, the longest first, at most 4,000 of them.",
		action:  access.ReadSource, scope: ofFunction,
	}, a.getFlame)
}

func (a *api) getFlame(ctx context.Context, c *call, in *profileIn) (*jsonOut[wire.Flame], error) {
	data, err := a.takeProfile(ctx, c, in)
	if err != nil {
		return nil, err
	}
	p, err := profile.Parse(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("read the profile: %w", err)
	}
	return ok(flameOf(p))
}

// called is one function on one path of calls.
type called struct {
	name, file  string
	line        int64
	self, total int64 // nanoseconds
	below       map[string]*called
}

func flameOf(p *profile.Profile) wire.Flame {
	root := &called{below: map[string]*called{}}
	out := wire.Flame{Seconds: float64(p.DurationNanos) / 1e9}
	for _, s := range p.Sample {
		if len(s.Value) < 2 {
			continue
		}
		out.Samples += s.Value[0]
		root.total += s.Value[1]
		at := root
		// A sample names the innermost call first.
		for i := len(s.Location) - 1; i >= max(0, len(s.Location)-flameDepth); i-- {
			if lines := s.Location[i].Line; len(lines) > 0 && lines[0].Function != nil {
				at = at.call(lines[0].Function)
				at.total += s.Value[1]
			}
		}
		at.self += s.Value[1]
	}
	left := flameNodes
	out.Root = root.view(root.total/leastShare, &left, &out.Pruned)
	return out
}

func (c *called) call(f *profile.Function) *called {
	key := f.Name + "\x00" + f.Filename
	next := c.below[key]
	if next == nil {
		next = &called{name: f.Name, file: f.Filename, line: f.StartLine, below: map[string]*called{}}
		c.below[key] = next
	}
	return next
}

// view leaves out what is shorter than least, and what there is no room for.
func (c *called) view(least int64, left *int, pruned *bool) wire.FlameNode {
	n := wire.FlameNode{
		Name: c.name, File: c.file, Line: int(c.line), Self: float64(c.self) / 1e9, Total: float64(c.total) / 1e9, Children: []wire.FlameNode{},
	}
	var below []*called
	for _, b := range c.below {
		below = append(below, b)
	}
	slices.SortFunc(below, func(a, b *called) int {
		return cmp.Or(cmp.Compare(b.total, a.total), cmp.Compare(a.name, b.name), cmp.Compare(a.file, b.file))
	})
	for _, b := range below {
		if b.total < least || *left <= 0 {
			*pruned = true
			break
		}
		*left--
		n.Children = append(n.Children, b.view(least, left, pruned))
	}
	return n
}
