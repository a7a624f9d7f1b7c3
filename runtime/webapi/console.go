package webapi

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dop251/goja"

	"hadron/runtime/invocation"
)

// maxLine bounds one line of the console, in bytes.
const maxLine = 16 << 10

// maxLabels bounds the counters and clocks of one console.
const maxLabels = 256

func newConsole(r *Realm) goja.Value {
	r.counts, r.clocks = map[string]int{}, map[string]time.Time{}
	o := r.vm.CreateObject(r.vm.NewObject()) // a namespace, as the standard calls it
	put := func(name string, fn func(args []goja.Value)) {
		_ = o.Set(name, r.function(name, 0, func(args []goja.Value) goja.Value {
			fn(args)
			return goja.Undefined()
		}))
	}
	for name, level := range map[string]invocation.Level{
		"log": invocation.Info, "info": invocation.Info, "debug": invocation.Debug,
		"warn": invocation.Warn, "error": invocation.Error, "dirxml": invocation.Info,
	} {
		put(name, func(args []goja.Value) { r.line(level, r.format(args)) })
	}
	put("trace", func(args []goja.Value) {
		stack := r.newError("Error", "").Get("stack")
		text := strings.TrimSpace("Trace: " + r.format(args))
		if stack != nil {
			_, frames, _ := strings.Cut(stack.String(), "\n")
			text += "\n" + frames
		}
		r.line(invocation.Debug, text)
	})
	put("dir", func(args []goja.Value) { r.line(invocation.Info, r.inspect(arg(args, 0))) })
	put("table", func(args []goja.Value) { r.line(invocation.Info, r.table(arg(args, 0), arg(args, 1))) })
	put("clear", func([]goja.Value) { r.indent = 0 })
	put("assert", func(args []goja.Value) {
		if !arg(args, 0).ToBoolean() {
			text := "Assertion failed"
			if len(args) > 1 {
				text += ": " + r.format(args[1:])
			}
			r.line(invocation.Error, text)
		}
	})
	group := func(args []goja.Value) {
		if len(args) > 0 {
			r.line(invocation.Info, r.format(args))
		}
		r.indent = min(r.indent+1, 20)
	}
	put("group", group)
	put("groupCollapsed", group)
	put("groupEnd", func([]goja.Value) { r.indent = max(r.indent-1, 0) })
	r.counters(put)
	(&class{realm: r}).tag(o, "console")
	return o
}

// counters adds count, countReset, time, timeLog and timeEnd.
func (r *Realm) counters(put func(string, func([]goja.Value))) {
	label := func(args []goja.Value) string {
		if v := arg(args, 0); !absent(v) {
			return clip(r.text(v))
		}
		return "default"
	}
	put("count", func(args []goja.Value) {
		l := label(args)
		if _, known := r.counts[l]; !known && len(r.counts) >= maxLabels {
			return
		}
		r.counts[l]++
		r.line(invocation.Info, fmt.Sprintf("%s: %d", l, r.counts[l]))
	})
	put("countReset", func(args []goja.Value) {
		l := label(args)
		if _, known := r.counts[l]; !known {
			r.line(invocation.Warn, fmt.Sprintf("Count for %q does not exist", l))
		}
		delete(r.counts, l)
	})
	put("time", func(args []goja.Value) {
		l := label(args)
		if _, known := r.clocks[l]; known {
			r.line(invocation.Warn, fmt.Sprintf("Timer %q exists already", l))
		} else if len(r.clocks) < maxLabels {
			r.clocks[l] = time.Now()
		}
	})
	lap := func(args []goja.Value) {
		l := label(args)
		if at, ok := r.clocks[l]; ok {
			text := fmt.Sprintf("%s: %.3fms", l, float64(time.Since(at).Microseconds())/1000)
			if len(args) > 1 {
				text += " " + r.format(args[1:])
			}
			r.line(invocation.Info, text)
			return
		}
		r.line(invocation.Warn, fmt.Sprintf("Timer %q does not exist", l))
	}
	put("timeLog", lap)
	put("timeEnd", func(args []goja.Value) {
		lap(args)
		delete(r.clocks, label(args))
	})
}

func (r *Realm) line(level invocation.Level, text string) {
	if r.indent > 0 {
		pad := strings.Repeat("  ", r.indent)
		text = pad + strings.ReplaceAll(text, "\n", "\n"+pad)
	}
	r.host.Log(level, cut(text, maxLine))
}

// cut shortens a text at a character's boundary and says so.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	at := most
	for at > 0 && s[at]&0xc0 == 0x80 {
		at--
	}
	return s[:at] + fmt.Sprintf("… (%d bytes more)", len(s)-at)
}

// format joins arguments as the Console standard's formatter does.
func (r *Realm) format(args []goja.Value) string {
	if len(args) == 0 {
		return ""
	}
	var b strings.Builder
	var rest []goja.Value
	if goja.IsString(args[0]) {
		first := args[0].String()
		rest = args[1:]
		if len(rest) > 0 && strings.IndexByte(first, '%') >= 0 {
			rest = r.formatSpecifiers(&b, first, rest)
		} else {
			b.WriteString(first)
		}
	} else {
		b.WriteString(r.inspect(args[0]))
		rest = args[1:]
	}
	for _, v := range rest {
		if b.Len() > maxLine {
			break
		}
		b.WriteByte(' ')
		if goja.IsString(v) {
			b.WriteString(v.String())
		} else {
			b.WriteString(r.inspect(v))
		}
	}
	return b.String()
}

func (r *Realm) formatSpecifiers(b *strings.Builder, text string, args []goja.Value) []goja.Value {
	for i := 0; i < len(text); i++ {
		if text[i] != '%' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		i++
		if text[i] == '%' {
			b.WriteByte('%')
			continue
		}
		if len(args) == 0 || !strings.ContainsRune("sdifoOcj", rune(text[i])) {
			b.WriteByte('%')
			b.WriteByte(text[i])
			continue
		}
		v := args[0]
		args = args[1:]
		switch text[i] {
		case 's':
			switch v.(type) {
			case *goja.Object, *goja.Symbol:
				b.WriteString(r.inspect(v))
			default:
				b.WriteString(v.String())
			}
		case 'd', 'i':
			b.WriteString(formatNumber(v, true))
		case 'f':
			b.WriteString(formatNumber(v, false))
		case 'j':
			if text, ok := r.toJSON(v); ok {
				b.WriteString(text)
			}
		case 'o', 'O':
			b.WriteString(r.inspect(v))
		}
	}
	return args
}

// formatNumber shows what parseInt or parseFloat make of a value.
func formatNumber(v goja.Value, whole bool) string {
	switch v.(type) {
	case *goja.Object, *goja.Symbol:
		return "NaN"
	}
	if goja.IsBigInt(v) {
		return v.String() + "n"
	}
	text := strings.TrimSpace(v.String())
	if len(text) > maxNumber {
		return "NaN"
	}
	for n := len(text); n > 0; n-- { // the longest start that is a number
		if c := text[n-1]; whole && c == '.' || !digit(c) && c != '.' {
			continue
		}
		f, err := strconv.ParseFloat(text[:n], 64)
		if err != nil || strings.ContainsAny(text[:n], "xXpP_") {
			continue
		}
		if whole {
			f = math.Trunc(f)
		}
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	if !whole && strings.HasSuffix(text, "Infinity") {
		return text
	}
	return "NaN"
}

// maxNumber bounds the text that a number is looked for in.
const maxNumber = 64
