package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Profile watches a function for whole seconds and returns a gzipped pprof profile
// of its JavaScript. selector is a version's number, digest or alias; empty means
// all that run.
func (c *Client) Profile(ctx context.Context, name, selector string, d time.Duration) ([]byte, error) {
	q := url.Values{"seconds": {strconv.Itoa(int(d.Seconds()))}}
	set(q, "version", selector)
	ctx, cancel := context.WithTimeoutCause(ctx, d+defaultTimeout, fmt.Errorf("no profile within %s", d+defaultTimeout))
	defer cancel()
	res, err := c.send(ctx, request{method: http.MethodGet, path: of(name, "profile"), query: q})
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read profile: %w", err)
	}
	return data, nil
}
