package engine

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dop251/goja"
	"github.com/google/pprof/profile"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// Bounds of the time that a profile takes.
const (
	MinProfile = time.Second
	MaxProfile = time.Minute
)

// Profile watches for the time given where a version spends its time, or all of a
// function's versions for version 0, and returns a gzipped profile for pprof that
// names the author's files. It watches what runs and starts nothing. Errors:
// invocation.ErrProfiling, invocation.ErrNoSamples, ErrClosed, ctx's cause.
func (e *Engine) Profile(ctx context.Context, id function.ID, d time.Duration) ([]byte, error) {
	if !e.begin() {
		return nil, ErrClosed
	}
	e.asides.Add(1) // not one of the invocations: Close ends it when they are done
	e.live.Done()
	defer e.asides.Done()
	recorded, err := record(ctx, e.closing, min(max(d, MinProfile), MaxProfile))
	if err != nil {
		return nil, fmt.Errorf("profile %s: %w", id, err)
	}
	kept, err := e.attribute(ctx, recorded, id)
	if err != nil {
		return nil, fmt.Errorf("profile %s: %w", id, err)
	}
	var out bytes.Buffer
	if err := kept.Write(&out); err != nil {
		return nil, fmt.Errorf("write profile of %s: %w", id, err)
	}
	return out.Bytes(), nil
}

// profiler is held while goja's runs: that one belongs to the process, and its
// Start and Stop do not bear each other.
var profiler sync.Mutex

// record has goja's profiler run for d, on all VMs of this process.
func record(ctx, closing context.Context, d time.Duration) (*profile.Profile, error) {
	if !profiler.TryLock() {
		return nil, invocation.ErrProfiling
	}
	defer profiler.Unlock()
	var raw bytes.Buffer
	started := time.Now()
	if err := goja.StartProfile(&raw); err != nil {
		return nil, invocation.ErrProfiling // started past this package
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	var err error
	select {
	case <-timer.C:
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-closing.Done():
		err = ErrClosed
	}
	goja.StopProfile()
	if err != nil {
		return nil, err
	}
	p, err := profile.Parse(&raw)
	if err != nil {
		return nil, fmt.Errorf("read goja's profile: %w", err)
	}
	p.TimeNanos, p.DurationNanos = started.UnixNano(), time.Since(started).Nanoseconds()
	return p, nil
}

// attribute keeps the samples of one function and gives its frames the author's
// names. What is left of another function or of the platform is dropped.
func (e *Engine) attribute(ctx context.Context, recorded *profile.Profile, id function.ID) (*profile.Profile, error) {
	sampled := map[*profile.Function][]int64{} // the lines seen of each
	for _, l := range recorded.Location {
		for _, line := range l.Line {
			sampled[line.Function] = append(sampled[line.Function], line.Line)
		}
	}
	wanted := map[*profile.Function]bool{}
	authors := map[int]*author{} // by version
	for f, lines := range sampled {
		version, ok := versionOf(f.Filename, id)
		if !ok {
			continue
		}
		a := authors[version]
		if a == nil {
			bundle, err := e.cfg.Bundle(ctx, function.ID{Name: id.Name, Version: version})
			if err != nil {
				return nil, fmt.Errorf("load bundle: %w", err)
			}
			a = newAuthor(bundle.Code, bundle.Map)
			authors[version] = a
		}
		wanted[f] = true
		a.name(f, lines)
	}
	out := recorded
	out.Sample = ofFunction(recorded.Sample, wanted)
	if len(out.Sample) == 0 {
		return nil, invocation.ErrNoSamples
	}
	for _, s := range out.Sample {
		// goja measures from the tick to the instruction's end: next to nothing, but
		// for a native that runs over many ticks, which it samples once.
		s.Value[1] = max(s.Value[1], s.Value[0]*recorded.Period)
		s.Label = map[string][]string{"function": {string(id.Name)}}
	}
	out.Comments = []string{"JavaScript of " + string(id.Name)}
	out.DefaultSampleType = "cpu"
	return out.Compact(), nil
}

// versionOf reads the version off a script's name, where it is one of id's.
func versionOf(script string, id function.ID) (int, bool) {
	number, ok := strings.CutPrefix(script, scriptsOf(id.Name))
	if !ok {
		return 0, false
	}
	version, err := strconv.Atoi(number)
	return version, err == nil && (id.Version == 0 || id.Version == version)
}

// ofFunction returns the samples that hold a wanted function, without the frames of
// the platform's own scripts.
func ofFunction(samples []*profile.Sample, wanted map[*profile.Function]bool) []*profile.Sample {
	var kept []*profile.Sample
	for _, s := range samples {
		var frames []*profile.Location
		ours := false
		for _, l := range s.Location {
			if len(l.Line) == 0 || l.Line[0].Function.Filename == preludeName {
				continue
			}
			ours = ours || wanted[l.Line[0].Function]
			frames = append(frames, l)
		}
		if ours {
			s.Location = frames
			kept = append(kept, s)
		}
	}
	return kept
}
