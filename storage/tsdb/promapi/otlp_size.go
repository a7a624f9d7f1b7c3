package promapi

import (
	"bytes"

	"google.golang.org/protobuf/encoding/protowire"
)

// mostElements bounds what a body of OTLP is made of: an empty point is two bytes there,
// and two hundred once decoded.
const mostElements = 250_000

// otlpElements counts the messages within a request down to a point's attributes, before any
// is decoded; of JSON its objects. A body that is broken counts as far as it can be read.
func otlpElements(body []byte, asJSON bool) int {
	if asJSON {
		return bytes.Count(body, []byte("{"))
	}
	n := 0
	count(body, 0, &n)
	return n
}

// count goes down six levels: resource, scope, metric, kind, point, and what is in a point.
func count(message []byte, level int, n *int) {
	for len(message) > 0 && *n <= mostElements {
		_, kind, at := protowire.ConsumeTag(message)
		if at < 0 {
			return
		}
		message = message[at:]
		if kind != protowire.BytesType {
			size := protowire.ConsumeFieldValue(1, kind, message)
			if size < 0 {
				return
			}
			message = message[size:]
			continue
		}
		value, size := protowire.ConsumeBytes(message)
		if size < 0 {
			return
		}
		*n++
		// Text is gone into as well, and ends soon: what it might count is little of it.
		if level < 5 {
			count(value, level+1, n)
		}
		message = message[size:]
	}
}
