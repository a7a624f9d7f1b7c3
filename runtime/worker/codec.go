package worker

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"time"

	"hadron/runtime/invocation"
)

// What messages are made of: numbers as varints, texts with their length before
// them. A cursor reads them from one string, so that what it returns shares it.
type cursor struct {
	s   string
	bad bool
}

func (c *cursor) uint() uint64 {
	var v uint64
	for i := 0; i < len(c.s) && i < binary.MaxVarintLen64; i++ {
		b := c.s[i]
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			c.s = c.s[i+1:]
			return v
		}
	}
	c.fail()
	return 0
}

// length reads a count of things of which each takes at least one byte.
func (c *cursor) length() int {
	n := c.uint()
	if n > uint64(len(c.s)) {
		c.fail()
		return 0
	}
	return int(n)
}

func (c *cursor) text() string {
	n := c.length()
	out := c.s[:n]
	c.s = c.s[n:]
	return out
}

func (c *cursor) byte() byte {
	if c.s == "" {
		c.fail()
		return 0
	}
	b := c.s[0]
	c.s = c.s[1:]
	return b
}

func (c *cursor) duration() time.Duration {
	return max(0, time.Duration(c.uint()))
}

func (c *cursor) fail() { c.s, c.bad = "", true }

// end says whether all was there and nothing else.
func (c *cursor) end() error {
	if c.bad || c.s != "" {
		return fmt.Errorf("%w: its content is malformed", errFrame)
	}
	return nil
}

func appendUint(b []byte, v uint64) []byte { return binary.AppendUvarint(b, v) }

func appendText[T string | []byte](b []byte, s T) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendDuration(b []byte, d time.Duration) []byte {
	return binary.AppendUvarint(b, uint64(max(0, d)))
}

// maxFields bounds the header lines of one message.
const maxFields = 4096

func appendHeader(b []byte, h http.Header) []byte {
	b = binary.AppendUvarint(b, uint64(len(h)))
	for name, values := range h {
		b = appendText(b, name)
		b = binary.AppendUvarint(b, uint64(len(values)))
		for _, v := range values {
			b = appendText(b, v)
		}
	}
	return b
}

func (c *cursor) header() http.Header {
	n := c.length()
	if n > maxFields {
		c.fail()
		return nil
	}
	h := make(http.Header, n)
	all := make([]string, 0, n) // most fields have one value: all share one array
	for range n {
		name, count := c.text(), c.length()
		if len(all)+count > maxFields {
			c.fail()
			return nil
		}
		from := len(all)
		for range count {
			all = append(all, c.text())
		}
		h[name] = all[from:len(all):len(all)]
	}
	return h
}

func appendFailure(b []byte, f *invocation.Failure) []byte {
	b = appendText(b, f.Name)
	b = appendText(b, f.Message)
	b = binary.AppendUvarint(b, uint64(len(f.Stack)))
	for _, at := range f.Stack {
		b = appendText(b, at.Function)
		b = appendText(b, at.File)
		b = binary.AppendUvarint(b, uint64(max(0, at.Line)))
		b = binary.AppendUvarint(b, uint64(max(0, at.Column)))
	}
	return b
}

// failure reads a Failure and keeps it within its bounds, whoever wrote it.
func (c *cursor) failure() *invocation.Failure {
	f := &invocation.Failure{Name: clip(c.text(), 256), Message: clip(c.text(), invocation.MaxMessage)}
	n := c.length()
	for i := range n {
		at := invocation.Frame{Function: c.text(), File: c.text(), Line: c.small(), Column: c.small()}
		if i < invocation.MaxFrames {
			at.Function, at.File = clip(at.Function, 1<<10), clip(at.File, 1<<10)
			f.Stack = append(f.Stack, at)
		}
	}
	return f
}

// small reads a number that fits an int everywhere.
func (c *cursor) small() int {
	return int(min(c.uint(), 1<<31-1))
}

