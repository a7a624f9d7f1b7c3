package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"hadron/runtime/function"
	"hadron/runtime/project"
	"hadron/ui/client"
	"hadron/ui/wire"
)

// server is what every verb that talks to a server shares.
type server struct {
	Server string `help:"Address of the Hadron server. Default: the one logged in to, else http://127.0.0.1:8080." placeholder:"URL"`
	Token  string `help:"Token (hdn_…). Default: what hadron login keeps for this server; not needed with serve --dev." placeholder:"hdn_…"`
	JSON   bool   `name:"json" help:"Print JSON for machines."`
}

func (s server) client() (*client.Client, error) {
	var known logins
	if s.Server == "" || s.Token == "" {
		var err error
		if known, err = readLogins(); err != nil {
			return nil, err
		}
	}
	api, err := client.New(firstOf(s.Server, known.Current, defaultServer), s.Token)
	if err != nil {
		return nil, &usageError{err.Error()}
	}
	// A kept token goes to the server that it is kept for, and to no other.
	if kept := known.Servers[api.URL()].Token; s.Token == "" && kept != "" {
		return client.New(api.URL(), kept)
	}
	return api, nil
}

// usageError is a command line that cannot be carried out as it stands.
type usageError struct{ problem string }

func (e *usageError) Error() string { return e.problem }

// functionFailed is an invocation that was answered with an error.
type functionFailed struct{ status int }

func (e *functionFailed) Error() string { return fmt.Sprintf("the function answered %d", e.status) }

// hint is an error with what to do about it.
type hint struct {
	err  error
	todo string
}

func (e *hint) Error() string { return e.err.Error() }
func (e *hint) Unwrap() error { return e.err }

// report prints an error once, in words, and returns the exit code it means.
func report(std stdio, err error) int {
	if err == nil {
		return exitOK
	}
	var (
		source  *project.SourceError
		problem *client.Problem
		usage   *usageError
		failed  *functionFailed
		unreach *client.Unreachable
		todo    *hint
	)
	code := exitFailed
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(std.Err, "✗ interrupted; what the server had taken before stands")
	case errors.As(err, &source):
		printSourceError(std, source.File, source.Line, source.Column, source.Text, source.Frame)
	case errors.As(err, &problem):
		code = exitRefused
		printProblem(std, problem.Problem)
	case errors.As(err, &unreach):
		code = exitUnreachable
		fmt.Fprintf(std.Err, "✗ %s\n  Is it running? Start one with: hadron serve --dev\n", unreach)
	case errors.As(err, &usage):
		code = exitUsage
		fmt.Fprintf(std.Err, "✗ %s\n", usage)
	case errors.As(err, &failed):
		return exitFunction
	default:
		fmt.Fprintf(std.Err, "✗ %s\n", err)
	}
	var own *coded
	if errors.As(err, &own) {
		code = own.code
	}
	if errors.As(err, &todo) {
		fmt.Fprintf(std.Err, "  %s\n", todo.todo)
	}
	return code
}

func printSourceError(std stdio, file string, line, column int, text, frame string) {
	where := ""
	if file != "" && line > 0 {
		where = fmt.Sprintf("%s:%d:%d  ", file, line, column)
	}
	fmt.Fprintf(std.Err, "✗ %s%s\n", where, text)
	if frame != "" {
		for l := range strings.Lines(strings.TrimRight(frame, "\n") + "\n") {
			fmt.Fprint(std.Err, "  ", l)
		}
	}
}

func printProblem(std stdio, p wire.Problem) {
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	if p.Line > 0 {
		printSourceError(std, p.File, p.Line, p.Column, text, p.Frame)
		return
	}
	fmt.Fprintf(std.Err, "✗ %s (%s)\n", text, p.Code)
	if p.Code == "unauthorized" {
		fmt.Fprintln(std.Err, "  Log in with hadron login, or give a token with --token or HADRON_TOKEN; the first one is in <data-dir>/admin-token of the server.")
	}
}

// functionArg reads a function's name from an argument, or from the project in
// this folder where the argument is empty.
func functionArg(arg string) (function.Name, error) {
	if arg != "" {
		name, err := function.ParseName(arg)
		if err != nil {
			return "", &usageError{err.Error()}
		}
		return name, nil
	}
	p, err := project.Load(".")
	if err != nil || p.Manifest.Name == "" {
		return "", &usageError{`say which function: team/project/name, or stand in a folder whose hadron.yaml has a "name"`}
	}
	return function.Name(p.Manifest.Name), nil
}

func printJSON(std stdio, v any) error {
	enc := json.NewEncoder(std.Out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func readFile(std stdio, path string) ([]byte, error) {
	if path == "-" {
		return readAll(std.In)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f)
}
