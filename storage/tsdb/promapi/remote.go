package promapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"

	"github.com/golang/snappy"
	remoteapi "github.com/prometheus/client_golang/exp/api/remote"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/storage/remote"
)

// maxReadRequestBytes bounds the request of a remote read, which only holds
// matchers.
const maxReadRequestBytes = 1 << 20

// remoteWrite takes remote write 1.0 and 2.0.
func (a *api) remoteWrite() http.Handler {
	accepted := remoteapi.MessageTypes{remoteapi.WriteV1MessageType, remoteapi.WriteV2MessageType}
	// Silent: it would log each sample that a sender has wrong, which the answer
	// says as well.
	store := remote.NewWriteHandler(slog.New(slog.DiscardHandler), a.Registerer, a.store, accepted, false, false)
	return a.checked(a.MaxWriteBytes, func(contentType string) error {
		message, err := remoteapi.ParseProtoMsg(contentType)
		if err == nil && !accepted.Contains(message) {
			err = fmt.Errorf("%s is not taken here", message)
		}
		return err
	}, store)
}

// writers lets through who may write: a sample bears whatever team it says.
func (a *api) writers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.MayWrite != nil && !a.MayWrite(r) {
			http.Error(w, "writing samples needs an admin's token of the whole installation", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
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
