package api

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Bodies are read here and not by huma: huma parses a body twice, takes at most
// 1 MiB in 5 s by default, and leaves its read deadline on the connection, which
// then ends the request's context while a version is still being built.

const (
	smallBody       = 64 << 10
	bodyReadTimeout = time.Minute
)

// decode reads the request's JSON body into out, at most limit bytes of it. Its
// error is a *problem; of an empty body it wraps io.EOF.
func decode(c *call, limit int64, out any) error {
	rc := http.NewResponseController(c.w)
	_ = rc.SetReadDeadline(time.Now().Add(bodyReadTimeout)) // a ResponseWriter without deadlines has a server with its own
	dec := json.NewDecoder(http.MaxBytesReader(c.w, c.r.Body, limit))
	dec.DisallowUnknownFields()
	err := dec.Decode(out)
	if err == nil {
		if _, err = dec.Token(); errors.Is(err, io.EOF) {
			_ = rc.SetReadDeadline(time.Time{})
			return nil
		} else if err == nil {
			err = errTrailing
		}
	}
	return bodyProblem(err)
}

var errTrailing = errors.New("there is more behind the first JSON value")

func bodyProblem(err error) *problem {
	var (
		large   *http.MaxBytesError
		timeout net.Error
		typed   *json.UnmarshalTypeError
	)
	switch {
	case errors.As(err, &large):
		return refuse(http.StatusRequestEntityTooLarge, "body_too_large", "The body is over %d bytes, the most this route takes.", large.Limit)
	case errors.As(err, &timeout) && timeout.Timeout():
		return refuse(http.StatusRequestTimeout, "request_timeout", "The body did not arrive within %s.", bodyReadTimeout)
	case errors.As(err, &typed):
		return refuse(http.StatusBadRequest, "invalid_request", "In the body, %q is a %s where a %s is expected.", typed.Field, typed.Value, jsonKind(typed.Type))
	case errors.Is(err, io.EOF):
		p := refuse(http.StatusBadRequest, "invalid_request", "The body is empty; send JSON.")
		p.cause = io.EOF
		return p
	}
	return refuse(http.StatusBadRequest, "invalid_request", "The body is not the JSON expected: %s.", strings.TrimPrefix(err.Error(), "json: "))
}

func jsonKind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Slice, reflect.Array:
		return "list"
	case reflect.Struct, reflect.Map:
		return "object"
	default:
		return "whole number"
	}
}

// documentBody describes the body that decode reads; huma is told after the
// route was made, so that it does not read it itself.
func (a *api) documentBody(rt route) {
	if rt.body == nil {
		return
	}
	item := a.huma.OpenAPI().Paths[rt.path]
	op := map[string]*huma.Operation{http.MethodPost: item.Post, http.MethodPut: item.Put}[rt.method]
	t := reflect.TypeOf(rt.body)
	op.RequestBody = &huma.RequestBody{
		Required: true,
		Content:  map[string]*huma.MediaType{"application/json": {Schema: a.huma.OpenAPI().Components.Schemas.Schema(t, true, t.Name())}},
	}
}
