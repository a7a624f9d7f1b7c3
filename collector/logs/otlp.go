package logs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// The body of an ExportLogsServiceRequest as OTLP/JSON has it: ids in hex, 64-bit
// numbers as text.
type (
	otlpLogs struct {
		Resources []*otlpResource `json:"resourceLogs"`
	}
	otlpResource struct {
		Resource struct {
			Attributes []otlpAttribute `json:"attributes"`
		} `json:"resource"`
		Scopes []*otlpScope `json:"scopeLogs"`
	}
	otlpScope struct {
		Scope struct {
			Name string `json:"name"`
		} `json:"scope"`
		Records []otlpRecord `json:"logRecords"`
	}
	otlpRecord struct {
		Time       string          `json:"timeUnixNano"`
		Severity   int             `json:"severityNumber"`
		Level      string          `json:"severityText"`
		Body       otlpValue       `json:"body"`
		Attributes []otlpAttribute `json:"attributes,omitempty"`
		Trace      string          `json:"traceId,omitempty"`
	}
	otlpAttribute struct {
		Key   string    `json:"key"`
		Value otlpValue `json:"value"`
	}
	otlpValue struct {
		Text   *string     `json:"stringValue,omitempty"`
		Bool   *bool       `json:"boolValue,omitempty"`
		Double *float64    `json:"doubleValue,omitempty"`
		List   *otlpList   `json:"arrayValue,omitempty"`
		Object *otlpObject `json:"kvlistValue,omitempty"`
	}
	otlpList struct {
		Values []otlpValue `json:"values"`
	}
	otlpObject struct {
		Values []otlpAttribute `json:"values"`
	}
)

func encodeOTLP(batch []invocation.Record, node string) ([]byte, string, error) {
	var out otlpLogs
	scopes := map[function.ID]*otlpScope{}
	for _, r := range batch {
		id := function.ID{Name: r.Function, Version: r.Version}
		scope := scopes[id]
		if scope == nil {
			scope = &otlpScope{}
			scope.Scope.Name = "hadron"
			resource := &otlpResource{Scopes: []*otlpScope{scope}}
			resource.Resource.Attributes = []otlpAttribute{
				word("service.name", string(r.Function)), word("service.namespace", r.Function.Team()+"/"+r.Function.Project()),
				word("service.version", strconv.Itoa(r.Version)), word("service.instance.id", node),
				word("hadron.team", r.Function.Team()), word("hadron.project", r.Function.Project()),
			}
			scopes[id] = scope
			out.Resources = append(out.Resources, resource)
		}
		scope.Records = append(scope.Records, otlpLine(r))
	}
	body, err := json.Marshal(out)
	if err != nil {
		return nil, "", fmt.Errorf("encode logs: %w", err)
	}
	return body, "application/json", nil
}

func otlpLine(r invocation.Record) otlpRecord {
	level := levelWord(r.Level)
	out := otlpRecord{
		Time: strconv.FormatInt(r.Time.UnixNano(), 10), Severity: severities[level], Level: level, Body: otlpValue{Text: &r.Message},
	}
	if isTraceID(r.Trace) {
		out.Trace = r.Trace
	}
	if r.Request != "" {
		out.Attributes = append(out.Attributes, word("faas.invocation_id", r.Request))
	}
	var fields map[string]any
	if json.Unmarshal(r.Fields, &fields) != nil { // none
		return out
	}
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		out.Attributes = append(out.Attributes, otlpAttribute{key, otlpOf(fields[key], 0)})
	}
	return out
}

// severities are OTLP's numbers of the levels.
var severities = map[string]int{"debug": 5, "info": 9, "warn": 13, "error": 17}

const maxOTLPDepth = 8 // what is nested deeper goes as text

func otlpOf(v any, depth int) otlpValue {
	switch v := v.(type) {
	case string:
		return otlpValue{Text: &v}
	case bool:
		return otlpValue{Bool: &v}
	case float64:
		return otlpValue{Double: &v}
	case []any:
		if depth < maxOTLPDepth {
			list := &otlpList{Values: []otlpValue{}}
			for _, one := range v {
				list.Values = append(list.Values, otlpOf(one, depth+1))
			}
			return otlpValue{List: list}
		}
	case map[string]any:
		if depth < maxOTLPDepth {
			object := &otlpObject{Values: []otlpAttribute{}}
			for _, key := range slices.Sorted(maps.Keys(v)) {
				object.Values = append(object.Values, otlpAttribute{key, otlpOf(v[key], depth+1)})
			}
			return otlpValue{Object: object}
		}
	case nil:
		return otlpValue{}
	}
	text, err := json.Marshal(v)
	if err != nil { // it came from JSON
		text = nil
	}
	return otlpValue{Text: new(string(text))}
}

func word(key, value string) otlpAttribute { return otlpAttribute{key, otlpValue{Text: &value}} }

func isTraceID(s string) bool {
	if len(s) != 32 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return s != "00000000000000000000000000000000"
}

// judgeOTLP reads how much a receiver refused although it said 200.
func judgeOTLP(n, status int, body []byte) (rejected int, why string) {
	if status == http.StatusBadRequest {
		return n, ""
	}
	var answer struct {
		Partial struct {
			Rejected json.RawMessage `json:"rejectedLogRecords"` // a number, or one as text
			Error    string          `json:"errorMessage"`
		} `json:"partialSuccess"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return 0, "" // it took them, whatever it says
	}
	refused, _ := strconv.Atoi(string(bytes.Trim(answer.Partial.Rejected, `"`))) // else none
	return min(max(refused, 0), n), answer.Partial.Error
}
