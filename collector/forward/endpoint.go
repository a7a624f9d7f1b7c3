package forward

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// Endpoint is where to send: an address, and a file with the headers that a request
// needs there, such as a token. The file is read again for each request, so that a
// token can be rotated; what it holds is in no error and no log line.
type Endpoint struct {
	URL         string // http or https, whole
	HeadersFile string // lines "Name: value"; empty: none
}

// Validate says what is wrong with the address or the file.
func (e Endpoint) Validate() error {
	u, err := url.Parse(e.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return errors.New("the address must be http or https and hold no user or password; credentials go into the headers file")
	}
	_, err = e.headers()
	return err
}

const maxHeaders = 64 << 10 // bytes of the file

func (e Endpoint) headers() (http.Header, error) {
	out := http.Header{}
	if e.HeadersFile == "" {
		return out, nil
	}
	file, err := os.Open(e.HeadersFile)
	if err != nil {
		return nil, fmt.Errorf("read headers file: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxHeaders+1))
	if err == nil && len(data) > maxHeaders {
		err = errTooLong
	}
	if err != nil {
		return nil, fmt.Errorf("read headers file: %w", err)
	}
	for n, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || !token(name) || value == "" || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return nil, fmt.Errorf("line %d of the headers file %s is not \"Name: value\"", n+1, e.HeadersFile)
		}
		out.Add(name, value)
	}
	return out, nil
}

func token(s string) bool {
	const others = "!#$%&'*+-.^_`|~"
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte(others, c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

// newClient follows no redirect, which would carry the headers elsewhere, and asks no
// proxy.
func newClient(timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			ForceAttemptHTTP2: true, MaxIdleConns: 2, MaxConnsPerHost: 2, IdleConnTimeout: time.Minute,
			TLSHandshakeTimeout: timeout, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// answer is what became of one request.
type answer struct {
	taken    bool
	rejected int  // of those taken
	tooLarge bool // a smaller batch may be taken
	again    bool // the same may be taken later
	after    time.Duration
	why      string
}

const (
	maxAnswer = 64 << 10 // bytes that are read of one
	maxDetail = 300      // bytes of it that are logged
)

func (q *Queue[T]) post(ctx context.Context, body []byte, mediaType string, n int) answer {
	header, err := q.cfg.Endpoint.headers()
	if err != nil {
		return answer{again: true, why: err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, q.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, q.cfg.Endpoint.URL, bytes.NewReader(body))
	if err != nil {
		return answer{why: "the request cannot be made"}
	}
	secrets := header
	req.Header = header.Clone()
	req.Header.Set("Content-Type", mediaType)
	req.Header.Set("User-Agent", "Hadron")
	res, err := q.client.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) { // it repeats the address, whose query may hold a key
			err = wrapped.Err
		}
		return answer{again: true, why: without(err.Error(), secrets)}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil && res.StatusCode/100 == 2 {
		return answer{again: true, why: "the answer broke off"}
	}
	return q.judge(n, res, text, secrets)
}

func (q *Queue[T]) judge(n int, res *http.Response, text []byte, secrets http.Header) answer {
	status := res.StatusCode
	a := answer{after: retryAfter(res.Header.Get("Retry-After"), time.Now())}
	words := string(text)
	switch {
	case status/100 == 2, status == http.StatusBadRequest:
		rejected, why := q.cfg.Judge(n, status, text)
		a.rejected = min(max(rejected, 0), n)
		a.taken = status != http.StatusBadRequest || a.rejected < n
		if why != "" {
			words = why
		}
	case status == http.StatusRequestEntityTooLarge:
		a.tooLarge = true
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout,
		status == http.StatusBadGateway, status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		a.again = true
	case status/100 == 5:
		a.again = q.cfg.RetryErrors
	}
	if !a.taken || a.rejected > 0 {
		a.why = strings.TrimSpace(strconv.Itoa(status) + " " + readable(without(words, secrets)))
	}
	return a
}

// retryAfter reads seconds or a date; 0 where there is none.
func retryAfter(text string, now time.Time) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), MaxRetryAfter)
}

// without takes the values of headers out of a text that somebody else wrote.
func without(text string, secrets http.Header) string {
	for _, values := range secrets {
		for _, v := range values {
			text = strings.ReplaceAll(text, v, "[redacted]")
			if _, credential, ok := strings.Cut(v, " "); ok && len(credential) > 3 { // "Bearer …"
				text = strings.ReplaceAll(text, credential, "[redacted]")
			}
		}
	}
	return text
}

// readable is a receiver's text, cut to a length that a log line bears.
func readable(s string) string {
	if len(s) > maxDetail {
		s = s[:maxDetail] + "…"
	}
	return strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
}
