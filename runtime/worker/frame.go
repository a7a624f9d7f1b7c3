package worker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
)

// kind says what a frame is. Of which side may send it, and how much of it, the
// tables fromChild and fromParent have the last word.
type kind uint8

// The frames. A stream is one invocation, numbered by the parent; with callBit set
// it is a call of another function, numbered by the child.
const (
	kindHello    kind = iota + 1 // child: {build, wire}, first
	kindAdopt                    // parent: what the worker is from now on, once
	kindLoad                     // parent: a version's bundle, under the index that REQ names
	kindDrop                     // parent: a function is deleted
	kindPrewarm                  // parent: compile an index; answered by READY or REFUSED
	kindReady                    // child
	kindRefused                  // child: of PREWARM, JOB or PROFILE
	kindNeed                     // child: wants LOAD of an index once more
	kindReq                      // parent: an invocation
	kindBody                     // both: bytes of a body, within the credit given
	kindEOF                      // both: a body's end; with text, what broke it
	kindWindow                   // both: credit for so many bytes more
	kindCancel                   // both: the stream is to end, and why
	kindHead                     // child of a stream, parent of a call: status and header
	kindEnd                      // child: Invoke's outcome; parent: a call's end
	kindDone                     // child: what waitUntil held has ended
	kindFreed                    // child: a VM that could not be stopped has stopped
	kindLog                      // child: a console line
	kindStats                    // child: once a second: its metrics, and that it lives
	kindMeasure                  // child: what a version counted
	kindCall                     // child: a fetch of another function
	kindJob                      // parent: compile a module
	kindBuilt                    // child
	kindProfile                  // parent: profile a version
	kindProfiled                 // child
	kindDrain                    // parent: end what runs, then exit
	kindSecrets                  // parent: a loaded version's secrets as they are now
	kindProcs                    // parent: run on so many processors, the stream's number; 0: on all
	kinds
)

const (
	headerSize = 9        // length, kind, stream
	maxPayload = 64 << 10 // of one frame; longer messages come in parts
	more       = 0x80     // in kind: another part of the message follows
	callBit    = 1 << 31  // in stream: a call made by the child
)

// wire is the version of all this. Parent and child are one program, so it only
// ever differs where somebody starts another by mistake.
const wire = 2

// bounds is how long a message of a kind may be; a kind without one is refused.
type bounds [kinds]int

// Bounds of messages.
const (
	maxHead    = 2 << 20
	maxBlob    = 64 << 20
	maxSecrets = 8 << 20
	maxParts   = 80 << 20 // of all unfinished messages together
)

// fromChild is what a parent takes. Its sender is not trusted.
var fromChild = bounds{
	kindHello: 1 << 10, kindReady: 1 << 10, kindRefused: 64 << 10, kindNeed: 16, kindBody: maxPayload, kindEOF: 4 << 10,
	kindWindow: 16, kindCancel: 4 << 10, kindHead: maxHead, kindEnd: 256 << 10, kindDone: 256 << 10, kindFreed: 16,
	kindLog: 1 << 20, kindStats: 256 << 10, kindMeasure: 2 << 20, kindCall: maxHead, kindBuilt: maxBlob, kindProfiled: maxBlob,
}

// fromParent is what a child takes.
var fromParent = bounds{
	kindAdopt: 1 << 20, kindLoad: maxBlob, kindDrop: 1 << 10, kindPrewarm: 16, kindReq: maxHead, kindBody: maxPayload, kindEOF: 4 << 10,
	kindWindow: 16, kindCancel: 4 << 10, kindHead: maxHead, kindEnd: 4 << 10, kindRefused: 1 << 10, kindJob: maxBlob, kindProfile: 1 << 10, kindDrain: 16,
	kindSecrets: maxSecrets, kindProcs: 16,
}

// errFrame is wrapped by every refusal of what the other side sent.
var errFrame = errors.New("malformed frame")

// frame is one whole message.
type frame struct {
	kind   kind
	stream uint32
	data   []byte // valid until the next one is read
}

// decoder reads frames. It takes nothing beyond its bounds.
type decoder struct {
	r      io.Reader
	bounds *bounds
	buf    []byte
	at     int // what was read and not looked at is buf[at:end]
	end    int
	parts  map[partKey][]byte // messages whose end is still to come
	held   int
}

