package promapi

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	"google.golang.org/protobuf/encoding/protowire"

	"hadron/storage/tsdb/intake"
)

// The messages of remote write are read from their bytes straight into the batch:
// no label, sample or series is allocated on the way, and a name that is compared
// with one that is known need not be copied. Histograms and exemplars, which are
// rarer and have many fields, are left to Prometheus's own messages. FuzzRemoteWrite
// holds both to what Prometheus's decoder makes of the same bytes.

// malformedError is a body that is not the message it says it is.
type malformedError struct{ what string }

func (e *malformedError) Error() string {
	return "the body is not a remote write message: " + e.what
}

func malformed(what string, args ...any) error {
	return &malformedError{fmt.Sprintf(what, args...)}
}

// unsafeString is text that lies in bytes; it must not outlive them.
func unsafeString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// fields calls each for every field of a message: value holds the bytes of a string or
// message, number those of the other wire types.
func fields(message []byte, each func(field protowire.Number, kind protowire.Type, value []byte, number uint64) error) error {
	for len(message) > 0 {
		field, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return malformed("a field's tag is broken")
		}
		message = message[n:]
		var (
			value  []byte
			number uint64
		)
		switch kind {
		case protowire.BytesType:
			value, n = protowire.ConsumeBytes(message)
		case protowire.VarintType:
			number, n = protowire.ConsumeVarint(message)
		case protowire.Fixed64Type:
			number, n = protowire.ConsumeFixed64(message)
		default:
			n = protowire.ConsumeFieldValue(field, kind, message)
		}
		if n < 0 {
			return malformed("field %d is cut off", field)
		}
		if err := each(field, kind, value, number); err != nil {
			return err
		}
		message = message[n:]
	}
	return nil
}

// short reads a field whose tag is the first byte, whose value is bytes and whose length takes one
// byte or two, as nearly all do; ok is false for others, which fields reads.
func short(message []byte) (value, rest []byte, ok bool) {
	if len(message) < 2 {
		return nil, nil, false
	}
	size, at := int(message[1]), 2
	if size >= 0x80 {
		if len(message) < 3 || message[2] >= 0x80 {
			return nil, nil, false
		}
		size, at = size&0x7f|int(message[2])<<7, 3
	}
	if size > len(message)-at {
		return nil, nil, false
	}
	return message[at : at+size], message[at+size:], true
}

// Tags of one byte, of fields whose value is bytes.
const (
	bytes1 = 1<<3 | byte(protowire.BytesType)
	bytes2 = 2<<3 | byte(protowire.BytesType)
)

// wrongType is a field that came as another wire type than it has.
func wrongType(field protowire.Number, kind, want protowire.Type) error {
	if kind != want {
		return malformed("field %d has wire type %d, not %d", field, kind, want)
	}
	return nil
}

type sample struct {
	value    float64
	t, start int64
}

func (s *sample) decode(message []byte) error {
	*s = sample{}
	for len(message) > 0 {
		// What every sender sends: a one-byte tag, then eight bytes or a varint.
		switch message[0] {
		case 1<<3 | byte(protowire.Fixed64Type):
			bits, n := protowire.ConsumeFixed64(message[1:])
			if n < 0 {
				return malformed("a sample's value is cut off")
			}
			s.value = math.Float64frombits(bits)
			message = message[1+n:]
			continue
		case 2<<3 | byte(protowire.VarintType), 3<<3 | byte(protowire.VarintType):
			number, n := protowire.ConsumeVarint(message[1:])
			if n < 0 {
				return malformed("a sample's time is cut off")
			}
			if message[0] == 2<<3 {
				s.t = int64(number)
			} else {
				s.start = int64(number)
			}
			message = message[1+n:]
			continue
		}
		field, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return malformed("a sample's tag is broken")
		}
		if field <= 3 {
			return malformed("field %d of a sample has wire type %d", field, kind)
		}
		more := protowire.ConsumeFieldValue(field, kind, message[n:])
		if more < 0 {
			return malformed("field %d of a sample is cut off", field)
		}
		message = message[n+more:]
	}
	return nil
}

// decoder holds what is used again from one series to the next.
type decoder struct {
	batch      *intake.Batch
	pairs      []labels.Label
	samples    []sample
	histograms [][]byte
	exemplars  [][]byte
	list       []exemplar.Exemplar
	symbols    []string
	refs       []uint32
	builder    labels.ScratchBuilder
}

func (d *decoder) reset() {
	d.pairs, d.samples, d.histograms, d.exemplars = d.pairs[:0], d.samples[:0], d.histograms[:0], d.exemplars[:0]
	d.list, d.refs = d.list[:0], d.refs[:0]
}

