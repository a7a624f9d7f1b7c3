package engine

import (
	"fmt"
	"net/http"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// maxFields bounds the lines of a response's header.
const maxFields = 1000

// oversized says why a response's header is more than the manifest allows. The
// gateway looks too: this is for the way there.
func (v *isolate) oversized(h http.Header) error {
	var size function.Size
	fields := 0
	for name, values := range h {
		fields += len(values)
		for _, value := range values {
			size += function.Size(len(name) + len(value))
		}
	}
	most := v.prog.bounds.Headers
	if size <= most && fields <= maxFields {
		return nil
	}
	v.hit(invocation.HitHeaders)
	return fmt.Errorf("the response's header holds %d lines of %d bytes; at most %d of %s are sent (limits.headers)", fields, size, maxFields, most)
}