type partKey struct {
	kind   kind
	stream uint32
}

// readSize holds the largest frame and, when there is much to do, many small ones.
const readSize = headerSize + maxPayload + 32<<10

func newDecoder(r io.Reader, b *bounds) *decoder {
	return &decoder{r: r, bounds: b, buf: make([]byte, readSize)}
}

// next returns the next message. Its error is the reader's, or wraps errFrame.
func (d *decoder) next() (frame, error) {
	for {
		f, last, err := d.part()
		if err != nil {
			return frame{}, err
		}
		key := partKey{f.kind, f.stream}
		before, begun := d.parts[key]
		if last && !begun {
			return f, nil
		}
		if len(before)+len(f.data) > d.bounds[f.kind] || d.held+len(f.data) > maxParts {
			return frame{}, fmt.Errorf("%w: a message of kind %d is too long", errFrame, f.kind)
		}
		if d.parts == nil {
			d.parts = map[partKey][]byte{}
		}
		whole := append(before, f.data...)
		if last {
			delete(d.parts, key)
			d.held -= len(before)
			return frame{f.kind, f.stream, whole}, nil
		}
		d.parts[key] = whole
		d.held += len(f.data)
	}
}

// part reads one frame, and says whether its message ends with it.
func (d *decoder) part() (f frame, last bool, err error) {
	for d.end-d.at < headerSize {
		if err := d.fill(headerSize); err != nil {
			return frame{}, false, err
		}
	}
	head := d.buf[d.at:]
	length := int(binary.LittleEndian.Uint32(head))
	k := kind(head[4])
	last = k&more == 0
	k &^= more
	if k == 0 || k >= kinds || d.bounds[k] == 0 {
		return frame{}, false, fmt.Errorf("%w: kind %d cannot come from here", errFrame, k)
	}
	if length > maxPayload || length > d.bounds[k] {
		return frame{}, false, fmt.Errorf("%w: kind %d with %d bytes", errFrame, k, length)
	}
	f = frame{kind: k, stream: binary.LittleEndian.Uint32(head[5:])}
	for d.end-d.at < headerSize+length {
		if err := d.fill(headerSize + length); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return frame{}, false, err
		}
	}
	f.data = d.buf[d.at+headerSize : d.at+headerSize+length]
	d.at += headerSize + length
	return f, last, nil
}

// fill reads more, making room for want bytes in one piece.
func (d *decoder) fill(want int) error {
	if d.at == d.end {
		d.at, d.end = 0, 0
	} else if d.at+want > len(d.buf) {
		d.end = copy(d.buf, d.buf[d.at:d.end])
		d.at = 0
	}
	runtime.Gosched() // those who were handed frames go first, and meanwhile more come
	n, err := d.r.Read(d.buf[d.end:])
	d.end += n
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// open begins a frame at the end of b; shut ends it.
func open(b []byte, k kind, stream uint32) []byte {
	b = append(b, 0, 0, 0, 0, byte(k))
	return binary.LittleEndian.AppendUint32(b, stream)
}

// shut writes the length of the frame that was opened at b[at:], and splits it
// where one frame cannot hold it.
func shut(b []byte, at int) []byte {
	length := len(b) - at - headerSize
	if length <= maxPayload {
		binary.LittleEndian.PutUint32(b[at:], uint32(length))
		return b
	}
	k, stream := kind(b[at+4]), binary.LittleEndian.Uint32(b[at+5:])
	payload := append([]byte(nil), b[at+headerSize:]...)
	b = b[:at]
	for len(payload) > maxPayload {
		b = appendPart(b, k|more, stream, payload[:maxPayload])
		payload = payload[maxPayload:]
	}
	return appendPart(b, k, stream, payload)
}

func appendPart(b []byte, k kind, stream uint32, payload []byte) []byte {
	b = open(b, k, stream)
	binary.LittleEndian.PutUint32(b[len(b)-headerSize:], uint32(len(payload)))
	return append(b, payload...)
}

// appendFrame writes a message.
func appendFrame(b []byte, k kind, stream uint32, payload []byte) []byte {
	at := len(b)
	return shut(append(open(b, k, stream), payload...), at)
}