func (d *decoder) addSample(message []byte) error {
	d.samples = append(d.samples, sample{})
	return d.samples[len(d.samples)-1].decode(message)
}

// decodeV1 reads a prometheus.WriteRequest.
func decodeV1(batch *intake.Batch, body []byte) error {
	d := decoder{batch: batch}
	return fields(body, func(field protowire.Number, kind protowire.Type, value []byte, _ uint64) error {
		switch field {
		case 1:
			if err := wrongType(field, kind, protowire.BytesType); err != nil {
				return err
			}
			return d.seriesV1(value)
		case 3:
			if err := wrongType(field, kind, protowire.BytesType); err != nil {
				return err
			}
			return d.metadataV1(value)
		default: // of a newer version
		}
		return nil
	})
}

func (d *decoder) seriesV1(message []byte) error {
	d.reset()
	for len(message) > 0 && (message[0] == bytes1 || message[0] == bytes2) {
		value, rest, ok := short(message)
		if !ok {
			break
		}
		var err error
		if message[0] == bytes1 {
			err = d.labelV1(value)
		} else {
			err = d.addSample(value)
		}
		if err != nil {
			return err
		}
		message = rest
	}
	err := fields(message, func(field protowire.Number, kind protowire.Type, value []byte, _ uint64) error {
		if field > 4 {
			return nil
		}
		if err := wrongType(field, kind, protowire.BytesType); err != nil {
			return err
		}
		switch field {
		case 1:
			return d.labelV1(value)
		case 2:
			return d.addSample(value)
		case 3:
			d.exemplars = append(d.exemplars, value)
		case 4:
			d.histograms = append(d.histograms, value)
		default: // of a newer version
		}
		return nil
	})
	if err != nil {
		return err
	}
	series, refused := d.batch.Series(d.pairs)
	if refused != nil {
		d.batch.Refuse(len(d.samples)+len(d.histograms), refused)
		return nil
	}
	if err := d.addFloats(series); err != nil {
		return err
	}
	for _, message := range d.histograms {
		var h prompb.Histogram
		if err := h.Unmarshal(message); err != nil {
			return malformed("a histogram: %v", err)
		}
		if h.IsFloatHistogram() {
			err = d.batch.Histogram(series, 0, h.Timestamp, nil, h.ToFloatHistogram())
		} else {
			err = d.batch.Histogram(series, 0, h.Timestamp, h.ToIntHistogram(), nil)
		}
		if err != nil {
			return err
		}
	}
	for _, message := range d.exemplars {
		var e prompb.Exemplar
		if err := e.Unmarshal(message); err != nil {
			return malformed("an exemplar: %v", err)
		}
		d.list = append(d.list, e.ToExemplar(&d.builder, nil))
	}
	return d.addExemplars(series)
}

func (d *decoder) addFloats(series *intake.Series) error {
	for i := range d.samples {
		s := &d.samples[i]
		if err := d.batch.Float(series, s.start, s.t, s.value); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) addExemplars(series *intake.Series) error {
	if len(d.list) == 0 {
		return nil
	}
	return d.batch.Exemplars(series, d.list)
}

func (d *decoder) labelV1(message []byte) error {
	if len(message) > 0 && message[0] == bytes1 {
		name, rest, ok := short(message)
		if ok && len(rest) > 0 && rest[0] == bytes2 {
			if value, rest, ok := short(rest); ok && len(rest) == 0 {
				d.pairs = append(d.pairs, labels.Label{Name: unsafeString(name), Value: unsafeString(value)})
				return nil
			}
		}
	}
	var l labels.Label
	err := fields(message, func(field protowire.Number, kind protowire.Type, value []byte, _ uint64) error {
		if field > 2 {
			return nil
		}
		if err := wrongType(field, kind, protowire.BytesType); err != nil {
			return err
		}
		if field == 1 {
			l.Name = unsafeString(value)
		} else {
			l.Value = unsafeString(value)
		}
		return nil
	})
	d.pairs = append(d.pairs, l)
	return err
}

func (d *decoder) metadataV1(message []byte) error {
	var m prompb.MetricMetadata
	if err := m.Unmarshal(message); err != nil {
		return malformed("metadata: %v", err)
	}
	d.batch.Describe(m.MetricFamilyName, intake.Metadata{Type: typeNames[int(m.Type)&7], Help: m.Help, Unit: m.Unit})
	return nil
}

// typeNames are the types of metrics as both versions number them.
var typeNames = [8]string{"unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset"}
