package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hadron/runtime/engine"
	"hadron/runtime/function"
	"hadron/runtime/project"
)

// Job is one module to compile.
type Job struct {
	Name      function.Name
	Source    string
	SourceMap string // or empty
	Manifest  function.Manifest
}

// refusal is an error of a compile worker on its way to the parent.
type refusal struct {
	Kind   string `json:"kind"` // sourceRefusal, manifestRefusal, one of engine.CheckError's, or empty
	Text   string `json:"text"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Frame  string `json:"frame,omitempty"`
	More   int    `json:"more,omitempty"`
	Key    string `json:"key,omitempty"`
}

const (
	sourceRefusal   = "source"
	manifestRefusal = "manifest"
)

func refuse(err error) refusal {
	var source *project.SourceError
	if errors.As(err, &source) {
		return refusal{Kind: sourceRefusal, Text: source.Text, File: source.File, Line: source.Line, Column: source.Column, Frame: source.Frame, More: source.More}
	}
	var check *engine.CheckError
	if errors.As(err, &check) {
		return refusal{Kind: check.Kind, Text: check.Message, File: check.File, Line: check.Line, Column: check.Column}
	}
	var manifest *function.ManifestError
	if errors.As(err, &manifest) {
		return refusal{Kind: manifestRefusal, Text: manifest.Problem, Key: manifest.Key}
	}
	return refusal{Text: err.Error()}
}

// Bounds of what a refusal says.
const (
	maxText  = 4 << 10
	maxFrame = 8 << 10
)

// err is the refusal as the error that it was.
func (r refusal) err() error {
	text := clip(r.Text, maxText)
	switch r.Kind {
	case sourceRefusal:
		return &project.SourceError{File: clip(r.File, maxText), Line: r.Line, Column: r.Column, Text: text, Frame: clip(r.Frame, maxFrame), More: r.More}
	case engine.SourceInvalid, engine.NoHandler:
		return &engine.CheckError{Kind: r.Kind, File: clip(r.File, maxText), Line: r.Line, Column: r.Column, Message: text}
	case manifestRefusal:
		return &function.ManifestError{Key: clip(r.Key, maxText), Problem: text}
	}
	return errors.New(text)
}

func appendJob(b []byte, job Job) ([]byte, error) {
	manifest, err := json.Marshal(job.Manifest)
	if err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	b = appendText(b, string(job.Name))
	b = appendText(b, string(manifest))
	b = appendText(b, job.Source)
	return appendText(b, job.SourceMap), nil
}

// job compiles a module, in a worker that does nothing else.
func (c *child) job(f frame) error {
	cur := cursor{s: string(f.data)}
	job := Job{Name: function.Name(cur.text())}
	manifest := cur.text()
	job.Source, job.SourceMap = cur.text(), cur.text()
	if err := cur.end(); err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(manifest), &job.Manifest); err != nil || c.team != "" {
		return errOrder
	}
	number := f.stream
	go func() {
		bundle, err := c.compile(job)
		if err != nil {
			payload, _ := json.Marshal(refuse(err)) // plain values
			c.out.send(kindRefused, number, payload)
			return
		}
		c.out.send(kindBuilt, number, appendText(appendText(nil, bundle.Code), bundle.Map))
	}()
	return nil
}

func (c *child) compile(job Job) (function.Bundle, error) {
	out, err := project.Build(c.over, project.Input{Source: job.Source, SourceMap: job.SourceMap, Entry: job.Manifest.Entry})
	if err != nil {
		return function.Bundle{}, err
	}
	bundle := function.Bundle{ID: function.ID{Name: job.Name}, Code: out.Code, Map: out.Map, Builder: out.Builder, Manifest: job.Manifest}
	return bundle, c.engine.Check(c.over, bundle)
}

// Build compiles a module in a worker that is thrown away: bundled, parsed and
// evaluated there once, under limits of time and memory. Its error is a
// *project.SourceError, *engine.CheckError or *function.ManifestError where the
// module is at fault.
func (p *Pool) Build(ctx context.Context, job Job) (function.Bundle, error) {
	if !p.enter() {
		return function.Bundle{}, ErrClosed
	}
	defer p.calls.Done()
	select {
	case p.builds <- struct{}{}:
	case <-ctx.Done():
		return function.Bundle{}, context.Cause(ctx)
	}
	defer func() { <-p.builds }()
	w, err := p.takeBlank(ctx)
	if err != nil {
		return function.Bundle{}, fmt.Errorf("compile module: %w", err)
	}
	defer func() {
		w.end("its job is done")
		<-w.read
	}()
	p.fair.compiles(w)
	if err := w.adopt(orders{Memory: int64(p.cfg.BuildMemory), MaxCall: p.cfg.MaxCall, ExternalURL: p.cfg.ExternalURL}, place{}); err != nil {
		return function.Bundle{}, fmt.Errorf("compile module: %w", err)
	}
	payload, err := appendJob(nil, job)
	if err != nil {
		return function.Bundle{}, err
	}
	answer, forget, err := w.ask(kindJob, payload)
	if err != nil {
		return function.Bundle{}, fmt.Errorf("compile module: %w", err)
	}
	defer forget()
	timeout := time.NewTimer(p.cfg.BuildTimeout)
	defer timeout.Stop()
	select {
	case f, ok := <-answer:
		if !ok {
			<-w.read
			return function.Bundle{}, w.crashed()
		}
		return w.built(f, job)
	case <-timeout.C:
		p.metrics.builds.WithLabelValues("timeout").Inc()
		return function.Bundle{}, &engine.CheckError{Kind: engine.SourceInvalid, Message: fmt.Sprintf("the module could not be compiled within %s: it is too large, or nested too deeply", p.cfg.BuildTimeout)}
	case <-ctx.Done():
		return function.Bundle{}, context.Cause(ctx)
	}
}

// built reads a compile worker's answer. The code is as little trusted as its
// source; who it is for, and under what manifest, is said here.
func (w *process) built(f frame, job Job) (function.Bundle, error) {
	if f.kind == kindRefused {
		w.pool.metrics.builds.WithLabelValues("refused").Inc()
		var r refusal
		if err := json.Unmarshal(f.data, &r); err != nil {
			return function.Bundle{}, fmt.Errorf("compile module: %w", errNoAnswer)
		}
		return function.Bundle{}, r.err()
	}
	if f.kind != kindBuilt {
		return function.Bundle{}, fmt.Errorf("compile module: %w", errNoAnswer)
	}
	c := cursor{s: string(f.data)}
	bundle := function.Bundle{ID: function.ID{Name: job.Name}, Code: []byte(c.text()), Map: []byte(c.text()), Builder: project.Builder, Manifest: job.Manifest}
	if err := c.end(); err != nil {
		return function.Bundle{}, fmt.Errorf("compile module: %w", err)
	}
	w.pool.metrics.builds.WithLabelValues("built").Inc()
	return bundle, nil
}

// crashed says why a module is refused that ended its compile worker.
func (w *process) crashed() error {
	w.pool.metrics.builds.WithLabelValues("crashed").Inc()
	reason, memory := w.verdict.reason, w.verdict.memory
	message := "compiling the module ended its compiler: " + reason
	if memory {
		message = fmt.Sprintf("compiling the module takes more memory than it may (%d MiB)", w.pool.cfg.BuildMemory>>20)
	}
	return &engine.CheckError{Kind: engine.SourceInvalid, Message: message}
}