// Flags of END, DONE and REQ.
const (
	flagCold byte = 1 << iota
	flagBackground
	flagStuck
	flagFailure
	flagStreamed
	flagSampled
	flagBody
	flagFetches
)

// appendOutcome writes what crosses of an Outcome: the rest is the parent's own.
func appendOutcome(b []byte, out *invocation.Outcome, stuck bool) []byte {
	var flags byte
	set := func(f byte, on bool) {
		if on {
			flags |= f
		}
	}
	set(flagCold, out.Cold)
	set(flagBackground, out.Background)
	set(flagStreamed, out.Streamed)
	set(flagStuck, stuck)
	set(flagFailure, out.Failure != nil)
	set(flagFetches, len(out.Fetches) > 0)
	b = append(b, flags)
	b = appendText(b, string(out.Code))
	b = binary.AppendUvarint(b, uint64(max(0, out.Status)))
	b = appendDuration(b, out.CPU)
	b = appendDuration(b, out.Queue)
	b = appendDuration(b, out.Init)
	b = binary.AppendUvarint(b, uint64(out.Hits))
	if out.Failure != nil {
		b = appendFailure(b, out.Failure)
	}
	if len(out.Fetches) > 0 {
		b = appendFetches(b, out)
	}
	return b
}

// appendFetches writes what a trace tells of the call's outgoing requests.
func appendFetches(b []byte, out *invocation.Outcome) []byte {
	b = binary.AppendUvarint(b, uint64(out.MoreFetches))
	b = binary.AppendUvarint(b, uint64(len(out.Fetches)))
	for _, f := range out.Fetches {
		b = appendText(b, f.Span)
		b = appendText(b, f.Method)
		b = appendText(b, f.URL)
		b = appendText(b, f.Code)
		b = binary.AppendUvarint(b, uint64(max(0, f.Status)))
		b = appendDuration(b, f.Start)
		b = appendDuration(b, f.Took)
	}
	return b
}

// fetches reads what appendFetches wrote. What no engine says is malformed.
func (c *cursor) fetches() (out []invocation.FetchSpan, more int) {
	more = c.small()
	n := c.length()
	if n == 0 || n > invocation.MaxFetches {
		c.fail()
		return nil, 0
	}
	out = make([]invocation.FetchSpan, n)
	for i := range out {
		f := &out[i]
		*f = invocation.FetchSpan{
			Span: c.text(), Method: c.text(), URL: c.text(), Code: c.text(), Status: c.small(), Start: c.duration(), Took: c.duration(),
		}
		if !f.Bound() {
			c.fail()
			return nil, 0
		}
	}
	return out, more
}

// outcome reads what appendOutcome wrote.
func (c *cursor) outcome() (out invocation.Outcome, stuck bool) {
	flags := c.byte()
	out = invocation.Outcome{
		Code: code(c.text()), Status: c.small(), CPU: c.duration(), Queue: c.duration(), Init: c.duration(),
		Cold: flags&flagCold != 0, Background: flags&flagBackground != 0, Streamed: flags&flagStreamed != 0,
	}
	out.Hits = invocation.Hits(c.uint()).Known()
	if out.Code == "" {
		c.fail()
	}
	if flags&flagFailure != 0 {
		out.Failure = c.failure()
	}
	if flags&flagFetches != 0 {
		out.Fetches, out.MoreFetches = c.fetches()
	}
	return out, flags&flagStuck != 0
}

// code takes only the words that an engine says, so that no worker makes up labels.
func code(s string) invocation.Code {
	for _, c := range []invocation.Code{
		invocation.OK, invocation.HTTP5xx, invocation.FunctionError, invocation.Timeout, invocation.ClientClosed, invocation.MemoryLimit,
		invocation.WorkerLost, invocation.FunctionOverloaded, invocation.NodeOverloaded, invocation.BodyTooLarge, invocation.HeadersTooLarge, invocation.CPULimit,
	} {
		if s == string(c) {
			return c
		}
	}
	return ""
}

func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return s[:most]
}
