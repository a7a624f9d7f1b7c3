package function

import (
	"reflect"
	"strings"
)

// unknownKey refuses a key and names the one that was probably meant: a near miss
// at the same place, or the same word elsewhere.
func unknownKey(path, key string, t reflect.Type) error {
	at := join(path, clip(key))
	best, distance := "", 3
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if plainKey(name) == plainKey(key) {
			return badKey(at, "no such key; did you mean %q?", name)
		}
		if d := edits(key, name, distance); d < distance && d < len(name)-1 {
			best, distance = name, d
		}
	}
	if best != "" {
		return badKey(at, "no such key; did you mean %q?", best)
	}
	root, doc := fileOf(t)
	if elsewhere := findKey("", key, root); elsewhere != "" {
		return badKey(at, "no such key; did you mean %q?", elsewhere)
	}
	return badKey(at, "no such key; %s lists them all", doc)
}

// fileOf is the file that holds keys of the type, and the page that lists its keys.
func fileOf(t reflect.Type) (root reflect.Type, doc string) {
	switch t {
	case reflect.TypeFor[Pipeline](), reflect.TypeFor[Stage](), reflect.TypeFor[Requires](), reflect.TypeFor[Check]():
		return reflect.TypeFor[Pipeline](), "docs/delivery.md"
	}
	return reflect.TypeFor[Manifest](), "docs/manifest.md"
}

// findKey is the path of the key of that name, wherever it stands, or "".
func findKey(path, key string, t reflect.Type) string {
	if t.Kind() == reflect.Slice {
		t, path = t.Elem(), path+"[]"
	}
	if t.Kind() != reflect.Struct {
		return ""
	}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if plainKey(name) == plainKey(key) {
			return join(path, name)
		}
		if found := findKey(join(path, name), key, t.Field(i).Type); found != "" {
			return found
		}
	}
	return ""
}

// plainKey makes keys comparable that differ in case and separators only.
func plainKey(key string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(key))
}

// edits counts the letters to change, add, drop or swap between a and b; it gives
// up at most, since far words are no near miss.
func edits(a, b string, most int) int {
	if len(a) > len(b)+most || len(b) > len(a)+most {
		return most
	}
	before, row := []int(nil), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next := make([]int, len(b)+1)
		next[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next[j] = min(row[j]+1, next[j-1]+1, row[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row = row, next
	}
	return min(row[len(b)], most)
}
