package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"hadron/bench/marked"
)

// attack is one function of the corpus in testdata/hostile. What is special about
// one stands in comments at its head:
//
//	// ends: the codes that it may end with, with | between them; "refused" and a code
//	//       where deployment says no; "ok"; "cut" where an answer breaks off
//	// limits: keys of the manifest's limits
//	// post: a text and how often it is sent as the body
//	// source: the code, in which "/text 1000 /" is the text a thousand times
//	// map: the source map, in which the same holds
type attack struct {
	kind, name, what string
	ends             []string
	limits           map[string]any
	source, smap     string
	post             string
}

var repeated = regexp.MustCompile(`/(\S.*?|\s\S.*?) (\d+) /`)

// expand writes out what a text says to repeat.
func expand(s string) string {
	return repeated.ReplaceAllStringFunc(s, func(m string) string {
		parts := repeated.FindStringSubmatch(m)
		n, _ := strconv.Atoi(parts[2]) // digits, as matched
		return strings.Repeat(parts[1], n)
	})
}

// readAttacks reads the corpus.
func readAttacks(t *testing.T) []attack {
	t.Helper()
	files, err := filepath.Glob("testdata/hostile/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	var all []attack
	seen := map[string]bool{}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			a := readAttack(t, f.Name, string(f.Data))
			a.kind = strings.TrimSpace(string(archive.Comment))
			if seen[a.name] || a.what == "" || len(a.ends) == 0 || a.source == "" {
				t.Fatalf("%s: %s stands there twice, or says not what it is or how it ends", file, a.name)
			}
			seen[a.name] = true
			all = append(all, a)
		}
	}
	return all
}

func readAttack(t *testing.T, name, text string) attack {
	t.Helper()
	a := attack{name: name, limits: map[string]any{}, source: text}
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, "// ")
		if !ok {
			break
		}
		key, value, keyed := strings.Cut(strings.TrimSpace(rest), ": ")
		switch {
		case a.what == "":
			a.what = strings.TrimSpace(rest)
		case !keyed:
		case key == "ends":
			a.ends = strings.Split(value, "|")
		case key == "limits":
			if err := json.Unmarshal([]byte(value), &a.limits); err != nil {
				t.Fatalf("%s: limits: %v", name, err)
			}
		case key == "post":
			at := strings.LastIndexByte(value, ' ')
			n, err := strconv.Atoi(value[at+1:])
			if err != nil {
				t.Fatalf("%s: post: %v", name, err)
			}
			a.post = strings.Repeat(value[:at], n)
		case key == "source":
			a.source = expand(value)
		case key == "map":
			a.smap = expand(value)
		}
	}
	if a.limits["timeout"] == nil {
		a.limits["timeout"] = "8s" // its end comes sooner, where it is not waited for
		if slices.Equal(a.ends, []string{"timeout"}) {
			a.limits["timeout"] = "1s"
		}
	}
	if a.deadline(t) > patience {
		a.limits["timeout"] = patience.String()
	}
	return a
}

// deadline is when the attack is over at the latest.
func (a attack) deadline(t *testing.T) time.Duration {
	t.Helper()
	var all time.Duration
	for _, key := range []string{"timeout", "stream"} {
		text, ok := a.limits[key].(string)
		if !ok || key == "stream" && !slices.Contains(a.ends, "cut") {
			continue
		}
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		all += d
	}
	return all
}

// result is how an attack ended.
type result struct {
	attack
	end    string
	took   time.Duration
	killed bool // its worker ended
	wrong  string
}

// writeTable puts what was measured into a document.
func writeTable(path string, results []result, summary string) error {
	var b strings.Builder
	b.WriteString("\n" + summary + "\n")
	kind := ""
	for _, r := range results {
		if r.kind != kind {
			kind = r.kind
			b.WriteString("\n### " + strings.TrimSuffix(kind, ".") + "\n\n| function | what it does | documented end | seen | time | worker |\n|---|---|---|---|---|---|\n")
		}
		worker := "lives"
		if r.killed {
			worker = "killed"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", r.name, strings.ReplaceAll(r.what, "|", "\\|"),
			strings.Join(r.ends, " or "), r.end, shortly(r.took), worker)
	}
	return marked.Replace(path, "hostile", b.String())
}

func shortly(d time.Duration) string {
	if d < 20*time.Millisecond {
		return strconv.FormatFloat(d.Seconds()*1000, 'f', 1, 64) + " ms"
	}
	if d < time.Second {
		return strconv.Itoa(int(d.Milliseconds())) + " ms"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) + " s"
}
