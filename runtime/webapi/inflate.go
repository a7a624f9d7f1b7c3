package webapi

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"iter"
	"sync"

	"github.com/andybalholm/brotli"
)

// compressions are the formats of CompressionStream and DecompressionStream.
var compressions = []string{"brotli", "deflate", "deflate-raw", "gzip"}

// compressor makes what compresses into w.
func compressor(format string, w io.Writer) io.WriteCloser {
	switch format {
	case "gzip":
		return gzip.NewWriter(w)
	case "deflate":
		return zlib.NewWriter(w)
	case "brotli":
		return brotli.NewWriter(w)
	}
	raw, _ := flate.NewWriter(w, flate.DefaultCompression) // fails for unknown levels only
	return raw
}

// decompressor makes what decompresses what r holds; one stream, not several in a
// row.
func decompressor(format string, r io.Reader) (io.Reader, error) {
	switch format {
	case "gzip":
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, err
		}
		z.Multistream(false)
		return z, nil
	case "deflate":
		return zlib.NewReader(r)
	case "brotli":
		return brotli.NewReader(r), nil
	}
	return flate.NewReader(r), nil
}

var (
	errTrailing = errors.New("there is more behind the end of the compressed data")
	errCutOff   = errors.New("the compressed data ends too early")
	errInflated = errors.New("the data is longer than this function may hold once decompressed")
	errCorrupt  = errors.New("the compressed data is malformed")
)

// inflater decompresses what it is handed piece by piece. Go's decompressors pull
// and this one is pushed: they run as a coroutine that stands still while there is
// nothing to read.
type inflater struct {
	mu     sync.Mutex // stop comes from elsewhere
	next   func() (struct{}, bool)
	stop   func()
	in     []byte
	last   bool // nothing comes after in
	out    bytes.Buffer
	most   int64 // of the output of one piece
	err    error
	ended  bool // the compressed data is whole
	yield  func(struct{}) bool
	closed bool
}

func newInflater(format string, most int64) *inflater {
	f := &inflater{most: most}
	f.next, f.stop = iter.Pull(func(yield func(struct{}) bool) {
		f.yield = yield
		f.err = f.run(format)
	})
	return f
}

func (f *inflater) run(format string) (err error) {
	defer contained(&err)
	r, err := decompressor(format, f)
	if err != nil {
		return inflateError(err)
	}
	buf := make([]byte, 16<<10)
	for {
		n, err := r.Read(buf)
		f.out.Write(buf[:n])
		if int64(f.out.Len()) > f.most {
			return errInflated
		}
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			f.ended = true
			return nil
		}
		if err != nil {
			return inflateError(err)
		}
	}
}

// contained makes an error of what panics within a decompressor.
func contained(err *error) {
	if p := recover(); p != nil {
		*err = errCorrupt
	}
}

func inflateError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errCutOff
	}
	return errCorrupt
}

// await stands still until there is something to read.
func (f *inflater) await() bool {
	for len(f.in) == 0 {
		if f.last || !f.yield(struct{}{}) {
			return false
		}
	}
	return true
}

// Read is for the decompressor.
func (f *inflater) Read(p []byte) (int, error) {
	if !f.await() {
		return 0, io.EOF
	}
	n := copy(p, f.in)
	f.in = f.in[n:]
	return n, nil
}

// ReadByte is for the decompressor: with it, nothing is read beyond the end.
func (f *inflater) ReadByte() (byte, error) {
	if !f.await() {
		return 0, io.EOF
	}
	c := f.in[0]
	f.in = f.in[1:]
	return c, nil
}

// write takes a piece and returns what came of it. The result is the caller's.
func (f *inflater) write(b []byte, last bool) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.in, f.last = b, last
	if !f.ended && f.err == nil && !f.closed {
		f.next()
	}
	out := f.out.Bytes()
	f.out = bytes.Buffer{}
	switch {
	case f.err != nil:
	case f.ended && len(f.in) > 0:
		f.err = errTrailing
	case last && !f.ended:
		f.err = errCutOff
	}
	f.in = nil
	return out, f.err
}

// close gives the coroutine up; from any goroutine.
func (f *inflater) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.closed = true
		f.stop()
	}
}

// contentDecoder decompresses a response as its Content-Encoding says. The raw body
// stays in reach for who passes it on as it is.
type contentDecoder struct {
	raw    io.ReadCloser
	coding string
	reader io.Reader // made at the first read
}

// codings are the content codings that are asked for and understood.
var codings = map[string]string{"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate", "br": "brotli"}

func (d *contentDecoder) Read(p []byte) (n int, err error) {
	defer contained(&err)
	if d.reader == nil {
		raw := bufio.NewReader(d.raw)
		if _, err := raw.Peek(1); err != nil {
			return 0, err // nothing at all is nothing, decoded
		}
		format := codings[d.coding]
		if format == "deflate" {
			// Some servers send deflate without its envelope, and always have.
			if head, err := raw.Peek(2); err != nil || head[0]&0x0f != 8 || (int(head[0])<<8|int(head[1]))%31 != 0 {
				format = "deflate-raw"
			}
		}
		r, err := d.open(format, raw)
		if err != nil {
			return 0, errCorrupt
		}
		d.reader = r
	}
	return d.reader.Read(p)
}

func (d *contentDecoder) open(format string, raw io.Reader) (io.Reader, error) {
	if format == "gzip" {
		return gzip.NewReader(raw) // which may hold several streams in a row
	}
	return decompressor(format, raw)
}

func (d *contentDecoder) Close() error { return d.raw.Close() }
