package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"hadron/runtime/invocation"
)

// problemType is the media type of RFC 9457.
const problemType = "application/problem+json"

// problem is Hadron's answer where a function gave none.
type problem struct {
	Title   string             `json:"title"`
	Status  int                `json:"status"`
	Code    string             `json:"code"`
	Detail  string             `json:"detail"`
	Request string             `json:"request"`
	File    string             `json:"file,omitempty"`
	Line    int                `json:"line,omitempty"`
	Column  int                `json:"column,omitempty"`
	Stack   []invocation.Frame `json:"stack,omitempty"`
}

func newProblem(code invocation.Code, detail, request string) problem {
	return problem{Title: title(code), Status: code.Status(), Code: code.Public(), Detail: detail, Request: request}
}

// of adds what only those who may read the function learn.
func (p problem) of(f *invocation.Failure) problem {
	if f == nil {
		return p
	}
	p.Detail, p.Stack = f.Error(), f.Stack
	if len(f.Stack) > 0 {
		p.File, p.Line, p.Column = f.Stack[0].File, f.Stack[0].Line, f.Stack[0].Column
	}
	return p
}

func title(code invocation.Code) string {
	switch code {
	case invocation.FunctionNotFound:
		return "Function not found"
	case invocation.FunctionError:
		return "The function failed"
	case invocation.Timeout:
		return "The function took too long"
	case invocation.MemoryLimit:
		return "The function ran out of memory"
	case invocation.WorkerLost:
		return "The function's worker was lost"
	case invocation.FunctionOverloaded, invocation.NodeOverloaded:
		return "Too busy"
	case invocation.BodyTooLarge:
		return "Body too large"
	case invocation.Unauthorized:
		return "Token needed"
	case invocation.Forbidden:
		return "Not allowed"
	case invocation.LoopDetected:
		return "Calls too deep"
	default:
		return http.StatusText(code.Status())
	}
}

// sentence is what anyone may know of a call that ended with code.
func sentence(e *exchange, code invocation.Code) string {
	switch code {
	case invocation.Timeout:
		return fmt.Sprintf("The function did not answer within its timeout of %s.", e.version.limits.Timeout)
	case invocation.CPULimit:
		return fmt.Sprintf("The function computed for longer than its %s (limits.cpu).", e.version.limits.CPU)
	case invocation.MemoryLimit:
		return "The memory of the process that runs the function ran out, and this call was using the most."
	case invocation.WorkerLost:
		return "The process that ran the function ended during this call. Trying again may help."
	case invocation.BodyTooLarge:
		return tooLarge(e.version, code)
	default:
		return "The function failed. Whoever may read its logs finds the reason under this request id."
	}
}

// header returns what goes with the problem beside its body.
func (p problem) header() http.Header {
	h := http.Header{
		"Content-Type":           {problemType},
		"Cache-Control":          {"no-store"},
		"X-Content-Type-Options": {"nosniff"},
	}
	switch p.Status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		h["Retry-After"] = []string{"1"}
	case http.StatusUnauthorized:
		h["Www-Authenticate"] = []string{`Bearer realm="hadron"`}
	}
	return h
}

// body is the problem as JSON. Text from functions need not be UTF-8.
func (p problem) body() []byte {
	p.Detail = strings.ToValidUTF8(p.Detail, "\uFFFD")
	b, err := json.Marshal(p)
	if err != nil { // cannot be: strings and numbers only
		return []byte(`{"status":500,"code":"function_error"}`)
	}
	return append(b, '\n')
}
