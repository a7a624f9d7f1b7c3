package function

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// checkShape says which key of a file's JSON is unknown or of the wrong kind,
// by its whole path: encoding/json names neither path nor near miss, and takes
// keys in any case.
func checkShape(data []byte, root reflect.Type) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var raw any
	if err := dec.Decode(&raw); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return badKey("", "not JSON: it ends too early")
		}
		return badKey("", "not JSON: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return badKey("", "there is more behind the first JSON value")
	}
	return shape("", raw, root)
}

// neverEmpty are the keys whose empty text would silently mean the default.
var neverEmpty = []string{
	"name", "function", "entry", "runbook", "access", "isolation", "compatibility_date", "delivery.strategy", "delivery.probe.path",
}

func shape(path string, v any, t reflect.Type) error {
	if v == nil {
		return badKey(path, "null stands where %s is expected; leave the key out to have its default", kindName(t))
	}
	switch t {
	case reflect.TypeFor[Duration]():
		return shapeOfText(path, v, t, func(s string) error {
			if path == "slo.window" && !slices.Contains(strings.Fields(windowNames()), s) {
				return badKey(path, "is one of %s", windowNames())
			}
			_, err := ParseDuration(s)
			return err
		})
	case reflect.TypeFor[Size]():
		return shapeOfText(path, v, t, func(s string) error {
			_, err := ParseSize(s)
			return err
		})
	}
	switch t.Kind() {
	case reflect.Struct:
		return shapeOfStruct(path, v, t)
	case reflect.Slice:
		list, ok := v.([]any)
		if !ok {
			return wrongKind(path, v, t)
		}
		for i, item := range list {
			if err := shape(indexed(path, i), item, t.Elem()); err != nil {
				return err
			}
		}
		return nil
	case reflect.Map:
		return shapeOfMap(path, v, t)
	case reflect.String:
		return shapeOfText(path, v, t, func(s string) error {
			if s == "" && (slices.Contains(neverEmpty, path) || strings.HasPrefix(path, "stages[")) {
				return badKey(path, "is empty; leave the key out to have its default")
			}
			return nil
		})
	case reflect.Bool:
		if _, ok := v.(bool); !ok {
			return wrongKind(path, v, t)
		}
		return nil
	default:
		return shapeOfNumber(path, v, t)
	}
}

func shapeOfStruct(path string, v any, t reflect.Type) error {
	object, ok := v.(map[string]any)
	if !ok {
		return wrongKind(path, v, t)
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		field, ok := fieldOf(t, key)
		if !ok {
			return unknownKey(path, key, t)
		}
		if err := shape(join(path, key), object[key], field.Type); err != nil {
			return err
		}
	}
	return nil
}

func shapeOfMap(path string, v any, t reflect.Type) error {
	object, ok := v.(map[string]any)
	if !ok {
		return wrongKind(path, v, t)
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if err := shape(join(path, clip(key)), object[key], t.Elem()); err != nil {
			return err
		}
	}
	return nil
}

func shapeOfText(path string, v any, t reflect.Type, check func(string) error) error {
	s, ok := v.(string)
	if !ok {
		return wrongKind(path, v, t)
	}
	err := check(s)
	var keyed *ManifestError
	if err == nil || errors.As(err, &keyed) {
		return err
	}
	return badKey(path, "%v", err)
}

func shapeOfNumber(path string, v any, t reflect.Type) error {
	n, ok := v.(json.Number)
	if !ok {
		return wrongKind(path, v, t)
	}
	if t.Kind() == reflect.Int {
		whole, err := n.Int64()
		if err != nil || whole < 1 || whole > maxCount {
			return badKey(path, "a whole number from 1 to %d", maxCount)
		}
		return nil
	}
	if f, err := n.Float64(); err != nil || f == 0 {
		// A zero would silently mean the default.
		return badKey(path, "%s is out of range", clip(n.String()))
	}
	return nil
}

// maxCount bounds whole numbers, below what any machine's int holds.
const maxCount = 1_000_000

func fieldOf(t reflect.Type, key string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name == key {
			return t.Field(i), true
		}
	}
	return reflect.StructField{}, false
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func wrongKind(path string, v any, t reflect.Type) error {
	got := "text"
	switch v.(type) {
	case bool:
		got = "true or false"
	case json.Number:
		got = "a number"
	case []any:
		got = "a list"
	case map[string]any:
		got = "an object"
	}
	return badKey(path, "%s stands where %s is expected", got, kindName(t))
}

func kindName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[Duration]():
		return `a duration, such as "2s",`
	case reflect.TypeFor[Size]():
		return `a size, such as "64MiB",`
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "an object of keys and values"
	case reflect.Slice:
		return "a list"
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	default:
		return "a number"
	}
}
