package promapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/storage/remote"

	"hadron/collector/contract"
)

// maxReadRequestBytes bounds the request of a remote read, which only holds
// matchers.
const maxReadRequestBytes = 1 << 20

// writers lets through who may write at all; what they may write is Intake's business.
func (a *api) writers(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.sender(r).Nobody() {
			http.Error(w, "writing samples needs a deployer's token of a team, which writes that team's series, or an admin's of the whole installation", http.StatusForbidden)
			return
		}
		next(w, r)
	})
}

// sender is whose series a request writes.
func (a *api) sender(r *http.Request) contract.Sender {
	if a.Sender == nil {
		return contract.Operator
	}
	return a.Sender(r)
}

// remoteRead gives raw samples or streamed chunks, as the reader prefers.
func (a *api) remoteRead() http.Handler {
	const frame = 1 << 20 // bytes of a streamed chunk frame, Prometheus's default
	read := remote.NewReadHandler(a.Logger, a.Registerer, a.store,
		func() config.Config { return config.DefaultConfig }, a.MaxReadSamples, a.MaxReads, frame)
	return a.checked(maxReadRequestBytes, func(contentType string) error {
		if kind, _, err := mime.ParseMediaType(contentType); err != nil || kind != "application/x-protobuf" {
			return fmt.Errorf("expected application/x-protobuf, got %q", contentType)
		}
		return nil
	}, a.queued(read))
}

// queued waits for the caller's turn, as a query does.
func (a *api) queued(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), a.DB.QueryTimeout())
		defer cancel()
		leave, err := a.take(ctx, r)
		if err != nil {
			w.Header().Set("Retry-After", "1")
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		defer leave()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// checked refuses a wrong content type or encoding (415) and a body that is, or
// would unpack to, more than limit (413), before next sees it.
func (a *api) checked(limit int64, check func(contentType string) error, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if contentType := r.Header.Get("Content-Type"); contentType != "" {
			if err := check(contentType); err != nil {
				http.Error(w, err.Error(), http.StatusUnsupportedMediaType)
				return
			}
		}
		if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "snappy" {
			http.Error(w, fmt.Sprintf("the encoding must be snappy, not %q", encoding), http.StatusUnsupportedMediaType)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
		if err != nil {
			status := http.StatusBadRequest
			var tooLarge *http.MaxBytesError
			if errors.As(err, &tooLarge) {
				status = http.StatusRequestEntityTooLarge
			}
			http.Error(w, err.Error(), status)
			return
		}
		unpacked, err := snappy.DecodedLen(body)
		if err != nil {
			http.Error(w, "the body is not snappy: "+err.Error(), http.StatusBadRequest)
			return
		}
		if int64(unpacked) > limit {
			http.Error(w, fmt.Sprintf("the body unpacks to more than %d bytes", limit), http.StatusRequestEntityTooLarge)
			return
		}
		ctx, stop := a.DB.Bind(a.withVisibility(r.Context(), r))
		defer stop()
		r = r.WithContext(ctx)
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}
