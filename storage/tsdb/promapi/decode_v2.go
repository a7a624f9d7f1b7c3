package promapi

import (
	"errors"
	"fmt"

	"github.com/prometheus/prometheus/model/labels"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"
	"google.golang.org/protobuf/encoding/protowire"

	"hadron/storage/tsdb/intake"
)

// decodeV2 reads an io.prometheus.write.v2.Request: its symbols first, wherever they
// stand.
func decodeV2(batch *intake.Batch, body []byte) error {
	d := decoder{batch: batch}
	err := fields(body, func(field protowire.Number, kind protowire.Type, value []byte, _ uint64) error {
		if field != 4 {
			return nil
		}
		d.symbols = append(d.symbols, unsafeString(value))
		return wrongType(field, kind, protowire.BytesType)
	})
	if err != nil {
		return err
	}
	return fields(body, func(field protowire.Number, kind protowire.Type, value []byte, _ uint64) error {
		if field != 5 {
			return nil
		}
		if err := wrongType(field, kind, protowire.BytesType); err != nil {
			return err
		}
		return d.seriesV2(value)
	})
}

type metadataRefs struct {
	kind       uint64
	help, unit uint64
}

func (d *decoder) seriesV2(message []byte) error {
	d.reset()
	var about metadataRefs
	for len(message) > 0 && (message[0] == bytes1 || message[0] == bytes2) {
		value, rest, ok := short(message)
		if !ok {
			break
		}
		var err error
		if message[0] == bytes1 {
			err = d.labelRefs(protowire.BytesType, value, 0)
		} else {
			err = d.addSample(value)
		}
		if err != nil {
			return err
		}
		message = rest
	}
	err := fields(message, func(field protowire.Number, kind protowire.Type, value []byte, number uint64) error {
		if field == 1 {
			return d.labelRefs(kind, value, number)
		}
		if field > 5 {
			return nil
		}
		if err := wrongType(field, kind, protowire.BytesType); err != nil {
			return err
		}
		switch field {
		case 2:
			return d.addSample(value)
		case 3:
			d.histograms = append(d.histograms, value)
		case 4:
			d.exemplars = append(d.exemplars, value)
		case 5:
			return about.decode(value)
		default: // of a newer version
		}
		return nil
	})
	if err != nil {
		return err
	}
	count := len(d.samples) + len(d.histograms)
	if err := d.resolve(); err != nil {
		d.batch.Refuse(count, err)
		return nil
	}
	if count == 0 {
		d.batch.Refuse(0, errors.New("a series has neither samples nor histograms"))
		return nil
	}
	series, refused := d.batch.Series(d.pairs)
	if refused != nil {
		d.batch.Refuse(count, refused)
		return nil
	}
	if about != (metadataRefs{}) {
		d.batch.DescribeSeries(series, intake.Metadata{Type: typeNames[about.kind&7], Help: d.symbol(about.help), Unit: d.symbol(about.unit)})
	}
	if err := d.addFloats(series); err != nil {
		return err
	}
	for _, message := range d.histograms {
		var h writev2.Histogram
		if err := h.Unmarshal(message); err != nil {
			return malformed("a histogram: %v", err)
		}
		if h.IsFloatHistogram() {
			err = d.batch.Histogram(series, h.StartTimestamp, h.Timestamp, nil, h.ToFloatHistogram())
		} else {
			err = d.batch.Histogram(series, h.StartTimestamp, h.Timestamp, h.ToIntHistogram(), nil)
		}
		if err != nil {
			return err
		}
	}
	for _, message := range d.exemplars {
		var e writev2.Exemplar
		if err := e.Unmarshal(message); err != nil {
			return malformed("an exemplar: %v", err)
		}
		one, err := e.ToExemplar(&d.builder, d.symbols)
		if err != nil {
			d.batch.Refuse(0, fmt.Errorf("an exemplar: %w", err))
			continue
		}
		d.list = append(d.list, one)
	}
	return d.addExemplars(series)
}

// labelRefs reads references, packed or one by one.
func (d *decoder) labelRefs(kind protowire.Type, value []byte, number uint64) error {
	switch kind {
	case protowire.VarintType:
		d.refs = append(d.refs, uint32(number))
		return nil
	case protowire.BytesType:
		for len(value) > 0 {
			if value[0] < 0x80 {
				d.refs = append(d.refs, uint32(value[0]))
				value = value[1:]
				continue
			}
			ref, n := protowire.ConsumeVarint(value)
			if n < 0 {
				return malformed("references of labels are cut off")
			}
			d.refs = append(d.refs, uint32(ref))
			value = value[n:]
		}
		return nil
	default:
		return malformed("references of labels have wire type %d", kind)
	}
}

// resolve makes labels of references.
func (d *decoder) resolve() error {
	if len(d.refs)%2 != 0 {
		return fmt.Errorf("a series has %d references of labels, which is not even", len(d.refs))
	}
	for i := 0; i < len(d.refs); i += 2 {
		name, value := d.refs[i], d.refs[i+1]
		if int(max(name, value)) >= len(d.symbols) {
			return fmt.Errorf("a label refers to symbol %d of %d", max(name, value), len(d.symbols))
		}
		d.pairs = append(d.pairs, labels.Label{Name: d.symbols[name], Value: d.symbols[value]})
	}
	return nil
}

func (d *decoder) symbol(ref uint64) string {
	if ref < uint64(len(d.symbols)) {
		return d.symbols[ref]
	}
	return ""
}

func (m *metadataRefs) decode(message []byte) error {
	return fields(message, func(field protowire.Number, kind protowire.Type, _ []byte, number uint64) error {
		switch field {
		case 1:
			m.kind = number
		case 3:
			m.help = number
		case 4:
			m.unit = number
		default:
			return nil
		}
		return wrongType(field, kind, protowire.VarintType)
	})
}
