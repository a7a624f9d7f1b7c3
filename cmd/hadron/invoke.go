package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"hadron/runtime/function"
	"hadron/ui/client"
)

type invokeCommand struct {
	server   `embed:""`
	Function string   `arg:"" help:"team/project/name, with @version or @alias if not live."`
	Path     string   `arg:"" optional:"" default:"/" help:"Path and query of the request."`
	Method   string   `short:"X" help:"Method; default GET, or POST with a body."`
	Header   []string `short:"H" help:"Header, as 'Name: value'. Repeat for more." sep:"none"`
	Data     *string  `short:"d" help:"Body; @file reads it from a file, @- from standard input."`
	Include  bool     `short:"i" help:"Print status and headers too."`
}

// invoked is the answer with --json.
type invoked struct {
	Status  int                 `json:"status"`
	Headers map[string][]string `json:"headers"`
	Body    json.RawMessage     `json:"body"` // JSON as it came, other text as a string
	Took    float64             `json:"tookSeconds"`
}

// maxPrinted bounds what invoke holds in memory for --json.
const maxPrinted = 64 << 20

func (c *invokeCommand) Run(ctx context.Context, std stdio) error {
	ref, err := function.ParseRef(c.Function)
	if err != nil {
		return &usageError{err.Error()}
	}
	api, err := c.client()
	if err != nil {
		return err
	}
	req, err := c.request(std)
	if err != nil {
		return err
	}
	start := time.Now()
	resp, err := api.Invoke(ctx, ref, req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if c.JSON {
		err = c.printJSON(std, resp, start)
	} else {
		err = c.print(std, resp, start)
	}
	if err == nil && resp.StatusCode >= 500 {
		return &functionFailed{resp.StatusCode}
	}
	return err
}

func (c *invokeCommand) request(std stdio) (client.Invocation, error) {
	req := client.Invocation{Method: c.Method, Path: c.Path, Header: http.Header{}}
	for _, h := range c.Header {
		name, value, ok := strings.Cut(h, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return req, &usageError{fmt.Sprintf("-H %q: write it as 'Name: value'", h)}
		}
		req.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	if c.Data != nil {
		body := []byte(*c.Data)
		if file, ok := strings.CutPrefix(*c.Data, "@"); ok {
			data, err := readFile(std, file)
			if err != nil {
				return req, err
			}
			body = data
		}
		req.Body = bytes.NewReader(body)
		if req.Header.Get("Content-Type") == "" && json.Valid(body) {
			req.Header.Set("Content-Type", "application/json")
		}
	}
	if req.Method == "" {
		req.Method = http.MethodGet
		if c.Data != nil {
			req.Method = http.MethodPost
		}
	}
	return req, nil
}

func (c *invokeCommand) print(std stdio, resp *http.Response, start time.Time) error {
	if c.Include {
		fmt.Fprintln(std.Out, resp.Proto, resp.Status)
		_ = resp.Header.Write(std.Out)
		fmt.Fprintln(std.Out)
	}
	last := &lastByte{w: std.Out}
	if _, err := io.Copy(last, resp.Body); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if std.Terminal {
		if last.b != '\n' {
			fmt.Fprintln(std.Out)
		}
		fmt.Fprintf(std.Err, "%d in %s, version @%s\n", resp.StatusCode, time.Since(start).Round(time.Millisecond), resp.Header.Get("Hadron-Version"))
	}
	return nil
}

func (c *invokeCommand) printJSON(std stdio, resp *http.Response, start time.Time) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPrinted))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	out := invoked{Status: resp.StatusCode, Headers: resp.Header, Body: body, Took: time.Since(start).Seconds()}
	if !json.Valid(body) || !utf8.Valid(body) {
		out.Body, err = json.Marshal(string(body))
		if err != nil {
			return err
		}
	}
	return printJSON(std, out)
}

// lastByte remembers what was written last, to end a terminal's line.
type lastByte struct {
	w io.Writer
	b byte
}

func (l *lastByte) Write(p []byte) (int, error) {
	if len(p) > 0 {
		l.b = p[len(p)-1]
	}
	return l.w.Write(p)
}

func readAll(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxPrinted+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxPrinted {
		return nil, &usageError{fmt.Sprintf("the body is over %d MiB", maxPrinted>>20)}
	}
	return data, nil
}
