package promapi

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/golang/snappy"
	remoteapi "github.com/prometheus/client_golang/exp/api/remote"

	"hadron/storage/tsdb"
	"hadron/storage/tsdb/intake"
)

// readTimeout bounds how long the body of a write may take to arrive.
const readTimeout = 30 * time.Second

// buffers hold bodies while they are decoded.
var buffers = sync.Pool{New: func() any { return new(buffer) }}

type buffer struct{ packed, plain []byte }

// mostKept is the largest buffer that is kept for the next request.
const mostKept = 4 << 20

func (b *buffer) free() {
	if cap(b.packed)+cap(b.plain) <= mostKept {
		buffers.Put(b)
	}
}

// bodyError is what is wrong with a body, with its status.
type bodyError struct {
	status int
	text   string
}

func (e *bodyError) Error() string { return e.text }

func tooLarge(what string, limit int64) error {
	return &bodyError{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body %s more than %d bytes: send smaller batches", what, limit)}
}

// read takes a body of at most limit bytes into the buffer.
func (b *buffer) read(w http.ResponseWriter, r *http.Request, limit int64) error {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(readTimeout)) // a test's recorder has none
	var err error
	if b.packed, err = readAll(b.packed[:0], http.MaxBytesReader(w, r.Body, limit)); err != nil {
		var over *http.MaxBytesError
		if errors.As(err, &over) {
			return tooLarge("has", limit)
		}
		return &bodyError{http.StatusBadRequest, "the body did not arrive whole: " + err.Error()}
	}
	return nil
}

// unpack returns what was read as it was before it was packed, at most limit bytes. It lies in
// the buffer.
func (b *buffer) unpack(encoding string, limit int64) ([]byte, error) {
	switch encoding {
	case "", "identity":
		return b.packed, nil
	case "snappy":
		size, err := snappy.DecodedLen(b.packed)
		if err == nil && int64(size) > limit {
			return nil, tooLarge("unpacks to", limit)
		}
		if err == nil {
			b.plain, err = snappy.Decode(b.plain[:cap(b.plain)], b.packed)
		}
		if err != nil {
			return nil, &bodyError{http.StatusBadRequest, "the body is not snappy: " + err.Error()}
		}
		return b.plain, nil
	case "gzip":
		unzip, err := gzip.NewReader(strings.NewReader(unsafeString(b.packed)))
		if err == nil {
			b.plain, err = readAll(b.plain[:0], io.LimitReader(unzip, limit+1))
		}
		if err != nil {
			return nil, &bodyError{http.StatusBadRequest, "the body is not gzip: " + err.Error()}
		}
		if int64(len(b.plain)) > limit {
			return nil, tooLarge("unpacks to", limit)
		}
		return b.plain, nil
	default:
		return nil, &bodyError{http.StatusUnsupportedMediaType, "the encoding is " + strconv.Quote(encoding)}
	}
}

// readAll is io.ReadAll into a slice that is there.
func readAll(into []byte, from io.Reader) ([]byte, error) {
	for {
		if len(into) == cap(into) {
			into = append(into, make([]byte, max(16<<10, len(into)))...)[:len(into)]
		}
		n, err := from.Read(into[len(into):cap(into)])
		into = into[:len(into)+n]
		if errors.Is(err, io.EOF) {
			return into, nil
		}
		if err != nil {
			return into, err
		}
	}
}

// taking runs what stores one body: it lets the sender in, reads, waits its turn, and answers a
// body that cannot be read through fail. Full is the status for a sender that has too many already; 0: 429.
func (a *api) taking(w http.ResponseWriter, r *http.Request, full int, fail func(status int, text string), take func(ctx context.Context, body []byte)) {
	leave, status := a.admission.enter(a.sender(r).Key())
	if leave == nil {
		if full > 0 {
			status = full
		}
		retryLater(w, status)
		return
	}
	defer leave()
	b := buffers.Get().(*buffer)
	defer b.free()
	err := b.read(w, r, a.MaxWriteBytes)
	if err != nil {
		failBody(err, fail)
		return
	}
	ctx, stop := a.DB.Bind(r.Context())
	defer stop()
	done, err := a.admission.turn(ctx)
	if err != nil {
		retryLater(w, http.StatusServiceUnavailable)
		return
	}
	defer done()
	body, err := b.unpack(r.Header.Get("Content-Encoding"), a.MaxWriteBytes)
	if err != nil {
		failBody(err, fail)
		return
	}
	take(ctx, body)
}

