package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"hadron/ui/wire"
)

// maxLine bounds one log record as it comes over the network.
const maxLine = 4 << 20

// LogFilter selects log records.
type LogFilter struct {
	Level   string // and more severe
	Since   string // a time (RFC 3339) or a duration before now
	Until   string // the same; not with Follow
	Query   string
	Request string
	Version int  // 0: all
	Limit   int  // of history; 0: the server's default
	Follow  bool // go on until ctx ends
}

// Logs calls yield for each record, newest last, until there are no more, ctx
// ends or yield fails; yield's error is returned as it is. Following, it returns
// nil when the server ends the stream in order, such as when it stops.
func (c *Client) Logs(ctx context.Context, name string, f LogFilter, yield func(wire.LogRecord) error) error {
	q := url.Values{}
	set(q, "level", f.Level)
	set(q, "since", f.Since)
	set(q, "until", f.Until)
	set(q, "q", f.Query)
	set(q, "request", f.Request)
	if f.Version > 0 {
		q.Set("version", strconv.Itoa(f.Version))
	}
	if f.Limit > 0 {
		q.Set("limit", strconv.Itoa(f.Limit))
	}
	if f.Follow {
		q.Set("follow", "true")
	}
	res, err := c.send(ctx, request{method: http.MethodGet, path: of(name, "logs"), query: q})
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			continue
		}
		var r wire.LogRecord
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return fmt.Errorf("read log line: %w", err)
		}
		if err := yield(r); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return errors.New("the server broke the log stream off")
		}
		return fmt.Errorf("read logs: %w", err)
	}
	return nil
}
