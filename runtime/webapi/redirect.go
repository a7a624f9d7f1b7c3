package webapi

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
)

// maxRedirects is what the Fetch standard allows.
const maxRedirects = 20

var strayPercent = regexp.MustCompile(`%([0-9a-fA-F]?(?:[^0-9a-fA-F]|$))`)

// send makes a request and follows redirects as the standard says. It runs off the
// VM's goroutine.
func send(ctx context.Context, host Host, o *outgoing) (*http.Response, error) {
	var last *http.Response
	target := o.url
	for hop := 0; ; hop++ {
		if !strings.HasPrefix(target, "http://") && !strings.HasPrefix(target, "https://") {
			return nil, errors.New("only http, https and data can be fetched")
		}
		target, _, _ = strings.Cut(target, "#")
		if badPort(target) {
			return nil, errors.New("the port is one that the Fetch standard blocks")
		}
		req, err := hopRequest(ctx, o, target)
		if err != nil {
			return nil, err
		}
		req.Response = last
		res, err := host.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		res.Request = req
		if res.Body == nil {
			res.Body = http.NoBody
		}
		location := res.Header["Location"]
		if !redirectStatus(res.StatusCode) || len(location) == 0 || o.redirect == "manual" {
			return res, nil
		}
		discard(res)
		if target, err = o.follow(res, target, location[0], hop); err != nil {
			return nil, err
		}
		last = res
	}
}

// discard gives a redirect's body up, in a way that keeps the connection if it is
// short.
func discard(res *http.Response) {
	var rest [2 << 10]byte
	for range 2 {
		if n, err := res.Body.Read(rest[:]); err != nil || n == len(rest) {
			break
		}
	}
	_ = res.Body.Close()
}

// follow changes the request as a redirect asks, and returns where it leads.
func (o *outgoing) follow(res *http.Response, target, location string, hop int) (string, error) {
	if o.redirect == "error" {
		return "", errors.New("the answer is a redirect, and the request says redirect: error")
	}
	if hop == maxRedirects {
		return "", errors.New("more than 20 redirects")
	}
	next, err := parseURL(textFromWire(location), target)
	if err != nil {
		return "", errors.New("the redirect's Location is no URL")
	}
	if next.Scheme() != "http" && next.Scheme() != "https" {
		return "", errors.New("the redirect leads to an address that is not http or https")
	}
	if o.source != nil && res.StatusCode != http.StatusSeeOther {
		return "", errors.New("the answer is a redirect, and the request's stream was sent already")
	}
	if res.StatusCode == http.StatusSeeOther && o.method != http.MethodGet && o.method != http.MethodHead ||
		(res.StatusCode == http.StatusMovedPermanently || res.StatusCode == http.StatusFound) && o.method == http.MethodPost {
		o.method, o.data, o.source = http.MethodGet, nil, nil
		for _, name := range []string{"Content-Encoding", "Content-Language", "Content-Location", "Content-Type"} {
			delete(o.header, name)
		}
	}
	if before, err := parseURL(target, ""); err != nil || origin(before) != origin(next) {
		for _, name := range []string{"Authorization", "Cookie"} {
			delete(o.header, name)
		}
	}
	return next.Href(true), nil
}

// badPorts are those of other protocols, which the Fetch standard keeps from being
// spoken to.
var badPorts = func() map[string]bool {
	ports := map[string]bool{}
	for _, port := range strings.Fields("0 1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 " +
		"109 110 111 113 115 117 119 123 135 137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 " +
		"556 563 587 601 636 989 990 993 995 1719 1720 1723 2049 3659 4045 4190 5060 5061 6000 6566 6665 6666 6667 6668 " +
		"6669 6679 6697 10080") {
		ports[port] = true
	}
	return ports
}()

// badPort looks at the port of an address that the URL parser wrote.
func badPort(target string) bool {
	_, rest, _ := strings.Cut(target, "://")
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	at := strings.LastIndexByte(rest, ':')
	return at >= 0 && badPorts[rest[at+1:]]
}