func failBody(err error, fail func(status int, text string)) {
	var about *bodyError
	if errors.As(err, &about) {
		fail(about.status, about.text)
	}
}

// remoteWrite takes remote write 1.0 and 2.0. Where some of a request is refused the
// rest is stored, and the answer is 400, which no sender tries again.
func (a *api) remoteWrite(w http.ResponseWriter, r *http.Request) {
	message := remoteapi.WriteV1MessageType
	if contentType := r.Header.Get("Content-Type"); contentType != "" {
		var err error
		if message, err = remoteapi.ParseProtoMsg(contentType); err != nil {
			http.Error(w, err.Error(), http.StatusUnsupportedMediaType)
			return
		}
	}
	switch r.Header.Get("Content-Encoding") {
	case "":
		r.Header.Set("Content-Encoding", "snappy") // 0.1.0 senders leave it out
	case "snappy":
	default:
		http.Error(w, "the encoding of a remote write must be snappy, not "+strconv.Quote(r.Header.Get("Content-Encoding")), http.StatusUnsupportedMediaType)
		return
	}
	fail := func(status int, text string) { http.Error(w, text, status) }
	// Not 429: the specification lets senders drop what was answered so, and a Prometheus without
	// retry_on_http_429 does; a 5xx they must send again.
	a.taking(w, r, http.StatusServiceUnavailable, fail, func(ctx context.Context, body []byte) {
		batch := a.Intake.Begin(ctx, a.sender(r))
		decode := decodeV1
		if message == remoteapi.WriteV2MessageType {
			decode = decodeV2
		}
		err := decode(batch, body)
		if err == nil {
			err = batch.Commit()
		} else {
			err = errors.Join(err, batch.Rollback())
		}
		var malformed *malformedError
		switch {
		case errors.As(err, &malformed):
			batch.Outcome = intake.Outcome{}
			written(w, message, batch.Outcome)
			fail(http.StatusBadRequest, err.Error())
		case errors.Is(err, tsdb.ErrClosed):
			retryLater(w, http.StatusServiceUnavailable)
		case err != nil:
			a.Logger.Error("remote write was not stored", "error", err)
			written(w, message, intake.Outcome{})
			fail(http.StatusInternalServerError, "the store failed; send again")
		default:
			written(w, message, batch.Outcome)
			if len(batch.Outcome.Errors) > 0 {
				fail(http.StatusBadRequest, refusals(batch.Outcome))
				return
			}
			w.WriteHeader(http.StatusNoContent)
		}
	})
}

// written tells a sender of 2.0 what was stored, also where that is nothing.
func written(w http.ResponseWriter, message remoteapi.WriteMessageType, o intake.Outcome) {
	if message != remoteapi.WriteV2MessageType {
		return
	}
	w.Header().Set("X-Prometheus-Remote-Write-Samples-Written", strconv.Itoa(o.Samples))
	w.Header().Set("X-Prometheus-Remote-Write-Histograms-Written", strconv.Itoa(o.Histograms))
	w.Header().Set("X-Prometheus-Remote-Write-Exemplars-Written", strconv.Itoa(o.Exemplars))
}

// refusals are the first errors of a batch, a line each.
func refusals(o intake.Outcome) string {
	text := fmt.Sprintf("%d samples were refused, %d stored:", o.Refused, o.Samples+o.Histograms)
	for _, err := range o.Errors {
		text += "\n" + err.Error()
	}
	return text
}
