package http1

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	holdAtMost = 32 << 10 // of a response before it is sent unasked
	maxBuffer  = 64 << 10 // larger ones are let go with their response
)

// response implements http.ResponseWriter, and what http.ResponseController asks
// for but Hijack.
type response struct {
	c      *conn
	method string
	header http.Header
	buf    []byte // what is to be sent
	err    error  // of sending

	status  int   // 0: no head yet
	length  int64 // declared; -1: not known, so it is chunked
	written int64
	silent  bool // there is no body to send
	last    bool // the connection ends with this response
	late    bool // a deadline for writing is set
}

// Header implements http.ResponseWriter.
func (w *response) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *response) WriteHeader(status int) {
	if status < 200 || status > 999 {
		panic(fmt.Sprintf("http1: status %d", status)) // informational ones are net/http's
	}
	if w.status != 0 {
		return
	}
	w.status, w.length = status, -1
	w.silent = w.method == http.MethodHead || status == http.StatusNoContent || status == http.StatusNotModified
	b := append(w.buf, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, ' ')
	if text := http.StatusText(status); text != "" {
		b = append(b, text...)
	} else {
		b = append(b, "status code "...)
		b = strconv.AppendInt(b, int64(status), 10)
	}
	b = append(b, "\r\n"...)
	dated := false
	for name, values := range w.header {
		switch name {
		case "Content-Length":
			if n, ok := declared(values); ok && status != http.StatusNoContent && status != http.StatusNotModified {
				w.length = n
				b = appendField(b, name, values[0])
			}
			continue
		case "Connection":
			w.last = w.last || closes(values)
			continue
		case "Transfer-Encoding", "Trailer":
			continue
		case "Content-Type":
			if status == http.StatusNotModified {
				continue
			}
		case "Date":
			dated = true
		}
		if !token(name) {
			continue
		}
		for _, v := range values {
			b = appendField(b, name, v)
		}
	}
	if !dated {
		b = append(b, "Date: "...)
		b = append(b, date()...)
		b = append(b, "\r\n"...)
	}
	if w.length < 0 && !w.silent {
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	}
	if w.last = w.last || w.c.srv.closing.Load(); w.last {
		b = append(b, "Connection: close\r\n"...)
	}
	w.buf = append(b, "\r\n"...)
}

// declared reads a handler's Content-Length.
func declared(values []string) (int64, bool) {
	if len(values) != 1 {
		return 0, false
	}
	n, err := strconv.ParseInt(values[0], 10, 64)
	return n, err == nil && n >= 0
}

func closes(values []string) bool {
	for _, v := range values {
		if strings.EqualFold(v, "close") {
			return true
		}
	}
	return false
}

// appendField writes one line of the header, whatever the value holds.
func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	from := len(b)
	b = append(b, strings.Trim(value, " \t")...)
	for i := from; i < len(b); i++ {
		if b[i] == '\r' || b[i] == '\n' {
			b[i] = ' '
		}
	}
	return append(b, "\r\n"...)
}

// Write implements http.ResponseWriter.
func (w *response) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	switch {
	case w.silent && w.method != http.MethodHead:
		return 0, http.ErrBodyNotAllowed
	case w.silent || len(p) == 0:
		return len(p), nil
	case w.length >= 0 && w.written+int64(len(p)) > w.length:
		return 0, http.ErrContentLength
	}
	w.written += int64(len(p))
	if w.length < 0 {
		w.buf = strconv.AppendInt(w.buf, int64(len(p)), 16)
		w.buf = append(w.buf, "\r\n"...)
	}
	w.put(p)
	if w.length < 0 {
		w.buf = append(w.buf, "\r\n"...)
	}
	if w.err != nil {
		return 0, w.err
	}
	return len(p), nil
}

// put takes p along with what is held, or sends both where that is much.
func (w *response) put(p []byte) {
	if len(w.buf)+len(p) <= holdAtMost {
		w.buf = append(w.buf, p...)
		return
	}
	w.send()
	if len(p) <= holdAtMost/2 {
		w.buf = append(w.buf, p...)
		return
	}
	w.write(p)
}

func (w *response) send() {
	w.write(w.buf)
	w.buf = w.buf[:0]
}

func (w *response) write(p []byte) {
	if w.err != nil || len(p) == 0 {
		return
	}
	if _, err := w.c.rwc.Write(p); err != nil {
		w.err = err
	}
}

// FlushError is Flush for http.ResponseController.
func (w *response) FlushError() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	w.send()
	return w.err
}

// Flush implements http.Flusher.
func (w *response) Flush() { _ = w.FlushError() } // Write reports it

// Gone is Config.Gone.
func (w *response) Gone() error { return w.c.srv.cfg.Gone }

// SetWriteDeadline is for http.ResponseController. It holds for this response.
func (w *response) SetWriteDeadline(t time.Time) error {
	w.late = true
	return w.c.rwc.SetWriteDeadline(t)
}

// SetReadDeadline is for http.ResponseController: the body is here already.
func (w *response) SetReadDeadline(time.Time) error { return nil }

// EnableFullDuplex is for http.ResponseController: the body is here already.
func (w *response) EnableFullDuplex() error { return nil }

// finish sends what is left, and reports whether another request can follow.
func (w *response) finish() bool {
	if w.status == 0 {
		w.header["Content-Length"] = []string{"0"}
		w.WriteHeader(http.StatusOK)
	}
	if w.length < 0 && !w.silent {
		w.buf = append(w.buf, "0\r\n\r\n"...)
	}
	w.send()
	if w.late && w.err == nil {
		w.err = w.c.rwc.SetWriteDeadline(time.Time{})
	}
	short := w.length > w.written && !w.silent
	return w.err == nil && !short && !w.last
}

// clock is the Date of one second.
type clock struct {
	unix int64
	text string
}

var now atomic.Pointer[clock]

func date() string {
	t := time.Now()
	c := now.Load()
	if c == nil || c.unix != t.Unix() {
		c = &clock{t.Unix(), t.UTC().Format(http.TimeFormat)}
		now.Store(c)
	}
	return c.text
}
