package promapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	jsoniter "github.com/json-iterator/go"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/util/annotations"

	"hadron/storage/tsdb"
)

// The error types of the API with their statuses.
type errorKind struct {
	name   string
	status int
}

var (
	kindBadData     = errorKind{"bad_data", http.StatusBadRequest}
	kindTooLarge    = errorKind{"bad_data", http.StatusRequestEntityTooLarge}
	kindForbidden   = errorKind{"forbidden", http.StatusForbidden}
	kindExecution   = errorKind{"execution", http.StatusUnprocessableEntity}
	kindCanceled    = errorKind{"canceled", 499} // nginx's: the client left
	kindTimeout     = errorKind{"timeout", http.StatusServiceUnavailable}
	kindInternal    = errorKind{"internal", http.StatusInternalServerError}
	kindUnavailable = errorKind{"unavailable", http.StatusServiceUnavailable}
)

type apiError struct {
	kind errorKind
	err  error
}

func (e *apiError) Error() string { return e.err.Error() }
func (e *apiError) Unwrap() error { return e.err }

func badData(err error) error { return &apiError{kindBadData, err} }

func badDataText(text string) error { return badData(errors.New(text)) }

// classify gives an error its type: the endpoint's own, else by what failed.
func classify(ctx context.Context, err error) *apiError {
	var (
		own      *apiError
		canceled promql.ErrQueryCanceled
		timeout  promql.ErrQueryTimeout
		store    promql.ErrStorage
	)
	switch {
	case errors.Is(err, tsdb.ErrClosed), errors.Is(context.Cause(ctx), tsdb.ErrClosed):
		return &apiError{kindUnavailable, tsdb.ErrClosed}
	case isBusy(err), errors.Is(err, tsdb.ErrElsewhere):
		return &apiError{kindUnavailable, err}
	case errors.As(err, &own):
		return own
	case errors.As(err, &canceled), errors.Is(err, context.Canceled):
		return &apiError{kindCanceled, err}
	case errors.As(err, &timeout), errors.Is(err, context.DeadlineExceeded):
		return &apiError{kindTimeout, err}
	case errors.As(err, &store):
		return &apiError{kindInternal, err}
	}
	return &apiError{kindExecution, err}
}

// result is the data of a successful answer. The zero value is 204.
type result struct {
	data     any                    // encoded as it is, unless
	encode   func(*jsoniter.Stream) // is given; it flushes when it likes
	warnings annotations.Annotations
	query    string // positions in warnings refer to it
	close    func() // called after the answer was written
}

// flushAt is how much of an answer is gathered before it is sent.
const flushAt = 64 << 10

func (a *api) writeResult(w http.ResponseWriter, r *http.Request, answer result) {
	if answer.encode == nil && answer.data == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	stream := jsoniter.NewStream(jsoniter.ConfigCompatibleWithStandardLibrary, w, 4<<10)
	stream.WriteRaw(`{"status":"success","data":`)
	if answer.encode != nil {
		answer.encode(stream)
	} else {
		stream.WriteVal(answer.data)
	}
	warnings, infos := answer.warnings.AsStrings(answer.query, 10, 10)
	writeNotes(stream, "warnings", warnings)
	writeNotes(stream, "infos", infos)
	stream.WriteObjectEnd()
	if err := stream.Flush(); err != nil && r.Context().Err() == nil {
		a.Logger.Debug("answer was not delivered", "path", r.URL.Path, "error", err)
	}
}

func writeNotes(stream *jsoniter.Stream, name string, notes []string) {
	if len(notes) == 0 {
		return
	}
	stream.WriteMore()
	stream.WriteObjectField(name)
	stream.WriteVal(notes)
}

func writeError(w http.ResponseWriter, ctx context.Context, failure error) {
	known := classify(ctx, failure)
	body, err := json.Marshal(struct {
		Status string `json:"status"`
		Type   string `json:"errorType"`
		Error  string `json:"error"`
	}{"error", known.kind.name, known.err.Error()})
	if err != nil { // strings always marshal
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if isBusy(failure) {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(known.kind.status)
	_, _ = w.Write(body)
}
