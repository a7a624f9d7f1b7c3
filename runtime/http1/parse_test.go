package http1

import (
	"bufio"
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// FuzzParse holds what is taken here to what net/http makes of the same bytes: it
// must take them too, and see the same request, of the same length.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"GET /fn/a/b/c HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /fn/a/b/c?d=e&f HTTP/1.1\r\nhost: x:80\r\nAccept: */*\r\nx-a: 1\r\nX-A:\t2 \r\nCookie: a=b\r\n\r\nGET /fn/ HTTP/1.1\r\n",
		"POST /fn/a/b/c%2f HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 5\r\nConnection: Keep-Alive\r\n\r\nhelloGET",
		"POST /fn/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
		"POST /fn/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"POST /fn/a HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nhello",
		"GET /fn/a HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
		"GET /fn/a HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n",
		"GET /fn/a HTTP/1.1\nHost: x\n\n",
		"GET /fn/a HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
		"GET /fn/a HTTP/1.1\r\nHost: x\r\nA: b\x00\r\n\r\n",
		"GET /fn/a HTTP/1.1\r\nHost: x\r\nPragma: no-cache\r\n\r\n",
		"GET /fn/a HTTP/1.0\r\nHost: x\r\n\r\n",
		"GET /fn/%zz HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /fn/a?b?c=%zz HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /fn/a? HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /fn//a/../b;c:d@e HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET http://y/fn/a HTTP/1.1\r\nHost: x\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"OPTIONS /fn/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, v := parse(data, "/fn/", http.Header{})
		if v != whole {
			return
		}
		var u url.URL
		if !p.url(&u) {
			return
		}
		rest := bytes.NewReader(data)
		br := bufio.NewReader(rest)
		want, err := http.ReadRequest(br)
		if err != nil {
			t.Fatalf("net/http refuses it: %v", err)
		}
		body, err := io.ReadAll(want.Body)
		if err != nil {
			t.Fatalf("net/http cannot read its body: %v", err)
		}
		used := len(data) - rest.Len() - br.Buffered()
		switch {
		case used != p.size:
			t.Errorf("net/http takes %d bytes, not %d", used, p.size)
		case string(body) != string(data[p.size-p.length:p.size]):
			t.Errorf("net/http reads another body: %q", body)
		case want.Method != p.method || want.RequestURI != p.target || *want.URL != u || want.Host != p.host || want.ContentLength != int64(p.length):
			t.Errorf("net/http sees %+v, not %+v", want, p)
		case want.Close || len(want.TransferEncoding) > 0 || len(want.Trailer) > 0 || want.ProtoMinor != 1:
			t.Errorf("net/http sees more in it: %+v", want)
		case !maps.EqualFunc(want.Header, p.header, slices.Equal[[]string]):
			t.Errorf("net/http sees the header %v, not %v", want.Header, p.header)
		}
		for cut := range p.size { // however it comes, it is the same request
			if _, v := parse(data[:cut], "/fn/", http.Header{}); v != partial {
				t.Fatalf("its first %d bytes are %d", cut, v)
			}
		}
	})
}

// What is not plain is told at once where it can be, so that nobody waits for it.
func TestOddRequestsAreToldAtOnce(t *testing.T) {
	const head = "GET /fn/a HTTP/1.1\r\nHost: x\r\n"
	for name, c := range map[string]struct {
		in   string
		want verdict
	}{
		"another path":        {"GET /api", odd},
		"another method":      {"PRI *", odd},
		"a beginning":         {"GET /f", partial},
		"nothing":             {"", partial},
		"TLS":                 {"\x16\x03\x01", odd},
		"no end":              {head, partial},
		"too long":            {head + "A: " + strings.Repeat("x", maxRequest), odd},
		"too many lines":      {head + strings.Repeat("A: b\r\n", maxFields) + "\r\n", odd},
		"too long a body":     {head + "Content-Length: 65536\r\n\r\n", odd},
		"a body to come":      {head + "Content-Length: 6\r\n\r\nhello", partial},
		"leading zero":        {head + "Content-Length: 05\r\n\r\nhello", odd},
		"two lengths":         {head + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", odd},
		"chunks":              {head + "Transfer-Encoding: chunked\r\n\r\n", odd},
		"both":                {head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello", odd},
		"an expectation":      {head + "Expect: 100-continue\r\n\r\n", odd},
		"an upgrade":          {head + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", odd},
		"the last":            {head + "Connection: close\r\n\r\n", odd},
		"a folded line":       {head + "A: b\r\n c\r\n\r\n", odd},
		"a space in a name":   {head + "A : b\r\n\r\n", odd},
		"no name":             {head + ": b\r\n\r\n", odd},
		"a bare LF":           {head + "A: b\nC: d\r\n\r\n", odd},
		"a bare CR":           {head + "A: b\rC: d\r\n\r\n", odd},
		"two hosts":           {head + "Host: y\r\n\r\n", odd},
		"no host":             {"GET /fn/a HTTP/1.1\r\nA: b\r\n\r\n", odd},
		"HTTP/1.0":            {"GET /fn/a HTTP/1.0\r\nHost: x\r\n\r\n", odd},
		"a space in a target": {"GET /fn/a b HTTP/1.1\r\nHost: x\r\n\r\n", odd},
		"plain":               {head + "\r\n", whole},
	} {
		if _, got := parse([]byte(c.in), "/fn/", http.Header{}); got != c.want {
			t.Errorf("%s is %d, not %d", name, got, c.want)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	in := []byte("GET /fn/a/b/c?d=e HTTP/1.1\r\nHost: example.com\r\nUser-Agent: bench\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n\r\n")
	b.ReportAllocs()
	fields := http.Header{}
	for b.Loop() {
		if _, v := parse(in, "/fn/", fields); v != whole {
			b.Fatal(v)
		}
	}
}
