package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"hadron/runtime/function"
	"hadron/ui/wire"
)

// Invocation is one call of a function.
type Invocation struct {
	Method string
	Path   string // with its query, as the function sees it; escaped
	Header http.Header
	Body   io.Reader
}

// Invoke calls a function and returns its answer whatever its status; the body
// is the caller's to close. A request that Hadron refused before any version was
// called gives a *Problem; other errors are of the network and of a malformed path.
func (c *Client) Invoke(ctx context.Context, ref function.Ref, in Invocation) (*http.Response, error) {
	target := c.base.String() + "/fn/" + string(ref.Name)
	if selector := strings.TrimPrefix(ref.String(), string(ref.Name)); selector != "@"+function.Live {
		target += selector
	}
	path := in.Path
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	u, err := url.Parse(target + path)
	if err != nil {
		return nil, fmt.Errorf("%q is not a path: %w", in.Path, err)
	}
	req, err := http.NewRequestWithContext(ctx, in.Method, u.String(), in.Body)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	if in.Header != nil {
		req.Header = in.Header.Clone()
	}
	if c.token != "" && req.Header.Get("Authorization") == "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.do(ctx, req)
	if err != nil {
		return nil, err
	}
	refused := res.StatusCode >= http.StatusBadRequest && res.Header.Get("Hadron-Version") == "" &&
		strings.HasPrefix(res.Header.Get("Content-Type"), wire.ProblemType)
	if refused {
		defer func() { _ = res.Body.Close() }()
		return nil, refusal(res)
	}
	return res, nil
}
