// Package client speaks Hadron's management API and live protocol from outside:
// the CLI and the end-to-end tests use nothing else.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"hadron/ui/wire"
)

const (
	// defaultTimeout bounds a call whose context has no deadline. Registering
	// builds the source, which takes the longest.
	defaultTimeout = 2 * time.Minute
	maxAnswer      = 64 << 20
	maxProblem     = 1 << 20
)

// Client calls one server. Its methods are safe for concurrent use. Their errors
// are a *Problem where the server refused, and wrap what the network said otherwise.
type Client struct {
	base  *url.URL
	token string
	http  *http.Client
}

// Problem is a refusal of the server.
type Problem struct{ wire.Problem }

// Is lets errors.Is compare problems by code, as with &Problem{…Code}.
func (p *Problem) Is(target error) bool {
	other, is := target.(*Problem)
	return is && other.Code == p.Code
}

// Code is the stable code of a refusal that err holds, or empty.
func Code(err error) string {
	var p *Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}

// Unreachable says that no server answered.
type Unreachable struct {
	Server string
	Err    error
}

func (e *Unreachable) Error() string {
	return fmt.Sprintf("no answer from %s: %v", e.Server, e.Err)
}
func (e *Unreachable) Unwrap() error { return e.Err }

// New makes a client of the server at baseURL, such as http://127.0.0.1:8080.
// An empty token sends none. It does not call the server.
func New(baseURL, token string) (*Client, error) {
	base, err := url.Parse(strings.TrimRight(baseURL, "/"))
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("%q is not a server's address: write it as http://127.0.0.1:8080", baseURL)
	}
	base.User, base.RawQuery, base.Fragment = nil, "", ""
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("this is not a token: it is one word that starts with hdn_")
	}
	return &Client{
		base: base, token: token,
		// The API never redirects: following one could only carry requests elsewhere.
		http: &http.Client{
			Transport:     http.DefaultTransport.(*http.Transport).Clone(),
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// URL is the server's address.
func (c *Client) URL() string { return c.base.String() }

// request is one call; its zero fields are left out.
type request struct {
	method string
	path   string // below /api/v1, each part escaped
	query  url.Values
	header http.Header
	body   any
}

func (c *Client) new(ctx context.Context, r request) (*http.Request, error) {
	var body io.Reader
	if r.body != nil {
		data, err := json.Marshal(r.body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		body = bytes.NewReader(data)
	}
	address := c.base.String() + "/api/v1" + r.path
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, address, body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	req.Header.Set("User-Agent", "hadron-client")
	return req, nil
}

// send does the call and returns an answer that is no refusal; its body is the
// caller's to close.
func (c *Client) send(ctx context.Context, r request) (*http.Response, error) {
	req, err := c.new(ctx, r)
	if err != nil {
		return nil, err
	}
	res, err := c.do(ctx, req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode/100 == 2 {
		return res, nil
	}
	defer func() { _ = res.Body.Close() }()
	return nil, refusal(res)
}

func (c *Client) do(ctx context.Context, req *http.Request) (*http.Response, error) {
	res, err := c.http.Do(req)
	if err == nil {
		return res, nil
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // its URL says nothing that the caller does not know
	}
	return nil, &Unreachable{Server: c.URL(), Err: err}
}

func refusal(res *http.Response) error {
	data, _ := io.ReadAll(io.LimitReader(res.Body, maxProblem))
	p := &Problem{}
	if strings.HasPrefix(res.Header.Get("Content-Type"), wire.ProblemType) && json.Unmarshal(data, &p.Problem) == nil && p.Code != "" {
		return p
	}
	p.Problem = wire.Problem{
		Title: http.StatusText(res.StatusCode), Status: res.StatusCode, Code: "unexpected_answer",
		Detail: fmt.Sprintf("%s answered %s, which is not an answer of Hadron's API; is the address right?", res.Request.URL.Host, res.Status),
	}
	return p
}

// call does a call, decodes its answer into out, where there is one, and returns
// the answer's header.
func (c *Client) call(ctx context.Context, r request, out any) (http.Header, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, defaultTimeout, fmt.Errorf("no answer within %s", defaultTimeout))
		defer cancel()
	}
	res, err := c.send(ctx, r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	body := io.LimitReader(res.Body, maxAnswer)
	switch out := out.(type) {
	case nil:
	case *string:
		data, err := io.ReadAll(body)
		if err != nil {
			return nil, fmt.Errorf("read answer: %w", err)
		}
		*out = string(data)
	default:
		if err := json.NewDecoder(body).Decode(out); err != nil {
			return nil, fmt.Errorf("read answer: %w", err)
		}
	}
	return res.Header, nil
}

// get is call for the many routes that only read.
func get[T any](ctx context.Context, c *Client, path string, query url.Values) (T, error) {
	var out T
	_, err := c.call(ctx, request{method: http.MethodGet, path: path, query: query}, &out)
	return out, err
}

// of is the path of a function and what is below it.
func of(name string, below ...string) string {
	var b strings.Builder
	b.WriteString("/functions")
	for _, part := range append(strings.Split(name, "/"), below...) {
		b.WriteString("/" + url.PathEscape(part))
	}
	return b.String()
}

// Page says which part of a list is wanted; the zero value is the first.
type Page struct {
	Cursor string
	Limit  int
}

func (p Page) values() url.Values {
	q := url.Values{}
	set(q, "cursor", p.Cursor)
	if p.Limit > 0 {
		q.Set("limit", strconv.Itoa(p.Limit))
	}
	return q
}

// All collects the pages of a list; page gets the cursor of the page it shall read.
func All[T any](page func(cursor string) (wire.List[T], error)) ([]T, error) {
	all := []T{}
	for cursor := ""; ; {
		list, err := page(cursor)
		if err != nil {
			return nil, err
		}
		all = append(all, list.Items...)
		if list.Next == "" || list.Next == cursor {
			return all, nil
		}
		cursor = list.Next
	}
}

func set(q url.Values, key, value string) {
	if value != "" {
		q.Set(key, value)
	}
}
