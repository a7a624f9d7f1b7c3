package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
	"time"

	"hadron/bench/process"
	"hadron/runtime/function"
	"hadron/runtime/project"
	"hadron/ui/client"
	"hadron/ui/wire"
)

// system is one way to run a workload.
type system struct {
	name  string
	title string
	start func(ctx context.Context, b *bench, w workload) (*running, error)
}

// running is a system that serves one workload.
type running struct {
	*process.Process
	base string // address of the workload's root, without the last slash
}

// errCannot means that a system does not know a workload.
var errCannot = errors.New("it does not run this")

var systems = []system{
	{name: "ceiling", title: "ceiling: bare net/http, pooled goja", start: startCeiling},
	{name: "hadron", title: "**Hadron**, in process", start: startHadron("inprocess")},
	{name: "worker", title: "**Hadron**, worker process", start: startHadron("worker")},
	{name: "node", title: "node:http", start: startScript("node", "node.js")},
	{name: "fastify", title: "Fastify", start: startScript("node", "fastify.js")},
	{name: "workerd", title: "workerd", start: startWorkerd},
	{name: "deno", title: "Deno", start: startScript("node_modules/.bin/deno", "run", "--allow-net", "--allow-env", "--allow-read", "--no-lock", "--node-modules-dir=manual", "deno.js")},
	{name: "bun", title: "Bun", start: startScript("node_modules/.bin/bun", "run", "bun.js")},
}

func systemNames() []string {
	var names []string
	for _, s := range systems {
		names = append(names, s.name)
	}
	return names
}

// listening waits for a process that was started on a port.
func listening(ctx context.Context, p *process.Process, port int) (*running, error) {
	address := "127.0.0.1:" + strconv.Itoa(port)
	if err := p.Listens(ctx, address); err != nil {
		p.Stop()
		return nil, err
	}
	return &running{Process: p, base: "http://" + address}, nil
}

func startCeiling(ctx context.Context, b *bench, w workload) (*running, error) {
	if !w.bare {
		return nil, errCannot
	}
	port, err := process.FreePort(ctx)
	if err != nil {
		return nil, err
	}
	p, err := process.Start(b.scratch, "ceiling", nil, b.ceiling, "-listen", fmt.Sprintf("127.0.0.1:%d", port), "-upstream", b.upstream.url, filepath.Join(b.peers, "functions", w.name+".js"))
	if err != nil {
		return nil, err
	}
	return listening(ctx, p, port)
}

// startScript runs a script of the peers, which learns the rest from its environment.
func startScript(program string, args ...string) func(context.Context, *bench, workload) (*running, error) {
	return func(ctx context.Context, b *bench, w workload) (*running, error) {
		port, err := process.FreePort(ctx)
		if err != nil {
			return nil, err
		}
		command := append([]string{program}, args...)
		if strings.Contains(program, "/") {
			command[0] = filepath.Join(b.peers, program)
		}
		last := len(command) - 1
		command[last] = filepath.Join(b.peers, command[last])
		env := []string{"NODE_ENV=production", "WORKLOAD=" + w.name, "PORT=" + strconv.Itoa(port), "UPSTREAM=" + b.upstream.url}
		p, err := process.Start(b.scratch, strings.TrimSuffix(filepath.Base(command[last]), ".js"), env, command...)
		if err != nil {
			return nil, err
		}
		return listening(ctx, p, port)
	}
}

// bundle makes one module of a workload's, as hadron deploy does.
func (b *bench) bundle(ctx context.Context, w workload) (string, error) {
	p := &project.Project{Dir: filepath.Join(b.peers, "functions"), Manifest: function.DefaultManifest()}
	p.Manifest.Entry = w.name + ".js"
	upload, err := p.Bundle(ctx)
	if err != nil {
		return "", err
	}
	return upload.Source, nil
}

func startWorkerd(ctx context.Context, b *bench, w workload) (*running, error) {
	source, err := b.bundle(ctx, w)
	if err != nil {
		return nil, err
	}
	port, err := process.FreePort(ctx)
	if err != nil {
		return nil, err
	}
	module := w.name + ".bundle.js"
	if err := os.WriteFile(filepath.Join(b.scratch, module), []byte(source), 0o600); err != nil {
		return nil, err
	}
	config, err := template.ParseFiles(filepath.Join(b.peers, "workerd.capnp.tmpl"))
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	if err := config.Execute(&text, map[string]any{"Port": port, "Module": module, "Upstream": b.upstream.url}); err != nil {
		return nil, err
	}
	path := filepath.Join(b.scratch, w.name+".capnp")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		return nil, err
	}
	p, err := process.Start(b.scratch, "workerd", nil, filepath.Join(b.peers, "node_modules/.bin/workerd"), "serve", path)
	if err != nil {
		return nil, err
	}
	return listening(ctx, p, port)
}

// startHadron serves as an operator would: with tokens, samples, logs and limits.
func startHadron(isolation string) func(context.Context, *bench, workload) (*running, error) {
	return func(ctx context.Context, b *bench, w workload) (*running, error) {
		help, err := exec.CommandContext(ctx, b.hadron, "serve", "--help").CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("%s: %w (make build makes it)", b.hadron, err)
		}
		if isolation == "worker" && !strings.Contains(string(help), "worker") {
			return nil, errCannot
		}
		source, err := b.bundle(ctx, w)
		if err != nil {
			return nil, err
		}
		port, err := process.FreePort(ctx)
		if err != nil {
			return nil, err
		}
		dir, err := os.MkdirTemp(b.scratch, "hadron-*")
		if err != nil {
			return nil, err
		}
		p, err := process.Start(b.scratch, "hadron", nil, b.hadron, "serve", "--isolation", isolation, "--data-dir", dir,
			"--listen", fmt.Sprintf("127.0.0.1:%d", port), "--fetch.private-allow", strings.TrimPrefix(b.upstream.url, "http://"))
		if err != nil {
			return nil, err
		}
		r, err := listening(ctx, p, port)
		if err != nil {
			return nil, err
		}
		if err := r.Ready(ctx, r.base); err != nil { // it listens before it is
			p.Stop()
			return nil, err
		}
		const name = "bench/peers/function"
		if err := b.register(ctx, r.base, filepath.Join(dir, "admin-token"), name, source); err != nil {
			p.Stop()
			return nil, err
		}
		r.base += "/fn/" + name
		return r, nil
	}
}

func (b *bench) register(ctx context.Context, server, tokenFile, name, source string) error {
	token, err := os.ReadFile(tokenFile)
	if err != nil {
		return err
	}
	api, err := client.New(server, strings.TrimSpace(string(token)))
	if err != nil {
		return err
	}
	defer api.Close()
	manifest, err := json.Marshal(map[string]any{
		"entry": "index.js", "access": "public", "env": map[string]string{"UPSTREAM": b.upstream.url},
		"fetch": map[string]any{"allow": []string{strings.TrimPrefix(b.upstream.url, "http://")}},
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("it does not register the function"))
	defer cancel()
	_, err = api.Register(ctx, name, "live", wire.Register{Source: source, Manifest: manifest})
	return err
}
