package logs

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// lokiPush is the body of Loki's push API.
type lokiPush struct {
	Streams []*lokiStream `json:"streams"`
}

type lokiStream struct {
	Labels map[string]string `json:"stream"`
	Values [][2]string       `json:"values"` // nanoseconds, line
}

type lokiKey struct {
	name  function.Name
	level string
}

// encodeLoki makes a stream for each function and level: all else of a record is in
// its line, as it lies in the file, so that the number of streams is bounded by that of
// functions. Within a stream records go by time: older Lokis take no other order.
func encodeLoki(batch []invocation.Record) ([]byte, string, error) {
	batch = slices.Clone(batch)
	slices.SortStableFunc(batch, func(a, b invocation.Record) int { return a.Time.Compare(b.Time) })
	var push lokiPush
	streams := map[lokiKey]*lokiStream{}
	for _, r := range batch {
		key := lokiKey{r.Function, levelWord(r.Level)}
		s := streams[key]
		if s == nil {
			s = &lokiStream{Labels: map[string]string{
				"job": "hadron", "team": r.Function.Team(), "project": r.Function.Project(), "function": r.Function.Base(), "level": key.level,
			}}
			streams[key] = s
			push.Streams = append(push.Streams, s)
		}
		line, err := json.Marshal(r)
		if err != nil {
			return nil, "", fmt.Errorf("encode record: %w", err)
		}
		s.Values = append(s.Values, [2]string{strconv.FormatInt(r.Time.UnixNano(), 10), string(line)})
	}
	body, err := json.Marshal(push)
	if err != nil {
		return nil, "", fmt.Errorf("encode push: %w", err)
	}
	return body, "application/json", nil
}

// lokiIgnored is how Loki says in a 400 that it took the rest of a stream.
var lokiIgnored = regexp.MustCompile(`total ignored: (\d{1,9}) out of \d{1,9}`)

// judgeLoki reads how many records a 400 is about: those too old, or out of order,
// while the others were taken.
func judgeLoki(n, status int, body []byte) (rejected int, why string) {
	if status != http.StatusBadRequest {
		return 0, ""
	}
	for _, m := range lokiIgnored.FindAllSubmatch(body, -1) {
		one, _ := strconv.Atoi(string(m[1])) // digits, and few
		rejected += one
	}
	if rejected == 0 || rejected > n {
		return n, ""
	}
	return rejected, string(body)
}
