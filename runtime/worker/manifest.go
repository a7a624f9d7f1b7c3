package worker

import (
	"reflect"
	"strings"

	"hadron/runtime/function"
)

// Bounds of a manifest's lists; see package function for what they may be.
const maxListed = 1 << 16

// appendManifest writes what an engine reads of a manifest: the rest is the server's. It
// is not JSON, which took a seventh of a first call to be written and read.
func appendManifest(b []byte, m *function.Manifest) []byte {
	limits := reflect.ValueOf(&m.Limits).Elem()
	for i := range limits.NumField() {
		b = appendUint(b, uint64(limits.Field(i).Int()))
	}
	b = appendUint(b, uint64(len(m.Env)))
	for name, value := range m.Env {
		b = appendText(appendText(b, name), value)
	}
	b = appendTexts(b, m.Secrets)
	b = appendTexts(b, m.Fetch.Allow)
	b = appendText(b, m.Isolation)
	evals := byte(0)
	if m.UnsafeEval {
		evals = 1
	}
	return append(b, evals)
}

// manifest reads what appendManifest wrote.
func (c *cursor) manifest() (m function.Manifest) {
	limits := reflect.ValueOf(&m.Limits).Elem()
	for i := range limits.NumField() {
		limits.Field(i).SetInt(int64(c.uint()))
	}
	if n := c.listed(); n > 0 {
		m.Env = make(map[string]string, n)
		for range n {
			name := strings.Clone(c.text()) // what they share memory with is the whole message
			m.Env[name] = strings.Clone(c.text())
		}
	}
	m.Secrets, m.Fetch.Allow = c.texts(), c.texts()
	m.Isolation = strings.Clone(c.text())
	m.UnsafeEval = c.byte() == 1
	return m
}

func appendTexts(b []byte, texts []string) []byte {
	b = appendUint(b, uint64(len(texts)))
	for _, s := range texts {
		b = appendText(b, s)
	}
	return b
}

func (c *cursor) texts() []string {
	n := c.listed()
	if n == 0 {
		return nil
	}
	out := make([]string, n)
	for i := range out {
		out[i] = strings.Clone(c.text())
	}
	return out
}

// listed reads how many there are of something.
func (c *cursor) listed() int {
	n := c.length()
	if n > maxListed {
		c.fail()
		return 0
	}
	return n
}
